/* SPDX-License-Identifier: Apache-2.0 */
/* A shard's open increments: what happened per series and step since the last delta was cut. One thread. Series are interned once and then
 * addressed by number, so that counting allocates nothing and compares no text. */
#ifndef WINNOW_METRIC_TALLY_H
#define WINNOW_METRIC_TALLY_H

#include "metric/family.h"
#include "metric/native.h"

enum { LABELS_MAX = 30, EXEMPLAR_TRACE_MAX = 32, EXEMPLAR_SPAN_MAX = 16, LABEL_VALUE_MAX = 1024 };

struct label {
	struct slice name;
	struct slice value;
};

/* A candidate: the better one stays (higher rank; at equal rank the later one in the log). */
struct exemplar {
	double value;
	char trace_id[EXEMPLAR_TRACE_MAX];
	int64_t time_ns;
	char span_id[EXEMPLAR_SPAN_MAX];
	uint8_t rank; /* 0: none; 1 ordinary; 2 slow; 3 error */
	uint8_t trace_len, span_len;
};

/* Fills e; ids that are too long or not UTF-8 are left out. */
void exemplar_set(struct exemplar *e, int64_t time_ns, double value, uint8_t rank, struct slice trace_id, struct slice span_id);
/* Puts candidate in place of *kept if it is the better one. */
static inline void exemplar_keep(struct exemplar *kept, const struct exemplar *candidate)
{
	if (candidate->rank < kept->rank || candidate->rank == 0)
		return;
	/* member by member: it has just been made so, and a copy by larger pieces would wait for the stores to reach the cache */
	kept->value = candidate->value;
	memcpy(kept->trace_id, candidate->trace_id, sizeof(kept->trace_id));
	kept->time_ns = candidate->time_ns;
	memcpy(kept->span_id, candidate->span_id, sizeof(kept->span_id));
	kept->rank = candidate->rank;
	kept->trace_len = candidate->trace_len;
	kept->span_len = candidate->span_len;
}

struct tally_series {
	uint32_t twin; /* private to the tally */
	enum family_id family;
	uint8_t labels_len;
	uint64_t hash;
	struct label *labels; /* sorted by name; values cut, valid UTF-8, never empty; without __name__ */
};

/* One series in one step. */
struct tally_entry {
	uint32_t series;
	int64_t step;      /* number of the step: event time / step length, rounded down */
	uint64_t count;    /* counters: the increment; gauges: 1; histograms: observations */
	double sum;        /* histograms */
	uint64_t *buckets; /* histograms: bounds_len + 1 increments, not cumulative; else NULL */
	struct exemplar exemplar; /* rank 0: none */
	const struct native *native; /* histograms, where asked for: the same observations by powers; else NULL */
};

/* The hash of a series with these labels (sorted, clean): the same in every process. */
uint64_t tally_hash(enum family_id family, const struct label *labels, size_t len);

struct tally;
struct bounds;

struct tally *tally_new(void);
void tally_free(struct tally *t);
/* Histograms are counted as native ones as well. Before anything is counted. */
void tally_native(struct tally *t, bool native);
/* The number of the series with these labels (any order; copied). Values are cut at LABEL_VALUE_MAX bytes and made valid UTF-8; left out are empty values,
 * names that are not legal label names or belong to us (le, __name__), the second of two equal names, and all past LABELS_MAX. The same labels always give the same number until tally_forget. */
uint32_t tally_series(struct tally *t, enum family_id family, const struct label *labels, size_t len);
void tally_count(struct tally *t, uint32_t series, int64_t step, uint64_t n, const struct exemplar *candidate /* may be NULL */);
/* Values that are not finite are no observation; negative ones count as 0 (a sum never shrinks). */
void tally_observe(struct tally *t, uint32_t series, int64_t step, double value, const struct exemplar *candidate);
/* The same n times over. */
void tally_observe_n(struct tally *t, uint32_t series, int64_t step, double value, uint64_t n, const struct exemplar *candidate);
/* Where a series counts, kept by who counts in it: all that is needed at hand, for two steps, as those of two partitions lie side by side. Zero-initialise. */
struct tally_place {
	int64_t step;
	uint64_t *buckets;
	uint32_t entry;
	uint32_t epoch; /* of use only if it is the current one */
};
struct tally_spot {
	const struct bounds *bounds; /* the family's */
	struct tally_place at[2];
};
/* As tally_observe_n, with the series' spot, for a value that is finite and not negative, and an exemplar that is not made yet: where one of this rank goes, its time and ids to be filled in at once; NULL: what is there is better. */
struct exemplar *tally_observe_at(struct tally *t, uint32_t series, struct tally_spot *spot, int64_t step, double value, uint64_t n, uint8_t rank);
/* From now on the counter counts each observation of the histogram, with the same exemplars (their value 1). Before either has counted; nobody else counts in the counter. */
void tally_twin(struct tally *t, uint32_t histogram, uint32_t counter);
/* Entries in order of first touch; valid until the next call that counts or clears. */
const struct tally_entry *tally_entries(const struct tally *t, size_t *ret_len);
size_t tally_entries_len(const struct tally *t);
/* Number 0 is the first of an array of tally_series_len(); valid until the next tally_series or tally_forget. */
const struct tally_series *tally_series_at(const struct tally *t, uint32_t series);
size_t tally_series_len(const struct tally *t);
/* About how many bytes a delta of this tally will take before compression. */
size_t tally_bytes(const struct tally *t);
/* Drops the increments, keeps the series. */
void tally_clear(struct tally *t);
/* Drops increments and series: all numbers become invalid. */
void tally_forget(struct tally *t);

#endif
