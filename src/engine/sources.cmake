set(engine_SOURCES)
