/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a delta out of a shard's open increments: only the series that it uses, under numbers of its own. */
#ifndef WINNOW_APP_GATHER_H
#define WINNOW_APP_GATHER_H

#include "engine/shard.h"
#include "ledger/delta.h"

/* Scratch that is kept from delta to delta; zero-initialise. */
struct gather {
	struct delta_pattern *news;
	struct delta_example *examples;
	struct delta_trace *traces;
	struct tally_series *series;
	struct tally_entry *entries;
	uint32_t *local; /* tally series number -> place in series + 1 */
	size_t news_cap, examples_cap, traces_cap, series_cap, entries_cap, local_cap;
};

/* ret's arrays are views into g and the shard, valid until the shard is cleared. */
void gather(struct gather *g, struct shard *shard, struct delta_body *ret);
void gather_done(struct gather *g);
/* What the rules may count, for the journal; rules may be NULL. Views into the rules and the arena. */
void gather_rules(struct arena *arena, const struct ruleset *rules, struct delta_rules *ret);

#endif
