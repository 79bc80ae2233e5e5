/* SPDX-License-Identifier: Apache-2.0 */
/* Sends closed steps to the receiver, one after the other, until each is acknowledged. One thread calls it; stop and status are for any thread. */
#ifndef WINNOW_APP_SENDER_H
#define WINNOW_APP_SENDER_H

#include "app/dialect.h"
#include "ledger/ledger.h"
#include "sink/http.h"
#include "sink/retry.h"

struct sender_opts {
	const char *name;           /* of the endpoint, before what is logged; NULL: there is but one */
	struct http_opts http;
	enum sender_version version; /* SENDER_ONLY_1 */
	int64_t version_retry_ns;   /* 1 h */
	int64_t step_ns;            /* 10 s */
	int64_t receiver_window_ns; /* 55 min: older steps are not sent */
	size_t max_samples;         /* of a request: 2,000 */
	size_t max_bytes;           /* 1 MiB */
	unsigned in_flight;         /* requests of a step at once, at most: 1 */
	int64_t backoff_min_ns;     /* 100 ms */
	int64_t backoff_max_ns;     /* 10 s */
	int64_t denied_pause_ns;    /* 10 s: between tries while the receiver denies us (401, 404, ...) */
	int64_t aside_retry_ns;     /* 10 min: a series set aside is tried again */
	int64_t metadata_every_ns;  /* 1 min; negative: never */
};
/* The values above; http is left zero. */
void sender_opts_default(struct sender_opts *opts);

/* Where steps come from; the functions take whatever lock the ledger needs. */
struct sender_source {
	void *self;
	/* As ledger_cut_part, so the cut is zero at first; false if step is not the oldest pending one (any more). What comes may be of version 1 in any case. */
	bool (*cut)(void *self, int64_t step, enum remote_write_version version, size_t max_samples, size_t max_bytes, struct cut *cut);
	void (*cut_done)(void *self, struct cut *cut); /* or cut_again: the next step gets the same cut */
	/* All anchors of a step that begins series (cut.begins) are settled: appends that to the journal and waits until it is folded, before any value goes out; false: it could
	 * not be, so the step is given up for now (SENDER_GONE). May be NULL. */
	bool (*anchored)(void *self, int64_t step);
	/* The receiver refused a request of the step. Reads the journal to its end: whether the request is late, not bad, since another instance has marked the step, or
	 * noted its anchors if this was one of them (or that cannot be known now). Then the step is given up (SENDER_GONE). May be NULL. */
	bool (*overtaken)(void *self, int64_t step, bool anchors);
	/* Reads the journal to its end: whether another instance sends as well, or may have until a moment ago. Asked before 0s that were refused are tried again. May be NULL. */
	bool (*contested)(void *self);
	/* Whether this instance is still to send this step: asked between tries. */
	bool (*wanted)(void *self, int64_t step);
};

enum sender_result {
	SENDER_ACKNOWLEDGED, /* mark it */
	SENDER_TOO_OLD,      /* mark it as skipped: the receiver would refuse its time; nothing was sent */
	SENDER_GONE,         /* someone else marked it, or this instance leads no more */
	SENDER_STOPPED,
};

struct sender;

/* ERR_INPUT as http_sender_new. */
int sender_new(const struct sender_opts *opts, const struct sender_source *source, struct sender **ret, struct err *err);
void sender_free(struct sender *s);
/* This instance begins to lead, or sends a step again of which it does not know whether it is marked: steps up to and with this one may have been sent by an earlier leader, so that a 400 for them means that they are there already. INT64_MIN: none. */
void sender_lead(struct sender *s, int64_t until_step);
/* Another instance sends or may have sent: 0s that were refused are not tried again, as its values may be there. */
void sender_contested(struct sender *s);
/* Sends the step, and returns when all of it is with the receiver (what was refused goes with later steps), however long that takes. newest: no later step
 * waits, so it is sent however old it is. */
enum sender_result sender_send(struct sender *s, int64_t step, bool newest);
/* Ends a send that is under way, soon, and all later ones. */
void sender_stop(struct sender *s);

enum { SENDER_ASIDE_SHOWN = 20 };

struct sender_status {
	struct reply_codes requests;
	uint64_t steps, samples, exemplars; /* acknowledged */
	uint64_t bytes;                     /* of bodies posted, repeats included */
	uint64_t already_there;             /* requests whose 400 meant that */
	enum remote_write_version version;  /* spoken now */
	uint64_t partial;                   /* requests that were refused in part: the receiver says that it wrote the rest */
	unsigned in_flight;                 /* requests that may go at once now */
	uint64_t refused;                   /* requests that made suspects of their series */
	int64_t failing_since_ns;           /* wall time of the first failure since something last passed, 0: all is well */
	int64_t last_error_ns;              /* 0: none yet */
	char last_error[600];
	size_t suspects;                    /* series under suspicion or set aside */
	size_t aside;                       /* series set aside, of which the first are shown */
	size_t aside_len;
	struct {
		char name[300];
		char reason[256];
	} asides[SENDER_ASIDE_SHOWN];
};

void sender_status(struct sender *s, struct sender_status *ret);

/* The decision after one try, apart from all I/O. */
struct sender_try {
	unsigned attempt;       /* tries before this one */
	unsigned server_errors; /* 5xx in a row, before this one */
	bool maybe_there;       /* an earlier leader or an earlier try without an answer may have delivered these bytes */
	bool anchors;           /* never taken for there on a 400's word: values without their 0 before them would not be counted by increase() */
};
enum sender_move {
	SENDER_PASSED,
	SENDER_ALREADY_THERE,
	SENDER_REFUSED, /* never again these bytes */
	SENDER_RETRY,
	SENDER_PROBE,   /* as SENDER_RETRY, but first find out whether anything passes */
};
/* *ret_wait_ns: before the next try. random: any number. */
enum sender_move sender_decide(const struct sender_opts *opts, const struct sender_try *try, const struct http_reply *reply, uint64_t random, int64_t *ret_wait_ns);

#endif
