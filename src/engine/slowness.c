/* SPDX-License-Identifier: Apache-2.0 */
/* The quantile of an operation (service and span name), from a histogram of its durations.
 *
 * Time is cut into windows of the partition's event time, a hold each. What came in one window says what is slow in the next, and nothing older is remembered. So the bound is known
 * when a span comes (its trace is surely kept from then on), and it is a function of the partition's last two holds: a successor that feeds three holds again has the same bounds for
 * all that it decides (replay.c). For the same reason an operation is one of the first OPERATIONS of its window, whatever there was before.
 *
 * In a window that follows upon an empty one nothing is known, and fewer spans than could have one beyond the quantile (20 for 0.95) say nothing.
 *
 * Layout: eight buckets for each power of two from 1 us to 73 min; whatever is shorter or longer is in the first or last. Operations are told apart by 64 bits of a hash. */
#include "engine/slowness.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>

enum { OPERATIONS = 4096, LEAST_BITS = 10, MOST_BITS = 42, PARTS_BITS = 3, PARTS = 1 << PARTS_BITS, BUCKETS = (MOST_BITS - LEAST_BITS) * PARTS + 1 };

struct operation {
	uint64_t hash;
	uint32_t len;
	uint32_t counts[BUCKETS];
};

struct bound {
	uint64_t hash;
	int64_t ns;
};

struct slowness {
	double quantile;
	uint32_t least;               /* spans that can tell */
	int64_t window_ns, window;
	struct map open;              /* operations of this window */
	struct operation **operations; /* as many as there ever were at once; the first open.len are this window's */
	size_t operations_len, operations_cap;
	struct map known;             /* bounds by the window before */
	struct bound *bounds;
	size_t bounds_cap;
};

struct slowness *slowness_new(double quantile, int64_t window_ns)
{
	struct slowness *s = mem_zalloc(1, sizeof(*s));
	s->quantile = quantile;
	s->least = (uint32_t)(1 / (1 - quantile) + 0.5);
	s->window_ns = window_ns;
	s->window = INT64_MIN;
	return s;
}

void slowness_free(struct slowness *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->operations_len; i++)
		free(s->operations[i]);
	free(s->operations);
	free(s->bounds);
	map_done(&s->open);
	map_done(&s->known);
	free(s);
}

static size_t bucket_of(int64_t ns)
{
	if (ns < INT64_C(1) << LEAST_BITS)
		return 0;
	if (ns >= INT64_C(1) << MOST_BITS)
		return BUCKETS - 1;
	unsigned bits = 63 - (unsigned)__builtin_clzll((uint64_t)ns);
	return (bits - LEAST_BITS) * PARTS + ((uint64_t)ns >> (bits - PARTS_BITS) & (PARTS - 1)) + 1;
}

/* The most that a span of this bucket took. */
static int64_t bucket_end(size_t bucket)
{
	if (bucket == 0)
		return (INT64_C(1) << LEAST_BITS) - 1;
	size_t bits = LEAST_BITS + (bucket - 1) / PARTS, part = (bucket - 1) % PARTS;
	return (int64_t)((PARTS + part + 1) << (bits - PARTS_BITS)) - 1;
}

static int64_t quantile_of(const struct slowness *s, const struct operation *o)
{
	double wanted = s->quantile * o->len;
	uint64_t sum = o->counts[0];
	size_t bucket = 0;
	while (bucket + 1 < BUCKETS && (double)sum < wanted)
		sum += o->counts[++bucket];
	return bucket_end(bucket);
}

static void learn(struct slowness *s)
{
	if (s->bounds_cap < s->open.len)
		s->bounds = mem_realloc(s->bounds, s->bounds_cap = s->open.len, sizeof(*s->bounds));
	for (size_t i = 0, len = 0; i < s->open.len; i++) {
		const struct operation *o = s->operations[i];
		if (o->len < s->least)
			continue;
		s->bounds[len] = (struct bound){.hash = o->hash, .ns = quantile_of(s, o)};
		map_put(&s->known, o->hash, &s->bounds[len++]);
	}
}

static void enter(struct slowness *s, int64_t window)
{
	map_clear(&s->known);
	if (window == s->window + 1)
		learn(s);
	map_clear(&s->open);
	s->window = window;
}

static struct operation *operation_of(struct slowness *s, uint64_t hash)
{
	struct operation *o = map_get(&s->open, hash, NULL, NULL);
	if (o || s->open.len == OPERATIONS)
		return o;
	if (s->open.len == s->operations_len) {
		s->operations = mem_grow(s->operations, s->operations_len, &s->operations_cap, sizeof(struct operation *));
		s->operations[s->operations_len++] = mem_realloc(NULL, 1, sizeof(*o));
	}
	o = s->operations[s->open.len];
	*o = (struct operation){.hash = hash};
	map_put(&s->open, hash, o);
	return o;
}

int64_t slowness_take(struct slowness *s, struct slice service, struct slice name, int64_t duration_ns, int64_t newest_ns)
{
	uint64_t hash = hash_pair(hash_bytes(service), hash_bytes(name));
	if (newest_ns / s->window_ns != s->window)
		enter(s, newest_ns / s->window_ns);
	struct operation *o = operation_of(s, hash);
	if (o) {
		o->counts[bucket_of(duration_ns)]++;
		o->len++;
	}
	const struct bound *known = map_get(&s->known, hash, NULL, NULL);
	return known ? known->ns : 0;
}
