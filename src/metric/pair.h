/* SPDX-License-Identifier: Apache-2.0 */
/* Labels that series share: one name with one value is kept once, with what requests need of it. Whoever owns the table says which thread (requests write into pairs). */
#ifndef WINNOW_METRIC_PAIR_H
#define WINNOW_METRIC_PAIR_H

#include "base/map.h"
#include "metric/tally.h"

/* So many bytes behind a pair's encoding and its references can be read: copying goes by pieces of this length. */
enum { PAIR_PAD = 32, PAIR_REFS = 16 };
/* Where a label sorts: label names come in the order of their bytes, and `__name__` and `le` are ours. */
enum pair_place { PAIR_BEFORE_NAME, PAIR_NAME, PAIR_BETWEEN, PAIR_LE, PAIR_AFTER_LE };

/* The name of many pairs. */
struct pair_name {
	struct slice text;
	uint32_t epoch, ref;     /* of the 2.0 request that has it as a symbol */
	uint32_t hash, users;
};

struct pair {
	struct label label;      /* its texts are in encoded */
	struct pair_name *name;
	uint32_t epoch;          /* of the 2.0 request that refs are of */
	uint32_t value_hash;
	uint8_t place;           /* enum pair_place */
	uint8_t refs_len;
	uint8_t refs[PAIR_REFS]; /* two varints */
	uint32_t users, encoded_len;
	uint64_t hash;
	uint8_t encoded[];       /* as field 1 of a 1.0 TimeSeries, and padding */
};

/* The names that the samples of a family have, and the bounds of its buckets. */
struct family_pairs {
	struct pair *name[4]; /* _bucket, _sum, _count, and as a native histogram; or the name alone */
	struct pair *le[BOUNDS_MAX + 1];
};

/* What a series sends at one time. */
struct points {
	const struct family *family;
	const struct family_pairs *names;
	struct pair *const *labels;      /* sorted */
	size_t labels_len;
	int64_t at_ms, begun_ms;         /* begun_ms 0: unknown */
	const double *values;            /* one; of a histogram the cumulative counts, the sum and the count */
	size_t marked;                   /* the value that has the exemplar */
	const struct exemplar *exemplar; /* NULL: none */
};

struct label_pairs {
	struct map map, names;
};

/* The pair of these texts, copied; each call is undone by one pair_drop. */
struct pair *pair_get(struct label_pairs *p, struct slice name, struct slice value);
void pair_drop(struct label_pairs *p, struct pair *pair);
/* All pairs must have been dropped. */
void label_pairs_done(struct label_pairs *p);

#endif
