set(record_TESTS decoder duration field json key level message_template mutation oracle shape text_header timestamp trace_id)
