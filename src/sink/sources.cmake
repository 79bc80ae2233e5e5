set(sink_SOURCES answer.c gzip.c http.c retry.c token.c)
set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/sink/http.c PROPERTIES COMPILE_DEFINITIONS WINNOW_VERSION="${PROJECT_VERSION}")
