/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BUDGETS: how many series there may be, and whose
 *
 * Idea: a new series is asked for; nothing ever takes one away but its own expiry. Whether it may be is a function of the series that are there, and what is there is
 * a function of the journal, so all instances answer alike, whichever of them counted first. Every figure below is kept as series come and go and
 * is made again from the series of a snapshot: none is stored.
 *
 * A series weighs what the receiver holds for it (a histogram: its buckets, sum and count). It belongs to the service that it names; winnow's own books are outside.
 *
 *   services          a service that has no series yet, where there are so many of them already, becomes the service `other`
 *   label_values      a value that a label does not have yet in its scope (metric and service, and the pattern under log_pattern_*): the label has enough
 *   id_values         ... or the value looks like an id (id_like.h), as most of the label's do already, and the label has enough of those
 *   series_per_service, series_per_metric, series
 *                     there is no room for the weight
 *
 * The first three put `other` in the place of the one label. The last three put it in the place of all labels but those that stay(): the service and the few that
 * have a handful of values, so that a rate of errors is one still. What is refused is counted there, in winnow_overflow_total, and named once (refusals).
 * `other`s themselves need no room: they are bounded by the services and those labels. Should they come to a tenth of the limit nevertheless, further ones are those of
 * the service `other`, so that the limit and a tenth is never passed by more than one service's `other`s.
 *
 * Fairness: of what the limit of all leaves free, and of what a metric's leaves, a service may hold no more than others find left (weight of its own <= free). One noisy
 * service comes to half of a budget and stops, two come to a third each, n to 1 in n + 1: there is always room for who comes later, and nobody has to say
 * beforehand how many services there will be. (Dynamic thresholds for shared buffers: Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998.)
 *
 * Layout: counts, by a hash of what is counted; an item goes when nothing is left of it. 64 bits tell things apart here. One thread. */
#include "ledger/state.h"

#include "base/hash.h"
#include "base/mem.h"
#include "metric/id_like.h"

#include <stdlib.h>

enum { OTHERS_MIN = 256, OTHERS_OF = 10, SERVICES_MIN = 16, SERVICES_MAX = 10000, SERIES_PER_SERVICE = 10, REFUSALS_MAX = 256, IDS_OF = 4, IDS_PART = 3 };
enum { SALT_SERVICE = 1, SALT_METRIC, SALT_BOTH, SALT_LABEL, SALT_VALUE };

struct count {
	size_t n;
	size_t ids; /* of a label: values that look like ids */
};

const char *budget_name(enum budget budget)
{
	static const char *const names[] = {"", "label_values", "id_values", "services", "series_per_service", "series_per_metric", "series"};
	return names[budget];
}

/* --- counts --- */

static const struct count *count_of(const struct ledger *l, uint64_t hash)
{
	static const struct count none;
	const struct count *c = map_get(&l->budgets.counts, hash, NULL, NULL);
	return c ? c : &none;
}

static struct count *count_add(struct ledger *l, uint64_t hash, size_t n)
{
	struct count *c = map_get(&l->budgets.counts, hash, NULL, NULL);
	if (!c) {
		c = mem_zalloc(1, sizeof(*c));
		map_put(&l->budgets.counts, hash, c);
	}
	c->n += n;
	return c;
}

/* How many are left. */
static size_t count_take(struct ledger *l, uint64_t hash, size_t n)
{
	struct count *c = map_get(&l->budgets.counts, hash, NULL, NULL);
	size_t left = c->n -= n;
	if (left == 0)
		free(map_remove(&l->budgets.counts, hash, NULL, NULL));
	return left;
}

/* --- whose a series is --- */

/* Index of the label that names the service, or len. */
static size_t service_at(const struct label *labels, size_t len)
{
	static const char *const names[] = {"service_name", "service", "client", "job"};
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		for (size_t i = 0; i < len; i++)
			if (slice_eq(labels[i].name, slice_str(names[n])))
				return i;
	return len;
}

struct whose {
	size_t at;          /* of the label; the number of labels: of nobody */
	struct slice service;
	uint64_t service_key, metric_key, both_key, scope;
};

static struct whose whose(enum family_id family, const struct label *labels, size_t len)
{
	struct whose w = {.at = service_at(labels, len)};
	uint64_t id = 0;
	if (w.at < len)
		w.service = labels[w.at].value;
	uint64_t service = hash_bytes(w.service);
	if (family == FAMILY_LOG_PATTERN_RECORDS || family == FAMILY_LOG_PATTERN_DURATION)
		series_pattern_id(labels, len, &id);
	w.service_key = hash_pair(SALT_SERVICE, service);
	w.metric_key = hash_pair(SALT_METRIC, family_key(family));
	w.both_key = hash_pair(hash_pair(SALT_BOTH, family_key(family)), service);
	w.scope = hash_pair(hash_pair(hash_pair(SALT_LABEL, family_key(family)), service), id);
	return w;
}

/* Labels of a handful of values, whatever the input is. */
static bool is_bounded(struct slice name)
{
	static const char *const names[] = {"severity", "span_kind", "status_code", "connection_type"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_eq(name, slice_str(names[i])))
			return true;
	return false;
}

/* Which labels have a budget of values here: a pattern's id has patterns_per_service, a target's labels go together. */
static bool has_budget(enum family_id family, const struct whose *w, const struct label *labels, size_t i)
{
	return i != w->at && family != FAMILY_LOG_PATTERN_INFO && family != FAMILY_TARGET_INFO && !is_bounded(labels[i].name) && !slice_eq(labels[i].name, SLICE("pattern_id")) &&
	       !slice_eq(labels[i].name, SLICE("http_request_method")) && !slice_eq(labels[i].name, SLICE("http_response_status_code")) && !slice_eq(labels[i].value, SLICE("other"));
}

/* --- series that come and go --- */

static uint64_t value_key(uint64_t label, struct slice value)
{
	return hash_pair(hash_pair(SALT_VALUE, label), hash_bytes(value));
}

static void enter_value(struct ledger *l, uint64_t label, struct slice value)
{
	if (count_add(l, value_key(label, value), 1)->n > 1)
		return;
	struct count *c = count_add(l, label, 1);
	c->ids += id_like(value);
}

static void leave_value(struct ledger *l, uint64_t label, struct slice value)
{
	if (count_take(l, value_key(label, value), 1))
		return;
	if (count_take(l, label, 1))
		count_add(l, label, 0)->ids -= id_like(value);
}

void budget_enter(struct ledger *l, const struct series *s)
{
	if (series_is_book(s))
		return;
	struct whose w = whose(s->family, s->labels, s->labels_len);
	size_t weight = series_samples(s);
	l->budgets.series += weight;
	count_add(l, w.metric_key, weight);
	if (w.at < s->labels_len) {
		l->budgets.services += count_add(l, w.service_key, weight)->n == weight;
		count_add(l, w.both_key, weight);
	}
	for (size_t i = 0; l->opts.label_values && i < s->labels_len; i++)
		if (has_budget(s->family, &w, s->labels, i))
			enter_value(l, hash_pair(w.scope, hash_bytes(s->labels[i].name)), s->labels[i].value);
}

void budget_leave(struct ledger *l, const struct series *s)
{
	if (series_is_book(s))
		return;
	struct whose w = whose(s->family, s->labels, s->labels_len);
	size_t weight = series_samples(s);
	l->budgets.series -= weight;
	count_take(l, w.metric_key, weight);
	if (w.at < s->labels_len) {
		l->budgets.services -= count_take(l, w.service_key, weight) == 0;
		count_take(l, w.both_key, weight);
	}
	for (size_t i = 0; l->opts.label_values && i < s->labels_len; i++)
		if (has_budget(s->family, &w, s->labels, i))
			leave_value(l, hash_pair(w.scope, hash_bytes(s->labels[i].name)), s->labels[i].value);
}

/* --- verdicts --- */

static size_t services_max(const struct ledger *l)
{
	size_t n = l->opts.series_limit / SERIES_PER_SERVICE;
	return n < SERVICES_MIN ? SERVICES_MIN : n > SERVICES_MAX ? SERVICES_MAX : n;
}

static enum budget value_verdict(const struct ledger *l, uint64_t label, struct slice value, bool wide)
{
	const struct count *c = count_of(l, label);
	if (count_of(l, value_key(label, value))->n)
		return BUDGET_KEPT;
	if (l->opts.id_values && c->ids >= l->opts.id_values << wide && c->ids * IDS_OF >= c->n * IDS_PART && id_like(value))
		return BUDGET_ID_VALUES;
	return l->opts.label_values && c->n >= l->opts.label_values << wide ? BUDGET_LABEL_VALUES : BUDGET_KEPT;
}

/* The rule behind a series of log_pattern_*. */
static struct slice rule_of(const struct ledger *l, const struct label *labels, size_t len)
{
	uint64_t id;
	const struct catalog_entry *entry = series_pattern_id(labels, len, &id) ? catalog_find(&l->catalog, id) : NULL;
	return entry ? entry->rule : (struct slice){0};
}

static char *add_text(char *at, struct slice text, struct slice *ret)
{
	if (text.len)
		memcpy(at, text.ptr, text.len);
	*ret = slice_of(at, text.len);
	return at + text.len;
}

/* The first of its kind is kept to be told. label NULL: all of the series. */
static void refuse(struct ledger *l, enum budget budget, enum family_id family, const struct whose *w, const struct label *labels, size_t len, const struct label *label)
{
	uint64_t hash = hash_pair(hash_pair((uint64_t)budget, family_key(family)), hash_pair(hash_bytes(w->service), label ? hash_bytes(label->name) : 0));
	struct slice rule = label ? rule_of(l, labels, len) : (struct slice){0};
	hash = hash_pair(hash, hash_bytes(rule));
	if (l->budgets.refusals_len >= REFUSALS_MAX || map_get(&l->budgets.refused, hash, NULL, NULL))
		return;
	const struct label none = {0};
	label = label ? label : &none;
	struct ledger_refusal *r = mem_zalloc(1, sizeof(*r) + w->service.len + label->name.len + label->value.len + rule.len);
	char *at = (char *)(r + 1);
	*r = (struct ledger_refusal){.budget = budget_name(budget), .family = family};
	at = add_text(at, w->service, &r->service);
	at = add_text(at, label->name, &r->label);
	at = add_text(at, label->value, &r->value);
	add_text(at, rule, &r->rule);
	map_put(&l->budgets.refused, hash, r);
	l->budgets.refusals = mem_grow(l->budgets.refusals, l->budgets.refusals_len, &l->budgets.refusals_cap, sizeof(struct ledger_refusal *));
	l->budgets.refusals[l->budgets.refusals_len++] = r;
}

enum budget budget_labels(struct ledger *l, enum family_id family, struct label *labels, size_t len, bool wide)
{
	enum budget worst = BUDGET_KEPT;
	if (family_is_book(family))
		return worst;
	struct whose w = whose(family, labels, len);
	if (w.at < len && !count_of(l, w.service_key)->n && l->budgets.services >= services_max(l) && !slice_eq(w.service, SLICE("other"))) {
		refuse(l, worst = BUDGET_SERVICES, family, &w, labels, len, &labels[w.at]);
		labels[w.at].value = SLICE("other");
		w = whose(family, labels, len);
	}
	for (size_t i = 0; i < len; i++) {
		if (!has_budget(family, &w, labels, i))
			continue;
		enum budget verdict = value_verdict(l, hash_pair(w.scope, hash_bytes(labels[i].name)), labels[i].value, wide);
		if (verdict == BUDGET_KEPT)
			continue;
		refuse(l, verdict, family, &w, labels, len, &labels[i]);
		labels[i].value = SLICE("other");
		worst = verdict > worst ? verdict : worst;
	}
	return worst;
}

/* Whether `used` may grow by weight where `all` of limit are taken: no more than is left for others. */
static bool fair(size_t used, size_t all, size_t weight, size_t limit)
{
	return all + weight <= limit && used + weight <= limit - all;
}

static enum budget room_verdict(const struct ledger *l, const struct whose *w, bool owned, size_t weight)
{
	size_t own = owned ? count_of(l, w->service_key)->n : 0, own_here = owned ? count_of(l, w->both_key)->n : 0;
	if (owned && l->opts.service_limit && own + weight > l->opts.service_limit)
		return BUDGET_SERVICE;
	if (l->opts.metric_limit && !fair(own_here, count_of(l, w->metric_key)->n, weight, l->opts.metric_limit))
		return BUDGET_METRIC;
	return fair(own, l->budgets.series, weight, l->opts.series_limit) ? BUDGET_KEPT : BUDGET_SERIES;
}

enum budget budget_room(struct ledger *l, enum family_id family, const struct label *labels, size_t len)
{
	const struct family *f = family_get(family);
	if (family_is_book(family))
		return BUDGET_KEPT;
	struct whose w = whose(family, labels, len);
	enum budget verdict = room_verdict(l, &w, w.at < len, f->type == METRIC_HISTOGRAM ? family_buckets(f) + 2 : 1);
	if (verdict != BUDGET_KEPT)
		refuse(l, verdict, family, &w, labels, len, NULL);
	return verdict;
}

bool budget_other(struct label *labels, size_t len)
{
	size_t service = service_at(labels, len);
	bool changed = false;
	for (size_t i = 0; i < len; i++) {
		if (i == service || is_bounded(labels[i].name) || slice_eq(labels[i].value, SLICE("other")))
			continue;
		labels[i].value = SLICE("other");
		changed = true;
	}
	return changed;
}

bool budget_nobody(struct ledger *l, enum family_id family, struct label *labels, size_t len)
{
	size_t limit = l->opts.series_limit, others = limit / OTHERS_OF;
	struct whose w = whose(family, labels, len);
	if (w.at == len || slice_eq(w.service, SLICE("other")) || l->budgets.series <= limit + (others < OTHERS_MIN ? OTHERS_MIN : others))
		return false;
	refuse(l, BUDGET_SERVICES, family, &w, labels, len, &labels[w.at]);
	labels[w.at].value = SLICE("other");
	return true;
}

void budget_done(struct ledger *l)
{
	size_t cursor = 0;
	for (struct count *c; (c = map_next(&l->budgets.counts, &cursor));)
		free(c);
	for (size_t i = 0; i < l->budgets.refusals_len; i++)
		free(l->budgets.refusals[i]);
	free(l->budgets.refusals);
	map_done(&l->budgets.counts);
	map_done(&l->budgets.refused);
}
