set(record_SOURCES decoder.c duration.c field.c json.c json_fault.c json_log.c json_shim.cc key.c level.c message_template.c otlp_json.c record.c shape.c text_header.c text_log.c timestamp.c trace_id.c)
# The shim catches nothing because nothing in it throws.
set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/record/json_shim.cc PROPERTIES COMPILE_OPTIONS "-fno-exceptions;-fno-rtti")
