set(ledger_SOURCES catalog.c cut.c delta.c force.c kept.c layout.c ledger.c pack.c posting.c seal.c series.c snapshot.c step.c time.c view.c)
