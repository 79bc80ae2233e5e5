/* SPDX-License-Identifier: Apache-2.0 */
/* What the books are made of; private to books.c and books_send.c. */
#ifndef WINNOW_APP_BOOKS_PARTS_H
#define WINNOW_APP_BOOKS_PARTS_H

#include "app/books.h"

#include <pthread.h>
#include <stdatomic.h>

enum { WRITERS_MAX = 256 };

/* An endpoint's ledger. */
struct books_place {
	uint64_t endpoint;
	const char *name;
	struct ledger *ledger;     /* NULL: it has not begun yet */
	_Atomic uint64_t generation; /* of the ledger: changes when the endpoint begins anew */
	_Atomic size_t pending_steps, pending_bytes;
	_Atomic int64_t moved_ns;  /* monotonic: when it was last sent a step, or this instance started */
	int64_t folding_to;        /* the last step that was folded into the next one, if the ledger has not heard of it yet; else INT64_MIN */
	int64_t fold_again_ns;     /* monotonic */
	_Atomic uint64_t folded;   /* steps, by this instance */
};

struct books {
	struct books_opts opts;
	struct journal *journal;
	struct books_place places[BOOKS_ENDPOINTS_MAX + 1]; /* those that are configured, in their order; behind them one that others are to begin after */
	size_t places_len, endpoints_len;
	struct ledger *ledger;     /* of the first of them: for all that does not ask for an endpoint */
	pthread_t thread;
	pthread_mutex_t lock; /* ledgers, writers, trouble */
	struct books_writer *writers[WRITERS_MAX];
	size_t writers_len;
	char trouble[512];
	_Atomic int64_t position, journal_time, slowest, settled, asked_from;
	_Atomic bool stopping, leads;
	_Atomic bool leading;      /* caught up since leadership began */
	_Atomic uint64_t leadership;
	uint64_t leader;           /* as which this instance sends; random */
	bool claimed;              /* since leadership began */
	_Atomic bool others_claim; /* the last claim in the journal is another's */
	_Atomic int64_t others_ns; /* journal time of the last record in which another spoke as leader, or of our claim after its */
	int64_t lead_from;         /* position from which on steps may be sent */
	int64_t snapshot_at_ns, snapshot_position;
};

/* The journal's time for a record written now. */
int64_t books_now(struct books *b);
/* Folds the oldest steps of an endpoint that takes nothing, where it would keep the others waiting. The ledger thread's. */
void books_make_room(struct books *b);

#endif
