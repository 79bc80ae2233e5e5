set(base_TESTS slice map wire yaml)
