/* SPDX-License-Identifier: Apache-2.0 */
/* Rate, errors, duration. Every count goes to the step of its event time, in series that are looked up by text once and by number from then on:
 * per service an array by severity, per pattern an array by severity, per service and route a small table by method and status. Spans: red_span.c. */
#include "base/clock.h"
#include "base/mem.h"
#include "engine/red_near.h"
#include "engine/route.h"

#include <stdlib.h>

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[] = {"rule", "carried", "mined", "overflow", "undecodable", "filtered", "joined"};
	return names[outcome];
}

static void forget_own(struct red *r)
{
	for (size_t i = 0; i < OUTCOME_COUNT; i++)
		r->outcomes[i] = NONE;
	for (size_t i = 0; i < WEIGHT_SOURCES; i++)
		r->weights[i] = NONE;
	r->consumed = r->bytes = r->gaps = NONE;
}

struct red *red_new(struct tally *tally, int64_t step_ns, size_t names, size_t ids, const struct red_span_opts *spans)
{
	struct red *r = mem_zalloc(1, sizeof(*r));
	r->tally = tally;
	r->step_ns = step_ns;
	r->oldest_step = INT64_MIN;
	r->names = r->usual_names = names;
	r->ids = ids;
	if (spans)
		r->spans = *spans;
	r->unit_ns = red_unit_ns(r);
	r->names_only = r->spans.preset != SPANS_SEMCONV && r->spans.dimensions_len == 0;
	forget_own(r);
	return r;
}

static void free_pairs(struct red *r)
{
	size_t cursor = 0;
	for (struct pair *pair; (pair = map_next(&r->pairs, &cursor));) {
		free(pair->name);
		free(pair);
	}
	map_clear(&r->pairs);
}

static void free_services(struct red *r)
{
	size_t cursor = 0;
	for (struct service *s; (s = map_next(&r->services, &cursor));) {
		free(s->name);
		free(s);
	}
	map_clear(&r->services);
	r->last_service = NULL;
}

void red_forget(struct red *r)
{
	red_labels_forget(r);
	free_pairs(r);
	free_services(r);
	red_spans_forget(r);
	for (size_t i = 0; i < r->patterns_cap; i++)
		memset(&r->patterns[i], 0xFF, sizeof(r->patterns[i]));
	forget_own(r);
}

void red_free(struct red *r)
{
	if (!r)
		return;
	free_pairs(r);
	free_services(r);
	map_done(&r->services);
	map_done(&r->pairs);
	red_labels_done(r);
	red_spans_forget(r);
	map_done(&r->memos);
	map_done(&r->targets);
	arena_done(&r->memo_texts);
	buf_done(&r->key);
	free(r->patterns);
	free(r);
}

void red_widen(struct red *r, bool wide)
{
	r->names = r->usual_names << wide;
}

void red_set_oldest(struct red *r, int64_t oldest_step)
{
	if (oldest_step == r->oldest_step)
		return;
	red_end_run(r); /* what is kept back belongs where it would have been counted */
	r->oldest_step = oldest_step;
}

static bool service_is(const void *item, const void *key)
{
	const struct service *s = item;
	return slice_eq(slice_of(s->name, s->len), *(const struct slice *)key);
}

struct service *red_service(struct red *r, struct slice name)
{
	if (r->last_service && service_is(r->last_service, &name))
		return r->last_service;
	uint64_t hash = hash_bytes(name);
	struct service *s = map_get(&r->services, hash, service_is, &name);
	if (!s) {
		s = mem_zalloc(1, sizeof(*s));
		s->name = mem_strdup(name);
		s->len = name.len;
		for (size_t i = 0; i < SEVERITY_COUNT; i++)
			s->records[i] = NONE;
		s->clock_ahead = NONE;
		map_put(&r->services, hash, s);
	}
	r->last_service = s;
	return s;
}

static struct pattern_series *pattern_series(struct red *r, const struct pattern *p)
{
	if (p->index >= r->patterns_cap) {
		size_t cap = r->patterns_cap ? r->patterns_cap : 64;
		while (cap <= p->index)
			cap *= 2;
		r->patterns = mem_realloc(r->patterns, cap, sizeof(*r->patterns));
		memset(r->patterns + r->patterns_cap, 0xFF, (cap - r->patterns_cap) * sizeof(*r->patterns)); /* all NONE */
		r->patterns_cap = cap;
	}
	return &r->patterns[p->index];
}

static struct slice pattern_text(const struct pattern *p, char out[16])
{
	static const char hex[] = "0123456789abcdef";
	if (p->overflow)
		return SLICE("other");
	for (unsigned i = 0; i < 16; i++)
		out[i] = hex[p->id >> (60 - 4 * i) & 15];
	return slice_of(out, 16);
}

/* The worse of two. */
static enum red_refusal worse(enum red_refusal a, enum red_refusal b)
{
	return a > b ? a : b;
}

/* Adds a rule's labels to labels[len...]; some may become `other`. */
static enum red_refusal add_rule_labels(struct red *r, uint64_t scope, struct slice rule, const struct rule_label *from, size_t from_len, struct label *labels, size_t *len)
{
	enum red_refusal all = RED_FITS;
	for (size_t i = 0; i < from_len; i++) {
		bool first;
		enum red_refusal refusal = red_value(r, hash_pair(scope, hash_bytes(from[i].name)), from[i].value, IDS_BY_GROWTH, &first);
		if (first)
			red_warn(r, refusal, "rule", rule, from[i].name, from[i].value);
		all = worse(all, refusal);
		labels[(*len)++] = (struct label){.name = from[i].name, .value = refusal ? SLICE("other") : from[i].value};
	}
	return all;
}

/* The two series of a pattern; with a rule's labels they are found by text, else by number. */
static uint32_t pattern_number(struct red *r, const struct red_event *e, enum family_id family, int64_t *cache, enum red_refusal *refusal)
{
	struct label labels[3 + RULE_LABELS_MAX];
	size_t len = 0;
	char id[16];
	if (e->labels_len == 0 && *cache != NONE)
		return (uint32_t)*cache;
	labels[len++] = red_label("service_name", e->pattern->service); /* `other` for services past the budget: they share their patterns */
	labels[len++] = red_label("pattern_id", pattern_text(e->pattern, id));
	if (family == FAMILY_LOG_PATTERN_RECORDS)
		labels[len++] = red_label("severity", slice_str(severity_name(e->severity)));
	*refusal = worse(*refusal, add_rule_labels(r, e->pattern->id, e->pattern->rule, e->labels, e->labels_len, labels, &len));
	uint32_t number = tally_series(r->tally, family, labels, len);
	if (e->labels_len == 0)
		*cache = number;
	return number;
}

static bool pair_is(const void *item, const void *key)
{
	const struct pair *x = item, *y = key;
	return x->service == y->service && x->a == y->a && x->b == y->b && x->len == y->len && memcmp(x->name, y->name, x->len) == 0;
}

static struct pair *pair_get(struct red *r, struct service *service, struct slice name, uint32_t a, uint32_t b, size_t *used, size_t budget)
{
	struct pair key = {.service = service, .name = (char *)(uintptr_t)name.ptr, .len = name.len, .a = a, .b = b};
	uint64_t hash = hash_pair(hash_pair(hash_bytes(name), (uint64_t)a << 32 | b), (uintptr_t)service);
	struct pair *pair = map_get(&r->pairs, hash, pair_is, &key);
	if (pair)
		return pair;
	if (*used >= budget)
		return NULL;
	(*used)++;
	pair = mem_zalloc(1, sizeof(*pair));
	*pair = key;
	pair->name = mem_strdup(name);
	pair->calls = pair->duration = NONE;
	map_put(&r->pairs, hash, pair);
	return pair;
}

uint32_t red_method(struct slice method)
{
	static const char *const names[] = {"GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "CONNECT", "TRACE"};
	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_eq(method, slice_str(names[i])))
			return i;
	return UINT32_MAX;
}

/* RED of access logs: records that say what was asked for and how it was answered. */
static bool red_request(struct red *r, struct service *service, const struct red_event *e, int64_t step, const struct exemplar *x)
{
	const struct rule_http *http = &e->http;
	char route[ROUTE_MAX], status[16];
	size_t route_len = route_template(http->route.len ? http->route : http->path, route);
	uint32_t method = red_method(http->method);
	struct pair *pair = pair_get(r, service, slice_of(route, route_len), method, (uint32_t)http->status, &service->routes, r->names);
	bool fits = pair != NULL;
	if (!fits) {
		size_t no_limit = 0;
		pair = pair_get(r, service, SLICE("other"), method, (uint32_t)http->status, &no_limit, SIZE_MAX);
	}
	struct buf text = {.data = status, .cap = sizeof(status)};
	buf_add_i64(&text, http->status);
	struct label labels[] = {
		red_label("service_name", e->service),
		red_label("http_request_method", method == UINT32_MAX ? SLICE("_OTHER") : http->method),
		red_label("http_route", slice_of(pair->name, pair->len)),
		red_label("http_response_status_code", buf_slice(&text)),
	};
	tally_count(r->tally, red_series(r, &pair->calls, FAMILY_LOG_REQUESTS, labels, 4), step, 1, red_candidate(x));
	if (e->duration_ns >= 0)
		tally_observe(r->tally, red_series(r, &pair->duration, FAMILY_LOG_REQUEST_DURATION, labels, 4), step, (double)e->duration_ns / 1e9, red_candidate(x));
	return fits;
}

enum red_refusal red_log(struct red *r, const struct red_event *e)
{
	struct service *service = red_service(r, e->service);
	int64_t step = red_step(r, e->time_ns);
	struct exemplar x;
	struct label labels[] = {red_label("service_name", e->service), red_label("severity", slice_str(severity_name(e->severity)))};
	tally_count(r->tally, red_series(r, &service->records[e->severity], FAMILY_LOG_RECORDS, labels, 2), step, 1, NULL);
	struct pattern_series *p = pattern_series(r, e->pattern);
	enum red_refusal refusal = RED_FITS;
	red_exemplar(&x, e, 1);
	tally_count(r->tally, pattern_number(r, e, FAMILY_LOG_PATTERN_RECORDS, &p->records[e->severity], &refusal), step, 1, red_candidate(&x));
	if (e->duration_ns >= 0) {
		double seconds = (double)e->duration_ns / 1e9;
		x.value = seconds;
		tally_observe(r->tally, pattern_number(r, e, FAMILY_LOG_PATTERN_DURATION, &p->duration, &refusal), step, seconds, red_candidate(&x));
	}
	if (e->http.status && (e->http.path.len || e->http.route.len))
		refusal = worse(refusal, red_request(r, service, e, step, &x) ? RED_FITS : RED_FULL);
	return refusal;
}

enum red_refusal red_measure(struct red *r, const struct red_event *e, enum family_id family, const struct rule_measure *measure)
{
	struct label labels[1 + RULE_LABELS_MAX];
	struct exemplar x;
	size_t len = 0;
	labels[len++] = red_label("service_name", e->pattern->service);
	uint64_t scope = hash_pair(family_key(family), hash_bytes(e->pattern->service));
	enum red_refusal refusal = add_rule_labels(r, scope, e->pattern->rule, measure->labels, measure->labels_len, labels, &len);
	red_exemplar(&x, e, measure->value);
	tally_observe(r->tally, tally_series(r->tally, family, labels, len), red_step(r, e->time_ns), measure->value, red_candidate(&x));
	return refusal;
}

void red_outcome(struct red *r, int64_t time_ns, enum outcome outcome, uint64_t n)
{
	if (r->outcomes[outcome] == NONE) {
		struct label labels[] = {red_label("outcome", slice_str(outcome_name(outcome)))};
		r->outcomes[outcome] = tally_series(r->tally, FAMILY_RECORDS, labels, 1);
	}
	tally_count(r->tally, (uint32_t)r->outcomes[outcome], red_step(r, time_ns), n, NULL);
}

void red_consumed(struct red *r, int64_t time_ns, uint64_t records, uint64_t bytes)
{
	int64_t step = red_step(r, time_ns);
	if (records)
		tally_count(r->tally, red_series(r, &r->consumed, FAMILY_RECORDS_CONSUMED, NULL, 0), step, records, NULL);
	if (bytes)
		tally_count(r->tally, red_series(r, &r->bytes, FAMILY_INPUT_BYTES, NULL, 0), step, bytes, NULL);
}

void red_undecodable(struct red *r, int64_t time_ns, const char *reason, uint64_t n)
{
	struct label labels[] = {red_label("reason", slice_str(reason))};
	tally_count(r->tally, tally_series(r->tally, FAMILY_UNDECODABLE, labels, 1), red_step(r, time_ns), n, NULL);
}

void red_clock_ahead(struct red *r, int64_t time_ns, struct slice service)
{
	struct service *s = red_service(r, service);
	struct label labels[] = {red_label("service_name", service)};
	tally_count(r->tally, red_series(r, &s->clock_ahead, FAMILY_CLOCK_AHEAD, labels, 1), red_step(r, time_ns), 1, NULL);
}

void red_gap(struct red *r, int64_t time_ns, uint64_t n)
{
	tally_count(r->tally, red_series(r, &r->gaps, FAMILY_OFFSET_GAPS, NULL, 0), red_step(r, time_ns), n, NULL);
}

void red_gave_up(struct red *r, int64_t time_ns, struct slice rule)
{
	struct label labels[] = {red_label("rule", rule)};
	tally_count(r->tally, tally_series(r->tally, FAMILY_RULE_GAVE_UP, labels, 1), red_step(r, time_ns), 1, NULL);
}

void red_overflow(struct red *r, int64_t time_ns, const char *budget, uint64_t n)
{
	struct label labels[] = {red_label("budget", slice_str(budget))};
	tally_count(r->tally, tally_series(r->tally, FAMILY_OVERFLOW, labels, 1), red_step(r, time_ns), n, NULL);
}
