set(metric_TESTS family tally)
