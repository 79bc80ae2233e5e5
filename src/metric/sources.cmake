set(metric_SOURCES family.c openmetrics.c portable.c remote_write.c tally.c write2.c)
