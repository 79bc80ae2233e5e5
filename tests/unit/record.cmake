set(record_TESTS decoder duration field json json_grammar json_parser key level lines message_template mutation oracle shape text_header timestamp trace_id)
