set(record_TESTS decoder duration field json json_grammar json_parser key level lines message_template mutation oracle outline shape span_write stream text_header timestamp trace_id)
