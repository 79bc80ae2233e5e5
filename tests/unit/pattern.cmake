set(pattern_TESTS
	ruleset
	prefilter
	shipped
)
