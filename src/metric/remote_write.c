/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REMOTE WRITE 1.0 BODIES.
 *
 * Source: prometheus/docs, docs/specs/prw/remote_write_spec.md; field numbers from prometheus/prompb (remote.proto, types.proto):
 *
 *   WriteRequest    timeseries = 1, metadata = 3
 *   TimeSeries      labels = 1, samples = 2, exemplars = 3, histograms = 4 (native.c)
 *   Label           name = 1, value = 2
 *   Sample          value = 1 (double), timestamp = 2 (int64 ms)
 *   Exemplar        labels = 1, value = 2 (double), timestamp = 3 (int64 ms)
 *   MetricMetadata  type = 1, metric_family_name = 2, help = 4, unit = 5
 *
 * Idea: nearly all bytes of a TimeSeries are its labels and never change, so they are encoded once per series (the label block) and copied from then on.
 * The rest has a known upper bound: room is reserved once per TimeSeries and written through a plain pointer. As proto3 has it, a 0 value is left out, so the
 * bytes equal what generated code writes. Every nested length is known before its message is written: nothing is shifted afterwards.
 *
 * Invariant: label names come out sorted by byte, `__name__` and the extra pair in their places (an upper-case name sorts before `__name__`), none twice:
 * receivers answer a duplicate name with a 500 that would be sent again for ever.
 */
#include "metric/remote_write.h"

#include "base/clock.h"
#include "metric/point.h"

#include <assert.h>
#include <math.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIMESERIES = 1, METADATA = 3 };
enum { SERIES_LABELS = 1, SERIES_SAMPLES = 2, SERIES_EXEMPLARS = 3, SERIES_HISTOGRAMS = 4 };
enum { TAG_DOUBLE_1 = 1 << 3 | WIRE_FIXED64, TAG_DOUBLE_2 = 2 << 3 | WIRE_FIXED64, TAG_VARINT_2 = 2 << 3, TAG_VARINT_3 = 3 << 3 };
enum { TAG_BYTES_1 = 1 << 3 | WIRE_BYTES, TAG_BYTES_2 = 2 << 3 | WIRE_BYTES, TAG_BYTES_3 = 3 << 3 | WIRE_BYTES };

#define TRACE_NAME "trace_id"
#define SPAN_NAME "span_id"
/* The receiver's limit on an exemplar's label names and values together. */
static_assert(sizeof(TRACE_NAME) - 1 + EXEMPLAR_TRACE_MAX + sizeof(SPAN_NAME) - 1 + EXEMPLAR_SPAN_MAX <= 128, "an exemplar's labels fit 128 characters");
/* Tags, lengths, sample (21) and exemplar (two labels, value, time) of one TimeSeries, labels not counted. */
enum { SERIES_OVERHEAD = 256 };

double remote_write_stale(void)
{
	return wire_to_double(REMOTE_WRITE_STALE_BITS);
}

/* --- labels --- */

static void add_label(struct buf *out, struct slice name, struct slice value)
{
	wire_add_tag(out, SERIES_LABELS, WIRE_BYTES);
	wire_add_varint(out, 2 + wire_varint_len(name.len) + name.len + wire_varint_len(value.len) + value.len);
	wire_add_bytes(out, 1, name);
	wire_add_bytes(out, 2, value);
}

void remote_write_label_block(struct buf *out, struct slice metric_name, const struct label *labels, size_t len, const struct label *extra)
{
	struct label added[2] = {{.name = SLICE("__name__"), .value = metric_name}};
	size_t added_len = 1, a = 0;
	if (extra)
		added[added_len++] = *extra;
	if (extra && slice_cmp(extra->name, added[0].name) < 0) {
		added[1] = added[0];
		added[0] = *extra;
	}
	for (size_t i = 0; i < len; i++) {
		int order = -1;
		while (a < added_len && (order = slice_cmp(added[a].name, labels[i].name)) < 0) {
			add_label(out, added[a].name, added[a].value);
			a++;
		}
		if (a == added_len || order != 0) /* ours wins over a label of the same name */
			add_label(out, labels[i].name, labels[i].value);
	}
	for (; a < added_len; a++)
		add_label(out, added[a].name, added[a].value);
}

/* --- one TimeSeries --- */

/* Bytes of a Label message; its length fits one byte. */
static inline size_t short_label_len(size_t name_len, size_t value_len)
{
	return 4 + name_len + value_len;
}

static inline uint8_t *put_short_label(uint8_t *at, const char *name, size_t name_len, const char *value, size_t value_len)
{
	*at++ = TAG_BYTES_1;
	*at++ = (uint8_t)short_label_len(name_len, value_len);
	at = put_bytes(at, TAG_BYTES_1, name, name_len);
	return put_bytes(at, TAG_BYTES_2, value, value_len);
}

static size_t exemplar_len(const struct exemplar *e)
{
	size_t len = point_len(bits_of(e->value), e->time_ns / NS_PER_MS);
	if (e->span_len)
		len += 2 + short_label_len(sizeof(SPAN_NAME) - 1, e->span_len);
	if (e->trace_len)
		len += 2 + short_label_len(sizeof(TRACE_NAME) - 1, e->trace_len);
	return len;
}

static uint8_t *put_exemplar(uint8_t *at, const struct exemplar *e, size_t len)
{
	*at++ = TAG_BYTES_3;
	at = put_varint(at, len);
	if (e->span_len) /* span_id sorts before trace_id */
		at = put_short_label(at, SPAN_NAME, sizeof(SPAN_NAME) - 1, e->span_id, e->span_len);
	if (e->trace_len)
		at = put_short_label(at, TRACE_NAME, sizeof(TRACE_NAME) - 1, e->trace_id, e->trace_len);
	return put_point(at, TAG_DOUBLE_2, bits_of(e->value), TAG_VARINT_3, e->time_ns / NS_PER_MS);
}

void remote_write_add(struct buf *request, struct slice label_block, double value, int64_t timestamp_ms, const struct exemplar *exemplar)
{
	uint64_t bits = bits_of(value);
	size_t sample = point_len(bits, timestamp_ms), extra = 0;
	if (!point_takes(exemplar))
		exemplar = NULL;
	if (exemplar)
		extra = exemplar_len(exemplar);
	size_t body = label_block.len + 2 + sample + (exemplar ? 1 + wire_varint_len(extra) + extra : 0);
	uint8_t *start = (uint8_t *)buf_reserve(request, label_block.len + SERIES_OVERHEAD), *at = start;
	*at++ = TIMESERIES << 3 | WIRE_BYTES;
	at = put_varint(at, body);
	if (label_block.len)
		memcpy(at, label_block.ptr, label_block.len);
	at += label_block.len;
	*at++ = TAG_BYTES_2;
	*at++ = (uint8_t)sample;
	at = put_point(at, TAG_DOUBLE_1, bits, TAG_VARINT_2, timestamp_ms);
	if (exemplar)
		at = put_exemplar(at, exemplar, extra);
	request->len += (size_t)(at - start);
}

/* --- all of a series --- */

/* What the samples of a step have in common: copied into each. */
struct common {
	uint8_t time[PAIR_PAD]; /* tag and timestamp */
	size_t time_len;
	size_t head_len, tail_len; /* a bucket's labels before and behind `le` */
};

static inline uint8_t *put_sample(uint8_t *at, const struct common *c, uint64_t bits)
{
	at[0] = TAG_BYTES_2;
	at[1] = (uint8_t)((bits ? 9 : 0) + c->time_len);
	at += 2;
	if (bits)
		at = put_double(at, TAG_DOUBLE_1, bits);
	memcpy(at, c->time, PAIR_PAD);
	return at + c->time_len;
}

/* Labels of the series on one side of `le`, the name among the first ones. */
static inline uint8_t *put_labels(uint8_t *at, const struct points *p, const struct pair *name, bool behind)
{
	size_t i = behind ? p->order.before_le : 0;
	for (; !behind && i < p->order.before_name; i++)
		at = put_padded(at, p->labels[i]->encoded, p->labels[i]->encoded_len);
	if (!behind)
		at = put_padded(at, name->encoded, name->encoded_len);
	for (size_t end = behind ? p->order.len : p->order.before_le; i < end; i++)
		at = put_padded(at, p->labels[i]->encoded, p->labels[i]->encoded_len);
	return at;
}

static inline size_t labels_len(const struct points *p, const struct pair *name, const struct pair *le)
{
	return p->order.encoded_len + name->encoded_len + (le ? le->encoded_len : 0);
}

static inline uint8_t *room_for(struct buf *request, size_t labels)
{
	if (request->cap - request->len < labels + SERIES_OVERHEAD)
		buf_reserve(request, labels + SERIES_OVERHEAD);
	return (uint8_t *)request->data + request->len;
}

/* Any sample, from its pairs. */
static void add_point(struct buf *request, const struct points *p, const struct common *c, const struct pair *name, const struct pair *le, double value, const struct exemplar *exemplar)
{
	uint64_t bits = bits_of(value);
	size_t labels = labels_len(p, name, le), extra = 0;
	if (!point_takes(exemplar))
		exemplar = NULL;
	if (exemplar)
		extra = exemplar_len(exemplar);
	uint8_t *start = room_for(request, labels), *at = start;
	*at++ = TIMESERIES << 3 | WIRE_BYTES;
	at = put_short_varint(at, labels + 2 + (bits ? 9 : 0) + c->time_len + (exemplar ? 1 + wire_varint_len(extra) + extra : 0));
	at = put_labels(at, p, name, false);
	if (le)
		at = put_padded(at, le->encoded, le->encoded_len);
	at = put_labels(at, p, name, true);
	at = put_sample(at, c, bits);
	if (exemplar)
		at = put_exemplar(at, exemplar, extra);
	request->len += (size_t)(at - start);
}

/* A bucket's sample: the labels on both sides of `le` are copied from the first bucket, where they stand at these places of the request. */
static inline void add_bucket(struct buf *request, const struct common *c, size_t head_at, size_t tail_at, const struct pair *le, double value)
{
	uint64_t bits = bits_of(value);
	size_t labels = c->head_len + le->encoded_len + c->tail_len;
	uint8_t *start = room_for(request, labels), *at = start;
	const uint8_t *base = (const uint8_t *)request->data;
	*at++ = TIMESERIES << 3 | WIRE_BYTES;
	at = put_short_varint(at, labels + 2 + (bits ? 9 : 0) + c->time_len);
	at = put_padded(at, base + head_at, c->head_len);
	at = put_padded(at, le->encoded, le->encoded_len);
	at = put_padded(at, base + tail_at, c->tail_len);
	request->len += (size_t)(put_sample(at, c, bits) - start);
}

static void set_time(struct common *c, int64_t at_ms)
{
	uint8_t *at = c->time;
	if (at_ms) {
		*at++ = TAG_VARINT_2;
		at = put_varint(at, (uint64_t)at_ms);
	}
	c->time_len = (size_t)(at - c->time);
}

static void add_buckets(struct buf *request, const struct points *p, struct common *c)
{
	const struct family_pairs *n = p->names;
	size_t start = request->len;
	add_point(request, p, c, n->name[0], n->le[0], p->values[0], p->marked == 0 ? p->exemplar : NULL);
	size_t labels = labels_len(p, n->name[0], NULL), head_at = start + 2;
	while (request->data[head_at - 1] & (char)0x80) /* the last byte of the length */
		head_at++;
	for (size_t i = p->order.before_le; i < p->order.len; i++)
		c->tail_len += p->labels[i]->encoded_len;
	c->head_len = labels - c->tail_len;
	size_t tail_at = head_at + c->head_len + n->le[0]->encoded_len;
	for (size_t b = 1; b <= p->family->bounds_len; b++) {
		if (p->exemplar && p->marked == b)
			add_point(request, p, c, n->name[0], n->le[b], p->values[b], p->exemplar);
		else
			add_bucket(request, c, head_at, tail_at, n->le[b], p->values[b]);
	}
}

void remote_write_series(struct buf *request, const struct points *p)
{
	struct common c = {0};
	set_time(&c, p->at_ms);
	if (p->family->type != METRIC_HISTOGRAM) {
		add_point(request, p, &c, p->names->name[0], NULL, p->values[0], p->exemplar);
		return;
	}
	add_buckets(request, p, &c);
	for (size_t i = 1; i < 3; i++)
		add_point(request, p, &c, p->names->name[i], NULL, p->values[p->family->bounds_len + i], NULL);
}

void remote_write_native(struct buf *request, const struct points *p, struct slice message)
{
	const struct pair *name = p->names->name[3];
	bool has = point_takes(p->exemplar);
	size_t labels = labels_len(p, name, NULL), extra = has ? exemplar_len(p->exemplar) : 0;
	uint8_t *start = room_for(request, labels + message.len), *at = start;
	*at++ = TIMESERIES << 3 | WIRE_BYTES;
	at = put_short_varint(at, labels + 1 + wire_varint_len(message.len) + message.len + (has ? 1 + wire_varint_len(extra) + extra : 0));
	at = put_labels(at, p, name, false);
	at = put_labels(at, p, name, true);
	at = put_bytes(at, SERIES_HISTOGRAMS << 3 | WIRE_BYTES, message.ptr, message.len);
	if (has)
		at = put_exemplar(at, p->exemplar, extra);
	request->len += (size_t)(at - start);
}

/* --- the rest of a request --- */

void remote_write_add_metadata(struct buf *request, const struct family *family)
{
	static const uint8_t types[] = {[METRIC_COUNTER] = 1, [METRIC_GAUGE] = 2, [METRIC_HISTOGRAM] = 3};
	struct slice name = slice_str(family->name), help = slice_str(family->help), unit = slice_str(family->unit);
	size_t len = 2;
	const struct slice texts[] = {name, help, unit};
	for (size_t i = 0; i < 3; i++)
		len += texts[i].len ? 1 + wire_varint_len(texts[i].len) + texts[i].len : 0;
	wire_add_tag(request, METADATA, WIRE_BYTES);
	wire_add_varint(request, len);
	wire_add_u64(request, 1, types[family->type]);
	static const uint8_t fields[] = {2, 4, 5};
	for (size_t i = 0; i < 3; i++)
		if (texts[i].len)
			wire_add_bytes(request, fields[i], texts[i]);
}

void remote_write_compress(struct buf *out, struct slice body)
{
	size_t len = snappy_max_compressed_length(body.len);
	char *at = buf_reserve(out, len);
	/* the only failure is a destination that is too small */
	if (snappy_compress(body.len ? body.ptr : "", body.len, at, &len) != SNAPPY_OK)
		abort();
	out->len += len;
}

void remote_write_bound_text(struct buf *out, double bound)
{
	char text[32] = "+Inf";
	if (isinf(bound) && bound > 0) {
		buf_add_str(out, text);
		return;
	}
	if (bound == (double)(int)bound && fabs(bound) < 100000) {
		buf_add_i64(out, (int)bound);
		return;
	}
	/* the shortest text that reads back as the same number; from 6 digits on, so that 15000 is not 1.5e+04 */
	for (int digits = 6; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, bound);
		if (strtod(text, NULL) == bound)
			break;
	}
	buf_add_str(out, text);
}
