set(ledger_TESTS delta ledger snapshot)
