/* SPDX-License-Identifier: Apache-2.0 */
/* Remote write 1.0 bodies (prometheus/docs, specs/prw/remote_write_spec.md), bytes only: no network here; 2.0 is in write2.h. */
#ifndef WINNOW_METRIC_REMOTE_WRITE_H
#define WINNOW_METRIC_REMOTE_WRITE_H

#include "base/buf.h"
#include "metric/pair.h"

enum remote_write_version { REMOTE_WRITE_1 = 1, REMOTE_WRITE_2 = 2 };

/* The bits of a stale marker's value. */
#define REMOTE_WRITE_STALE_BITS UINT64_C(0x7ff0000000000002)
double remote_write_stale(void);

/* Appends the encoded labels (fields 1 of TimeSeries) of name + labels (sorted by name, values valid), with one more pair in its sorted place if extra is
 * not NULL (`le` of a bucket). Encode once per series and keep. */
void remote_write_label_block(struct buf *out, struct slice metric_name, const struct label *labels, size_t len, const struct label *extra);
/* Appends one TimeSeries with one sample and at most one exemplar (NULL: none; labels trace_id and span_id). */
void remote_write_add(struct buf *request, struct slice label_block, double value, int64_t timestamp_ms, const struct exemplar *exemplar);
/* The same for all that a series sends at one time: the fast way. A label `le` or `__name__` of its own is left out. */
void remote_write_series(struct buf *request, const struct points *p);
/* One TimeSeries with a Histogram message (native.h); of p: names, labels, exemplar. */
void remote_write_native(struct buf *request, const struct points *p, struct slice message);
/* Appends MetricMetadata for a family. */
void remote_write_add_metadata(struct buf *request, const struct family *family);
/* Snappy block format of body. */
void remote_write_compress(struct buf *out, struct slice body);
/* Text of a histogram bound as `le` has it: 0.005, 10, +Inf. */
void remote_write_bound_text(struct buf *out, double bound);

#endif
