set(app_TESTS
	config
	quarantine
	sender
)
