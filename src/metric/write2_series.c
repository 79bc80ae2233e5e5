/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 2.0: ALL SAMPLES OF A SERIES, from the pairs that the ledger keeps.
 *
 * Idea: a pair's references are looked up once in a request and copied from then on, in pieces of fixed length; behind the value of each sample, times and
 * metadata are those of the last series of the family, and are copied as well. Room for any sample is reserved before it is written, so every piece may be
 * written past its end. Lengths come before what they measure: a message is written behind one byte of room, and moved in the rare case of two.
 *
 * Says exactly what the plain way (write2.c) says, but for the order of the symbols.
 */
#include "metric/write2.h"

#include "metric/write2_parts.h"

static inline bool is_rest_of(const struct rest *r, const struct points *p)
{
	return r->family == p->family && r->at_ms == p->at_ms && r->begun_ms == p->begun_ms;
}

static __attribute__((noinline)) const struct rest *find_rest(struct write2 *w, const struct points *p)
{
	struct rest *r = &w->rests[family_slot(p->family)];
	w->last = r;
	if (r->epoch == w->symbols.epoch && is_rest_of(r, p))
		return r;
	uint8_t *at = r->bytes;
	const struct metadata *m = write2_metadata(w, p->family);
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
	r->epoch = w->symbols.epoch;
	return r;
}

static inline const struct rest *rest_of(struct write2 *w, const struct points *p)
{
	return w->last && is_rest_of(w->last, p) ? w->last : find_rest(w, p);
}

/* The labels up to `le`, and the name. */
static inline uint8_t *put_before(struct symbols *y, uint8_t *at, const struct points *p, struct pair *name)
{
	size_t i = 0;
	for (; i < p->order.before_name; i++)
		at = symbols_put_pair(y, at, p->labels[i]);
	at = symbols_put_pair(y, at, name);
	for (; i < p->order.before_le; i++)
		at = symbols_put_pair(y, at, p->labels[i]);
	return at;
}

static inline uint8_t *put_behind(struct symbols *y, uint8_t *at, const struct points *p)
{
	for (size_t i = p->order.before_le; i < p->order.len; i++)
		at = symbols_put_pair(y, at, p->labels[i]);
	return at;
}

/* Room for n samples of any series, and for pieces past the end of the last. */
static inline uint8_t *room_for(struct write2 *w, size_t n)
{
	enum { ROOM = SERIES_OVERHEAD + (LABELS_MAX + 3) * PAIR_BYTES + PAIR_REFS };
	if (w->out->cap - w->out->len < n * ROOM)
		buf_reserve(w->out, n * ROOM);
	return (uint8_t *)w->out->data + w->out->len;
}

static __attribute__((noinline)) uint8_t *close_long_message(uint8_t *body, uint8_t *end)
{
	uint8_t varint[10];
	size_t len = (size_t)(end - body), width = (size_t)(put_varint(varint, len) - varint);
	memmove(body + width - 1, body, len);
	memcpy(body - 1, varint, width);
	return end + width - 1;
}

/* Writes the length of a message that begins at body, behind one byte of room for it; returns the message's end. */
static inline uint8_t *close_message(uint8_t *body, uint8_t *end)
{
	size_t len = (size_t)(end - body);
	body[-1] = (uint8_t)len;
	return __builtin_expect(len < 0x80, 1) ? end : close_long_message(body, end);
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
	w->out->len += (size_t)(close_message(start + 2, end) - start);
	w->series_len++;
}

/* Any sample. */
static void add_point(struct write2 *w, const struct points *p, const struct rest *rest, struct pair *name, struct pair *le, double value, const struct exemplar *exemplar)
{
	uint8_t *start = room_for(w, 1), *at = start + 4;
	start[2] = TAG_REFS;
	at = put_before(&w->symbols, at, p, name);
	if (le)
		at = symbols_put_pair(&w->symbols, at, le);
	at = close_message(start + 4, put_behind(&w->symbols, at, p));
	at = put_value(at, rest, bits_of(value));
	memcpy(at, rest->bytes, sizeof(rest->bytes));
	if (!exemplar || !point_takes(exemplar)) {
		end_point(w, start, at + rest->len);
		return;
	}
	size_t metadata = (size_t)(rest->len - rest->times_len);
	at = write2_put_exemplar(w, at + rest->times_len, exemplar);
	memcpy(at, rest->bytes + rest->times_len, metadata);
	end_point(w, start, at + metadata);
}

size_t write2_value(struct write2 *w, const struct points *p)
{
	struct symbols *const y = &w->symbols;
	const struct rest *const rest = rest_of(w, p);
	struct pair *const *const labels = p->labels;
	const size_t before_name = p->order.before_name, len = p->order.len;
	const uint32_t epoch = y->epoch;
	uint8_t *const start = room_for(w, 1), *at = start + 4;
	size_t i = 0;
	for (; i < before_name; i++)
		at = symbols_put_known(y, epoch, at, labels[i]);
	at = symbols_put_known(y, epoch, at, p->names->name[0]);
	for (; i < len; i++)
		at = symbols_put_known(y, epoch, at, labels[i]);
	start[2] = TAG_REFS;
	at = put_value(close_message(start + 4, at), rest, bits_of(p->values[0]));
	memcpy(at, rest->bytes, sizeof(rest->bytes));
	end_point(w, start, at + rest->len);
	return write2_bytes(w);
}

/* --- histograms --- */

enum { HEAD = 32, TAIL = 64, PIECE_PAD = PAIR_REFS + LABELS_MAX * PAIR_BYTES };

/* What the samples of a histogram have in common: all but `le` and the value. */
struct frame {
	uint8_t head[3][HEAD + PIECE_PAD]; /* tags and lengths, and the labels up to `le`: of buckets, sum and count */
	uint8_t tail[2][TAIL + PIECE_PAD]; /* the labels behind it, the sample without and with a value, metadata */
	size_t head_len[3], behind_len, tail_len[2];
	const struct bounds *bounds;
	bool fits;                         /* all lengths take one byte, all pieces have their place */
};

/* The references of the bounds of a family. */
static const struct bounds *bounds_of(struct write2 *w, const struct points *p)
{
	struct bounds *b = &w->bounds;
	if (b->names == p->names && b->epoch == w->symbols.epoch)
		return b;
	b->longest = 0;
	for (size_t i = 0; i <= p->family->bounds_len; i++) {
		uint8_t *refs = b->refs + i * BOUND_REFS;
		b->len[i] = (uint8_t)(symbols_put_pair(&w->symbols, refs, p->names->le[i]) - refs);
		b->longest = b->len[i] > b->longest ? b->len[i] : b->longest;
	}
	b->names = p->names;
	b->epoch = w->symbols.epoch;
	return b;
}

static void make_frame(struct write2 *w, const struct points *p, const struct rest *rest, struct frame *f)
{
	size_t longest = 0;
	for (size_t i = 0; i < 3; i++) {
		f->head[i][0] = TAG_SERIES;
		f->head[i][2] = TAG_REFS;
		f->head_len[i] = (size_t)(put_before(&w->symbols, f->head[i] + 4, p, p->names->name[i]) - f->head[i]);
		longest = f->head_len[i] > longest ? f->head_len[i] : longest;
	}
	f->behind_len = (size_t)(put_behind(&w->symbols, f->tail[0], p) - f->tail[0]);
	f->bounds = bounds_of(w, p);
	f->tail_len[0] = f->behind_len + 2 + rest->len;
	f->tail_len[1] = f->tail_len[0] + 9;
	f->fits = longest <= HEAD && f->tail_len[1] <= TAIL && f->bounds->longest <= BOUND_REFS && longest + BOUND_REFS + f->tail_len[1] < 0x80;
	if (!f->fits)
		return;
	memcpy(f->tail[1], f->tail[0], TAIL);
	for (size_t i = 0; i < 2; i++) {
		uint8_t *at = put_value(f->tail[i] + f->behind_len, rest, (uint64_t)i);
		memcpy(at, rest->bytes, rest->len);
	}
}

/* The samples [b, last) of buckets, which all have a value or all have none, and none an exemplar: pieces of fixed length over each other, no loop and no call. */
static inline uint8_t *put_buckets(const struct points *p, const struct frame *f, size_t b, size_t last, bool valued, uint8_t *at)
{
	const size_t head_len = f->head_len[0], value_at = f->behind_len + 3, tail_len = f->tail_len[valued];
	const size_t refs = head_len - 4 + f->behind_len, all = head_len - 2 + tail_len;
	const uint8_t *const tail = f->tail[valued];
	const struct bounds *const bounds = f->bounds;
	for (; b < last; b++) {
		const size_t le_len = bounds->len[b];
		memcpy(at, f->head[0], HEAD);
		at[1] = (uint8_t)(all + le_len);
		at[3] = (uint8_t)(refs + le_len);
		at += head_len;
		memcpy(at, bounds->refs + b * BOUND_REFS, BOUND_REFS);
		at += le_len;
		memcpy(at, tail, TAIL);
		if (valued)
			put_bits(at + value_at, bits_of(p->values[b]));
		at += tail_len;
	}
	return at;
}

/* Counts of buckets rise: as a rule, those without a value come first. */
static uint8_t *put_range(const struct points *p, const struct frame *f, size_t b, size_t last, uint8_t *at)
{
	while (b < last) {
		size_t end = b;
		bool valued = bits_of(p->values[b]) != 0;
		while (end < last && (bits_of(p->values[end]) != 0) == valued)
			end++;
		at = valued ? put_buckets(p, f, b, end, true, at) : put_buckets(p, f, b, end, false, at);
		b = end;
	}
	return at;
}

static void add_framed(struct write2 *w, const struct points *p, const struct rest *rest, const struct frame *f)
{
	size_t buckets = p->family->bounds_len + 1, marked = p->exemplar && p->marked < buckets ? p->marked : buckets;
	uint8_t *at = put_range(p, f, 0, marked, room_for(w, buckets + 2));
	if (marked < buckets) {
		w->out->len = (size_t)(at - (uint8_t *)w->out->data);
		add_point(w, p, rest, p->names->name[0], p->names->le[marked], p->values[marked], p->exemplar);
		w->series_len--; /* all are counted below */
		at = put_range(p, f, marked + 1, buckets, room_for(w, buckets + 2));
	}
	for (size_t i = 1; i < 3; i++) {
		uint64_t bits = bits_of(p->values[buckets + i - 1]);
		memcpy(at, f->head[i], HEAD);
		at[1] = (uint8_t)(f->head_len[i] - 2 + f->tail_len[bits != 0]);
		at[3] = (uint8_t)(f->head_len[i] - 4 + f->behind_len);
		at += f->head_len[i];
		memcpy(at, f->tail[bits != 0], TAIL);
		if (bits)
			put_bits(at + f->behind_len + 3, bits);
		at += f->tail_len[bits != 0];
	}
	w->out->len = (size_t)(at - (uint8_t *)w->out->data);
	w->series_len += buckets + 2;
}

static void add_histogram(struct write2 *w, const struct points *p, const struct rest *rest)
{
	struct frame f;
	size_t buckets = p->family->bounds_len + 1;
	make_frame(w, p, rest, &f);
	if (f.fits) {
		add_framed(w, p, rest, &f);
		return;
	}
	for (size_t b = 0; b < buckets; b++)
		add_point(w, p, rest, p->names->name[0], p->names->le[b], p->values[b], p->exemplar && p->marked == b ? p->exemplar : NULL);
	for (size_t i = 1; i < 3; i++)
		add_point(w, p, rest, p->names->name[i], NULL, p->values[buckets + i - 1], NULL);
}

void write2_series(struct write2 *w, const struct points *p)
{
	if (p->family->type == METRIC_HISTOGRAM)
		add_histogram(w, p, rest_of(w, p));
	else if (!p->exemplar)
		write2_value(w, p);
	else
		add_point(w, p, rest_of(w, p), p->names->name[0], NULL, p->values[0], p->exemplar);
}

void write2_native(struct write2 *w, const struct points *p, struct slice message)
{
	const struct metadata *m = write2_metadata(w, p->family);
	buf_reserve(w->out, message.len + SERIES_OVERHEAD + (LABELS_MAX + 3) * PAIR_BYTES + PAIR_REFS);
	uint8_t *start = (uint8_t *)w->out->data + w->out->len, *at = start + 4;
	start[2] = TAG_REFS;
	at = put_before(&w->symbols, at, p, p->names->name[3]);
	at = close_message(start + 4, put_behind(&w->symbols, at, p));
	at = put_bytes(at, TAG_HISTOGRAM, message.ptr, message.len);
	if (p->exemplar && point_takes(p->exemplar))
		at = write2_put_exemplar(w, at, p->exemplar);
	end_point(w, start, put_bytes(at, TAG_METADATA, (const char *)m->bytes, m->len));
}
