/* SPDX-License-Identifier: Apache-2.0 */
/* What others look at: patterns, series, figures. */
#include "ledger/state.h"

static void show(const struct ledger *l, const struct catalog_entry *e, struct ledger_pattern *ret)
{
	*ret = (struct ledger_pattern){
		.id = e->id,
		.origin = e->origin,
		.service = e->service,
		.template_text = e->template_text,
		.rule = e->rule,
		.count = e->count,
		.example = e->example,
	};
	if (e->alias_id)
		ret->alias_id = catalog_survivor(&l->catalog, e->id)->id;
	memcpy(ret->by_severity, e->by_severity, sizeof(ret->by_severity));
	if (e->seen) {
		ret->first_seen_ns = e->first_step * l->opts.step_ns;
		ret->last_seen_ns = e->last_step * l->opts.step_ns;
	}
}

const struct ledger_opts *ledger_options(const struct ledger *l)
{
	return &l->opts;
}

size_t ledger_patterns_len(const struct ledger *l)
{
	return l->catalog.len;
}

void ledger_pattern_at(const struct ledger *l, size_t index, struct ledger_pattern *ret)
{
	show(l, l->catalog.entries[index], ret);
}

bool ledger_pattern_find(const struct ledger *l, uint64_t id, struct ledger_pattern *ret)
{
	const struct catalog_entry *e = catalog_find(&l->catalog, id);
	if (e)
		show(l, e, ret);
	return e != NULL;
}

size_t ledger_further(const struct ledger *l, uint64_t id, const struct delta_example *ret[LEDGER_FURTHER_MAX])
{
	_Static_assert((int)LEDGER_FURTHER_MAX == (int)FURTHER_OF_ONE, "the view shows all of them");
	const struct catalog_entry *e = catalog_survivor(&l->catalog, id);
	return e ? catalog_further(&l->catalog, e, ret) : 0;
}

size_t ledger_series_len(const struct ledger *l)
{
	return l->series_len;
}

bool ledger_series_at(const struct ledger *l, size_t index, struct ledger_value *ret)
{
	if (index >= l->series_len)
		return false;
	const struct series *s = l->series[index];
	if (!s->live && !s->pending && !series_is_book(s))
		return false;
	*ret = (struct ledger_value){
		.family = s->family,
		.labels = s->labels,
		.labels_len = s->labels_len,
		.count = s->posted.count,
		.sent = s->now.count,
		.live = s->live,
		.sum = s->posted.sum,
		.buckets = s->posted.buckets,
		.exemplar = s->exemplar,
		.begun_ns = s->first_step == INT64_MIN ? 0 : s->first_step * l->opts.step_ns,
		.rule = s->pattern ? s->pattern->rule : (struct slice){0},
	};
	return true;
}

size_t ledger_budget_used(const struct ledger *l)
{
	return l->budgets.series;
}

bool ledger_refusal_at(const struct ledger *l, size_t index, const struct ledger_refusal **ret)
{
	if (index >= l->budgets.refusals_len)
		return false;
	*ret = l->budgets.refusals[index];
	return true;
}

void ledger_stats(const struct ledger *l, struct ledger_stats *ret)
{
	*ret = l->stats;
}
