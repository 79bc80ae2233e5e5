/* SPDX-License-Identifier: Apache-2.0 */
/* Native (exponential) histograms: counts by the power of a base that a value lies at. One thread. */
#ifndef WINNOW_METRIC_NATIVE_H
#define WINNOW_METRIC_NATIVE_H

#include "base/buf.h"

/* Schema n: 2^n buckets an octave. Values are counted in NATIVE_SCHEMA (each bound is 9 % above the one before); what gets more than NATIVE_BUCKETS is made coarser. */
enum { NATIVE_SCHEMA = 3, NATIVE_SCHEMA_MIN = -4, NATIVE_BUCKETS = 160, NATIVE_INDEX_MAX = 8 * 64 };
#define NATIVE_ZERO 0x1p-30 /* what is not above this counts as 0: a nanosecond, in seconds, is */

/* Zero at first. Bucket i of schema n holds (2^((i - 1) / 2^n), 2^(i / 2^n)]; counts[k] is that of bucket first + k. */
struct native {
	uint64_t count, zero;
	double sum;
	int32_t first;
	uint32_t len, cap;
	int8_t schema;
	uint64_t *counts;
};

void native_done(struct native *n);
/* Empty again; its memory is kept. */
void native_reset(struct native *n);
/* A finite value, n times; negative ones count as 0. */
void native_observe(struct native *h, double value, uint64_t n);
/* n more in a bucket of this schema, which is at least the histogram's; count and sum are not touched. */
void native_put(struct native *h, int schema, int32_t index, uint64_t n);
/* Adds all of more; the coarser of both schemas is the sum's. The order in which histograms are added has no influence. */
void native_add(struct native *h, const struct native *more);
/* Makes it coarser until it has no more than NATIVE_BUCKETS. */
void native_limit(struct native *h);
/* The Histogram message of remote write (the same in both versions but for start_ms; 0: left out). h NULL: none was observed yet. */
void native_encode(struct buf *out, const struct native *h, int64_t timestamp_ms, int64_t start_ms);
/* The stale marker of one. */
void native_encode_stale(struct buf *out, int64_t timestamp_ms);

#endif
