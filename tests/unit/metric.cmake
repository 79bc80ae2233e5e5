set(metric_TESTS family openmetrics pair remote_write tally write2)
