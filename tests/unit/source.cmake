set(source_TESTS file)
