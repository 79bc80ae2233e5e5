/* SPDX-License-Identifier: Apache-2.0 */
/* How far each partition is read, and said to be read, while others lag behind in event time. */
#ifndef WINNOW_APP_PACE_H
#define WINNOW_APP_PACE_H

#include "app/books.h"
#include "app/partition.h"

struct pace {
	struct books *books;
	_Atomic int64_t *low_ns; /* shared by all workers of the process: [number] is this one's slowest partition's event time */
	size_t number, count;    /* of count workers */
	int64_t window_ns;       /* the receiver's: older events all go into one step, so how far apart partitions are there does not matter */
};

/* Tells the other workers where this one's slowest partition stands. now: monotonic. */
void pace_tell(struct pace *pace, const struct partitions *all, int64_t now);
/* This worker holds nobody up any more. */
void pace_leave(struct pace *pace);
/* Event time up to which p may be read now. */
int64_t pace_limit(struct pace *pace, const struct partitions *all, const struct partition *p, int64_t mono_ns, int64_t wall_ns);
/* Event time up to which a delta may say that its partitions stand. */
int64_t pace_say_up_to(struct pace *pace, const struct partitions *all);
/* Whether event time has moved on so far, to newest_ns, that other instances have to know. */
bool pace_moved_on(const struct pace *pace, int64_t by_ns, int64_t newest_ns);

#endif
