set(source_SOURCES)
