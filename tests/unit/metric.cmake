set(metric_TESTS family openmetrics remote_write tally write2)
