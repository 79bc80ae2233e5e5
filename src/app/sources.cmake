set(app_SOURCES)
