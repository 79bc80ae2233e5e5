set(base_TESTS arena buf clock err hash log mem queue slice map wire yaml zone)
