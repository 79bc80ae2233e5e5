set(metric_TESTS family)
