/* SPDX-License-Identifier: Apache-2.0 */
/* Where a successor must begin to feed the state that spans records, so that it comes to hold what this process holds. Private to the engine room. */
#ifndef WINNOW_ENGINE_REPLAY_H
#define WINNOW_ENGINE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPLAY_HOLDS = 3, REPLAY_PARTS = 4, REPLAY_POINTS = 48 };

struct replay_point {
	int64_t offset;
	int64_t time_ns; /* the partition's event time before the record at offset: the newest seen until then */
	bool cut;        /* something was held open there */
};

struct replay {
	int64_t hold_ns;
	int64_t newest_ns;
	int64_t keep_ns; /* points up to this time are still wanted, however far behind; INT64_MAX: no more than the holds say */
	struct replay_point points[REPLAY_POINTS]; /* rising */
	size_t len;
};

/* Feeding begins at this point. */
void replay_start(struct replay *r, int64_t hold_ns, struct replay_point at);
/* The next record to feed is at offset. */
void replay_note(struct replay *r, int64_t offset);
/* A record of this event time was fed; returns the partition's event time. */
static inline int64_t replay_advance(struct replay *r, int64_t time_ns)
{
	if (time_ns > r->newest_ns)
		r->newest_ns = time_ns;
	return r->newest_ns;
}

/* The latest point known that lies three holds of event time behind; the first one if there is none. */
struct replay_point replay_point(const struct replay *r);

#endif
