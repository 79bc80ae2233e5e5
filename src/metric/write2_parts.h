/* SPDX-License-Identifier: Apache-2.0 */
/* What a 2.0 request that is being written is made of. Private to the metric room. */
#ifndef WINNOW_METRIC_WRITE2_PARTS_H
#define WINNOW_METRIC_WRITE2_PARTS_H

#include "metric/symbols.h"
#include "metric/write2.h"

enum { WRITE2_TIMESERIES = 5, TAG_SERIES = WRITE2_TIMESERIES << 3 | WIRE_BYTES };
enum { TAG_REFS = 1 << 3 | WIRE_BYTES, TAG_SAMPLE = 2 << 3 | WIRE_BYTES, TAG_HISTOGRAM = 3 << 3 | WIRE_BYTES, TAG_EXEMPLAR = 4 << 3 | WIRE_BYTES, TAG_METADATA = 5 << 3 | WIRE_BYTES };
enum { TAG_DOUBLE_1 = 1 << 3 | WIRE_FIXED64, TAG_DOUBLE_2 = 2 << 3 | WIRE_FIXED64, TAG_VARINT_2 = 2 << 3, TAG_VARINT_3 = 3 << 3, TAG_TYPE = 1 << 3, TAG_HELP = 3 << 3, TAG_UNIT = 4 << 3 };
/* A reference takes at most 5 bytes; a pair 10. */
enum { PAIR_BYTES = 10, METADATA_BYTES = 16, FAMILY_SLOTS = 64 };
/* Tags, lengths, a sample with both its times, an exemplar and metadata: all but the references. */
enum { SERIES_OVERHEAD = 256 };

struct metadata {
	const struct family *family;
	uint32_t epoch;
	uint8_t len;
	uint8_t bytes[METADATA_BYTES];
};

/* What is behind the value of each sample of a family: its times, then the metadata of the TimeSeries. */
struct rest {
	const struct family *family;
	int64_t at_ms, begun_ms;
	uint32_t epoch;
	uint8_t len, times_len;
	uint8_t bytes[48];
};

/* The references of `le` for each bound of a family; more than BOUND_REFS of one: none is of use. */
enum { BOUND_REFS = 8 };

struct bounds {
	const struct family_pairs *names;
	uint32_t epoch;
	uint8_t longest;
	uint8_t len[BOUNDS_MAX + 1];
	uint8_t refs[(BOUNDS_MAX + 1) * BOUND_REFS + PAIR_REFS];
};

struct write2 {
	struct symbols symbols;
	struct buf own, *out;   /* where TimeSeries go: as they leave, from begin on */
	size_t begin, room;     /* room: before begin, for the symbols */
	size_t series_len;
	struct metadata metadata[FAMILY_SLOTS];
	struct rest rests[FAMILY_SLOTS];
	const struct rest *last; /* of them; NULL: none in this request yet */
	struct bounds bounds;    /* of the last family with any */
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

static inline size_t family_slot(const struct family *family)
{
	return ((uintptr_t)family / sizeof(*family)) % FAMILY_SLOTS;
}

static inline size_t write2_bytes(const struct write2 *w)
{
	return w->symbols.bytes.len + w->out->len - w->begin;
}

/* The metadata message of a family in this request. */
const struct metadata *write2_metadata(struct write2 *w, const struct family *family);
/* Writes an exemplar that point_takes. */
uint8_t *write2_put_exemplar(struct write2 *w, uint8_t *at, const struct exemplar *e);

#endif
