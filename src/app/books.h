/* SPDX-License-Identifier: Apache-2.0 */
/* The books of this instance: the journal, the ledger that folds it, and the one thread that does so. Others append, ask, and wait. */
#ifndef WINNOW_APP_BOOKS_H
#define WINNOW_APP_BOOKS_H

#include "base/queue.h"
#include "journal/journal.h"
#include "ledger/ledger.h"

struct books;

/* What a writer of deltas (a worker) hears back; set by the ledger thread, read by the writer's. */
struct books_writer {
	uint64_t id;            /* changes at every rewind; random */
	_Atomic uint64_t posted;   /* highest sequence number posted */
	_Atomic uint64_t rejected; /* highest sequence number rejected, 0: none */
	struct queue *notices;  /* of struct books_notice *, the receiver frees */
};

/* A catalog change, for the miners of this process. */
struct books_notice {
	uint64_t id, alias_id;
	enum pattern_origin origin;
	struct slice service, template_text, rule; /* within bytes */
	char bytes[];
};

/* Where steps go: each has a ledger of its own. */
struct books_endpoint {
	uint64_t id;      /* in the journal's records; 0: the first, or only one */
	const char *name;
};

enum { BOOKS_ENDPOINTS_MAX = 8 };

struct books_opts {
	const struct books_endpoint *endpoints; /* none: one, of id 0; the names outlive the books */
	size_t endpoints_len;
	struct ledger_opts ledger;
	int64_t snapshot_interval_ns;
	size_t max_pending_steps, max_pending_bytes; /* of an endpoint; past these, intake stops: see books_send.c */
	int64_t stuck_ns;              /* an endpoint that has taken nothing for so long does not stop the intake as long as another has room */
	bool (*give_up)(void *arg);    /* asked while a long journal is read at the start; may be NULL */
	void *give_up_arg;
};

/* Loads the newest snapshot, reads the journal to its end, and starts the thread. Takes the journal over (closes it in books_close, on error too). */
int books_open(struct journal *journal, const struct books_opts *opts, struct books **ret, struct err *err);
/* Stops the thread, writes a snapshot if this instance leads, closes the journal. */
void books_close(struct books *b);

/* Any thread. */
int books_append(struct books *b, struct slice record, struct err *err);
/* Waits until everything that is in the journal now has been folded; false after timeout_ns or a journal error. */
bool books_catch_up(struct books *b, int64_t timeout_ns);
bool books_partition(struct books *b, struct slice topic, int32_t partition, struct ledger_partition *ret /* .topic is not set */);
/* Up to which event time all partitions that did not stand still for two minutes have told of their records: INT64_MAX if there is none. What they told of traces is to be had by then. */
int64_t books_settled(struct books *b);
/* From which event time on traces may still be asked about: as ledger_asked_from. */
int64_t books_asked_from(struct books *b);
/* What posted deltas said of traces, from sequence *from on: as ledger_traces. */
size_t books_traces(struct books *b, uint64_t *from, struct delta_trace *out, size_t max);
int64_t books_journal_time(struct books *b);
/* How far in event time the partition in play that is furthest behind has been read, over all instances; INT64_MAX: none is in play. */
int64_t books_slowest(struct books *b);
/* The same without the partitions that `own` says are the caller's. */
int64_t books_slowest_but(struct books *b, bool (*own)(void *arg, const struct ledger_partition *p), void *arg);
/* Whether so much is closed and unsent that intake has to stop. */
bool books_full(struct books *b);
/* Over all endpoints. */
size_t books_pending_steps(struct books *b);
/* Whether increments sit in a step that is not closed yet. */
bool books_open_steps(struct books *b);
bool books_leads(struct books *b);
/* The first endpoint's ledger under the lock, for views; keep it short. What is counted is the same in all of them. */
const struct ledger *books_lock(struct books *b);
void books_unlock(struct books *b);
void books_add_writer(struct books *b, struct books_writer *w);
void books_remove_writer(struct books *b, struct books_writer *w);
/* Sends every pattern the catalog has to this writer's notices. */
void books_teach(struct books *b, struct books_writer *w);
/* Empty if all is well, else what keeps the journal from being written or read. */
void books_trouble(struct books *b, char *out, size_t size);

/* What waits for an endpoint. */
struct books_waiting {
	size_t steps, bytes, series;
	int64_t since_ns;         /* end of the oldest of them; 0: nothing waits */
	uint64_t marks;           /* steps that are over, sent or skipped */
	uint64_t folded;          /* by this instance */
};
void books_waiting(struct books *b, size_t endpoint, struct books_waiting *ret);

/* For the sender threads; endpoint: its place in opts. The oldest step to send, if this instance leads and has read what was in the journal when it began to; INT64_MIN if there is none.
 * *ret_newest: no later step waits. */
int64_t books_step_to_send(struct books *b, size_t endpoint, bool *ret_newest);
/* Its next requests, under the lock (ledger_cut_part); false if it is not the oldest pending one any more. Free with cut_done. */
bool books_cut(struct books *b, size_t endpoint, int64_t step, enum remote_write_version version, size_t max_samples, size_t max_bytes, struct cut *ret);
/* Reads the journal to its end: whether another instance sends as well, or may have until a moment ago (true as well if the journal cannot be read now). */
bool books_contested(struct books *b);
/* How often leadership began: a change means that an earlier leader may have sent the oldest pending step. */
uint64_t books_leadership(struct books *b);
/* The step went out (or was too old to send): appends its mark and waits until the ledger has it. */
int books_mark(struct books *b, size_t endpoint, int64_t step, bool skipped, struct err *err);
/* The same for the first values of the series that begin in the step. */
int books_anchored(struct books *b, size_t endpoint, int64_t step, struct err *err);
/* Reads the journal to its end: whether the step is no longer the oldest or (anchors) someone has noted its first values; true as well if the journal cannot be read now. */
bool books_overtaken(struct books *b, size_t endpoint, int64_t step, bool anchors);
/* Changes when the endpoint begins anew: memory of cuts made before is of no use then. */
uint64_t books_generation(struct books *b, size_t endpoint);

#endif
