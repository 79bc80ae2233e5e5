/* SPDX-License-Identifier: Apache-2.0 */
/* A shard's thread: reads its partitions, feeds the engine, appends a delta every second, rewinds when one is rejected. */
#ifndef WINNOW_APP_WORKER_H
#define WINNOW_APP_WORKER_H

#include "app/books.h"
#include "app/tap.h"
#include "engine/shard.h"
#include "source/span_topic.h"
#include "source/source.h"

struct worker;

struct worker_opts {
	struct shard_opts shard;
	int64_t cut_interval_ns;  /* 1 s */
	int64_t window_ns;        /* the receiver's: older events all go into one step, so how far apart partitions are there does not matter */
	size_t cut_bytes;         /* a delta is cut early when it gets this large; 0: 8 MiB */
	_Atomic int64_t *low_ns;  /* shared by all workers of the process: [number] is this one's slowest partition's event time */
	size_t number, count;     /* of count workers */
	struct tap *tap;          /* NULL: nobody can look on */
	struct span_topic *kept;  /* where kept traces go; NULL: nowhere */
	struct span_sender *otlp; /* where they go as well; NULL: nowhere */
	struct span_topic *rekey; /* where spans go to be keyed by trace id; NULL: they are */
	const char *rekey_topic;  /* its name; it is read as well */
};

/* What a worker says of itself; read by any thread, approximately up to date. */
struct worker_status {
	_Atomic size_t partitions, ended; /* ended: read up to where they ended when they were opened */
	_Atomic uint64_t consumed, bytes, behind, gaps, rewinds;
	_Atomic uint64_t incident; /* records of services under incident */
	_Atomic uint64_t aside, aside_limited, aside_lost; /* messages set aside; over the limit; not stored, of those set aside */
	_Atomic uint64_t traces_kept, traces_dropped, traces_early, spans_kept, spans_dropped, kept_bytes, spans_untraced, kept_lost; /* of tail sampling, in this process */
	_Atomic uint64_t traces_undecided, traces_bytes; /* now, and what their payloads take in memory */
};

int worker_start(struct books *books, const struct worker_opts *opts, struct worker **ret, struct err *err);
/* Hands a partition over; its times that name no zone are in this one (NULL: UTC). Reading starts where shard_start says. The reader belongs to the worker now. */
void worker_take(struct worker *w, struct source_reader *reader, enum format format, const struct zone *zone, const struct shard_start *at);
/* Asks for a partition back: what was read is appended, the reader closed. worker_wait_dropped waits for all that were asked for. */
void worker_drop(struct worker *w, const char *topic, int32_t partition);
void worker_wait_dropped(struct worker *w);
/* Takes other rules at the next batch; waits until it has. The old set may be freed then. */
void worker_set_rules(struct worker *w, const struct ruleset *rules);
/* Hands over who is under incident (NULL: nobody); does not wait. */
void worker_set_incidents(struct worker *w, struct incidents *incidents, bool unmask);
/* until_end: goes on until every partition has ended and everything is posted. Else: appends what is open and stops. */
void worker_stop(struct worker *w, bool until_end);
/* Waits for the thread and lets its readers go. */
void worker_join(struct worker *w);
/* After worker_join, and after the topics for spans, which may still tell what became of its messages, are freed. */
void worker_free(struct worker *w);
bool worker_stopped(const struct worker *w);
const struct worker_status *worker_status(const struct worker *w);
size_t worker_number(const struct worker *w);
/* Current trouble, empty if none. */
void worker_trouble(struct worker *w, char *out, size_t size);

#endif
