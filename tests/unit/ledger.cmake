set(ledger_TESTS delta force gap kept layout ledger lives snapshot)
