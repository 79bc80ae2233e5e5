set(journal_SOURCES file_journal.c frame.c journal.c kafka_missing.c)
