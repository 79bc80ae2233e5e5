/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times remembered: a writer gives them in one form, and those of one minute differ in their seconds only.
 *
 * Idea: a time that was read in full, "2026-03-04T09:15:02.481+01:00", leaves behind its first seventeen bytes, which say the minute, how many digits its fraction has, and what stands behind those (a zone,
 * or nothing). One that has the same length and the same bytes in these places is that minute and its own seconds and fraction.
 *
 * Invariants: a memo is made of a time that was read in full and whose form is this one, and used only where every byte but the digits of seconds and fraction is equal, so it says what reading in full
 * would say. Private to the room.
 */
#ifndef WINNOW_RECORD_TIME_MEMO_H
#define WINNOW_RECORD_TIME_MEMO_H

#include "record/timestamp.h"

enum { TIME_MEMOS = 8, TIME_MINUTE = 17, TIME_SECOND = 19 };

struct time_memo {
	uint64_t head[2];  /* the first sixteen bytes; a colon follows */
	uint64_t tail;     /* the bytes behind the digits, the text's last one highest */
	uint64_t mask;     /* of those among the text's last eight */
	int64_t minute_ns; /* the time at its full minute */
	uint8_t len;       /* of the text; 0: there is none yet */
	uint8_t places;    /* digits of the fraction */
	char point;        /* before them */
	bool zoned;
};

/* By length: loggers in one stream that write different forms rarely have the same. */
struct time_memos {
	struct time_memo at[TIME_MEMOS];
};

/* The time that text says, if it is like the last one of its length; false: it has to be read in full. */
bool time_memo_again(const struct time_memos *memos, struct slice text, struct timestamp *ret);
/* Remembers a text that was read in full, from its first byte to its last. */
void time_memo_learn(struct time_memos *memos, struct slice text, const struct timestamp *time);

#endif
