/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NATIVE HISTOGRAMS.
 *
 * Source: prometheus/prometheus, prompb/types.proto and docs on native histograms; the index of a value as client_golang finds it.
 *
 *   Histogram   count_int = 1, sum = 3, schema = 4 (sint32), zero_threshold = 5, zero_count_int = 6, positive_spans = 11, positive_deltas = 12 (sint64, packed),
 *               timestamp = 15, start_timestamp = 17 (2.0 only)
 *   BucketSpan  offset = 1 (sint32, from the end of the last span; the first one: the index), length = 2
 *
 * Idea: a bucket is an integer, so merging is adding counts by index, in any order, with no rounding: that is what makes these histograms fit for the journal. Buckets
 * lie in one array from the lowest to the highest in use. Coarser by one: bucket i goes to (i + 1) / 2 rounded down, since its bound 2^(i / 2^n) is 2^((i / 2) / 2^(n - 1)).
 *
 * Invariants: counts, with zero, add up to count; a schema only falls, and a receiver takes that for no reset.
 */
#include "metric/native.h"

#include "base/mem.h"
#include "base/wire.h"
#include "metric/remote_write.h"

#include <math.h>
#include <stdlib.h>

enum { COUNT = 1, SUM = 3, SCHEMA = 4, ZERO_THRESHOLD = 5, ZERO_COUNT = 6, SPANS = 11, DELTAS = 12, TIMESTAMP = 15, START = 17 };
enum { GAP_MAX = 2 }; /* empty buckets that a span rather holds than that a new one begins */

void native_done(struct native *n)
{
	free(n->counts);
	*n = (struct native){0};
}

void native_reset(struct native *n)
{
	*n = (struct native){.counts = n->counts, .cap = n->cap, .schema = NATIVE_SCHEMA};
}

/* Makes room for this bucket. */
static uint64_t *bucket(struct native *h, int32_t index)
{
	if (h->len == 0)
		h->first = index;
	int32_t first = index < h->first ? index : h->first;
	int64_t end = (int64_t)h->first + h->len > index ? (int64_t)h->first + h->len : (int64_t)index + 1;
	uint32_t len = (uint32_t)(end - first);
	if (len > h->cap) {
		h->cap = len + 16;
		h->counts = mem_realloc(h->counts, h->cap, sizeof(*h->counts));
	}
	if (len > h->len) {
		uint32_t before = (uint32_t)(h->first - first);
		memmove(h->counts + before, h->counts, h->len * sizeof(*h->counts));
		memset(h->counts, 0, before * sizeof(*h->counts));
		memset(h->counts + before + h->len, 0, (len - before - h->len) * sizeof(*h->counts));
		h->first = first;
		h->len = len;
	}
	return &h->counts[index - h->first];
}

/* The bound of each eighth of an octave below 1. */
static int32_t index_of(double value)
{
	static const double bounds[] = {0.5, 0.5452538663326288, 0.5946035575013605, 0.6484197773255048, 0.7071067811865475, 0.7711054127039704, 0.8408964152537144, 0.9170040432046711};
	int exponent, eighth = 0;
	double fraction = frexp(value, &exponent);
	for (size_t i = 0; i < 8; i++)
		eighth += bounds[i] < fraction;
	int32_t index = (exponent - 1) * 8 + eighth;
	return index < NATIVE_INDEX_MAX ? index : NATIVE_INDEX_MAX;
}

/* ceil(index / 2^by) */
static int32_t coarser(int32_t index, int by)
{
	return (int32_t)(((int64_t)index + (INT64_C(1) << by) - 1) >> by);
}

static void set_schema(struct native *h, int schema)
{
	int by = h->schema - schema;
	if (by <= 0)
		return;
	int32_t first = coarser(h->first, by);
	for (uint32_t i = 0; i < h->len; i++) {
		uint64_t n = h->counts[i];
		h->counts[i] = 0;
		h->counts[coarser(h->first + (int32_t)i, by) - first] += n; /* never to the right of where it was */
	}
	if (h->len)
		h->len = (uint32_t)(coarser(h->first + (int32_t)h->len - 1, by) - first + 1);
	h->first = first;
	h->schema = (int8_t)schema;
}

void native_observe(struct native *h, double value, uint64_t n)
{
	h->count += n;
	if (value <= NATIVE_ZERO) {
		h->zero += n;
		return;
	}
	h->sum += value * (double)n;
	*bucket(h, coarser(index_of(value), NATIVE_SCHEMA - h->schema)) += n;
}

void native_put(struct native *h, int schema, int32_t index, uint64_t n)
{
	*bucket(h, coarser(index, schema - h->schema)) += n;
}

void native_add(struct native *h, const struct native *more)
{
	if (more->count == 0)
		return;
	if (h->count == 0)
		native_reset(h);
	set_schema(h, more->schema);
	for (uint32_t i = 0; i < more->len; i++)
		if (more->counts[i])
			native_put(h, more->schema, more->first + (int32_t)i, more->counts[i]);
	h->count += more->count;
	h->zero += more->zero;
	h->sum += more->sum;
}

void native_limit(struct native *h)
{
	while (h->len > NATIVE_BUCKETS && h->schema > NATIVE_SCHEMA_MIN)
		set_schema(h, h->schema - 1);
}

/* --- bytes --- */

static void add_span(struct buf *out, int32_t offset, uint32_t length)
{
	struct buf span = {0};
	if (offset)
		wire_add_sint64(&span, 1, offset);
	wire_add_u64(&span, 2, length);
	wire_add_bytes(out, SPANS, buf_slice(&span));
	buf_done(&span);
}

static void add_zigzag(struct buf *out, int64_t value)
{
	wire_add_varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

/* The next run of buckets, gaps of a few empty ones included: [*from, return). */
static uint32_t next_span(const struct native *h, uint32_t *from)
{
	while (*from < h->len && h->counts[*from] == 0)
		++*from;
	uint32_t end = *from;
	for (uint32_t i = *from; i < h->len && i <= end + GAP_MAX; i++)
		if (h->counts[i])
			end = i + 1;
	return end;
}

static void add_buckets(struct buf *out, const struct native *h)
{
	struct buf deltas = {0};
	int64_t last = 0;
	int32_t behind = 0; /* the index behind the last span */
	for (uint32_t from = 0, end; (end = next_span(h, &from)) > from; from = end) {
		add_span(out, h->first + (int32_t)from - behind, end - from);
		behind = h->first + (int32_t)end;
		for (uint32_t i = from; i < end; i++) {
			add_zigzag(&deltas, (int64_t)h->counts[i] - last);
			last = (int64_t)h->counts[i];
		}
	}
	if (deltas.len)
		wire_add_bytes(out, DELTAS, buf_slice(&deltas));
	buf_done(&deltas);
}

static void add_times(struct buf *out, int64_t timestamp_ms, int64_t start_ms)
{
	if (timestamp_ms)
		wire_add_u64(out, TIMESTAMP, (uint64_t)timestamp_ms);
	if (start_ms)
		wire_add_u64(out, START, (uint64_t)start_ms);
}

void native_encode(struct buf *out, const struct native *h, int64_t timestamp_ms, int64_t start_ms)
{
	static const struct native none = {.schema = NATIVE_SCHEMA};
	if (!h || h->count == 0)
		h = &none;
	if (h->count)
		wire_add_u64(out, COUNT, h->count);
	if (h->sum != 0)
		wire_add_double(out, SUM, h->sum);
	if (h->schema)
		wire_add_sint64(out, SCHEMA, h->schema);
	wire_add_double(out, ZERO_THRESHOLD, NATIVE_ZERO);
	if (h->zero)
		wire_add_u64(out, ZERO_COUNT, h->zero);
	add_buckets(out, h);
	add_times(out, timestamp_ms, start_ms);
}

void native_encode_stale(struct buf *out, int64_t timestamp_ms)
{
	wire_add_fixed64(out, SUM, REMOTE_WRITE_STALE_BITS);
	add_times(out, timestamp_ms, 0);
}
