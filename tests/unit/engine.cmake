set(engine_TESTS example red route shard)
