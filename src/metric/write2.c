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
 * Idea: a text is looked up once for a series, not once for a sample. write2_labels() turns labels into encoded references; the points of a histogram copy them.
 * Labels are looked up as pairs, as they nearly always come in the same pairs, which halves the work. Tables are emptied by counting up an epoch.
 *
 *   symbols   tag, length, text ...    as it leaves; texts[ref] says where each begins
 *   words     hash -> ref              open addressing, at most half full
 *   pairs     hash -> two refs         the same
 *   series    TimeSeries ...           as it leaves, behind the symbols
 *
 * Invariants: every text is in the table once; references are below the number of symbols and in first use's order, so the same points give the same bytes in
 * every instance; label names rise by byte. The hash has no part in the bytes.
 */
#include "metric/write2.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "metric/point.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { SYMBOLS = 4, TIMESERIES = 5 };
enum { TAG_SYMBOL = SYMBOLS << 3 | WIRE_BYTES, TAG_SERIES = TIMESERIES << 3 | WIRE_BYTES };
enum { TAG_REFS = 1 << 3 | WIRE_BYTES, TAG_SAMPLE = 2 << 3 | WIRE_BYTES, TAG_HISTOGRAM = 3 << 3 | WIRE_BYTES, TAG_EXEMPLAR = 4 << 3 | WIRE_BYTES, TAG_METADATA = 5 << 3 | WIRE_BYTES };
enum { TAG_DOUBLE_1 = 1 << 3 | WIRE_FIXED64, TAG_DOUBLE_2 = 2 << 3 | WIRE_FIXED64, TAG_VARINT_2 = 2 << 3, TAG_VARINT_3 = 3 << 3, TAG_TYPE = 1 << 3, TAG_HELP = 3 << 3, TAG_UNIT = 4 << 3 };
/* A reference takes at most 5 bytes; a pair 10. */
enum { PAIR_BYTES = 10, METADATA_BYTES = 16, METADATA_SLOTS = 64, FIRST_SLOTS = 1024 };
/* Tags, lengths, a sample with both its times, an exemplar and metadata: all but the references. */
enum { SERIES_OVERHEAD = 256 };

struct text {
	size_t at;
	uint32_t len;
};

struct word {
	uint32_t epoch, hash, ref;
};

struct couple {
	uint32_t epoch, hash, name, value;
};

struct metadata {
	const struct family *family;
	uint32_t epoch;
	uint8_t len;
	uint8_t bytes[METADATA_BYTES];
};

/* What is behind the value of each sample of a series: its times, then the metadata of the TimeSeries. Mostly that of the series before. */
struct rest {
	const struct family *family;
	int64_t at_ms, begun_ms;
	uint32_t epoch;
	uint8_t len, times_len;
	uint8_t bytes[48];
};

struct write2 {
	struct rest rest;
	struct buf symbols, series;
	struct text *texts;
	size_t texts_len, texts_cap, series_len;
	struct word *words;
	size_t words_cap;
	struct couple *pairs;
	size_t pairs_len, pairs_cap;
	struct metadata metadata[METADATA_SLOTS];
	uint32_t epoch;
	/* of write2_labels */
	const struct metadata *current;
	struct slice names[LABELS_MAX];
	uint8_t refs[LABELS_MAX * PAIR_BYTES];
	uint16_t ends[LABELS_MAX + 1]; /* label i's references: ends[i] to ends[i + 1] */
	size_t labels_len, before_name; /* labels that sort before __name__ */
	const char *placed;             /* the name that find_place was asked for last, for these labels */
	size_t place;
	bool replaces, extra_first;
};

struct write2 *write2_new(void)
{
	struct write2 *w = mem_zalloc(1, sizeof(*w));
	w->words_cap = w->pairs_cap = FIRST_SLOTS;
	w->words = mem_zalloc(w->words_cap, sizeof(*w->words));
	w->pairs = mem_zalloc(w->pairs_cap, sizeof(*w->pairs));
	write2_begin(w);
	return w;
}

void write2_free(struct write2 *w)
{
	if (!w)
		return;
	buf_done(&w->symbols);
	buf_done(&w->series);
	free(w->texts);
	free(w->words);
	free(w->pairs);
	free(w);
}

/* --- symbols --- */

static inline uint64_t load(const char *at, size_t width)
{
	uint64_t word = 0;
	memcpy(&word, at, width);
	return word;
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)(a ^ UINT64_C(0x9E3779B97F4A7C15)) * (b ^ UINT64_C(0xD6E8FEB86659FD93));
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Most texts are short: two loads take them whole. */
static inline uint64_t text_hash(struct slice s)
{
	if (s.len > 16)
		return hash_bytes(s);
	if (s.len >= 8)
		return mix(load(s.ptr, 8), load(s.ptr + s.len - 8, 8) + s.len);
	if (s.len >= 4)
		return mix(load(s.ptr, 4), load(s.ptr + s.len - 4, 4) + s.len);
	uint64_t bytes = s.len;
	for (size_t i = 0; i < s.len; i++)
		bytes = bytes << 8 | (unsigned char)s.ptr[i];
	return mix(bytes, s.len);
}

uint32_t write2_hash(struct slice text)
{
	return (uint32_t)text_hash(text);
}

static inline struct slice text_at(const struct write2 *w, uint32_t ref)
{
	return slice_of(w->symbols.data + w->texts[ref].at, w->texts[ref].len);
}

static uint32_t text_add(struct write2 *w, struct slice text)
{
	if (w->symbols.cap - w->symbols.len < text.len + 11)
		buf_reserve(&w->symbols, text.len + 11);
	uint8_t *start = (uint8_t *)w->symbols.data, *at = start + w->symbols.len;
	*at++ = TAG_SYMBOL;
	at = put_varint(at, text.len);
	if (w->texts_len == w->texts_cap)
		w->texts = mem_grow(w->texts, w->texts_len, &w->texts_cap, sizeof(*w->texts));
	w->texts[w->texts_len] = (struct text){.at = (size_t)(at - start), .len = (uint32_t)text.len};
	if (text.len)
		memcpy(at, text.ptr, text.len);
	w->symbols.len = (size_t)(at - start) + text.len;
	return (uint32_t)w->texts_len++;
}

static void words_grow(struct write2 *w)
{
	struct word *old = w->words;
	size_t old_cap = w->words_cap;
	w->words_cap *= 2;
	w->words = mem_zalloc(w->words_cap, sizeof(*w->words));
	for (size_t i = 0; i < old_cap; i++) {
		if (old[i].epoch != w->epoch)
			continue;
		size_t at = old[i].hash & (w->words_cap - 1);
		while (w->words[at].epoch == w->epoch)
			at = (at + 1) & (w->words_cap - 1);
		w->words[at] = old[i];
	}
	free(old);
}

static void pairs_grow(struct write2 *w)
{
	struct couple *old = w->pairs;
	size_t old_cap = w->pairs_cap;
	w->pairs_cap *= 2;
	w->pairs = mem_zalloc(w->pairs_cap, sizeof(*w->pairs));
	for (size_t i = 0; i < old_cap; i++) {
		if (old[i].epoch != w->epoch)
			continue;
		size_t at = old[i].hash & (w->pairs_cap - 1);
		while (w->pairs[at].epoch == w->epoch)
			at = (at + 1) & (w->pairs_cap - 1);
		w->pairs[at] = old[i];
	}
	free(old);
}

static uint32_t symbol(struct write2 *w, struct slice text, uint32_t hash)
{
	if (text.len == 0)
		return 0;
	if (w->texts_len * 2 >= w->words_cap)
		words_grow(w);
	size_t at = hash & (w->words_cap - 1);
	for (; w->words[at].epoch == w->epoch; at = (at + 1) & (w->words_cap - 1))
		if (w->words[at].hash == hash && slice_eq(text_at(w, w->words[at].ref), text))
			return w->words[at].ref;
	w->words[at] = (struct word){.epoch = w->epoch, .hash = hash, .ref = text_add(w, text)};
	return w->words[at].ref;
}

static inline const struct couple *symbol_pair(struct write2 *w, struct slice name, struct slice value)
{
	uint64_t name_hash = text_hash(name), value_hash = text_hash(value);
	uint32_t hash = (uint32_t)(mix(name_hash, value_hash) >> 16);
	size_t at = hash & (w->pairs_cap - 1);
	for (; w->pairs[at].epoch == w->epoch; at = (at + 1) & (w->pairs_cap - 1)) {
		const struct couple *p = &w->pairs[at];
		if (p->hash == hash && slice_eq(text_at(w, p->value), value) && slice_eq(text_at(w, p->name), name))
			return p;
	}
	if (++w->pairs_len * 2 >= w->pairs_cap) {
		pairs_grow(w);
		for (at = hash & (w->pairs_cap - 1); w->pairs[at].epoch == w->epoch;)
			at = (at + 1) & (w->pairs_cap - 1);
	}
	uint32_t name_ref = symbol(w, name, (uint32_t)name_hash);
	w->pairs[at] = (struct couple){.epoch = w->epoch, .hash = hash, .name = name_ref, .value = symbol(w, value, (uint32_t)value_hash)};
	return &w->pairs[at];
}

void write2_begin(struct write2 *w)
{
	static _Atomic uint32_t epochs; /* one count for all writers: a pair may go from one to the other */
	w->epoch = atomic_fetch_add(&epochs, 1) + 1;
	w->texts_len = w->pairs_len = w->series_len = 0;
	buf_reset(&w->symbols);
	buf_reset(&w->series);
	w->labels_len = 0;
	w->current = NULL;
	text_add(w, SLICE(""));
}

/* --- what points share --- */

static inline uint8_t *put_pair(uint8_t *at, const struct couple *p)
{
	at = put_varint(at, p->name);
	return put_varint(at, p->value);
}

static const struct metadata *metadata_of(struct write2 *w, const struct family *family)
{
	static const uint8_t types[] = {[METRIC_COUNTER] = 1, [METRIC_GAUGE] = 2, [METRIC_HISTOGRAM] = 3};
	struct metadata *m = &w->metadata[((uintptr_t)family / sizeof(*family)) % METADATA_SLOTS];
	if (m->family == family && m->epoch == w->epoch)
		return m;
	struct slice help = slice_str(family->help), unit = slice_str(family->unit);
	uint8_t *at = m->bytes;
	*at++ = TAG_TYPE;
	*at++ = types[family->type];
	if (help.len) {
		*at++ = TAG_HELP;
		at = put_varint(at, symbol(w, help, write2_hash(help)));
	}
	if (unit.len) {
		*at++ = TAG_UNIT;
		at = put_varint(at, symbol(w, unit, write2_hash(unit)));
	}
	m->family = family;
	m->epoch = w->epoch;
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
		at = put_pair(at, symbol_pair(w, labels[i].name, labels[i].value));
		w->names[w->labels_len++] = labels[i].name;
		w->ends[w->labels_len] = (uint16_t)(at - w->refs);
		w->before_name += order < 0;
	}
	w->current = family ? metadata_of(w, family) : NULL;
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
	if (l->epoch != w->epoch) {
		l->len = (uint8_t)(put_pair(l->refs, symbol_pair(w, l->label.name, l->label.value)) - l->refs);
		l->epoch = w->epoch;
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

static uint8_t *put_exemplar(struct write2 *w, uint8_t *at, const struct exemplar *e)
{
	uint8_t refs[2 * PAIR_BYTES], *end = refs;
	if (e->span_len)
		end = put_pair(end, symbol_pair(w, SLICE("span_id"), slice_of(e->span_id, e->span_len)));
	if (e->trace_len)
		end = put_pair(end, symbol_pair(w, SLICE("trace_id"), slice_of(e->trace_id, e->trace_len)));
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
	uint8_t *start = (uint8_t *)buf_reserve(&w->series, SERIES_OVERHEAD + refs_len + point.len), *body = start + HEAD, *at = body;
	at = put_bytes(at, TAG_REFS, (const char *)refs, refs_len);
	at = put_bytes(at, tag, point.ptr, point.len);
	if (point_takes(exemplar))
		at = put_exemplar(w, at, exemplar);
	if (w->current)
		at = put_bytes(at, TAG_METADATA, (const char *)w->current->bytes, w->current->len);
	size_t len = (size_t)(at - body);
	head[0] = TAG_SERIES;
	size_t head_len = (size_t)(put_varint(head + 1, len) - head);
	memcpy(start, head, head_len);
	memmove(start + head_len, body, len);
	w->series.len += head_len + len;
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

/* --- all of a series --- */

static __attribute__((noinline)) void look_up_pair(struct write2 *w, struct pair *pair)
{
	struct pair_name *name = pair->name;
	if (name->epoch != w->epoch) {
		name->ref = symbol(w, name->text, name->hash);
		name->epoch = w->epoch;
	}
	uint8_t *end = put_varint(pair->refs, name->ref);
	pair->refs_len = (uint8_t)(put_varint(end, symbol(w, pair->label.value, pair->value_hash)) - pair->refs);
	pair->epoch = w->epoch;
}

/* A pair's references in this request, written up to PAIR_REFS past their end. */
static inline uint8_t *put_one(struct write2 *w, uint8_t *at, struct pair *pair)
{
	if (pair->epoch != w->epoch)
		look_up_pair(w, pair);
	memcpy(at, pair->refs, PAIR_REFS);
	return at + pair->refs_len;
}

/* The labels up to `le`, and the name. *at_label: where those behind it begin. */
static inline uint8_t *put_before(struct write2 *w, uint8_t *at, const struct points *p, struct pair *name, size_t *at_label)
{
	size_t i = 0;
	for (; i < p->labels_len && p->labels[i]->place == PAIR_BEFORE_NAME; i++)
		at = put_one(w, at, p->labels[i]);
	at = put_one(w, at, name);
	for (; i < p->labels_len && p->labels[i]->place <= PAIR_LE; i++)
		if (p->labels[i]->place == PAIR_BETWEEN)
			at = put_one(w, at, p->labels[i]);
	*at_label = i;
	return at;
}

static inline uint8_t *put_behind(struct write2 *w, uint8_t *at, const struct points *p, size_t at_label)
{
	for (size_t i = at_label; i < p->labels_len; i++)
		at = put_one(w, at, p->labels[i]);
	return at;
}

static const struct rest *rest_of(struct write2 *w, const struct points *p)
{
	struct rest *r = &w->rest;
	if (r->epoch == w->epoch && r->family == p->family && r->at_ms == p->at_ms && r->begun_ms == p->begun_ms)
		return r;
	uint8_t *at = r->bytes;
	const struct metadata *m = metadata_of(w, p->family);
	if (p->at_ms) {
		*at++ = TAG_VARINT_2;
		at = put_varint(at, (uint64_t)p->at_ms);
	}
	if (p->begun_ms) {
		*at++ = TAG_VARINT_3;
		at = put_varint(at, (uint64_t)p->begun_ms);
	}
	r->times_len = (uint8_t)(at - r->bytes);
	at = put_bytes(at, TAG_METADATA, (const char *)m->bytes, m->len);
	r->len = (uint8_t)(at - r->bytes);
	r->family = p->family;
	r->at_ms = p->at_ms;
	r->begun_ms = p->begun_ms;
	r->epoch = w->epoch;
	return r;
}

/* A series' room for any of its samples. */
static inline uint8_t *room_for(struct write2 *w)
{
	enum { ROOM = SERIES_OVERHEAD + (LABELS_MAX + 3) * PAIR_BYTES + PAIR_REFS };
	if (w->series.cap - w->series.len < ROOM)
		buf_reserve(&w->series, ROOM);
	return (uint8_t *)w->series.data + w->series.len;
}

/* Writes the length of a message that begins at body, behind one byte of room for it; returns the message's end. */
static inline uint8_t *close_message(uint8_t *body, uint8_t *end)
{
	uint8_t varint[10];
	size_t len = (size_t)(end - body);
	body[-1] = (uint8_t)len;
	if (len < 0x80)
		return end;
	size_t width = (size_t)(put_varint(varint, len) - varint);
	memmove(body + width - 1, body, len);
	memcpy(body - 1, varint, width);
	return end + width - 1;
}

static inline uint8_t *put_value(uint8_t *at, const struct rest *rest, uint64_t bits)
{
	at[0] = TAG_SAMPLE;
	at[1] = (uint8_t)((bits ? 9 : 0) + rest->times_len);
	at += 2;
	return bits ? put_double(at, TAG_DOUBLE_1, bits) : at;
}

static inline void end_point(struct write2 *w, uint8_t *start, uint8_t *end)
{
	start[0] = TAG_SERIES;
	w->series.len += (size_t)(close_message(start + 2, end) - start);
	w->series_len++;
}

/* Any sample. */
static void add_point(struct write2 *w, const struct points *p, const struct rest *rest, struct pair *name, struct pair *le, double value, const struct exemplar *exemplar)
{
	size_t behind;
	uint8_t *start = room_for(w), *at = start + 4;
	start[2] = TAG_REFS;
	at = put_before(w, at, p, name, &behind);
	if (le)
		at = put_one(w, at, le);
	at = close_message(start + 4, put_behind(w, at, p, behind));
	at = put_value(at, rest, bits_of(value));
	memcpy(at, rest->bytes, sizeof(rest->bytes));
	if (!point_takes(exemplar)) {
		end_point(w, start, at + rest->len);
		return;
	}
	size_t metadata = (size_t)(rest->len - rest->times_len);
	at = put_exemplar(w, at + rest->times_len, exemplar);
	memcpy(at, rest->bytes + rest->times_len, metadata);
	end_point(w, start, at + metadata);
}

/* The buckets of a histogram that have no exemplar: pieces of fixed length over each other, no loop and no call. */
static void add_buckets(struct write2 *w, const struct points *p, const struct rest *rest)
{
	enum { SIDE = 48 };
	uint8_t sides[2][SIDE + LABELS_MAX * PAIR_BYTES + PAIR_REFS];
	size_t behind, before_len = (size_t)(put_before(w, sides[0], p, p->names->name[0], &behind) - sides[0]);
	size_t behind_len = (size_t)(put_behind(w, sides[1], p, behind) - sides[1]);
	bool fits = before_len <= SIDE && behind_len <= SIDE && before_len + behind_len + PAIR_BYTES + rest->len + 15 < 0x80;
	for (size_t b = 0; b <= p->family->bounds_len; b++) {
		struct pair *le = p->names->le[b];
		if (!fits || (p->exemplar && p->marked == b)) {
			add_point(w, p, rest, p->names->name[0], le, p->values[b], p->marked == b ? p->exemplar : NULL);
			continue;
		}
		uint8_t *start = room_for(w), *at = start + 4;
		start[2] = TAG_REFS;
		memcpy(at, sides[0], SIDE);
		at = put_one(w, at + before_len, le);
		memcpy(at, sides[1], SIDE);
		at += behind_len;
		start[3] = (uint8_t)(at - start - 4);
		at = put_value(at, rest, bits_of(p->values[b]));
		memcpy(at, rest->bytes, sizeof(rest->bytes));
		end_point(w, start, at + rest->len);
	}
}

void write2_series(struct write2 *w, const struct points *p)
{
	const struct rest *rest = rest_of(w, p);
	if (p->family->type != METRIC_HISTOGRAM) {
		add_point(w, p, rest, p->names->name[0], NULL, p->values[0], p->exemplar);
		return;
	}
	add_buckets(w, p, rest);
	for (size_t i = 1; i < 3; i++)
		add_point(w, p, rest, p->names->name[i], NULL, p->values[p->family->bounds_len + i], NULL);
}

void write2_native(struct write2 *w, const struct points *p, struct slice message)
{
	size_t behind;
	const struct metadata *m = metadata_of(w, p->family);
	buf_reserve(&w->series, message.len + SERIES_OVERHEAD + (LABELS_MAX + 3) * PAIR_BYTES + PAIR_REFS);
	uint8_t *start = (uint8_t *)w->series.data + w->series.len, *at = start + 4;
	start[2] = TAG_REFS;
	at = put_before(w, at, p, p->names->name[3], &behind);
	at = close_message(start + 4, put_behind(w, at, p, behind));
	at = put_bytes(at, TAG_HISTOGRAM, message.ptr, message.len);
	if (point_takes(p->exemplar))
		at = put_exemplar(w, at, p->exemplar);
	end_point(w, start, put_bytes(at, TAG_METADATA, (const char *)m->bytes, m->len));
}

/* --- the request --- */

uint32_t write2_symbol(struct write2 *w, struct slice text)
{
	return symbol(w, text, write2_hash(text));
}

void write2_add(struct write2 *w, struct slice message)
{
	wire_add_bytes(&w->series, TIMESERIES, message);
	w->series_len++;
}

size_t write2_len(const struct write2 *w)
{
	return w->symbols.len + w->series.len;
}

size_t write2_series_len(const struct write2 *w)
{
	return w->series_len;
}

void write2_finish(struct write2 *w, struct buf *out)
{
	buf_add_slice(out, buf_slice(&w->symbols));
	buf_add_slice(out, buf_slice(&w->series));
}
