set(pattern_SOURCES
	lexeme.c
	token.c
	template.c
	pattern_set.c
	miner.c
)
