set(admin_SOURCES)
