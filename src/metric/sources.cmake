set(metric_SOURCES bounds.c family.c id_like.c native.c openmetrics.c pair.c portable.c remote_write.c rule_family.c symbols.c tally.c write2.c write2_series.c)
