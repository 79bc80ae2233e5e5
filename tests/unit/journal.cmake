set(journal_TESTS board file_journal kafka_journal)
