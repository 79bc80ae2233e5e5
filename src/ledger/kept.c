/* SPDX-License-Identifier: Apache-2.0 */
/* The decisions that are remembered: marks and pairs of traces in journal order, for ten minutes of event time behind what may still be asked about, and no more than MOST. Readers keep a place of their own in the
 * sequence, so each item is heard once by every shard, and all of it by one that begins. What falls out is forgotten: a span that comes that late is judged by itself. */
#include "ledger/kept.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

enum { MOST = 1 << 20, LEAST = 1024 };
#define LIFE_NS (600 * NS_PER_S)
#define SECONDS_MAX INT64_C(4000000000)

void trace_pack(struct buf *out, const struct delta_trace *t, int64_t *seconds)
{
	int64_t second = t->time_ns / NS_PER_S;
	pack_u64(out, t->trace);
	pack_i64(out, second - *seconds);
	pack_u64(out, t->reasons);
	*seconds = second;
	if (t->reasons)
		return;
	pack_u64(out, t->pattern_id);
	pack_u64(out, t->span);
	pack_u64(out, t->id[0]);
	pack_u64(out, t->id[1]);
}

void trace_unpack(struct unpack *u, struct delta_trace *t, int64_t *seconds)
{
	*t = (struct delta_trace){.trace = unpack_u64(u)};
	int64_t by = unpack_i64(u), limit = SECONDS_MAX;
	t->reasons = (uint8_t)unpack_upto(u, UINT8_MAX);
	u->bad |= by > limit || by < -limit || *seconds + by > limit || *seconds + by < 0;
	if (u->bad)
		return;
	*seconds += by;
	t->time_ns = *seconds * NS_PER_S;
	if (t->reasons)
		return;
	t->pattern_id = unpack_u64(u);
	t->span = unpack_u64(u);
	t->id[0] = unpack_u64(u);
	t->id[1] = unpack_u64(u);
	u->bad |= t->pattern_id == 0;
}

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

void kept_add(struct kept *k, const struct delta_trace *t, int64_t asked_ns)
{
	if (t->time_ns > k->newest_ns)
		k->newest_ns = t->time_ns;
	int64_t horizon_ns = (asked_ns < k->newest_ns ? asked_ns : k->newest_ns) - LIFE_NS; /* one partition may be an hour ahead, behind a silence */
	while (k->len && (k->len == MOST || at(k, 0)->time_ns < horizon_ns))
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
