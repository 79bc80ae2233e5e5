set(metric_SOURCES family.c openmetrics.c remote_write.c tally.c)
