set(engine_SOURCES example.c red.c route.c shard.c)
