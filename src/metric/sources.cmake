set(metric_SOURCES family.c openmetrics.c remote_write.c rule_family.c tally.c)
