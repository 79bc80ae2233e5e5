/* SPDX-License-Identifier: Apache-2.0 */
/* An endpoint that joins a journal which others have sent from.
 *
 * Its receiver has none of our series, and cannot be sent what was counted before: it begins with what is counted from here on. So its ledger is another's, with all that
 * is counted applied, closed or not, as if it had been sent, and every series dormant, as if its stale marker were long gone: the next increments wake it, with an
 * anchor that is its value from before. Should the receiver have had the series after all (the endpoint was left out of a configuration for a while, say), its values
 * still rise: nobody can have sent more than is counted.
 *
 * Every instance makes the ledger at the same place of the journal, the begin record, from the same other one. Partitions and what is counted of them are the
 * other's, so it posts and rejects the same deltas from there on. */
#include "ledger/state.h"

#include <stdlib.h>

static void apply_one(struct series *s, const struct step *step, const struct increment *i)
{
	s->last_step = step->number;
	if (i->exemplar == INCREMENT_ENDS)
		return;
	if (family_get(s->family)->type == METRIC_GAUGE)
		s->now.count = i->count;
	else
		value_add(&s->now, i->count, step_sum(step, i), step_buckets(step, i), i->hist ? series_buckets(s) : 0);
	if (i->native)
		series_add_native(s, step_native(step, i));
}

static void apply_all(struct ledger *l)
{
	for (size_t n = 0; n < l->steps_len; n++) {
		struct step *step = l->steps[n];
		for (size_t i = 0; i < step->len; i++)
			apply_one(step->increments[i].series, step, &step->increments[i]);
		step_free(step);
	}
	l->steps_len = l->closed_len = 0;
}

struct ledger *ledger_begin(const struct ledger *base, uint64_t endpoint)
{
	struct buf bytes = {0};
	struct ledger *l = ledger_new(&base->opts);
	ledger_save(base, &bytes);
	if (ledger_load(l, buf_slice(&bytes), NULL) < 0)
		abort(); /* it was saved just now */
	buf_done(&bytes);
	l->opts.endpoint = endpoint;
	apply_all(l);
	for (size_t i = 0; i < l->series_len; i++) {
		l->series[i]->live = false;
		l->series[i]->stale_step = l->series[i]->first_step = INT64_MIN;
	}
	l->live_len = 0;
	return l;
}
