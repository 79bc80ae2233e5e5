set(ledger_SOURCES aside.c begin.c budget.c catalog.c cut.c cut_place.c delta.c force.c item.c kept.c layout.c ledger.c mark.c pack.c posting.c seal.c series.c snapshot.c step.c time.c view.c)
