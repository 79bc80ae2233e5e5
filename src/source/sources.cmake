set(source_SOURCES
	dead_letter.c
	file.c
	kafka.c
	kafka_range.c
	kafka_send.c
)
