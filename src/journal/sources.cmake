set(journal_SOURCES file_journal.c frame.c journal.c kafka_client.c kafka_journal.c kafka_state.c kafka_topic.c)
