/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics: the ledger's series and the process's own numbers. OpenMetrics wants a family's samples together, so series are sorted by family first. */
#include "admin/view.h"
#include "base/clock.h"
#include "base/mem.h"
#include "metric/openmetrics.h"

#include <stdio.h>
#include <stdlib.h>

static void one(struct openmetrics *o, enum own_metric metric, uint64_t value)
{
	openmetrics_family(o, family_own(metric));
	openmetrics_count(o, NULL, 0, value, NULL);
}

static void labelled(struct openmetrics *o, const char *name, struct slice text, uint64_t value)
{
	const struct label label = {slice_str(name), text};
	openmetrics_count(o, &label, 1, value, NULL);
}

static void add_lags(const struct view *v, struct openmetrics *o)
{
	struct ledger_partition p;
	openmetrics_family(o, family_own(OWN_LAG));
	for (size_t i = 0; ledger_partition_at(v->ledger, i, &p); i++) {
		char number[16];
		int64_t end = v->opts->end_offset ? v->opts->end_offset(v->opts->app, p.topic, p.partition) : -1;
		if (end < 0)
			continue;
		snprintf(number, sizeof(number), "%d", p.partition);
		const struct label labels[] = {{SLICE("topic"), p.topic}, {SLICE("partition"), slice_str(number)}};
		openmetrics_count(o, labels, 2, end > p.absorbed ? (uint64_t)(end - p.absorbed) : 0, NULL);
	}
}

static void add_traces(const struct view *v, struct openmetrics *o)
{
	if (!v->status->traces.on)
		return;
	openmetrics_family(o, family_own(OWN_TRACES));
	labelled(o, "decision", SLICE("kept"), v->status->traces.kept);
	labelled(o, "decision", SLICE("dropped"), v->status->traces.dropped);
	one(o, OWN_TRACES_EARLY, v->status->traces.early);
	openmetrics_family(o, family_own(OWN_TRACE_SPANS));
	labelled(o, "decision", SLICE("kept"), v->status->traces.kept_spans);
	labelled(o, "decision", SLICE("dropped"), v->status->traces.dropped_spans);
	labelled(o, "decision", SLICE("untraced"), v->status->traces.untraced);
	one(o, OWN_KEPT_BYTES, v->status->traces.kept_bytes);
	one(o, OWN_KEPT_LOST, v->status->traces.lost);
	one(o, OWN_TRACES_UNDECIDED, v->status->traces.undecided);
	one(o, OWN_TRACES_BYTES, v->status->traces.bytes);
}

static void add_codes(struct openmetrics *o, enum own_metric metric, const struct admin_requests *requests, size_t len)
{
	openmetrics_family(o, family_own(metric));
	for (size_t i = 0; i < len; i++) {
		char code[16];
		snprintf(code, sizeof(code), "%d", requests[i].code);
		labelled(o, "code", slice_str(code), requests[i].count);
	}
}

/* Which one, where there are several. */
static size_t endpoint_label(const struct admin_status *s, size_t index, struct label *ret)
{
	*ret = (struct label){SLICE("endpoint"), slice_str(s->endpoints[index].name)};
	return s->endpoints_len > 1;
}

static void of_each(const struct admin_status *s, struct openmetrics *o, enum own_metric metric, uint64_t (*value)(const struct admin_endpoint *e))
{
	struct label label;
	openmetrics_family(o, family_own(metric));
	for (size_t i = 0; i < s->endpoints_len; i++) {
		size_t len = endpoint_label(s, i, &label);
		openmetrics_count(o, &label, len, value(&s->endpoints[i]), NULL);
	}
}

static uint64_t bytes_sent(const struct admin_endpoint *e)
{
	return e->bytes_sent;
}

static uint64_t aside(const struct admin_endpoint *e)
{
	return e->aside;
}

static uint64_t pending_steps(const struct admin_endpoint *e)
{
	return e->pending_steps;
}

static uint64_t folded_steps(const struct admin_endpoint *e)
{
	return e->folded_steps;
}

static void add_endpoints(const struct view *v, struct openmetrics *o)
{
	const struct admin_status *s = v->status;
	of_each(s, o, OWN_OUTPUT_BYTES, bytes_sent);
	of_each(s, o, OWN_REMOTE_WRITE_ASIDE, aside);
	if (v->ledger)
		of_each(s, o, OWN_PENDING_STEPS, pending_steps);
	if (s->endpoints_len > 1)
		of_each(s, o, OWN_FOLDED_STEPS, folded_steps);
	openmetrics_family(o, family_own(OWN_REMOTE_WRITE_REQUESTS));
	for (size_t i = 0; i < s->endpoints_len; i++)
		for (size_t k = 0; k < s->endpoints[i].requests_len; k++) {
			char code[16];
			struct label labels[2] = {{SLICE("code"), {0}}};
			snprintf(code, sizeof(code), "%d", s->endpoints[i].requests[k].code);
			labels[0].value = slice_str(code);
			size_t len = 1 + endpoint_label(s, i, &labels[1]);
			openmetrics_count(o, labels, len, s->endpoints[i].requests[k].count, NULL);
		}
}

static void add_otlp(const struct view *v, struct openmetrics *o)
{
	const struct admin_status *s = v->status;
	if (!s->otlp.on)
		return;
	add_codes(o, OWN_OTLP_REQUESTS, s->otlp.requests, s->otlp.requests_len);
	openmetrics_family(o, family_own(OWN_OTLP_SPANS));
	labelled(o, "outcome", SLICE("sent"), s->otlp.sent);
	labelled(o, "outcome", SLICE("refused"), s->otlp.refused);
	labelled(o, "outcome", SLICE("overflow"), s->otlp.overflow);
	labelled(o, "outcome", SLICE("expired"), s->otlp.expired);
	one(o, OWN_OTLP_QUEUED, s->otlp.queued);
	one(o, OWN_OTLP_BYTES, s->otlp.bytes);
}

static void add_incidents(const struct view *v, struct openmetrics *o)
{
	const struct admin_status *s = v->status;
	one(o, OWN_INCIDENTS, s->incidents_raised);
	one(o, OWN_INCIDENT_RECORDS, s->incident_records);
	openmetrics_family(o, family_own(OWN_INCIDENT_UNTIL));
	for (size_t i = 0; i < s->incidents_len; i++) {
		const struct label label = {SLICE("service_name"), slice_str(s->incidents[i].service)};
		openmetrics_value(o, &label, 1, (double)(s->incidents[i].until_ns / NS_PER_MS) / 1000);
	}
}

static void add_canary(const struct admin_canary *c, struct openmetrics *o)
{
	if (!c->on)
		return;
	openmetrics_family(o, family_own(OWN_CANARY_SENT));
	openmetrics_value(o, NULL, 0, (double)c->sent);
	openmetrics_family(o, family_own(OWN_CANARY_RECEIVED));
	openmetrics_value(o, NULL, 0, (double)c->received);
	openmetrics_family(o, family_own(OWN_CANARY_MISSING));
	openmetrics_value(o, NULL, 0, (double)c->missing);
	openmetrics_family(o, family_own(OWN_CANARY_SURPLUS));
	openmetrics_value(o, NULL, 0, (double)c->surplus);
	openmetrics_family(o, family_own(OWN_CANARY_DELAY));
	openmetrics_value(o, NULL, 0, (double)c->delay_ns / NS_PER_S);
	one(o, OWN_CANARY_UNANSWERED, c->unanswered);
}

static size_t patterns_len(const struct ledger *l)
{
	size_t count = 0;
	for (size_t i = 0; i < ledger_patterns_len(l); i++) {
		struct ledger_pattern p;
		ledger_pattern_at(l, i, &p);
		count += p.alias_id == 0;
	}
	return count;
}

static void add_ledgers_own(const struct view *v, struct openmetrics *o)
{
	struct ledger_stats stats;
	ledger_stats(v->ledger, &stats);
	openmetrics_family(o, family_own(OWN_DELTAS));
	labelled(o, "outcome", SLICE("posted"), stats.posted);
	labelled(o, "outcome", SLICE("rejected"), stats.rejected);
	labelled(o, "outcome", SLICE("corrupt"), stats.corrupt);
	one(o, OWN_PATTERNS, patterns_len(v->ledger));
	one(o, OWN_EXPIRED_SERIES, stats.expired_series);
	one(o, OWN_STATE_LOST, stats.state_lost);
	one(o, OWN_LOGS_ANEW, stats.lives);
	one(o, OWN_OVERRULED, v->status->overruled);
	add_canary(&v->status->canary, o);
	openmetrics_family(o, family_own(OWN_WATERMARK));
	openmetrics_value(o, NULL, 0, (double)(ledger_watermark(v->ledger) / NS_PER_MS) / 1000);
	openmetrics_family(o, family_own(OWN_JOURNAL_POSITION));
	openmetrics_value(o, NULL, 0, (double)ledger_position(v->ledger));
	add_lags(v, o);
}

static void add_value(struct openmetrics *o, const struct ledger_value *value)
{
	const struct family *family = family_get(value->family);
	if (family->sums)
		openmetrics_sum(o, value->labels, value->labels_len, value->sum, value->exemplar);
	else if (value->buckets)
		openmetrics_histogram(o, value->labels, value->labels_len, value->buckets, value->sum, value->exemplar);
	else
		openmetrics_count(o, value->labels, value->labels_len, value->count, value->exemplar);
}

/* Places of all series, sorted by family (by counting). starts[f] to starts[f + 1] are family f's; those that rules define stand behind starts[FAMILY_COUNT].
 * Returns the number of series that are there. */
static size_t sort_by_family(const struct ledger *l, uint32_t *places, size_t starts[FAMILY_COUNT + 1])
{
	size_t len = ledger_series_len(l), at[FAMILY_COUNT] = {0};
	struct ledger_value value;
	memset(starts, 0, (FAMILY_COUNT + 1) * sizeof(*starts));
	for (size_t i = 0; i < len; i++)
		if (ledger_series_at(l, i, &value) && value.family < FAMILY_COUNT)
			starts[value.family + 1]++;
	for (int f = 0; f < FAMILY_COUNT; f++) {
		starts[f + 1] += starts[f];
		at[f] = starts[f];
	}
	size_t live = starts[FAMILY_COUNT];
	for (size_t i = 0; i < len; i++)
		if (ledger_series_at(l, i, &value))
			places[value.family < FAMILY_COUNT ? at[value.family]++ : live++] = (uint32_t)i;
	return live;
}

struct placed {
	enum family_id family;
	uint32_t place;
};

static int by_family(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* The series of families that rules define. */
static void add_rule_series(const struct view *v, struct openmetrics *o, const uint32_t *places, size_t len)
{
	struct placed *placed = mem_zalloc(len + 1, sizeof(*placed));
	struct ledger_value value;
	for (size_t i = 0; i < len; i++)
		if (ledger_series_at(v->ledger, places[i], &value))
			placed[i] = (struct placed){.family = value.family, .place = places[i]};
	qsort(placed, len, sizeof(*placed), by_family);
	for (size_t i = 0; i < len; i++) {
		if (i == 0 || placed[i].family != placed[i - 1].family)
			openmetrics_family(o, family_get(placed[i].family));
		if (ledger_series_at(v->ledger, placed[i].place, &value))
			add_value(o, &value);
	}
	free(placed);
}

static void add_series(const struct view *v, struct openmetrics *o)
{
	size_t len = ledger_series_len(v->ledger), starts[FAMILY_COUNT + 1];
	uint32_t *places = mem_zalloc(len + 1, sizeof(*places));
	size_t live = sort_by_family(v->ledger, places, starts);
	one(o, OWN_SERIES, live);
	one(o, OWN_BUDGET_USED, ledger_budget_used(v->ledger));
	one(o, OWN_BUDGET_LIMIT, ledger_options(v->ledger)->series_limit);
	for (int f = 0; f < FAMILY_COUNT; f++) {
		struct ledger_value value;
		if (starts[f] < starts[f + 1])
			openmetrics_family(o, family_get((enum family_id)f));
		for (size_t i = starts[f]; i < starts[f + 1]; i++)
			if (ledger_series_at(v->ledger, places[i], &value))
				add_value(o, &value);
	}
	add_rule_series(v, o, places + starts[FAMILY_COUNT], live - starts[FAMILY_COUNT]);
	free(places);
}

void view_metrics(const struct view *v, struct buf *out)
{
	struct openmetrics o = {.out = out};
	openmetrics_family(&o, family_own(OWN_BUILD_INFO));
	labelled(&o, "version", slice_str(v->opts->version), 1);
	one(&o, OWN_LEADER, v->status->leader);
	one(&o, OWN_RULES_RELOAD, v->status->rules_reload_successful);
	openmetrics_family(&o, family_own(OWN_RULES_RELOAD_TIME));
	openmetrics_value(&o, NULL, 0, (double)(v->status->rules_loaded_ns / NS_PER_MS) / 1000);
	openmetrics_family(&o, family_own(OWN_DEAD_LETTERS));
	labelled(&o, "outcome", SLICE("taken"), v->status->dead_letters.taken);
	labelled(&o, "outcome", SLICE("limited"), v->status->dead_letters.limited);
	labelled(&o, "outcome", SLICE("lost"), v->status->dead_letters.lost);
	view_process(v, &o);
	add_traces(v, &o);
	add_incidents(v, &o);
	add_endpoints(v, &o);
	add_otlp(v, &o);
	if (v->ledger) {
		add_ledgers_own(v, &o);
		add_series(v, &o);
	}
	openmetrics_end(&o);
}
