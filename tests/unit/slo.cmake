set(slo_TESTS decimal period query)
