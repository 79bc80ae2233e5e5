/* SPDX-License-Identifier: Apache-2.0 */
/* Which definition of a rule's metric is in force.
 *
 * A rule's histogram may get other buckets, and for a while some instances have the new rules and some the old. A series is known by name and labels, not by
 * buckets, so its definition is the ledger's: the one of the rules that came into force last. When a newer one comes, all series of the name
 * change over at once, in steps and totals; increments that still come with an older definition are fitted in. A bucket's counts go to the
 * smallest new bucket that holds all of it: at a bound that both have, the cumulative count stays as it is, so nothing shrinks and sums are exact. The series of
 * bounds that are no more get a stale marker in the next step.
 *
 * A definition lives as long as a series of its name, so a snapshot needs no more than its series. All of it is a function of the journal. */
#include "ledger/state.h"

#include "base/mem.h"
#include "metric/rule_family.h"

#include <stdlib.h>

static struct layout *find(const struct ledger *l, enum family_id family)
{
	return map_get(&l->layouts, family_key(family), NULL, NULL);
}

enum family_id layout_family(const struct ledger *l, enum family_id family)
{
	const struct layout *layout = family_is_of_rule(family) ? find(l, family) : NULL;
	return layout ? layout->family : family;
}

int64_t layout_since(const struct ledger *l, enum family_id family)
{
	const struct layout *layout = find(l, family);
	return layout ? layout->since_ns : 0;
}

void layout_fit(enum family_id from, const uint64_t *counts, enum family_id to, uint64_t *ret)
{
	const struct family *a = family_get(from), *b = family_get(to);
	size_t at = 0;
	memset(ret, 0, family_buckets(b) * sizeof(*ret));
	for (size_t i = 0; i < family_buckets(a); i++) {
		while (at < b->bounds_len && (i == a->bounds_len || b->bounds[at] < a->bounds[i]))
			at++;
		ret[at] += counts[i];
	}
}

static void fit_value(struct series *s, struct value *v, enum family_id to)
{
	uint64_t *counts = mem_zalloc(family_buckets(family_get(to)), sizeof(*counts));
	layout_fit(s->family, v->buckets, to, counts);
	series_set_buckets(s, v, counts);
}

static void fit_series(struct series *s, enum family_id to)
{
	fit_value(s, &s->now, to);
	fit_value(s, &s->posted, to);
}

/* Increments first: they go by the buckets that their series still have. Buckets that are no more end in the earliest open step: nothing of it can have been sent. */
static void change_over(struct ledger *l, enum family_id from, enum family_id to)
{
	if (l->last_closed != INT64_MIN)
		step_retire(step_open(l, l->last_closed + 1), from);
	for (size_t i = 0; i < l->steps_len; i++)
		step_fit(l->steps[i], from, to);
	for (size_t i = 0; i < l->series_len; i++)
		if (l->series[i]->family == from) {
			budget_leave(l, l->series[i]);
			fit_series(l->series[i], to);
			l->series[i]->family = to;
			budget_enter(l, l->series[i]);
		}
}

void layout_take(struct ledger *l, enum family_id family, int64_t since_ns)
{
	struct layout *layout = find(l, family);
	if (!layout) {
		layout = mem_zalloc(1, sizeof(*layout));
		*layout = (struct layout){.family = family, .since_ns = since_ns};
		map_put(&l->layouts, family_key(family), layout);
		return;
	}
	if (since_ns < layout->since_ns)
		return;
	if (layout->family != family)
		change_over(l, layout->family, family);
	*layout = (struct layout){.family = family, .since_ns = since_ns, .series = layout->series};
}

void layout_enter(struct ledger *l, enum family_id family)
{
	struct layout *layout = family_is_of_rule(family) ? find(l, family) : NULL;
	if (layout)
		layout->series++;
}

void layout_leave(struct ledger *l, enum family_id family)
{
	struct layout *layout = family_is_of_rule(family) ? find(l, family) : NULL;
	if (!layout || --layout->series)
		return;
	map_remove(&l->layouts, family_key(family), NULL, NULL);
	free(layout);
}

/* A delta may have named a family of which it then counted nothing. */
void layout_sweep(struct ledger *l, enum family_id family)
{
	struct layout *layout = find(l, family);
	if (!layout || layout->series)
		return;
	map_remove(&l->layouts, family_key(family), NULL, NULL);
	free(layout);
}

void layout_done(struct ledger *l)
{
	size_t cursor = 0;
	for (struct layout *layout; (layout = map_next(&l->layouts, &cursor));)
		free(layout);
	map_done(&l->layouts);
}
