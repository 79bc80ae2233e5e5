/* SPDX-License-Identifier: Apache-2.0 */
/* What spans record beyond their own counts: edges of the service graph and traces for the tail sampler, both of which outlive a message. */
#include "engine/red_near.h"
#include "engine/shard_parts.h"

struct edge_sink {
	struct shard *shard;
	const struct red_event *event;
};

static void count_edge(void *arg, const struct graph_edge *edge)
{
	struct edge_sink *sink = arg;
	enum red_refusal refusal = red_edge(sink->shard->red, sink->event, edge);
	if (refusal)
		red_overflow(sink->shard->red, sink->event->time_ns, red_refusal_name(refusal), 1);
}

static inline int64_t advance(struct shard *s, struct shard_partition *p, const struct record *r, int64_t source_time_ns)
{
	int64_t time_ns = r->time_ns;
	if (!p->open)
		p->open = open_new(&s->opts, p->keying, (struct replay_point){.offset = p->expected});
	if (source_time_ns > 0 && (time_ns <= 0 || time_ns > source_time_ns + AHEAD_NS))
		time_ns = source_time_ns;
	return replay_advance(&p->open->replay, time_ns);
}

int64_t shard_advance(struct shard *s, struct shard_partition *p, const struct record *r, int64_t source_time_ns)
{
	return advance(s, p, r, source_time_ns);
}

static struct slice service_of(const struct record *record)
{
	return record->service.len ? record->service : SLICE("unknown_service");
}

/* Feeds a span to the service graph; e NULL: it is counted already. */
static inline void feed_graph(struct shard_partition *p, const struct record *span, struct slice service, uint64_t weight, int64_t newest_ns, struct shard *s, const struct red_event *e)
{
	struct edge_sink sink = {.shard = s, .event = e};
	if (p->open->graph)
		graph_span(p->open->graph, span, service, newest_ns, weight, e ? count_edge : NULL, &sink);
}

/* Feeds a span to the tail sampler; false if its trace may be dropped. */
static inline bool feed_tail(struct shard *s, struct shard_partition *p, const struct record *span, struct tail_message *m, size_t index, int64_t newest_ns, bool counts)
{
	if (!p->open->tail)
		p->open->tail = sampler_tail(s->sampler, p->open->judged_ns);
	return sampler_span(s->sampler, p->open->tail, span, service_of(span), m, index, newest_ns, counts);
}

/* The sampler first: an exemplar is taken only from a trace that is surely kept. */
static inline __attribute__((always_inline)) void feed_span(struct shard *s, struct shard_partition *p, const struct record *span, struct tail_message *m, size_t index, uint64_t weight, int64_t source_time_ns, struct red_event *e)
{
	int64_t newest_ns = advance(s, p, span, source_time_ns);
	bool sure = !s->sampler || feed_tail(s, p, span, m, index, newest_ns, e != NULL);
	if (e && s->wide && s->sampler) {
		sampler_incident(s->sampler, span, newest_ns);
		m->unmarked = false;
		sure = sure || span->trace_id.len > 0;
	}
	if (e)
		e->unsure = !sure;
	feed_graph(p, span, e ? e->service : service_of(span), weight, newest_ns, s, e);
}

void shard_expect_span(const struct shard_partition *p, const struct record *span, struct tail_message *m)
{
	if (p->open && p->open->tail && span->kind == RECORD_SPAN)
		tail_expect(p->open->tail, span, m);
}

void shard_feed_span(struct shard *s, struct shard_partition *p, const struct record *span, struct tail_message *m, size_t index, uint64_t weight, int64_t source_time_ns, struct red_event *e)
{
	feed_span(s, p, span, m, index, weight, source_time_ns, e);
}

/* What is the same for all spans of a message. */
struct span_way {
	const struct arrival *arrival;
	bool quiet; /* nobody is under incident */
	bool feeds; /* what spans record begins here */
	bool keyed; /* and it has to be seen whether they are keyed by trace */
};

static inline __attribute__((always_inline)) void count_span(struct shard *s, struct shard_partition *p, struct tail_message *m, const struct record *span, size_t index, const struct span_way *way)
{
	enum weight_source source;
	bool ahead;
	uint64_t weight = weight_of(span, &source);
	struct red_event *e = &s->span;
	e->record = span;
	e->service = service_of(span);
	e->time_ns = shard_event_time(span, way->arrival, &ahead);
	e->duration_ns = span->duration_ns;
	e->error = span->error;
	e->unsure = false;
	if (ahead)
		red_clock_ahead(s->red, e->time_ns, e->service);
	shard_newest(p, e->time_ns);
	if (!way->quiet)
		shard_widen(s, e);
	s->totals.incident += s->wide;
	if (way->feeds)
		feed_span(s, p, span, m, index, weight, way->arrival->log_ns, e);
	else
		e->unsure = s->sampler && !sampler_is_sure(s->sampler, span->trace_id, e->time_ns); /* its judge sits behind the topic that is re-keyed */
	red_span_near(s->red, e, weight, source);
	if (way->keyed)
		keying_span(&s->keying, span, p->topic, p->partition, s->opts.graph_of_services);
}

/* --- spans that come in a row --- */

/*
 * What spans of a message that come close together have in common: times in [from_ns, to_ns) lie in one step, are not ahead of now, and let the graph give nobody up. It is found out once for all of
 * them, so that most of them cost their own looks alone; the first that is not so is counted by count_span, which asks for everything, and may begin another row.
 */
struct row {
	int64_t from_ns, to_ns;
	int64_t step;
	int64_t newest_ns, newest_counted_ns; /* the partition's event time, by the log and as it counts */
	size_t len;
	struct slice service; /* of the span before */
	const char *trace;    /* where its trace's digits are; NULL: there is none before */
	uint64_t service_head;
};

static inline int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* False: this span begins none. */
static bool row_open(struct shard *s, const struct shard_partition *p, const struct record *span, const struct span_way *way, struct row *ret)
{
	struct red *r = s->red;
	const struct arrival *arrival = way->arrival;
	if (!way->quiet || !r->names_only || (way->feeds ? !p->open : s->sampler != NULL) || span->time_ns <= 0 || span->time_ns > arrival->latest_ns)
		return false;
	const struct graph_watch *watch = way->feeds ? (const void *)p->open->graph : NULL;
	*ret = (struct row){.step = red_step(r, span->time_ns), .newest_ns = way->feeds ? p->open->replay.newest_ns : 0, .newest_counted_ns = p->newest_ns};
	ret->from_ns = r->near_step_ns > 0 ? r->near_step_ns : 1;
	ret->to_ns = least(r->near_step_ns + r->step_ns, arrival->latest_ns + 1);
	if (way->feeds && arrival->log_ns > 0)
		ret->to_ns = least(ret->to_ns, arrival->log_ns + AHEAD_NS + 1);
	if (watch)
		ret->to_ns = watch->all || ret->newest_ns >= watch->due_ns ? INT64_MIN : least(ret->to_ns, watch->due_ns);
	return span->time_ns < ret->to_ns;
}

/* Whether a span has nothing that count_span alone knows what to do with. */
static inline bool fits_row(const struct record *span, const struct row *row, bool graph)
{
	bool timely = span->time_ns >= row->from_ns && span->time_ns < row->to_ns && span->duration_ns >= 0;
	bool named = span->trace_id.len == EXEMPLAR_TRACE_MAX && span->span_id.len == EXEMPLAR_SPAN_MAX && span->service.len;
	return timely && named && span->kind == RECORD_SPAN && !(graph && span->span_kind > SPAN_INTERNAL) && (span->plain || !red_has_more(span));
}

static inline void row_close(struct shard *s, struct shard_partition *p, const struct span_way *way, const struct row *row)
{
	p->newest_ns = row->newest_counted_ns;
	if (way->feeds)
		p->open->replay.newest_ns = row->newest_ns;
	red_count_run(s->red, row->step, row->len);
}

/* Whether the topic is keyed by trace is looked at where the trace changes. */
static inline void look_at_keying(struct shard *s, const struct shard_partition *p, const struct record *span, struct row *row)
{
	if (span->trace_id.ptr == row->trace && keying_settled(&s->keying, s->opts.graph_of_services)) {
		keying_note(&s->keying, span);
		return;
	}
	row->trace = span->trace_id.ptr;
	keying_span(&s->keying, span, p->topic, p->partition, s->opts.graph_of_services);
}

/* Counts spans in a row; returns the number of the first that does not belong to it. */
static size_t count_row(struct shard *s, struct shard_partition *p, struct tail_message *m, const struct decoded *decoded, size_t from, const struct span_way *way)
{
	struct row row;
	const bool graph = way->feeds && p->open && p->open->graph;
	if (!row_open(s, p, &decoded->records[from], way, &row))
		return from;
	size_t i = from;
	for (; i < decoded->len && fits_row(&decoded->records[i], &row, graph); i++) {
		const struct record *span = &decoded->records[i];
		if (span->service.ptr != row.service.ptr || span->service.len != row.service.len) {
			row.service = span->service;
			row.service_head = (uintptr_t)red_span_service(s->red, span->service);
		}
		struct memo *memo = red_near_memo(s->red, span, row.service_head);
		if (!memo)
			break;
		if (span->time_ns > row.newest_ns)
			row.newest_ns = span->time_ns;
		if (span->time_ns > row.newest_counted_ns)
			row.newest_counted_ns = span->time_ns;
		bool sure = !s->sampler || feed_tail(s, p, span, m, i, row.newest_ns, true);
		red_span_in_row(s->red, span, memo, row.step, sure);
		if (way->keyed)
			look_at_keying(s, p, span, &row);
		row.len++;
	}
	row_close(s, p, way, &row);
	return i;
}

size_t shard_count_spans(struct shard *s, struct shard_partition *p, struct tail_message *m, const struct decoded *decoded, size_t from, const struct arrival *arrival)
{
	if (from == decoded->len || decoded->records[from].kind != RECORD_SPAN)
		return from;
	const struct span_way way = {
		.arrival = arrival,
		.quiet = !s->incidents && !s->wide,
		.feeds = shard_spans_record(s, p, &decoded->records[from]),
		.keyed = s->opts.hold_ns && p->keying == SHARD_KEYED,
	};
	for (;;) {
		from = count_row(s, p, m, decoded, from, &way);
		if (from == decoded->len || decoded->records[from].kind != RECORD_SPAN)
			return from;
		count_span(s, p, m, &decoded->records[from], from, &way);
		if (++from == decoded->len || decoded->records[from].kind != RECORD_SPAN)
			return from;
	}
}

const struct shard_trace *shard_traces(struct shard *s, size_t *ret_len)
{
	size_t len;
	const struct shard_example *examples = examples_open(s->examples, &len);
	*ret_len = 0;
	if (!s->sampler)
		return NULL;
	sampler_examples(s->sampler, examples, len);
	return sampler_news(s->sampler, ret_len);
}

void shard_learn_trace(struct shard *s, const struct shard_trace *t)
{
	if (s->sampler)
		sampler_learn(s->sampler, t);
}

void shard_asked_from(struct shard *s, int64_t from_ns)
{
	if (s->sampler)
		sampler_asked_from(s->sampler, from_ns);
}

void shard_decide(struct shard *s, struct shard_partition *p, int64_t settled_ns, shard_kept_sink *sink, void *arg)
{
	if (s->sampler && p->open && p->open->tail)
		sampler_decide(s->sampler, p->open->tail, settled_ns, s->decoders, s->now_ns, sink, arg);
}

const struct shard_sampled *shard_sampled(const struct shard *s)
{
	return s->sampler ? sampler_totals(s->sampler) : NULL;
}
