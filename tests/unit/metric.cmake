set(metric_TESTS family native openmetrics pair remote_write tally write2)
