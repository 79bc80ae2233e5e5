set(journal_TESTS file_journal)
