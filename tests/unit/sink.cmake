set(sink_TESTS http)
