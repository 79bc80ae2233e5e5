set(app_SOURCES
	config.c
	config_check.c
	config_docs.c
	config_option.c
	config_value.c
)
