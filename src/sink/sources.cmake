set(sink_SOURCES)
