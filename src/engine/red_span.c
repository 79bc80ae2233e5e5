/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RED of spans, the edges of the service graph, and what sends them.
 *
 * Idea: which series a span counts in hangs on a few of its texts and numbers: service, name, kind, status, route and the like, and the dimensions that the configuration asks for.
 * These are put one behind the other as a key; a memo under that key has the numbers of the series. So a span costs the making of a key and one look; names are cut
 * down, budgets asked and labels made only when a key is new. Most spans do not even cost the key: the memo of one whose texts have the same lengths, beginnings and ends lies in a small table
 * (near), and is taken if all parts of its key are equal.
 *
 * Invariants: a memo says what counting without it would say: it is made by the same steps, budgets never give back what they gave, and series numbers stay until red_forget. So memos can
 * be thrown away whenever there are MEMOS of them, which is what bounds their memory where every name has an id in it.
 *
 * Names: http.route, the words of rpc, db and messaging conventions win over the span's own name, which is freed of ids (route.h). Presets: metrics that
 * existing dashboards read (OpenTelemetry's spanmetrics connector, Grafana Tempo, OpenTelemetry's semantic conventions for HTTP).
 */
#include "base/log.h"
#include "base/mem.h"
#include "engine/red_parts.h"
#include "engine/route.h"

#include <stdlib.h>

enum { MEMOS = 8192, MEMO_SERIES = 4, LABEL_NAME_MAX = 128, LABELS_OWN = 6, NEAR_SHIFT = 54 };
_Static_assert(RED_NEAR == 1 << (64 - NEAR_SHIFT), "a mix leads to a place");

struct memo {
	uint64_t hash;
	size_t len;
	size_t names; /* the budgets that it was made under: what did not fit is asked again under others */
	enum red_refusal refusal; /* whether a budget was spent */
	bool none; /* the preset has nothing for it */
	int64_t series[MEMO_SERIES];
	char key[];
};

struct target {
	uint32_t series;
	int64_t step; /* the last one that it was shown in */
};

/* --- memos --- */

static bool memo_is(const void *item, const void *key)
{
	const struct memo *m = item;
	return slice_eq(slice_of(m->key, m->len), *(const struct slice *)key);
}

/* Room in r->key for `fixed` bytes and texts that have `texts` bytes in all. */
static char *key_begin(struct red *r, size_t fixed, size_t texts)
{
	buf_reset(&r->key);
	return buf_reserve(&r->key, fixed + texts);
}

static char *key_bytes(char *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static char *key_text(char *at, struct slice text)
{
	uint32_t len = (uint32_t)text.len;
	memcpy(at, &len, sizeof(len));
	at += sizeof(len);
	if (len)
		memcpy(at, text.ptr, len);
	return at + len;
}

static void key_end(struct red *r, const char *at)
{
	r->key.len = (size_t)(at - r->key.data);
}

static void forget_memos(struct red *r)
{
	map_clear(&r->memos);
	arena_reset(&r->memo_texts);
	memset(r->near, 0, sizeof(r->near));
}

/* The memo under r->key, and whether it is new and to be filled. */
static struct memo *memo_get(struct red *r, bool *ret_new)
{
	struct slice key = buf_slice(&r->key);
	uint64_t hash = hash_bytes(key);
	struct memo *m = map_get(&r->memos, hash, memo_is, &key);
	*ret_new = !m || (m->refusal && m->names != r->names);
	if (m) {
		if (*ret_new)
			m->refusal = RED_FITS;
		m->names = r->names;
		return m;
	}
	if (r->memos.len >= MEMOS)
		forget_memos(r);
	m = arena_zalloc(&r->memo_texts, sizeof(*m) + key.len);
	*m = (struct memo){.hash = hash, .len = key.len, .names = r->names, .series = {NONE, NONE, NONE, NONE}};
	memcpy(m->key, key.ptr, key.len);
	map_put(&r->memos, hash, m);
	return m;
}

size_t red_memos(const struct red *r)
{
	return r->memos.len;
}

void red_spans_forget(struct red *r)
{
	size_t cursor = 0;
	forget_memos(r);
	r->near_text = NULL;
	for (struct target *t; (t = map_next(&r->targets, &cursor));)
		free(t);
	map_clear(&r->targets);
	memset(r->near_targets, 0, sizeof(r->near_targets));
}

/* --- labels --- */

/* The name of an attribute as a label may be called; anything but letters, digits and _ becomes _. */
static struct slice label_name(struct slice name, char out[LABEL_NAME_MAX])
{
	size_t len = 0;
	if (name.len && name.ptr[0] >= '0' && name.ptr[0] <= '9') {
		memcpy(out, "key_", 4);
		len = 4;
	}
	for (size_t i = 0; i < name.len && len < LABEL_NAME_MAX; i++) {
		char c = name.ptr[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		out[len++] = plain ? c : '_';
	}
	return slice_of(out, len);
}

/* value, or `other` if the service has too many of them. */
static struct slice in_budget(struct red *r, struct slice service, const char *what, struct slice value, enum red_refusal *refusal)
{
	bool first;
	enum red_refusal verdict = red_value(r, hash_pair(hash_bytes(slice_str(what)), hash_bytes(service)), value, IDS_BY_SHAPE, &first);
	if (first)
		red_warn(r, verdict, "service", service, slice_str(what), value);
	if (verdict > *refusal)
		*refusal = verdict;
	return verdict ? SLICE("other") : value;
}

/* The dimensions of the configuration that the span has, behind labels[len]; names are kept in `names`. */
static size_t add_dimensions(struct red *r, const struct red_event *e, struct label *labels, size_t len, char names[][LABEL_NAME_MAX], enum red_refusal *refusal)
{
	for (size_t i = 0; i < r->spans.dimensions_len; i++) {
		struct slice value;
		if (!record_field(e->record, slice_str(r->spans.dimensions[i]), &value) || value.len == 0)
			continue;
		struct slice name = label_name(slice_str(r->spans.dimensions[i]), names[i]);
		labels[len++] = (struct label){.name = name, .value = in_budget(r, e->service, r->spans.dimensions[i], value, refusal)};
	}
	return len;
}

static void join(struct buf *out, struct slice first, const char *between, struct slice second)
{
	buf_add_slice(out, first);
	if (first.len && second.len)
		buf_add_str(out, between);
	buf_add_slice(out, second);
}

/* What the span is called: by its attributes of few values, else by its name. Without ids. */
static struct slice span_name(const struct record *span, char out[ROUTE_MAX])
{
	char text[2 * ROUTE_MAX];
	struct buf name = {.data = text, .cap = sizeof(text)};
	struct slice first = slice_sub(span->operation, 0, ROUTE_MAX / 2), second = slice_sub(span->target, 0, ROUTE_MAX / 2);
	if (span->http_route.len)
		join(&name, slice_sub(span->http_method, 0, 16), " ", slice_sub(span->http_route, 0, ROUTE_MAX));
	else if (first.len && (span->system == SYSTEM_RPC ? second.len > 0 : span->system != SYSTEM_NONE))
		join(&name, first, span->system == SYSTEM_RPC ? "/" : " ", second);
	return slice_of(out, route_template(name.len ? buf_slice(&name) : span->name, out));
}

static struct slice job_of(const struct red_event *e, char out[ROUTE_MAX])
{
	struct buf job = {.data = out, .cap = ROUTE_MAX};
	join(&job, slice_sub(e->record->service_namespace, 0, ROUTE_MAX / 2 - 1), "/", slice_sub(e->service, 0, ROUTE_MAX / 2));
	return buf_slice(&job);
}

/* --- spans --- */

static const struct {
	enum family_id calls, duration;
	const char *service;
	double unit_ns;
} presets[] = {
	[SPANS_OTEL] = {FAMILY_SPAN_CALLS, FAMILY_SPAN_DURATION, "service_name", 1e6},
	[SPANS_TEMPO] = {FAMILY_TEMPO_CALLS, FAMILY_TEMPO_LATENCY, "service", 1e9},
};

static void fill_named(struct red *r, const struct red_event *e, struct memo *m)
{
	static const char *const kinds[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"};
	static const char *const statuses[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"};
	char name[ROUTE_MAX], names[SPAN_DIMENSIONS_MAX][LABEL_NAME_MAX];
	struct label labels[LABELS_OWN + SPAN_DIMENSIONS_MAX];
	size_t len = 0;
	labels[len++] = red_label(presets[r->spans.preset].service, e->service);
	labels[len++] = red_label("span_name", in_budget(r, e->service, "span_name", span_name(e->record, name), &m->refusal));
	labels[len++] = red_label("span_kind", slice_str(kinds[e->record->span_kind]));
	labels[len++] = red_label("status_code", slice_str(statuses[e->record->status]));
	len = add_dimensions(r, e, labels, len, names, &m->refusal);
	uint32_t calls = tally_series(r->tally, presets[r->spans.preset].calls, labels, len);
	m->series[0] = tally_series(r->tally, presets[r->spans.preset].duration, labels, len);
	tally_twin(r->tally, (uint32_t)m->series[0], calls);
}

/* error.type: the exception, else the status code if it is one of failure. */
static struct slice error_type(const struct red_event *e, struct slice status)
{
	const struct record *span = e->record;
	bool server = span->span_kind == SPAN_SERVER;
	if (span->exception_type.len)
		return span->exception_type;
	if (span->http_status >= (server ? 500 : 400))
		return status;
	return span->status == STATUS_ERROR ? SLICE("_OTHER") : slice_of(NULL, 0);
}

static void fill_http(struct red *r, const struct red_event *e, struct memo *m)
{
	char route[ROUTE_MAX], job[ROUTE_MAX], status_text[24], names[SPAN_DIMENSIONS_MAX][LABEL_NAME_MAX];
	const struct record *span = e->record;
	struct label labels[LABELS_OWN + SPAN_DIMENSIONS_MAX];
	struct buf status = {.data = status_text, .cap = sizeof(status_text)};
	bool server = span->span_kind == SPAN_SERVER;
	size_t len = 0;
	m->none = (!server && span->span_kind != SPAN_CLIENT) || (span->http_method.len == 0 && span->http_status == 0);
	if (m->none)
		return;
	if (span->http_status)
		buf_add_i64(&status, span->http_status);
	labels[len++] = red_label("http_request_method", red_method(span->http_method) == UINT32_MAX ? SLICE("_OTHER") : span->http_method);
	labels[len++] = red_label("http_response_status_code", buf_slice(&status));
	struct slice place = server ? slice_of(route, route_template(span->http_route, route)) : span->peer_rank >= 4 ? span->peer : slice_of(NULL, 0);
	if (place.len)
		labels[len++] = red_label(server ? "http_route" : "server_address", in_budget(r, e->service, server ? "http_route" : "server_address", place, &m->refusal));
	struct slice type = error_type(e, buf_slice(&status));
	if (type.len)
		labels[len++] = red_label("error_type", in_budget(r, e->service, "error_type", type, &m->refusal));
	labels[len++] = red_label("job", job_of(e, job));
	len = add_dimensions(r, e, labels, len, names, &m->refusal);
	m->series[0] = tally_series(r->tally, server ? FAMILY_HTTP_SERVER : FAMILY_HTTP_CLIENT, labels, len);
}

enum { KEY_TEXTS = 8 };

/* All that the labels of any preset are made of. */
struct span_key {
	uint64_t head[2]; /* the service, and all that is a small number */
	struct slice texts[KEY_TEXTS + SPAN_DIMENSIONS_MAX];
	size_t len;
};

static inline bool is_http(const struct record *span)
{
	return span->http_status || span->http_method.len || span->http_route.len;
}

static inline uint64_t small_numbers(const struct record *span, bool http)
{
	return (uint64_t)(uint16_t)span->http_status | (uint64_t)span->span_kind << 16 | (uint64_t)span->status << 24 | (uint64_t)span->system << 32 | (uint64_t)span->peer_rank << 40
		| (uint64_t)'s' << 48 | (uint64_t)http << 56;
}

/* The service of a payload's spans, which mostly is the one before. */
static const struct service *span_service(struct red *r, struct slice name)
{
	if (name.ptr != r->near_text || name.len != r->near_service->len) {
		r->near_service = red_service(r, name);
		r->near_text = name.ptr;
	}
	return r->near_service;
}

static void more_texts(struct red *r, const struct record *span, struct span_key *k)
{
	if (span->system != SYSTEM_NONE) {
		k->texts[k->len++] = span->operation;
		k->texts[k->len++] = span->target;
	}
	if (r->spans.preset == SPANS_SEMCONV) {
		k->texts[k->len++] = span->peer;
		k->texts[k->len++] = span->exception_type;
		k->texts[k->len++] = span->service_namespace;
	}
	for (size_t i = 0; i < r->spans.dimensions_len; i++, k->len++)
		if (!record_field(span, slice_str(r->spans.dimensions[i]), &k->texts[k->len]))
			k->texts[k->len] = slice_of(NULL, 0);
}

static inline void span_key(struct red *r, const struct red_event *e, struct span_key *k)
{
	const struct record *span = e->record;
	bool http = is_http(span);
	k->head[0] = (uintptr_t)span_service(r, e->service);
	k->head[1] = small_numbers(span, http);
	k->texts[0] = span->name;
	k->len = 1;
	if (http) {
		k->texts[1] = span->http_method;
		k->texts[2] = span->http_route;
		k->len = 3;
	}
	if (span->system != SYSTEM_NONE || r->spans.preset == SPANS_SEMCONV || r->spans.dimensions_len)
		more_texts(r, span, k);
}

/* The key as bytes in r->key. */
static void span_key_bytes(struct red *r, const struct span_key *k)
{
	size_t bytes = 0;
	for (size_t i = 0; i < k->len; i++)
		bytes += k->texts[i].len + sizeof(uint32_t);
	char *at = key_bytes(key_begin(r, sizeof(k->head), bytes), k->head, sizeof(k->head));
	for (size_t i = 0; i < k->len; i++)
		at = key_text(at, k->texts[i]);
	key_end(r, at);
}

/* A text's length, beginning and end. */
static inline uint64_t text_mix(struct slice s)
{
	uint64_t first = 0, last = 0;
	uint32_t head, tail;
	if (s.len >= 8) {
		memcpy(&first, s.ptr, 8);
		memcpy(&last, s.ptr + s.len - 8, 8);
	} else if (s.len >= 4) {
		memcpy(&head, s.ptr, 4);
		memcpy(&tail, s.ptr + s.len - 4, 4);
		first = (uint64_t)tail << 32 | head;
	} else if (s.len) {
		first = (uint64_t)(unsigned char)s.ptr[0] << 16 | (uint64_t)(unsigned char)s.ptr[s.len / 2] << 8 | (unsigned char)s.ptr[s.len - 1];
	}
	return (first ^ (last << 29 | last >> 35)) + s.len;
}

static inline uint64_t near_mix(uint64_t mix, struct slice text)
{
	return (mix ^ text_mix(text)) * UINT64_C(0x9E3779B97F4A7C15);
}

static inline struct memo **near_place(struct red *r, const struct span_key *k)
{
	uint64_t mix = k->head[0] ^ k->head[1];
	for (size_t i = 0; i < k->len; i++)
		mix = near_mix(mix, k->texts[i]);
	return &r->near[mix >> NEAR_SHIFT];
}

/* Eight bytes at a time, the last ones once more where they are no eight: names are too short for a call. */
static inline bool same_text(const char *a, const char *b, size_t len)
{
	uint64_t x, y, other = 0;
	if (len < 8)
		return len == 0 || memcmp(a, b, len) == 0;
	for (size_t i = 0; i + 8 < len; i += 8) {
		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		other |= x ^ y;
	}
	memcpy(&x, a + len - 8, 8);
	memcpy(&y, b + len - 8, 8);
	return (other | (x ^ y)) == 0;
}

/* Whether the memo's key is this one. */
static inline bool near_is(const struct memo *m, const struct span_key *k)
{
	const char *at = m->key + sizeof(k->head), *end = m->key + m->len;
	uint64_t head[2];
	if (m->len < sizeof(head))
		return false;
	memcpy(head, m->key, sizeof(head));
	if (head[0] != k->head[0] || head[1] != k->head[1])
		return false;
	for (size_t i = 0; i < k->len; i++) {
		uint32_t len;
		if ((size_t)(end - at) < sizeof(len) + k->texts[i].len)
			return false;
		memcpy(&len, at, sizeof(len));
		if (len != k->texts[i].len || !same_text(at + sizeof(len), k->texts[i].ptr, len))
			return false;
		at += sizeof(len) + len;
	}
	return at == end;
}

static inline bool memo_stands(const struct red *r, const struct memo *m)
{
	return m->refusal == RED_FITS || m->names == r->names;
}

static __attribute__((noinline)) struct memo *memo_of_key(struct red *r, const struct red_event *e)
{
	struct span_key k;
	bool fresh;
	span_key(r, e, &k);
	struct memo **near = near_place(r, &k);
	if (*near && near_is(*near, &k) && memo_stands(r, *near)) {
		(*near)->names = r->names;
		return *near;
	}
	span_key_bytes(r, &k);
	struct memo *m = memo_get(r, &fresh);
	if (fresh)
		r->spans.preset == SPANS_SEMCONV ? fill_http(r, e, m) : fill_named(r, e, m);
	return *near = m;
}

/* Spans with nothing but a name: the key is made and compared in registers, as near_place and near_is would. */
static inline struct memo *span_memo(struct red *r, const struct red_event *e)
{
	const struct record *span = e->record;
	if (is_http(span) || span->system != SYSTEM_NONE || !r->names_only)
		return memo_of_key(r, e);
	const uint64_t head[2] = {(uintptr_t)span_service(r, e->service), small_numbers(span, false)};
	struct memo *m = r->near[near_mix(head[0] ^ head[1], span->name) >> NEAR_SHIFT];
	uint64_t had[2];
	if (!m || m->len != sizeof(head) + sizeof(uint32_t) + span->name.len)
		return memo_of_key(r, e);
	memcpy(had, m->key, sizeof(had));
	if (had[0] != head[0] || had[1] != head[1] || !same_text(m->key + sizeof(head) + sizeof(uint32_t), span->name.ptr, span->name.len) || !memo_stands(r, m))
		return memo_of_key(r, e);
	m->names = r->names;
	return m;
}

static void count_fault(struct red *r, const char *fault, int64_t step)
{
	struct label labels[] = {red_label("fault", slice_str(fault))};
	tally_count(r->tally, tally_series(r->tally, FAMILY_SPAN_FAULTS, labels, 1), step, 1, NULL);
}

static void end_run(struct red *r)
{
	uint64_t all = 0, other = 0;
	const int64_t time_ns = r->run.step * r->step_ns;
	for (size_t i = 0; i < WEIGHT_SOURCES; i++) {
		if (!r->run.weights[i])
			continue;
		if (r->weights[i] == NONE) {
			struct label by[] = {red_label("weight", slice_str(weight_source_name((enum weight_source)i)))};
			r->weights[i] = tally_series(r->tally, FAMILY_SPANS, by, 1);
		}
		tally_count(r->tally, (uint32_t)r->weights[i], r->run.step, r->run.weights[i], NULL);
		all += r->run.weights[i];
	}
	if (!all)
		return;
	red_consumed(r, time_ns, all, 0);
	for (size_t i = RED_FITS + 1; i < RED_REFUSALS; i++) {
		other += r->run.other[i];
		if (r->run.other[i])
			red_overflow(r, time_ns, red_refusal_name((enum red_refusal)i), r->run.other[i]);
	}
	if (all > other)
		red_outcome(r, time_ns, OUTCOME_CARRIED, all - other);
	if (other)
		red_outcome(r, time_ns, OUTCOME_OVERFLOW, other);
	r->run = (struct span_run){0};
}

void red_spans_end(struct red *r)
{
	end_run(r);
	r->near_text = NULL;
}

/* Counts it in its series. */
static enum red_refusal count_series(struct red *r, const struct red_event *e, uint64_t weight, int64_t step)
{
	const struct record *span = e->record;
	const struct memo *m = span_memo(r, e);
	if (m->none)
		return RED_FITS;
	uint64_t n = weight == WEIGHT_UNIT ? 1 : weight_round(weight, hash_pair(hash_bytes(span->trace_id), hash_bytes(span->span_id)));
	double value = e->duration_ns < 0 ? 0 : (double)e->duration_ns / (r->spans.preset == SPANS_SEMCONV ? 1e9 : presets[r->spans.preset].unit_ns);
	struct exemplar *x = tally_observe_for(r->tally, (uint32_t)m->series[0], step, value, n, red_rank(e));
	if (x)
		red_exemplar_fill(x, e);
	return m->refusal;
}

void red_span(struct red *r, const struct red_event *e, uint64_t weight, enum weight_source source)
{
	const struct record *span = e->record;
	int64_t step = red_step(r, e->time_ns);
	if (step != r->run.step) {
		end_run(r);
		r->run.step = step;
	}
	if (span->trace_id.len == 0 || span->span_id.len == 0)
		count_fault(r, "id", step);
	if (span->backwards)
		count_fault(r, "duration", step);
	r->run.weights[source]++;
	r->run.other[count_series(r, e, weight, step)]++;
}

/* --- edges --- */

static void fill_edge(struct red *r, const struct graph_edge *edge, struct memo *m)
{
	struct slice server = edge->server.len ? in_budget(r, edge->client, "server", edge->server, &m->refusal) : edge->server;
	struct label labels[] = {
		red_label("client", edge->client),
		red_label("server", server),
		red_label("connection_type", slice_str(graph_connection_name(edge->connection))),
	};
	if (edge->connection == GRAPH_UNPAIRED) {
		m->series[0] = tally_series(r->tally, FAMILY_GRAPH_UNPAIRED, labels, 2);
		return;
	}
	m->series[0] = tally_series(r->tally, FAMILY_GRAPH_REQUESTS, labels, 3);
	if (edge->failed)
		m->series[1] = tally_series(r->tally, FAMILY_GRAPH_FAILED, labels, 3);
	m->series[2] = tally_series(r->tally, FAMILY_GRAPH_CLIENT, labels, 3);
	m->series[3] = tally_series(r->tally, FAMILY_GRAPH_SERVER, labels, 3);
}

enum red_refusal red_edge(struct red *r, const struct red_event *e, const struct graph_edge *edge)
{
	const char head[] = {'e', (char)edge->connection, (char)edge->failed, 0, 0};
	struct exemplar x = {0};
	int64_t step = red_step(r, e->time_ns);
	bool fresh;
	char *at = key_bytes(key_begin(r, sizeof(head), 2 * sizeof(uint32_t) + edge->client.len + edge->server.len), head, sizeof(head));
	key_end(r, key_text(key_text(at, edge->client), edge->server));
	struct memo *m = memo_get(r, &fresh);
	if (fresh)
		fill_edge(r, edge, m);
	if (edge->clocks_apart)
		count_fault(r, "clock", step);
	if (edge->fed && edge->connection != GRAPH_UNPAIRED)
		red_exemplar(&x, e, 1); /* other edges are of another trace than the span that brought the time on */
	tally_count(r->tally, (uint32_t)m->series[0], step, edge->weight, red_candidate(&x));
	if (m->series[1] != NONE)
		tally_count(r->tally, (uint32_t)m->series[1], step, edge->weight, red_candidate(&x));
	const double seconds[] = {edge->client_seconds, edge->server_seconds};
	for (size_t i = 0; i < 2; i++) {
		if (edge->connection == GRAPH_UNPAIRED || seconds[i] < 0)
			continue;
		x.value = seconds[i];
		tally_observe_n(r->tally, (uint32_t)m->series[2 + i], step, seconds[i], edge->weight, red_candidate(&x));
	}
	return m->refusal;
}

/* --- targets --- */

static bool is_identity(struct slice name)
{
	return slice_eq(name, SLICE("service.name")) || slice_eq(name, SLICE("service.namespace")) || slice_eq(name, SLICE("service.instance.id"));
}

static uint64_t target_hash(const struct red_event *e)
{
	struct slice name, value;
	uint64_t hash = hash_pair(hash_bytes(e->service), hash_pair(hash_bytes(e->record->service_namespace), hash_bytes(e->record->service_instance)));
	for (size_t cursor = 0; record_resource_next(e->record, &cursor, &name, &value);)
		hash = hash_pair(hash, hash_pair(hash_bytes(name), hash_bytes(value)));
	return hash;
}

static uint32_t target_series(struct red *r, const struct red_event *e)
{
	char names[LABELS_MAX][LABEL_NAME_MAX], job[ROUTE_MAX];
	struct label labels[LABELS_MAX];
	size_t len = 0;
	struct slice name, value;
	labels[len++] = red_label("job", job_of(e, job));
	if (e->record->service_instance.len)
		labels[len++] = red_label("instance", e->record->service_instance);
	for (size_t cursor = 0; len < LABELS_MAX && record_resource_next(e->record, &cursor, &name, &value);) {
		if (is_identity(name))
			continue;
		name = label_name(name, names[len]);
		labels[len++] = (struct label){.name = name, .value = value};
	}
	return tally_series(r->tally, FAMILY_TARGET_INFO, labels, len);
}

/* NULL if there is no room for another one: nothing is kept of it. */
static struct target *target_get(struct red *r, const struct red_event *e, uint64_t hash)
{
	char digits[17];
	struct buf id = {.data = digits, .cap = sizeof(digits)};
	bool first;
	struct target *t = map_get(&r->targets, hash, NULL, NULL);
	if (t)
		return t;
	buf_printf(&id, "%016llx", (unsigned long long)hash);
	enum red_refusal refusal = red_value(r, hash_pair(hash_bytes(SLICE("target_info")), hash_bytes(e->service)), buf_slice(&id), IDS_WELCOME, &first);
	if (first)
		red_warn(r, refusal, "service", e->service, SLICE("target_info"), e->record->service_instance);
	if (refusal)
		return NULL;
	t = mem_zalloc(1, sizeof(*t));
	*t = (struct target){.step = INT64_MIN, .series = target_series(r, e)};
	map_put(&r->targets, hash, t);
	return t;
}

/* The same bytes under the same service are the same target: its attributes need not be read again. */
static struct target *target_near(struct red *r, const struct red_event *e)
{
	struct slice bytes = record_resource_bytes(e->record);
	if (bytes.len == 0)
		return target_get(r, e, target_hash(e));
	uint64_t key = hash_bytes(bytes) ^ (uintptr_t)red_service(r, e->service);
	struct near_target *near = &r->near_targets[key % RED_NEAR_TARGETS];
	if (!near->target || near->key != key)
		*near = (struct near_target){key, target_get(r, e, target_hash(e))};
	return near->target;
}

bool red_target(struct red *r, const struct red_event *e)
{
	int64_t step = red_step(r, e->time_ns);
	struct target *t = target_near(r, e);
	if (t && step > t->step) {
		tally_count(r->tally, t->series, step, 1, NULL);
		t->step = step;
	}
	return t != NULL;
}
