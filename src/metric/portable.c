/* SPDX-License-Identifier: Apache-2.0 */
/* TimeSeries between the two versions of remote write: see write2.h for the portable form. Slow next to write2.c, and seldom used: for series under suspicion, and for a
 * request that meets a receiver of the other version. */
#include "base/arena.h"
#include "base/err.h"
#include "base/wire.h"
#include "metric/write2.h"

enum { IN_1 = 1, SYMBOLS_2 = 4, SERIES_2 = 5 };
enum { LABELS = 1, SAMPLES = 2, METADATA = 5 };
enum { EXEMPLARS_1 = 3, HISTOGRAMS_1 = 4, HISTOGRAMS_2 = 3, EXEMPLARS_2 = 4 };
enum { SAMPLE_START = 3, HISTOGRAM_START = 17 };

struct symbols {
	struct slice *at;
	size_t len, cap;
	struct arena arena;
};

static int read_symbols(struct slice body, struct symbols *ret)
{
	struct wire w = wire_of(body);
	struct wire_field f;
	int more;
	size_t len = 0;
	while ((more = wire_next(&w, &f)) == 1)
		len += f.number == SYMBOLS_2 && f.type == WIRE_BYTES;
	if (more < 0)
		return ERR_CORRUPT;
	ret->at = arena_alloc(&ret->arena, (len + 1) * sizeof(*ret->at));
	for (w = wire_of(body); wire_next(&w, &f) == 1;)
		if (f.number == SYMBOLS_2 && f.type == WIRE_BYTES)
			ret->at[ret->len++] = f.bytes;
	return len > 0 && ret->at[0].len == 0 ? 0 : ERR_CORRUPT;
}

static int write_labels(const struct symbols *symbols, struct slice refs, struct buf *out)
{
	struct wire w = wire_of(refs);
	struct buf label = {0};
	int status = 0;
	while (w.next < w.end && status == 0) {
		uint64_t name, value;
		if (!wire_read_varint(&w, &name) || !wire_read_varint(&w, &value) || name >= symbols->len || value >= symbols->len) {
			status = ERR_CORRUPT;
			break;
		}
		buf_reset(&label);
		wire_add_bytes(&label, 1, symbols->at[name]);
		wire_add_bytes(&label, 2, symbols->at[value]);
		wire_add_bytes(out, LABELS, buf_slice(&label));
	}
	buf_done(&label);
	return status;
}

/* A field as it is. */
static void copy_field(struct buf *out, uint32_t number, const struct wire_field *f)
{
	if (f->type == WIRE_BYTES)
		wire_add_bytes(out, number, f->bytes);
	else if (f->type == WIRE_FIXED64)
		wire_add_fixed64(out, number, f->value);
	else
		wire_add_u64(out, number, f->value);
}

static int exemplar_to_1(const struct symbols *symbols, struct slice message, struct buf *out)
{
	struct buf made = {0};
	struct wire w = wire_of(message);
	struct wire_field f;
	int more, status = 0;
	while (status == 0 && (more = wire_next(&w, &f)) != 0) {
		if (more < 0)
			status = ERR_CORRUPT;
		else if (f.number == 1)
			status = write_labels(symbols, f.bytes, &made);
		else
			copy_field(&made, f.number, &f);
	}
	wire_add_bytes(out, EXEMPLARS_1, buf_slice(&made));
	buf_done(&made);
	return status;
}

static int metadata_to_1(const struct symbols *symbols, struct slice message, struct buf *out)
{
	struct buf made = {0};
	struct wire w = wire_of(message);
	struct wire_field f;
	int more, status = 0;
	while (status == 0 && (more = wire_next(&w, &f)) != 0) {
		if (more < 0 || (f.number != 1 && f.value >= symbols->len))
			status = ERR_CORRUPT;
		else if (f.number == 1)
			wire_add_u64(&made, 1, f.value);
		else
			wire_add_bytes(&made, f.number, symbols->at[f.value]);
	}
	wire_add_bytes(out, METADATA, buf_slice(&made));
	buf_done(&made);
	return status;
}

/* labels_refs come first in what we write. */
static int series_to_1(const struct symbols *symbols, struct slice message, struct buf *out)
{
	struct wire w = wire_of(message);
	struct wire_field f;
	int more, status = 0;
	while (status == 0 && (more = wire_next(&w, &f)) != 0) {
		if (more < 0 || f.type != WIRE_BYTES)
			status = ERR_CORRUPT;
		else if (f.number == LABELS)
			status = write_labels(symbols, f.bytes, out);
		else if (f.number == SAMPLES)
			copy_field(out, SAMPLES, &f);
		else if (f.number == HISTOGRAMS_2)
			copy_field(out, HISTOGRAMS_1, &f);
		else if (f.number == EXEMPLARS_2)
			status = exemplar_to_1(symbols, f.bytes, out);
		else if (f.number == METADATA)
			status = metadata_to_1(symbols, f.bytes, out);
	}
	return status;
}

int write2_to_portable(struct slice body, struct buf *out)
{
	struct symbols symbols = {0};
	struct buf series = {0};
	struct wire w = wire_of(body);
	struct wire_field f;
	int status = read_symbols(body, &symbols);
	while (status == 0 && wire_next(&w, &f) == 1) {
		if (f.number != SERIES_2 || f.type != WIRE_BYTES)
			continue;
		buf_reset(&series);
		status = series_to_1(&symbols, f.bytes, &series);
		wire_add_bytes(out, IN_1, buf_slice(&series));
	}
	buf_done(&series);
	arena_done(&symbols.arena);
	return status;
}

/* --- the other way --- */

/* Appends the two references of a Label message. */
static int label_to_2(struct write2 *w, struct slice message, struct buf *refs)
{
	struct wire in = wire_of(message);
	struct wire_field f;
	struct slice pair[2] = {{0}};
	int more;
	while ((more = wire_next(&in, &f)) == 1)
		if ((f.number == 1 || f.number == 2) && f.type == WIRE_BYTES)
			pair[f.number - 1] = f.bytes;
	for (size_t i = 0; i < 2; i++)
		wire_add_varint(refs, write2_symbol(w, pair[i]));
	return more;
}

static int exemplar_to_2(struct write2 *w, struct slice message, struct buf *out)
{
	struct buf refs = {0}, rest = {0};
	struct wire in = wire_of(message);
	struct wire_field f;
	int more, status = 0;
	while (status == 0 && (more = wire_next(&in, &f)) != 0) {
		if (more < 0)
			status = ERR_CORRUPT;
		else if (f.number == 1)
			status = label_to_2(w, f.bytes, &refs);
		else
			copy_field(&rest, f.number, &f);
	}
	struct buf made = {0};
	wire_add_bytes(&made, 1, buf_slice(&refs));
	buf_add_slice(&made, buf_slice(&rest));
	wire_add_bytes(out, EXEMPLARS_2, buf_slice(&made));
	buf_done(&made);
	buf_done(&refs);
	buf_done(&rest);
	return status;
}

static int metadata_to_2(struct write2 *w, struct slice message, struct buf *out)
{
	struct buf made = {0};
	struct wire in = wire_of(message);
	struct wire_field f;
	int more;
	while ((more = wire_next(&in, &f)) == 1)
		wire_add_u64(&made, f.number, f.number == 1 ? f.value : write2_symbol(w, f.bytes));
	wire_add_bytes(out, METADATA, buf_slice(&made));
	buf_done(&made);
	return more;
}

static int part_to_2(struct write2 *w, const struct wire_field *f, struct buf *refs, struct buf *samples, struct buf *rest)
{
	if (f->type != WIRE_BYTES)
		return ERR_CORRUPT;
	if (f->number == LABELS)
		return label_to_2(w, f->bytes, refs);
	if (f->number == SAMPLES)
		copy_field(samples, SAMPLES, f);
	else if (f->number == HISTOGRAMS_1)
		copy_field(samples, HISTOGRAMS_2, f);
	else if (f->number == EXEMPLARS_1)
		return exemplar_to_2(w, f->bytes, rest);
	else if (f->number == METADATA)
		return metadata_to_2(w, f->bytes, rest);
	return 0;
}

static int series_to_2(struct write2 *w, struct slice message)
{
	struct buf refs = {0}, samples = {0}, rest = {0}, made = {0};
	struct wire in = wire_of(message);
	struct wire_field f;
	int more, status = 0;
	while (status == 0 && (more = wire_next(&in, &f)) != 0)
		status = more < 0 ? ERR_CORRUPT : part_to_2(w, &f, &refs, &samples, &rest);
	wire_add_bytes(&made, LABELS, buf_slice(&refs));
	buf_add_slice(&made, buf_slice(&samples));
	buf_add_slice(&made, buf_slice(&rest));
	if (status == 0)
		write2_add(w, buf_slice(&made));
	buf_done(&refs);
	buf_done(&samples);
	buf_done(&rest);
	buf_done(&made);
	return status;
}

int write2_of_portable(struct slice portable, struct write2 *w, struct buf *out)
{
	struct wire in = wire_of(portable);
	struct wire_field f;
	int more, status = 0;
	write2_begin(w);
	while (status == 0 && (more = wire_next(&in, &f)) != 0) {
		if (more < 0)
			status = ERR_CORRUPT;
		else if (f.number == IN_1 && f.type == WIRE_BYTES)
			status = series_to_2(w, f.bytes);
	}
	write2_finish(w, out);
	return status;
}

/* --- without what only 2.0 has --- */

/* A message without one of its fields. */
static int without(struct slice message, uint32_t number, struct buf *out)
{
	struct wire in = wire_of(message);
	struct wire_field f;
	const uint8_t *start = in.next;
	int more;
	for (; (more = wire_next(&in, &f)) == 1; start = in.next)
		if (f.number != number)
			buf_add(out, start, (size_t)(in.next - start));
	return more;
}

static int strip_series(struct slice message, struct buf *out)
{
	struct buf part = {0};
	struct wire in = wire_of(message);
	struct wire_field f;
	const uint8_t *start = in.next;
	int more, status = 0;
	for (; status == 0 && (more = wire_next(&in, &f)) != 0; start = in.next) {
		buf_reset(&part);
		if (more < 0) {
			status = ERR_CORRUPT;
		} else if (f.number == SAMPLES || f.number == HISTOGRAMS_1) {
			status = without(f.bytes, f.number == SAMPLES ? SAMPLE_START : HISTOGRAM_START, &part);
			wire_add_bytes(out, f.number, buf_slice(&part));
		} else if (f.number != METADATA) {
			buf_add(out, start, (size_t)(in.next - start));
		}
	}
	buf_done(&part);
	return status;
}

int write2_strip(struct slice portable, struct buf *out)
{
	struct buf series = {0};
	struct wire in = wire_of(portable);
	struct wire_field f;
	const uint8_t *start = in.next;
	int more, status = 0;
	for (; status == 0 && (more = wire_next(&in, &f)) != 0; start = in.next) {
		if (more < 0) {
			status = ERR_CORRUPT;
		} else if (f.number == IN_1 && f.type == WIRE_BYTES) {
			buf_reset(&series);
			status = strip_series(f.bytes, &series);
			wire_add_bytes(out, IN_1, buf_slice(&series));
		} else {
			buf_add(out, start, (size_t)(in.next - start));
		}
	}
	buf_done(&series);
	return status;
}
