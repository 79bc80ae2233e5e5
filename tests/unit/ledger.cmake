set(ledger_TESTS delta layout ledger snapshot)
