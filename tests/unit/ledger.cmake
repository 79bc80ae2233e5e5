set(ledger_TESTS delta force layout ledger snapshot)
