/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that came in pieces, and lines that belong to the one before.
 *
 * Idea: a container runtime cuts long lines, and programs print stack traces line by line; each piece is a message of its own. A piece is held, by
 * container and stream, until the one that ends its line: that one is counted, with the whole text, and the pieces before it have the outcome `joined`. A
 * line of a trace has it too; the line it belongs to is counted already. A trace in Java begins with the exception's name, which looks like any text: it is
 * part of the error that its stream wrote within a second before it, so the last errors of streams are noted. What is held lives for a hold of the partition's event time at most, so it is a
 * function of the log alone and comes back by replay (engine/replay.h).
 *
 * Bounds: LINES_BYTES and LINES_PIECES a line, LINES_OPEN lines a partition. At the first two the piece at hand ends the line, at the third it is its own line.
 */
#ifndef WINNOW_ENGINE_LINES_H
#define WINNOW_ENGINE_LINES_H

#include "base/clock.h"
#include "record/record.h"

#define LINES_HOLD_NS (5 * NS_PER_S)
#define LINES_FOLLOW_NS NS_PER_S
enum { LINES_NOTES = 16, LINES_BYTES = 256 * 1024, LINES_PIECES = 1000, LINES_OPEN = 1000 };

struct lines;

struct lines *lines_new(void);
void lines_free(struct lines *l);
bool lines_empty(const struct lines *l);
/* Whether an error is noted, and may have to come back by replay. */
bool lines_noted(const struct lines *l);
/* Notes an error, which a trace may follow. */
void lines_note(struct lines *l, const struct record *r, int64_t newest_ns);
/* Forgets what came a hold before newest_ns. */
void lines_expire(struct lines *l, int64_t newest_ns);

/* What becomes of a record. */
enum lines_verdict {
	LINES_COUNT,  /* it is a record */
	LINES_JOINED, /* a piece, or a line of a trace: kept, or part of one that is counted */
	LINES_BEHIND, /* it ends a line: decode it behind *ret_before and ask lines_again */
};

/* newest_ns: the partition's event time, this record's included. *ret_before is valid until the next call. */
enum lines_verdict lines_take(struct lines *l, const struct record *r, int64_t newest_ns, struct slice *ret_before);
/* The same record decoded behind what was held: LINES_JOINED if the line still goes on. NULL: that could not be read. */
enum lines_verdict lines_again(struct lines *l, const struct record *r);

#endif
