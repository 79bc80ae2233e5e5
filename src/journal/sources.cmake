set(journal_SOURCES)
