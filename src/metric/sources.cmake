set(metric_SOURCES)
