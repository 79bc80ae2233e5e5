set(ledger_TESTS budget delta force gap kept layout ledger lives snapshot)
