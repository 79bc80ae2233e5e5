/* SPDX-License-Identifier: Apache-2.0 */
/* Remote write 2.0 bodies (prometheus/docs, specs/prw/remote_write_spec_2_0.md), bytes only; and the way between the two versions. One thread. */
#ifndef WINNOW_METRIC_WRITE2_H
#define WINNOW_METRIC_WRITE2_H

#include "base/buf.h"
#include "metric/pair.h"

/* A request being written: its symbol table and its TimeSeries. */
struct write2;

struct write2 *write2_new(void);
void write2_free(struct write2 *w);
/* Pairs that points will be made of: texts that they have are found in them, so that no symbol stands twice. */
void write2_share(struct write2 *w, const struct label_pairs *pairs);
/* An empty request: only the empty symbol. */
void write2_begin(struct write2 *w);
/* The labels (sorted by name, values valid) that the next points share, and their metadata (NULL: none). */
void write2_labels(struct write2 *w, const struct family *family, const struct label *labels, size_t len);
/* A label that many points have: its references are looked up once in a request. Zero but for the label at first, and always used with the same writer. */
struct write2_label {
	struct label label;
	uint32_t epoch; /* private, as is what follows */
	uint8_t len;
	uint8_t refs[10];
};
/* One TimeSeries with one sample and at most one exemplar (NULL: none): name (a label __name__), the labels of write2_labels, and one more if extra is not NULL. start_ms 0: unknown. */
void write2_point(struct write2 *w, struct write2_label *name, struct write2_label *extra, double value, int64_t timestamp_ms, int64_t start_ms, const struct exemplar *exemplar);
/* The same with a Histogram message (native.h) instead of a sample. */
void write2_histogram(struct write2 *w, struct write2_label *name, struct slice message, const struct exemplar *exemplar);
/* The same as write2_labels and write2_point for all that a series sends at one time: the fast way. */
void write2_series(struct write2 *w, const struct points *p);
/* The same for a counter or gauge without an exemplar, as nearly all series are. Returns write2_len(). */
size_t write2_value(struct write2 *w, const struct points *p);
/* One TimeSeries with a Histogram message (native.h); of p: names, labels, exemplar. */
void write2_native(struct write2 *w, const struct points *p, struct slice message);
/* The parts for who encodes a TimeSeries message himself: the reference of a text, and the message with all its references. */
uint32_t write2_symbol(struct write2 *w, struct slice text);
void write2_add(struct write2 *w, struct slice message);
/* Bytes of the request so far, and TimeSeries in it. */
size_t write2_len(const struct write2 *w);
size_t write2_series_len(const struct write2 *w);
/* Appends the request to out. */
void write2_finish(struct write2 *w, struct buf *out);
/* The same written at the end of out at once, which nobody else writes to meanwhile: returns where the request begins; it ends where out ends, and what is before it is void. */
void write2_begin_in(struct write2 *w, struct buf *out);
size_t write2_finish_in(struct write2 *w);

/* The portable form: a 1.0 body whose TimeSeries also carry what only 2.0 has (the start of a sample as its field 3, metadata with texts as field 5), so that TimeSeries can be
 * moved between requests as bytes. Every 1.0 body is one. Both functions append, and return ERR_CORRUPT for bytes that are not such a body. */
int write2_to_portable(struct slice body, struct buf *out);
int write2_of_portable(struct slice portable, struct write2 *w, struct buf *out);
/* What a 1.0 receiver is to get of a portable body. */
int write2_strip(struct slice portable, struct buf *out);

#endif
