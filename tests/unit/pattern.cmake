set(pattern_TESTS
	ruleset
)
