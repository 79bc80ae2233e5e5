/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RED of spans (edges of the service graph: red_edge.c; what sends them: red_target.c).
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
#include "engine/red_near.h"

enum { KEY_TEXTS = 8 };

/* All that the labels of any preset are made of. */
struct span_key {
	uint64_t head[2]; /* the service, and all that is a small number */
	struct slice texts[KEY_TEXTS + SPAN_DIMENSIONS_MAX];
	size_t len;
};

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
	bool http = red_is_http(span);
	k->head[0] = (uintptr_t)red_span_service(r, e->service);
	k->head[1] = red_span_head(span, http);
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

static inline struct memo **near_place(struct red *r, const struct span_key *k)
{
	uint64_t mix = k->head[0] ^ k->head[1];
	for (size_t i = 0; i < k->len; i++)
		mix = red_near_mix(mix, k->texts[i]);
	return &r->near[mix >> RED_NEAR_SHIFT];
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
		if (len != k->texts[i].len || !red_same_text(at + sizeof(len), k->texts[i].ptr, len))
			return false;
		at += sizeof(len) + len;
	}
	return at == end;
}

struct memo *red_memo_of_key(struct red *r, const struct red_event *e)
{
	struct span_key k;
	bool fresh;
	span_key(r, e, &k);
	struct memo **near = near_place(r, &k);
	if (*near && near_is(*near, &k) && red_memo_stands(r, *near)) {
		(*near)->names = r->names;
		return *near;
	}
	span_key_bytes(r, &k);
	struct memo *m = memo_get(r, &fresh);
	if (fresh)
		red_fill_span(r, e, m);
	return *near = m;
}

void red_fault(struct red *r, const char *fault, int64_t step)
{
	struct label labels[] = {red_label("fault", slice_str(fault))};
	tally_count(r->tally, tally_series(r->tally, FAMILY_SPAN_FAULTS, labels, 1), step, 1, NULL);
}

/* How many spans, by weight. */
static uint64_t write_weights(struct red *r)
{
	uint64_t all = 0;
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
	return all;
}

void red_end_run(struct red *r)
{
	const int64_t time_ns = r->run.step * r->step_ns;
	uint64_t all = write_weights(r), other = 0;
	if (!all && !r->run.bytes)
		return;
	red_consumed(r, time_ns, all, r->run.bytes);
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

void red_payload(struct red *r, int64_t time_ns, size_t bytes)
{
	red_run_in(r, red_step(r, time_ns));
	r->run.bytes += bytes;
	r->near_text = NULL;
}

void red_books(struct red *r)
{
	red_end_run(r);
	r->near_text = NULL;
}

void red_drop_books(struct red *r)
{
	r->run = (struct span_run){0};
	r->near_text = NULL;
}

void red_span(struct red *r, const struct red_event *e, uint64_t weight, enum weight_source source)
{
	red_span_near(r, e, weight, source);
}
