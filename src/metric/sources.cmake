set(metric_SOURCES family.c)
