set(metric_SOURCES family.c tally.c)
