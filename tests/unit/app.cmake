set(app_TESTS
	cmd_check
	config
	quarantine
	sender
	worker
)
