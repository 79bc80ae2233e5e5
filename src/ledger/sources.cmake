set(ledger_SOURCES)
