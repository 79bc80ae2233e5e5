/* SPDX-License-Identifier: Apache-2.0 */
/* The journal carries two things of traces between shards, whoever they belong to:
 *
 *   marks    a trace is kept for another reason than its share (which everyone knows by the id): its number, the event time of the partition that found it, why
 *   pairs    a kept trace had a log record of this pattern, perhaps in this span
 *
 * Spans and logs of one trace mostly lie in different topics. A shard that reads logs asks its marks whether a trace is surely kept, so exemplars and examples are taken from such traces;
 * a log record that fails, one of a new pattern, or one that goes out as the example of its pattern, makes a mark. The judges of spans wait for it (tail.c). Pairs of traces that are not known to be kept
 * are remembered for a while, and told when the mark comes.
 *
 * A kept trace is decoded a second time, now to be written: it is one of few, and of all others nothing but the payload had to be copied. */
#include "engine/sampler.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>

enum { RARE = 10, PAIRS_MOST = 1 << 20, PAIRS_LIFE_S = 120, NEWS_PAIRS_MAX = 5000, MESSAGE_BYTES = 512 << 10, NOTES_MAX = 16 };
#define MARKS_LIFE_NS (600 * NS_PER_S)

struct sampler {
	const struct sampling *policy;
	struct marks *marks;
	struct pairs recent; /* of log records read here */
	struct pairs shown;  /* of kept traces, as the journal told */
	uint8_t *seen;       /* by pattern index: records so far, RARE at most */
	size_t seen_cap;
	struct shard_trace *news;
	size_t news_len, news_cap, news_pairs;
	struct span_writer writer;
	struct shard_sampled totals;
};

struct sampler *sampler_new(const struct sampling *policy)
{
	struct sampler *s = mem_zalloc(1, sizeof(*s));
	s->policy = policy;
	s->marks = marks_new(MARKS_LIFE_NS);
	pairs_init(&s->recent, PAIRS_LIFE_S, PAIRS_MOST);
	pairs_init(&s->shown, PAIRS_LIFE_S, PAIRS_MOST);
	return s;
}

void sampler_free(struct sampler *s)
{
	if (!s)
		return;
	marks_free(s->marks);
	pairs_done(&s->recent);
	pairs_done(&s->shown);
	span_writer_done(&s->writer);
	free(s->seen);
	free(s->news);
	free(s);
}

struct tail *sampler_tail(struct sampler *s, int64_t judged_ns)
{
	return tail_new(s->policy, s->marks, judged_ns);
}

/* --- what goes into the journal --- */

static struct shard_trace *add_news(struct sampler *s)
{
	s->news = mem_grow(s->news, s->news_len, &s->news_cap, sizeof(*s->news));
	return &s->news[s->news_len++];
}

static void tell_pair(struct sampler *s, struct pair_of_trace *pair)
{
	if (pair->told || s->news_pairs == NEWS_PAIRS_MAX)
		return;
	pair->told = true;
	s->news_pairs++;
	*add_news(s) = (struct shard_trace){.trace = pair->trace, .time_ns = (int64_t)pair->second * NS_PER_S, .pattern_id = pair->pattern, .span = pair->span, .id = {pair->id[0], pair->id[1]}};
}

static void tell_recent(struct sampler *s, uint64_t trace)
{
	size_t cursor = 0;
	for (struct pair_of_trace *pair; (pair = pairs_next(&s->recent, trace, &cursor));)
		tell_pair(s, pair);
}

static void mark(struct sampler *s, uint64_t trace, int64_t time_ns, unsigned reasons)
{
	reasons &= ~marks_get(s->marks, trace, time_ns, time_ns);
	if (!reasons)
		return;
	marks_add(s->marks, trace, time_ns, reasons);
	*add_news(s) = (struct shard_trace){.trace = trace, .time_ns = time_ns, .reasons = (uint8_t)reasons};
	tell_recent(s, trace);
}

const struct shard_trace *sampler_news(const struct sampler *s, size_t *ret_len)
{
	*ret_len = s->news_len;
	return s->news;
}

void sampler_clear(struct sampler *s)
{
	s->news_len = s->news_pairs = 0;
}

void sampler_rewind(struct sampler *s)
{
	sampler_clear(s);
	marks_clear(s->marks);
	pairs_done(&s->recent);
	pairs_done(&s->shown);
	pairs_init(&s->recent, PAIRS_LIFE_S, PAIRS_MOST);
	pairs_init(&s->shown, PAIRS_LIFE_S, PAIRS_MOST);
}

void sampler_learn(struct sampler *s, const struct shard_trace *t)
{
	bool is_new;
	if (t->reasons) {
		marks_add(s->marks, t->trace, t->time_ns, t->reasons);
		tell_recent(s, t->trace);
	}
	if (t->pattern_id)
		pairs_add(&s->shown, t->trace, t->pattern_id, t->span, (uint32_t)(t->time_ns / NS_PER_S), &is_new);
}

/* --- records --- */

bool sampler_span(struct sampler *s, struct tail *tail, const struct record *span, struct slice service, struct tail_message *m, size_t index, int64_t newest_ns, bool counts)
{
	struct tail_verdict v = tail_span(tail, span, service, m, index, newest_ns);
	unsigned told = v.reasons & ~(s->policy->per_second ? 0u : (unsigned)SAMPLING_SHARE);
	if (counts && told)
		mark(s, sampling_hash(span->trace_id), newest_ns, told);
	s->totals.untraced += counts && span->trace_id.len == 0;
	return v.sure;
}

bool sampler_is_sure(const struct sampler *s, struct slice trace_id, int64_t now_ns)
{
	uint64_t trace = sampling_hash(trace_id);
	return sampling_surely_shared(s->policy, trace) || marks_get(s->marks, trace, now_ns, INT64_MAX);
}

static uint8_t *seen(struct sampler *s, const struct pattern *pattern)
{
	if (pattern->index >= s->seen_cap) {
		size_t cap = s->seen_cap ? s->seen_cap : 64;
		while (cap <= pattern->index)
			cap *= 2;
		s->seen = mem_realloc(s->seen, cap, 1);
		memset(s->seen + s->seen_cap, 0, cap - s->seen_cap);
		s->seen_cap = cap;
	}
	return &s->seen[pattern->index];
}

void sampler_knows(struct sampler *s, const struct pattern *pattern)
{
	*seen(s, pattern) = RARE;
}

/* New, or rare so far. */
static bool is_rare(struct sampler *s, const struct pattern *pattern)
{
	if (!s->policy->patterns || pattern->overflow)
		return false;
	uint8_t *n = seen(s, pattern);
	return *n < RARE && ++*n <= RARE;
}

static uint64_t span_number(struct slice span_id)
{
	return span_id.len ? hash_bytes(span_id) : 0;
}

/* A log record's judge may have given up waiting for it. */
static bool is_late(const struct sampler *s, const struct record *record, int64_t newest_ns)
{
	return record->time_ns > 0 && newest_ns - record->time_ns > s->policy->grace_ns;
}

void sampler_incident(struct sampler *s, const struct record *record, int64_t newest_ns)
{
	if (record->trace_id.len && !(record->kind == RECORD_LOG && is_late(s, record, newest_ns)))
		mark(s, sampling_hash(record->trace_id), newest_ns, SAMPLING_INCIDENT);
}

enum sampler_says sampler_log(struct sampler *s, const struct record *record, const struct pattern *pattern, bool error, int64_t newest_ns)
{
	unsigned reasons = is_rare(s, pattern) ? SAMPLING_PATTERN : 0;
	if (record->trace_id.len == 0)
		return SAMPLER_UNSURE;
	uint64_t trace = sampling_hash(record->trace_id);
	bool is_new, late = is_late(s, record, newest_ns);
	struct pair_of_trace *pair = pairs_add(&s->recent, trace, pattern->id, span_number(record->span_id), (uint32_t)(newest_ns / NS_PER_S), &is_new);
	if (is_new)
		sampling_bits(record->trace_id, pair->id);
	if (s->policy->errors && error)
		reasons |= SAMPLING_LOG_ERROR;
	if (late)
		reasons = 0;
	bool sure = reasons || sampling_surely_shared(s->policy, trace) || marks_get(s->marks, trace, newest_ns, INT64_MAX);
	if (sure && !pattern->overflow)
		tell_pair(s, pair);
	if (reasons)
		mark(s, trace, newest_ns, reasons);
	return sure ? SAMPLER_SURE : late ? SAMPLER_TOO_LATE : SAMPLER_UNSURE;
}

void sampler_examples(struct sampler *s, const struct shard_example *examples, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (examples[i].unsure && examples[i].trace_id.len)
			mark(s, sampling_hash(examples[i].trace_id), examples[i].newest_ns, SAMPLING_EXAMPLE);
}

/* --- decisions --- */

struct decision {
	struct sampler *sampler;
	struct decoder *const *decoders;
	int64_t now_ns;
	shard_kept_sink *sink;
	void *arg;
	const struct heap_payload *decoded; /* whose records the decoder holds */
	struct decoded records;
	char trace_id[32];
	size_t trace_len;
};

static const struct record *record_of(struct decision *d, const struct heap_run *run, size_t i)
{
	const struct heap_payload *p = heap_payload_of(run);
	if (d->decoded != p) {
		decoder_decode(d->decoders[p->format], heap_bytes(p), d->now_ns, &d->records);
		d->decoded = p;
	}
	return run->index + i < d->records.len ? &d->records.records[run->index + i] : NULL;
}

static void hex(char *at, uint64_t id)
{
	for (int i = 15; i >= 0; i--, id >>= 4)
		at[i] = "0123456789abcdef"[id & 15];
}

/* The patterns of the span's own log records; the trace's first span also has those that name no span. */
static void write_span(struct sampler *s, uint64_t trace, const struct record *span, bool first)
{
	char text[NOTES_MAX][16];
	struct slice values[NOTES_MAX];
	struct span_note note = {.name = SLICE("log.pattern_id"), .values = values};
	uint64_t number = span_number(span->span_id);
	size_t cursor = 0;
	for (struct pair_of_trace *pair; note.len < NOTES_MAX && (pair = pairs_next(&s->shown, trace, &cursor));) {
		if (pair->span != number && !(first && pair->span == 0))
			continue;
		hex(text[note.len], pair->pattern);
		values[note.len] = slice_of(text[note.len], 16);
		note.len++;
	}
	span_write(&s->writer, span, &note);
}

static void send(struct decision *d, const struct tail_trace *t)
{
	struct sampler *s = d->sampler;
	struct shard_kept kept = {.trace_id = slice_of(d->trace_id, d->trace_len), .reasons = t->reasons, .spans = s->writer.len, .otlp = span_writer_finish(&s->writer)};
	if (kept.spans)
		d->sink(d->arg, &kept);
	s->totals.kept_bytes += kept.otlp.len;
	span_writer_reset(&s->writer);
}

static void keep_span(struct decision *d, const struct tail_trace *t, const struct record *span, bool first)
{
	if (!d->trace_len && span->trace_id.len <= sizeof(d->trace_id))
		memcpy(d->trace_id, span->trace_id.ptr, d->trace_len = span->trace_id.len);
	write_span(d->sampler, t->trace, span, first);
	if (span_writer_bytes(&d->sampler->writer) >= MESSAGE_BYTES)
		send(d, t);
}

static void decide(void *arg, const struct tail_trace *t)
{
	struct decision *d = arg;
	struct shard_sampled *totals = &d->sampler->totals;
	totals->early += t->early;
	if (!t->reasons) {
		totals->dropped++;
		totals->dropped_spans += t->len;
		return;
	}
	totals->kept++;
	totals->kept_spans += t->len;
	d->decoded = NULL;
	d->trace_len = 0;
	for (const struct heap_run *run = t->spans; run; run = run->next)
		for (size_t i = 0; i < run->len; i++) {
			const struct record *record = record_of(d, run, i);
			if (record)
				keep_span(d, t, record, run == t->spans && i == 0);
		}
	send(d, t);
}

void sampler_asked_from(struct sampler *s, int64_t from_ns)
{
	marks_asked_from(s->marks, from_ns);
}

void sampler_decide(struct sampler *s, struct tail *tail, int64_t settled_ns, struct decoder *const *decoders, int64_t now_ns, shard_kept_sink *sink, void *arg)
{
	struct decision d = {.sampler = s, .decoders = decoders, .now_ns = now_ns, .sink = sink, .arg = arg};
	tail_decide(tail, settled_ns, decide, &d);
}

const struct shard_sampled *sampler_totals(const struct sampler *s)
{
	return &s->totals;
}
