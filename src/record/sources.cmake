set(record_SOURCES)
