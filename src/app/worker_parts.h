/* SPDX-License-Identifier: Apache-2.0 */
/* A worker, for the files that are its parts: worker.c (its loop, commands, rewinding), worker_read.c and worker_cut.c. Its thread's own, but for the queues,
 * the status and the trouble. */
#ifndef WINNOW_APP_WORKER_PARTS_H
#define WINNOW_APP_WORKER_PARTS_H

#include "app/gather.h"
#include "app/pace.h"
#include "app/traces.h"
#include "app/worker.h"

#include <pthread.h>

struct worker {
	struct books *books;
	struct worker_opts opts;
	struct shard *shard;
	struct books_writer writer;
	uint64_t seq;           /* of the last delta appended */
	const struct ruleset *rules;
	uint64_t tellings;      /* of rules */
	bool rules_told;        /* the journal knows by which rules this writer counts */
	pthread_t thread;
	struct queue *commands, *replies;
	size_t drops_asked;
	struct partitions partitions;
	struct pace pace;
	struct traces traces;
	struct span_lane rekeyed;
	bool must_rewind, stopping, until_end, was_full;
	bool limited;           /* at this turn something that could be read had to wait for other partitions, or for traces to be decided */
	bool append_failed;     /* the journal took no record: nothing is read until it takes one again */
	_Atomic bool stopped;
	int64_t rest_ns;        /* how long it rested last; 0: it was busy since */
	int64_t cut_at_ns;      /* monotonic: when the next delta is due */
	int64_t newest_ns, cut_newest_ns; /* newest event time fed, and as of the last delta */
	struct worker_status status;
	struct gather gather;
	struct delta_range *ranges;
	size_t ranges_cap;
	struct buf record;
	pthread_mutex_t trouble_lock;
	char trouble[512];
};

/* Says what holds the worker up, in its status and in the log; "": nothing does. */
void worker_set_trouble(struct worker *w, const char *text);

/* Appends the open delta. On failure it is unknown whether it is in the journal: the books are read back before anything else is counted. */
void worker_cut(struct worker *w);

/* Makes the partition's reader go on at the offset that the shard expects; tried again later if it cannot now. */
void worker_seek(struct worker *w, struct partition *p);
/* Reads on in the partition furthest behind that has something. False: there was nothing, or all had to wait. */
bool worker_read(struct worker *w);

#endif
