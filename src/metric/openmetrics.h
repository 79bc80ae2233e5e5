/* SPDX-License-Identifier: Apache-2.0 */
/* OpenMetrics text (prometheus/OpenMetrics, specification 1.0) for /metrics. Series of one family must be written one after the other. */
#ifndef WINNOW_METRIC_OPENMETRICS_H
#define WINNOW_METRIC_OPENMETRICS_H

#include "base/buf.h"
#include "metric/tally.h"

#define OPENMETRICS_CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct openmetrics {
	struct buf *out;
	const struct family *family; /* the one that is open */
};

/* TYPE, UNIT and HELP lines. */
void openmetrics_family(struct openmetrics *o, const struct family *family);
/* One sample of a counter or gauge; exemplar may be NULL and goes on counters only. */
void openmetrics_count(struct openmetrics *o, const struct label *labels, size_t len, uint64_t value, const struct exemplar *exemplar);
void openmetrics_value(struct openmetrics *o, const struct label *labels, size_t len, double value);
/* One sample of a counter that sums amounts. */
void openmetrics_sum(struct openmetrics *o, const struct label *labels, size_t len, double sum, const struct exemplar *exemplar);
/* _bucket lines (cumulative, with le, the exemplar on its bucket), _sum and _count. buckets: bounds_len + 1 counts, not cumulative. */
void openmetrics_histogram(struct openmetrics *o, const struct label *labels, size_t len, const uint64_t *buckets, double sum, const struct exemplar *exemplar);
/* # EOF */
void openmetrics_end(struct openmetrics *o);

#endif
