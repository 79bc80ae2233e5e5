set(journal_TESTS file_journal kafka_journal)
