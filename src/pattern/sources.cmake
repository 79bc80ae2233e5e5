set(pattern_SOURCES)
