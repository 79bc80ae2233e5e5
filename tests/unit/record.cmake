set(record_TESTS decoder duration field json key level mutation shape text_header timestamp trace_id)
