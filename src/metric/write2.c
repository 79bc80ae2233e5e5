/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REMOTE WRITE 2.0 BODIES.
 *
 * Source: prometheus/docs, docs/specs/prw/remote_write_spec_2_0.md; io.prometheus.write.v2:
 *
 *   Request     symbols = 4 (string, the first one empty), timeseries = 5
 *   TimeSeries  labels_refs = 1 (packed uint32), samples = 2, histograms = 3, exemplars = 4, metadata = 5
 *   Sample      value = 1 (double), timestamp = 2 (int64 ms), start_timestamp = 3
 *   Exemplar    labels_refs = 1, value = 2 (double), timestamp = 3
 *   Metadata    type = 1, help_ref = 3, unit_ref = 4
 *
 * Two ways lead to the same message: write2_series.c writes all samples of a series that the ledger keeps, from pairs that remember their references; here is
 * the plain way, from labels as texts. Symbols are in symbols.c.
 *
 * Invariants: references are below the number of symbols; label names rise by byte.
 */
#include "metric/write2.h"

#include "base/clock.h"
#include "base/mem.h"
#include "metric/write2_parts.h"

#include <stdlib.h>

struct write2 *write2_new(void)
{
	struct write2 *w = mem_zalloc(1, sizeof(*w));
	symbols_init(&w->symbols);
	write2_begin(w);
	return w;
}

void write2_free(struct write2 *w)
{
	if (!w)
		return;
	symbols_done(&w->symbols);
	buf_done(&w->own);
	free(w);
}

void write2_share(struct write2 *w, const struct label_pairs *pairs)
{
	w->symbols.pairs = pairs;
}

static void begin(struct write2 *w, struct buf *out, size_t room)
{
	symbols_begin(&w->symbols);
	buf_reserve(out, room);
	out->len += room;
	w->out = out;
	w->room = room;
	w->begin = out->len;
	w->series_len = 0;
	w->labels_len = 0;
	w->current = NULL;
	w->last = NULL;
}

void write2_begin(struct write2 *w)
{
	buf_reset(&w->own);
	begin(w, &w->own, 0);
}

/* The symbols will stand before the series, which are many more bytes: they get the room that those of the last request took, and some more. */
void write2_begin_in(struct write2 *w, struct buf *out)
{
	begin(w, out, w->symbols.bytes.len + w->symbols.bytes.len / 8 + 64);
}

/* --- what points share --- */

static uint8_t *put_label_refs(struct write2 *w, uint8_t *at, struct slice name, struct slice value)
{
	at = put_varint(at, symbols_ref(&w->symbols, name));
	return put_varint(at, symbols_ref(&w->symbols, value));
}

const struct metadata *write2_metadata(struct write2 *w, const struct family *family)
{
	static const uint8_t types[] = {[METRIC_COUNTER] = 1, [METRIC_GAUGE] = 2, [METRIC_HISTOGRAM] = 3};
	struct metadata *m = &w->metadata[family_slot(family)];
	if (m->family == family && m->epoch == w->symbols.epoch)
		return m;
	struct slice help = slice_str(family->help), unit = slice_str(family->unit);
	uint8_t *at = m->bytes;
	*at++ = TAG_TYPE;
	*at++ = types[family->type];
	if (help.len) {
		*at++ = TAG_HELP;
		at = put_varint(at, symbols_ref(&w->symbols, help));
	}
	if (unit.len) {
		*at++ = TAG_UNIT;
		at = put_varint(at, symbols_ref(&w->symbols, unit));
	}
	m->family = family;
	m->epoch = w->symbols.epoch;
	m->len = (uint8_t)(at - m->bytes);
	return m;
}

void write2_labels(struct write2 *w, const struct family *family, const struct label *labels, size_t len)
{
	uint8_t *at = w->refs;
	w->labels_len = w->before_name = 0;
	w->placed = NULL;
	w->ends[0] = 0;
	for (size_t i = 0; i < len && w->labels_len < LABELS_MAX; i++) {
		int order = slice_cmp(labels[i].name, SLICE("__name__"));
		if (order == 0)
			continue;
		at = put_label_refs(w, at, labels[i].name, labels[i].value);
		w->names[w->labels_len++] = labels[i].name;
		w->ends[w->labels_len] = (uint16_t)(at - w->refs);
		w->before_name += order < 0;
	}
	w->current = family ? write2_metadata(w, family) : NULL;
}

/* --- one TimeSeries --- */

static inline uint8_t *put_range(const struct write2 *w, uint8_t *at, size_t first, size_t last)
{
	size_t len = (size_t)w->ends[last] - w->ends[first];
	memcpy(at, w->refs + w->ends[first], len);
	return at + len;
}

static inline uint8_t *put_label(struct write2 *w, uint8_t *at, struct write2_label *l)
{
	if (l->epoch != w->symbols.epoch) {
		l->len = (uint8_t)(put_label_refs(w, l->refs, l->label.name, l->label.value) - l->refs);
		l->epoch = w->symbols.epoch;
	}
	memcpy(at, l->refs, sizeof(l->refs));
	return at + l->len;
}

/* Where extra goes among the labels: the same for all points of a histogram. */
static void find_place(struct write2 *w, struct slice name)
{
	size_t place = 0;
	while (place < w->labels_len && slice_cmp(w->names[place], name) < 0)
		place++;
	w->place = place;
	w->placed = name.ptr;
	w->replaces = place < w->labels_len && slice_eq(w->names[place], name); /* ours wins over a label of the same name */
	w->extra_first = slice_cmp(name, SLICE("__name__")) < 0;
}

/* The references of all labels in their order; the name and extra in their places. */
static uint8_t *put_refs(struct write2 *w, uint8_t *at, struct write2_label *name, struct write2_label *extra)
{
	if (!extra) {
		at = put_range(w, at, 0, w->before_name);
		at = put_label(w, at, name);
		return put_range(w, at, w->before_name, w->labels_len);
	}
	if (w->placed != extra->label.name.ptr)
		find_place(w, extra->label.name);
	size_t from = w->place + w->replaces;
	if (!w->extra_first) {
		at = put_range(w, at, 0, w->before_name);
		at = put_label(w, at, name);
		at = put_range(w, at, w->before_name, w->place);
		at = put_label(w, at, extra);
		return put_range(w, at, from, w->labels_len);
	}
	at = put_range(w, at, 0, w->place);
	at = put_label(w, at, extra);
	at = put_range(w, at, from, w->before_name);
	at = put_label(w, at, name);
	return put_range(w, at, w->before_name, w->labels_len);
}

uint8_t *write2_put_exemplar(struct write2 *w, uint8_t *at, const struct exemplar *e)
{
	uint8_t refs[2 * PAIR_BYTES], *end = refs;
	if (e->span_len)
		end = put_label_refs(w, end, SLICE("span_id"), slice_of(e->span_id, e->span_len));
	if (e->trace_len)
		end = put_label_refs(w, end, SLICE("trace_id"), slice_of(e->trace_id, e->trace_len));
	size_t refs_len = (size_t)(end - refs), point = point_len(bits_of(e->value), e->time_ns / NS_PER_MS);
	*at++ = TAG_EXEMPLAR;
	*at++ = (uint8_t)(2 + refs_len + point);
	at = put_bytes(at, TAG_REFS, (const char *)refs, refs_len);
	return put_point(at, TAG_DOUBLE_2, bits_of(e->value), TAG_VARINT_3, e->time_ns / NS_PER_MS);
}

/* A TimeSeries around a point that is encoded already. Its parts are put behind room for tag and length, which then are written in front of them. */
static void add_series(struct write2 *w, struct write2_label *name, struct write2_label *extra, uint8_t tag, struct slice point, const struct exemplar *exemplar)
{
	enum { HEAD = 11 };
	uint8_t refs[(LABELS_MAX + 3) * PAIR_BYTES], head[HEAD];
	size_t refs_len = (size_t)(put_refs(w, refs, name, extra) - refs);
	uint8_t *start = (uint8_t *)buf_reserve(w->out, SERIES_OVERHEAD + refs_len + point.len), *body = start + HEAD, *at = body;
	at = put_bytes(at, TAG_REFS, (const char *)refs, refs_len);
	at = put_bytes(at, tag, point.ptr, point.len);
	if (point_takes(exemplar))
		at = write2_put_exemplar(w, at, exemplar);
	if (w->current)
		at = put_bytes(at, TAG_METADATA, (const char *)w->current->bytes, w->current->len);
	size_t len = (size_t)(at - body);
	head[0] = TAG_SERIES;
	size_t head_len = (size_t)(put_varint(head + 1, len) - head);
	memcpy(start, head, head_len);
	memmove(start + head_len, body, len);
	w->out->len += head_len + len;
	w->series_len++;
}

void write2_point(struct write2 *w, struct write2_label *name, struct write2_label *extra, double value, int64_t timestamp_ms, int64_t start_ms, const struct exemplar *exemplar)
{
	uint8_t point[40], *at = put_point(point, TAG_DOUBLE_1, bits_of(value), TAG_VARINT_2, timestamp_ms);
	if (start_ms) {
		*at++ = TAG_VARINT_3;
		at = put_varint(at, (uint64_t)start_ms);
	}
	add_series(w, name, extra, TAG_SAMPLE, slice_of((const char *)point, (size_t)(at - point)), exemplar);
}

void write2_histogram(struct write2 *w, struct write2_label *name, struct slice message, const struct exemplar *exemplar)
{
	add_series(w, name, NULL, TAG_HISTOGRAM, message, exemplar);
}

/* --- the request --- */

uint32_t write2_symbol(struct write2 *w, struct slice text)
{
	return symbols_ref(&w->symbols, text);
}

void write2_add(struct write2 *w, struct slice message)
{
	wire_add_bytes(w->out, WRITE2_TIMESERIES, message);
	w->series_len++;
}

size_t write2_len(const struct write2 *w)
{
	return write2_bytes(w);
}

size_t write2_series_len(const struct write2 *w)
{
	return w->series_len;
}

void write2_finish(struct write2 *w, struct buf *out)
{
	buf_add_slice(out, buf_slice(&w->symbols.bytes));
	buf_add(out, w->out->data + w->begin, w->out->len - w->begin);
}

size_t write2_finish_in(struct write2 *w)
{
	size_t len = w->symbols.bytes.len, more = len > w->room ? len - w->room : 0;
	buf_reserve(w->out, more);
	if (more)
		memmove(w->out->data + w->begin + more, w->out->data + w->begin, w->out->len - w->begin);
	w->out->len += more;
	w->begin += more;
	w->room += more;
	memcpy(w->out->data + w->begin - len, w->symbols.bytes.data, len);
	return w->begin - len;
}
