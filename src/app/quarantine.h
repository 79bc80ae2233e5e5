/* SPDX-License-Identifier: Apache-2.0 */
/* Which series a receiver refuses: found by sending suspects in ever smaller groups, one try a step. Bytes in, bytes out; no I/O, no clock. One thread. */
#ifndef WINNOW_APP_QUARANTINE_H
#define WINNOW_APP_QUARANTINE_H

#include "base/buf.h"

struct quarantine;

/* Suspects sent together, in this step. */
struct quarantine_group {
	struct buf anchors; /* request bodies; empty: nothing to send */
	struct buf values;
	size_t samples;     /* in values */
	/* private */
	struct suspect **members;
	size_t len;
	bool active, refused;
	char reason[256];
};

struct quarantine_aside {
	struct slice name;   /* log_records_total{...} */
	struct slice reason; /* the receiver's words */
};

/* A series set aside is tried again, alone, after retry_ns. */
struct quarantine *quarantine_new(int64_t retry_ns);
void quarantine_free(struct quarantine *q);
/* Series under suspicion or set aside: with 0 there is nothing to filter. */
size_t quarantine_len(const struct quarantine *q);

/* A step begins: chooses the groups whose turn it is and empties their bodies. */
void quarantine_begin(struct quarantine *q, int64_t now_ns);
/* Sorts a request: what nobody suspects is appended to ordinary, what is in a group of this step goes to its bodies, the rest is held back. A suspect whose
 * anchors were refused gets them again, at anchor_ms. All anchors of a step before its values. Returns the number of samples in ordinary. */
size_t quarantine_take(struct quarantine *q, struct slice body, bool anchors, int64_t anchor_ms, struct buf *ordinary);
/* The index-th group of this step, or NULL. */
struct quarantine_group *quarantine_group_at(const struct quarantine *q, size_t index);
/* An ordinary request was refused: its series are suspects from now on. */
void quarantine_refuse(struct quarantine *q, struct slice body, bool anchors, const char *reason);
void quarantine_group_anchored(struct quarantine_group *g);
/* Another instance may have sent values of suspects: their anchors must not follow any more. */
void quarantine_forget(struct quarantine *q);
void quarantine_group_refused(struct quarantine_group *g, const char *reason);
/* The step is over: groups that were not refused are ordinary again, refused ones are halved for the next step, a series refused alone is set aside - but only if something
 * passed in this step: a receiver that refuses everything says nothing about one series. */
void quarantine_end(struct quarantine *q, int64_t now_ns, bool something_passed);

size_t quarantine_aside_len(const struct quarantine *q);
void quarantine_aside_at(const struct quarantine *q, size_t index, struct quarantine_aside *ret);

/* The n-th TimeSeries of a request, as a request of its own; n is taken modulo their number. Empty if there are fewer than two. */
struct slice quarantine_pick(struct slice body, uint64_t n);

#endif
