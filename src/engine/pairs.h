/* SPDX-License-Identifier: Apache-2.0 */
/* Which patterns the log records of a trace had, for as long as anyone may ask. Private to the engine room; one thread. */
#ifndef WINNOW_ENGINE_PAIRS_H
#define WINNOW_ENGINE_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pair_of_trace {
	uint64_t trace;   /* its number */
	uint64_t pattern; /* its id */
	uint64_t span;    /* 0: the record named none */
	uint64_t id[2];   /* the trace id's bits */
	uint32_t second;  /* event time */
	bool told;        /* the owner's business */
};

struct pairs {
	struct pair_of_trace *slots;
	size_t cap, len, most;
	uint32_t life_s, newest;
};

void pairs_init(struct pairs *p, uint32_t life_s, size_t most);
void pairs_done(struct pairs *p);
/* The pair, added if it is not there (*ret_new). Valid until the next call. */
struct pair_of_trace *pairs_add(struct pairs *p, uint64_t trace, uint64_t pattern, uint64_t span, uint32_t second, bool *ret_new);
/* The trace's next pair; *cursor begins as 0. NULL at the end. */
struct pair_of_trace *pairs_next(struct pairs *p, uint64_t trace, size_t *cursor);

#endif
