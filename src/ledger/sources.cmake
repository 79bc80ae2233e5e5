set(ledger_SOURCES begin.c budget.c catalog.c cut.c delta.c force.c item.c kept.c layout.c ledger.c mark.c pack.c posting.c seal.c series.c snapshot.c step.c time.c view.c)
