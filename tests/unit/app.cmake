set(app_TESTS
	config
)
