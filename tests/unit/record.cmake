set(record_TESTS decoder duration field json key level message_template mutation shape text_header timestamp trace_id)
