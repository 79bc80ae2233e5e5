set(ledger_TESTS begin budget delta force gap kept layout ledger lives snapshot)
