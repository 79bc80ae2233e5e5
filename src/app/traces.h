/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's traces: what the journal says of them comes in, kept ones go out. Belongs to the worker's thread. */
#ifndef WINNOW_APP_TRACES_H
#define WINNOW_APP_TRACES_H

#include "app/books.h"
#include "app/partition.h"
#include "app/worker.h"

struct traces {
	struct books *books;
	struct shard *shard;
	struct span_topic *topic; /* NULL: kept traces go nowhere */
	struct span_lane lane;
	struct span_sender *otlp; /* an endpoint beside it; NULL: none */
	uint64_t heard;           /* what the journal said up to this place */
	int64_t ending_ns;        /* monotonic, since when the others stand where they do while it waits at the end; 0: it does not */
	int64_t ending_settled_ns;
	bool on;
};

/* Hears what the journal says and decides what can be decided. */
void traces_turn(struct traces *t, const struct partitions *all);
/* The journal says all of it again. */
void traces_rewind(struct traces *t);
enum traces_end { TRACES_NONE, TRACES_DECIDED, TRACES_WAIT };
/* No partition goes on: every trace is complete. They wait until other workers' partitions have told all, or none of them has moved for three minutes. */
enum traces_end traces_end(struct traces *t, const struct partitions *all);
/* Waits until what went out is stored; false if it is not yet: nothing may be appended then. */
bool traces_settle(struct traces *t);
void traces_publish(const struct traces *t, const struct partitions *all, struct worker_status *ret);

#endif
