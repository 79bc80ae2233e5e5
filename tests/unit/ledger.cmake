set(ledger_TESTS delta gap layout ledger snapshot)
