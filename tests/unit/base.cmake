set(base_TESTS arena buf clock err hash log mem pool queue slice map wire yaml zone)
