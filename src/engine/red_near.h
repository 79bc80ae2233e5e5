/* SPDX-License-Identifier: Apache-2.0 */
/* How nearly all spans are counted, in line: the memo of one with the same texts is near (red_span.c, which has the idea and all the rest). Private to the engine room. */
#ifndef WINNOW_ENGINE_RED_NEAR_H
#define WINNOW_ENGINE_RED_NEAR_H

#include "engine/red_memo.h"

enum { RED_NEAR_SHIFT = 52 };
_Static_assert(RED_NEAR == 1 << (64 - RED_NEAR_SHIFT), "a mix leads to a place");

/* The memo by all that a span's series hang on. */
struct memo *red_memo_of_key(struct red *r, const struct red_event *e) __attribute__((noinline));
/* Writes the books of the spans of one step. */
void red_end_run(struct red *r);
/* What comes now is of this step. */
static inline void red_run_in(struct red *r, int64_t step)
{
	if (step == r->run.step)
		return;
	red_end_run(r);
	r->run.step = step;
}

/* The service of a payload's spans, which mostly is the one before. */
static inline const struct service *red_span_service(struct red *r, struct slice name)
{
	if (name.ptr != r->near_text || name.len != r->near_service->len) {
		r->near_service = red_service(r, name);
		r->near_text = name.ptr;
	}
	return r->near_service;
}

static inline bool red_is_http(const struct record *span)
{
	return span->http_status || span->http_method.len || span->http_route.len;
}

/* All that is a small number; a status has three digits, so there is room for what tells other keys apart. */
static inline uint64_t red_span_head(const struct record *span, bool http)
{
	enum { FREE = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 16 : 48 };
	return record_traits(span) | (uint64_t)('s' << 1 | http) << FREE;
}

/* A text's length, beginning and end. */
static inline uint64_t red_text_mix(struct slice s)
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

static inline uint64_t red_near_mix(uint64_t mix, struct slice text)
{
	return (mix ^ red_text_mix(text)) * UINT64_C(0x9E3779B97F4A7C15);
}

/* Eight bytes at a time, the last ones once more where they are no eight: names are too short for a call. */
static inline bool red_same_text(const char *a, const char *b, size_t len)
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

static inline bool red_memo_stands(const struct red *r, const struct memo *m)
{
	return m->refusal == RED_FITS || m->names == r->names;
}

/* Spans with nothing but a name: the key is made and compared in registers, as red_memo_of_key would. */
static inline struct memo *red_span_memo(struct red *r, const struct red_event *e)
{
	const struct record *span = e->record;
	if (!r->names_only || (!span->plain && (red_is_http(span) || span->system != SYSTEM_NONE)))
		return red_memo_of_key(r, e);
	const uint64_t head[2] = {(uintptr_t)red_span_service(r, e->service), red_span_head(span, false)};
	struct memo *m = r->near[red_near_mix(head[0] ^ head[1], span->name) >> RED_NEAR_SHIFT];
	uint64_t had[2];
	if (!m || m->len != sizeof(head) + sizeof(uint32_t) + span->name.len)
		return red_memo_of_key(r, e);
	memcpy(had, m->key, sizeof(had));
	if (((had[0] ^ head[0]) | (had[1] ^ head[1])) || !red_same_text(m->key + sizeof(head) + sizeof(uint32_t), span->name.ptr, span->name.len) || !red_memo_stands(r, m))
		return red_memo_of_key(r, e);
	m->names = r->names;
	return m;
}

/* --- spans in a row (shard_span.c) --- */

/* Whether it has more than a name to be known by, or a weight. */
static inline bool red_has_more(const struct record *span)
{
	return red_is_http(span) || span->system != SYSTEM_NONE || span->trace_state.len || span->sampling != 0;
}

/* The memo of a span without more, if it is near and says in which series it counts; service: red_span_service's. */
static inline struct memo *red_near_memo(struct red *r, const struct record *span, uint64_t service)
{
	const uint64_t head[2] = {service, red_span_head(span, false)};
	struct memo *m = r->near[red_near_mix(head[0] ^ head[1], span->name) >> RED_NEAR_SHIFT];
	uint64_t had[2];
	if (!m || m->len != sizeof(head) + sizeof(uint32_t) + span->name.len || m->refusal || m->none)
		return NULL;
	memcpy(had, m->key, sizeof(had));
	if (((had[0] ^ head[0]) | (had[1] ^ head[1])) || !red_same_text(m->key + sizeof(head) + sizeof(uint32_t), span->name.ptr, span->name.len))
		return NULL;
	m->names = r->names;
	return m;
}

/* Counts a span that weighs 1, with ids of their full length and a duration, in its series; red_count_run writes the books. */
static inline void red_span_in_row(struct red *r, const struct record *span, struct memo *m, int64_t step, bool sure)
{
	struct exemplar *x = tally_observe_at(r->tally, (uint32_t)m->series[0], &m->spot, step, (double)span->duration_ns / r->unit_ns, 1, !sure ? 0 : span->error ? 3 : 1);
	if (!x)
		return;
	x->time_ns = span->time_ns;
	x->trace_len = EXEMPLAR_TRACE_MAX;
	x->span_len = EXEMPLAR_SPAN_MAX;
	memcpy(x->trace_id, span->trace_id.ptr, EXEMPLAR_TRACE_MAX);
	memcpy(x->span_id, span->span_id.ptr, EXEMPLAR_SPAN_MAX);
}

/* The books of len such spans. */
static inline void red_count_run(struct red *r, int64_t step, size_t len)
{
	if (!len)
		return;
	red_run_in(r, step);
	r->run.weights[WEIGHT_ONE] += len;
	r->run.other[RED_FITS] += len;
}

/* Counts it in its series. */
static inline enum red_refusal red_span_series(struct red *r, const struct red_event *e, uint64_t weight, int64_t step)
{
	const struct record *span = e->record;
	struct memo *m = red_span_memo(r, e);
	if (m->none)
		return RED_FITS;
	uint64_t n = weight == WEIGHT_UNIT ? 1 : weight_round(weight, hash_pair(hash_bytes(span->trace_id), hash_bytes(span->span_id)));
	double value = e->duration_ns < 0 ? 0 : (double)e->duration_ns / r->unit_ns;
	struct exemplar *x = tally_observe_at(r->tally, (uint32_t)m->series[0], &m->spot, step, value, n, red_rank(e));
	if (x)
		red_exemplar_fill(x, e);
	return m->refusal;
}

/* red_span() in line. */
static inline __attribute__((always_inline)) void red_span_near(struct red *r, const struct red_event *e, uint64_t weight, enum weight_source source)
{
	const struct record *span = e->record;
	int64_t step = red_step(r, e->time_ns);
	red_run_in(r, step);
	if (span->trace_id.len == 0 || span->span_id.len == 0)
		red_fault(r, "id", step);
	if (span->backwards)
		red_fault(r, "duration", step);
	r->run.weights[source]++;
	r->run.other[red_span_series(r, e, weight, step)]++;
}

#endif
