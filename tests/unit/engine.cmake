set(engine_TESTS
	example
	graph
	red
	replay
	route
	shard
)
