/* SPDX-License-Identifier: Apache-2.0 */
/* Tail sampling of one partition: traces wait until they are complete, then all their spans go or none. Private to the engine room; one thread. */
#ifndef WINNOW_ENGINE_TAIL_H
#define WINNOW_ENGINE_TAIL_H

#include "engine/heap.h"
#include "engine/marks.h"
#include "engine/sampling.h"

struct tail;

/* The message a span came in; copied when its first span waits. */
struct tail_message {
	struct slice bytes;
	enum format format;
	size_t records;
	/* private */
	struct heap_payload *held;
	struct slice trace_id; /* of its span before */
	uint64_t trace;        /* its number */
	bool unmarked;         /* the journal had no mark of it, and none was made since */
};

/* What a span made of its trace. */
struct tail_verdict {
	bool sure;        /* the trace is kept, whatever comes */
	unsigned reasons; /* found just now, for the journal */
};

/* A decided trace. spans: first of a chain of `len`. */
struct tail_trace {
	uint64_t trace;
	unsigned reasons; /* 0: it is dropped */
	const struct heap_run *spans;
	size_t len;
	bool early;       /* not complete: memory, or too many spans */
};
typedef void tail_sink(void *arg, const struct tail_trace *t);

struct tail_figures {
	size_t undecided, waiting;          /* traces; waiting: complete, for what other partitions say of them */
	size_t bytes;                       /* charged to them */
	size_t memory;                      /* that the heap takes */
};

/* judged_ns: traces that came before this time are fed again and decided already; INT64_MIN: none is. */
struct tail *tail_new(const struct sampling *policy, const struct marks *marks, int64_t judged_ns);
void tail_free(struct tail *t);
/* The message's first span is soon taken: asks for the places where its trace is looked for. */
void tail_expect(struct tail *t, const struct record *span, struct tail_message *m);
/* Takes a span, number `index` of its message. newest_ns: the partition's event time with it, never below that of the last call. */
struct tail_verdict tail_span(struct tail *t, const struct record *span, struct slice service, struct tail_message *m, size_t index, int64_t newest_ns);
/* Decides what is complete and of which every partition has said what it knows: all have told of their records up to settled_ns. */
void tail_decide(struct tail *t, int64_t settled_ns, tail_sink *sink, void *arg);
/* Nothing more will come: all are complete. */
void tail_flush(struct tail *t);
/* Up to which event time the partition may be read before what waits has to be decided. */
int64_t tail_read_up_to(const struct tail *t);
/* Whether what waits takes so much that it should be decided before more is read. */
bool tail_crowded(const struct tail *t);
/* No trace that is undecided came before this time; INT64_MAX: none is. */
int64_t tail_oldest(const struct tail *t);
void tail_figures(const struct tail *t, struct tail_figures *ret);

#endif
