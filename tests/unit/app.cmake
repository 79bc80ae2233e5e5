set(app_TESTS
	config
	sender
)
