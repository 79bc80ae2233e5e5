set(source_SOURCES file.c kafka.c)
