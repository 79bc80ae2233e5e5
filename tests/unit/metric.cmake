set(metric_TESTS family id_like native openmetrics pair remote_write tally write2)
