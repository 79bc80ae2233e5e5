set(sink_TESTS http retry)
