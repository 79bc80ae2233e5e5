set(record_TESTS decoder duration field json json_grammar json_parser key level lines message_template mutation oracle outline packed shape span_write stream text_header timestamp trace_id tried)
