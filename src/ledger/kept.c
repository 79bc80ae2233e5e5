/* SPDX-License-Identifier: Apache-2.0 */
/* The decisions that are remembered: marks and pairs of traces in journal order, for ten minutes of event time behind the newest one, and no more than MOST. Readers keep a place of their own in the
 * sequence, so each item is heard once by every shard, and all of it by one that begins. What falls out is forgotten: a span that comes that late is judged by itself. */
#include "ledger/kept.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

enum { MOST = 1 << 20, LEAST = 1024 };
#define LIFE_NS (600 * NS_PER_S)

void kept_done(struct kept *k)
{
	free(k->items);
}

static const struct delta_trace *at(const struct kept *k, size_t i)
{
	return &k->items[(k->first + i) & (k->cap - 1)];
}

static void grow(struct kept *k)
{
	size_t cap = k->cap ? k->cap * 2 : LEAST;
	struct delta_trace *items = mem_zalloc(cap, sizeof(*items));
	for (size_t i = 0; i < k->len; i++)
		items[i] = *at(k, i);
	free(k->items);
	k->items = items;
	k->first = 0;
	k->cap = cap;
}

static void forget_first(struct kept *k)
{
	k->first = (k->first + 1) & (k->cap - 1);
	k->len--;
	k->sequence++;
}

void kept_add(struct kept *k, const struct delta_trace *t)
{
	if (t->time_ns > k->newest_ns)
		k->newest_ns = t->time_ns;
	while (k->len && (k->len == MOST || at(k, 0)->time_ns < k->newest_ns - LIFE_NS))
		forget_first(k);
	if (k->len == k->cap)
		grow(k);
	k->items[(k->first + k->len++) & (k->cap - 1)] = *t;
}

size_t kept_read(const struct kept *k, uint64_t *from, struct delta_trace *out, size_t max)
{
	size_t n = 0;
	if (*from < k->sequence)
		*from = k->sequence;
	for (; n < max && *from - k->sequence < k->len; (*from)++)
		out[n++] = *at(k, (size_t)(*from - k->sequence));
	return n;
}

void kept_save(const struct kept *k, struct buf *out)
{
	int64_t seconds = 0;
	pack_u64(out, k->sequence);
	pack_i64(out, k->newest_ns);
	pack_u64(out, k->len);
	for (size_t i = 0; i < k->len; i++)
		trace_pack(out, at(k, i), &seconds);
}

void kept_load(struct kept *k, struct unpack *u)
{
	int64_t seconds = 0;
	k->sequence = unpack_u64(u);
	k->newest_ns = unpack_i64(u);
	for (size_t n = unpack_count(u, MOST, 3); n > 0 && !u->bad; n--) {
		struct delta_trace t;
		trace_unpack(u, &t, &seconds);
		if (k->len == k->cap)
			grow(k);
		k->items[k->len++] = t;
	}
}
