/* SPDX-License-Identifier: Apache-2.0 */
/* Points of replay. What records leave behind in memory (a span that waits for its other end) lives for one hold of the partition's own event time, so it is a
 * function of the log alone: who feeds the last few holds again, without counting, comes to hold the same. Beginning at the oldest record still waiting would be
 * wrong, as the second half of a pair that is complete already would look like a first one; three holds are enough with one to spare, whatever the order of times
 * in the log (two holds are, in simulation, on all seeds).
 *
 * What comes out meanwhile is another matter: a trace that had begun before the point is fed without its beginning, so it may be due at another time, and kept for what came too late for it. Whoever was
 * there before has decided it (points lie three holds before all that is undecided), so a successor decides nothing that came within two holds of the point.
 *
 * A point is noted every quarter of a hold. The partition's event time at a point is kept with it, because a successor has to go on from there: the newest time seen
 * never shrinks, and expiry is measured by it. What waits for longer than a hold (a trace that other partitions may still speak of) says from when on it is wanted. */
#include "engine/replay.h"

#include <string.h>

void replay_start(struct replay *r, int64_t hold_ns, struct replay_point at)
{
	r->hold_ns = hold_ns;
	r->newest_ns = at.time_ns;
	r->keep_ns = INT64_MAX;
	r->points[0] = at;
	r->len = 1;
}

/* The time that a point may have at most. */
static int64_t wanted(const struct replay *r)
{
	int64_t held = r->newest_ns - REPLAY_HOLDS * r->hold_ns;
	return held < r->keep_ns ? held : r->keep_ns;
}

void replay_note(struct replay *r, int64_t offset)
{
	if (r->newest_ns - r->points[r->len - 1].time_ns < r->hold_ns / REPLAY_PARTS)
		return;
	size_t past = 0;
	while (past + 1 < r->len && r->points[past + 1].time_ns <= wanted(r))
		past++;
	if (past)
		memmove(r->points, r->points + past, (r->len - past) * sizeof(r->points[0]));
	r->len -= past;
	if (r->len < REPLAY_POINTS) /* else an earlier point has to do for a while */
		r->points[r->len++] = (struct replay_point){.offset = offset, .time_ns = r->newest_ns, .cut = true};
}

struct replay_point replay_point(const struct replay *r)
{
	size_t i = 0;
	while (i + 1 < r->len && r->points[i + 1].time_ns <= wanted(r))
		i++;
	return r->points[i];
}
