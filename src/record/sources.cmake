set(record_SOURCES
	attribute.c
	batch.c
	decoder.c
	duration.c
	field.c
	first_error.c
	gzip.c
	jaeger.c
	jaeger_proto.c
	json.c
	json_document.c
	json_fault.c
	json_failure.c
	json_number.c
	json_scan.c
	json_log.c
	json_message.c
	json_object.c
	json_parser.c
	json_search.c
	json_shim.cc
	json_take.c
	json_time.c
	key.c
	level.c
	logfmt.c
	member_memo.c
	message_template.c
	msgpack.c
	otlp_json.c
	otlp_json_form.c
	otlp_json_write.c
	otlp_proto.c
	otlp_proto_span.c
	otlp_proto_value.c
	outline.c
	packed.c
	part.c
	record.c
	shape.c
	span_write.c
	template_memo.c
	text_columns.c
	text_device.c
	text_element.c
	text_frame.c
	text_header.c
	text_id.c
	text_layer.c
	text_line.c
	text_lines.c
	text_name.c
	text_proxy.c
	text_quick.c
	text_report.c
	text_time.c
	text_w3c.c
	time_memo.c
	timestamp.c
	timestamp_words.c
	trace_header.c
	trace_id.c
	tried.c
	zipkin.c
)
# The shim catches nothing because nothing in it throws.
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/json_shim.cc PROPERTIES COMPILE_OPTIONS "-fno-exceptions;-fno-rtti")
# Small functions over small values: a twentieth quicker when more of them are inlined. Without making one load of sixteen bytes out of two neighbours of eight: what was written just before as two words is
# not handed to such a load, which has to wait until both are in the cache (docs/decisions/0010).
list(TRANSFORM record_SOURCES PREPEND "${CMAKE_CURRENT_LIST_DIR}/" OUTPUT_VARIABLE record_paths)
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" OR CMAKE_BUILD_TYPE STREQUAL "Release")
	set_property(SOURCE ${record_paths} APPEND PROPERTY COMPILE_OPTIONS "-O3;-fno-tree-slp-vectorize")
endif()
