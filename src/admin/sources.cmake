set(admin_SOURCES admin.c api.c cardinality.c metrics.c process.c traces.c)
set(page ${CMAKE_CURRENT_SOURCE_DIR}/admin/page.html)
set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/admin/admin.c PROPERTIES COMPILE_DEFINITIONS WINNOW_PAGE="${page}" OBJECT_DEPENDS ${page})
