set(admin_TESTS admin)
