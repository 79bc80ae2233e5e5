/* SPDX-License-Identifier: Apache-2.0 */
/* Pacing: a backlog is kept together in event time.
 *
 * The watermark gives up a partition that lies five minutes behind the leading one, and what that partition still holds is late then. So a partition is read only
 * up to LEAD past the slowest other one of this process that has something to read, and FAR past the slowest one the ledger knows of on any instance; a delta is
 * cut early when event time has moved on by CUT_EVENT since the last one. LEAD + CUT_EVENT < FAR < five minutes. A partition that yields nothing for STALL does
 * not hold the others; the watermark lets go of it then too.
 *
 * Threads: a worker's own but for low_ns, of which each worker writes its own place and reads the others'. */
#include "app/pace.h"

#include "base/clock.h"

#define LEAD_NS (60 * NS_PER_S)
#define CUT_EVENT_NS (90 * NS_PER_S)
#define FAR_NS (240 * NS_PER_S)
#define STALL_NS (30 * NS_PER_S)

static bool holds_others(const struct partition *p, int64_t now)
{
	return !p->shard.at_end && now - p->active_ns < STALL_NS;
}

/* The slowest partition of this worker but `but`; tells the other workers of the slowest of all. */
static int64_t slowest(struct pace *pace, const struct partitions *all, const struct partition *but, int64_t now)
{
	int64_t low = INT64_MAX, lowest = INT64_MAX;
	for (size_t i = 0; i < all->len; i++) {
		const struct partition *p = all->at[i];
		if (!holds_others(p, now))
			continue;
		if (p->shard.newest_ns < lowest)
			lowest = p->shard.newest_ns;
		if (p != but && p->shard.newest_ns < low)
			low = p->shard.newest_ns;
	}
	pace->low_ns[pace->number] = lowest;
	return low;
}

/* The slowest of all workers' partitions but `but`. */
static int64_t slowest_of_all(struct pace *pace, const struct partitions *all, const struct partition *but, int64_t now)
{
	int64_t low = slowest(pace, all, but, now);
	for (size_t i = 0; i < pace->count; i++)
		if (i != pace->number && pace->low_ns[i] < low)
			low = pace->low_ns[i];
	return low;
}

static int64_t add_time(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static bool is_own(void *arg, const struct ledger_partition *at)
{
	const struct partitions *all = arg;
	for (size_t i = 0; i < all->len; i++)
		if (all->at[i]->shard.partition == at->partition && slice_eq(all->at[i]->shard.topic, at->topic))
			return true;
	return false;
}

void pace_tell(struct pace *pace, const struct partitions *all, int64_t now)
{
	slowest(pace, all, NULL, now);
}

void pace_leave(struct pace *pace)
{
	pace->low_ns[pace->number] = INT64_MAX;
}

/* A log that was silent for an hour makes its partition jump ahead of the others by one message. Saying so before the others are there would make the
 * watermark give them up as too far behind: so no more is said than a little past where they are, or where the receiver's window begins. Where they are is what their
 * deltas say to have reached, not what they say for the watermark: or two that have both jumped would each wait for the other's word. */
int64_t pace_say_up_to(struct pace *pace, const struct partitions *all)
{
	int64_t low = slowest(pace, all, NULL, clock_mono_ns()), others = books_slowest_but(pace->books, is_own, (void *)all);
	int64_t cap = low == 0 ? 0 : add_time(low, LEAD_NS), far = add_time(others, FAR_NS), window = clock_wall_ns() - pace->window_ns - LEAD_NS;
	if (far < cap)
		cap = far;
	return low != 0 && cap < window ? window : cap;
}

int64_t pace_limit(struct pace *pace, const struct partitions *all, const struct partition *p, int64_t mono_ns, int64_t wall_ns)
{
	int64_t low = slowest_of_all(pace, all, p, mono_ns), far = add_time(books_slowest(pace->books), FAR_NS);
	int64_t limit = add_time(low, LEAD_NS), window = wall_ns - pace->window_ns - LEAD_NS;
	if (far < limit)
		limit = far;
	return limit > window ? limit : window;
}

bool pace_moved_on(const struct pace *pace, int64_t by_ns, int64_t newest_ns)
{
	return by_ns > CUT_EVENT_NS && newest_ns > clock_wall_ns() - pace->window_ns;
}
