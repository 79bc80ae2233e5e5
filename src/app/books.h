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

struct books_opts {
	struct ledger_opts ledger;
	int64_t snapshot_interval_ns;
	size_t max_samples, max_bytes; /* of one remote-write request */
	size_t max_pending_steps, max_pending_bytes; /* past these, intake stops */
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
int64_t books_journal_time(struct books *b);
/* Whether so much is closed and unsent that intake has to stop. */
bool books_full(struct books *b);
size_t books_pending_steps(struct books *b);
bool books_leads(struct books *b);
/* The ledger under the lock, for views; keep it short. */
const struct ledger *books_lock(struct books *b);
void books_unlock(struct books *b);
void books_add_writer(struct books *b, struct books_writer *w);
void books_remove_writer(struct books *b, struct books_writer *w);
/* Sends every pattern the catalog has to this writer's notices. */
void books_teach(struct books *b, struct books_writer *w);
/* Empty if all is well, else what keeps the journal from being written or read. */
void books_trouble(struct books *b, char *out, size_t size);

/* For the sender thread: the next step to send (the caller frees with cut_done and free), or NULL if none came within the time. */
struct cut *books_next_cut(struct books *b, int64_t timeout_ns);
/* The step went out (or was too old to send): appends its mark. */
int books_mark(struct books *b, int64_t step, bool skipped, struct err *err);
/* The step did not go out and the sender has given it up (shutdown): it may be offered again. */
void books_return(struct books *b);
/* One more cut of the same step (halves of a refused request). */
void books_cut_range(struct books *b, int64_t step, bool anchors, uint32_t first, uint32_t last, struct cut *ret);

#endif
