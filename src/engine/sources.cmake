set(engine_SOURCES
	example.c
	graph.c
	red.c
	replay.c
	route.c
	shard.c
)
