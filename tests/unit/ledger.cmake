set(ledger_TESTS ledger snapshot)
