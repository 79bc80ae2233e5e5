set(ledger_TESTS delta gap layout ledger lives snapshot)
