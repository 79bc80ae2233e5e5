set(base_SOURCES arena.c buf.c clock.c err.c hash.c log.c map.c mem.c pool.c queue.c slice.c wire.c yaml.c zone.c)
if(WINNOW_FAILPOINTS)
	list(APPEND base_SOURCES failpoint.c)
endif()
