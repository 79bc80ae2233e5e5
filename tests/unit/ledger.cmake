set(ledger_TESTS delta force gap layout ledger lives snapshot)
