/* SPDX-License-Identifier: Apache-2.0 */
/* Labels that series share: one name with one value is kept once, with what requests need of it. Whoever owns the table says which thread (requests write into pairs). */
#ifndef WINNOW_METRIC_PAIR_H
#define WINNOW_METRIC_PAIR_H

#include "base/map.h"
#include "base/pool.h"
#include "metric/tally.h"

/* So many bytes behind a pair's encoding and its references can be read: copying goes by pieces of this length. */
enum { PAIR_PAD = POOL_BEHIND, PAIR_REFS = 8 };
/* Where a label sorts: label names come in the order of their bytes, and `__name__` and `le` are ours. */
enum pair_place { PAIR_BEFORE_NAME, PAIR_NAME, PAIR_BETWEEN, PAIR_LE, PAIR_AFTER_LE };

/* A name or a value; however many pairs have it, there is one. */
struct pair_text {
	uint32_t epoch, ref;     /* of the 2.0 request that has it as a symbol */
	uint32_t users, len;     /* users 0: it is the value of one pair alone, and a part of it */
	const char *text;        /* its length as a varint before it, PAIR_PAD behind it */
};

/* As small as it can be: requests go through all of them, and what they wait for is memory. */
struct pair {
	struct pair_text *value, *name;
	uint8_t refs[PAIR_REFS]; /* two varints */
	uint32_t epoch;          /* of the 2.0 request that refs are of */
	uint32_t encoded_len;
	uint8_t refs_len;
	uint8_t place;           /* enum pair_place */
	uint32_t users;
	struct pair_text own;    /* the value, unless another pair has the same */
	uint8_t encoded[];       /* as field 1 of a 1.0 TimeSeries; padded by the pool */
};

/* How the pairs of a series are ordered: those before `__name__`, then those before `le`, then the rest; those that cannot be sent are behind the first len. */
struct pair_order {
	uint8_t before_name, before_le, len;
	uint32_t encoded_len;    /* of the first len */
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
	struct pair *const *labels;      /* by order */
	struct pair_order order;
	int64_t at_ms, begun_ms;         /* begun_ms 0: unknown */
	const double *values;            /* one; of a histogram the cumulative counts, the sum and the count */
	size_t marked;                   /* the value that has the exemplar */
	const struct exemplar *exemplar; /* NULL: none */
};

struct label_pairs {
	struct map map, texts;
	struct pool pool;
};

/* The pair of these texts, copied; each call is undone by one pair_drop. */
struct pair *pair_get(struct label_pairs *p, struct slice name, struct slice value);
void pair_drop(struct label_pairs *p, struct pair *pair);
static inline struct label pair_label(const struct pair *pair)
{
	return (struct label){slice_of(pair->name->text, pair->name->len), slice_of(pair->value->text, pair->value->len)};
}
/* The text that pairs have, or NULL; hash: hash_bytes(). */
struct pair_text *pair_text_find(const struct label_pairs *p, uint64_t hash, struct slice text);
/* Puts sorted pairs into the order they are sent in. */
struct pair_order pair_sort(struct pair **pairs, size_t len);
/* All pairs must have been dropped. */
void label_pairs_done(struct label_pairs *p);

#endif
