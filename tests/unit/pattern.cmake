set(pattern_TESTS
	bracket
	shape
	token
	template
	pattern_set
	miner
)
