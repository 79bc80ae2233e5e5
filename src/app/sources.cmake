set(app_SOURCES
	cmd_check.c
	config.c
	config_check.c
	config_docs.c
	config_option.c
	config_value.c
)
