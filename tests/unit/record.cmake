set(record_TESTS)
