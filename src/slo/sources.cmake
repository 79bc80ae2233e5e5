set(slo_SOURCES)
