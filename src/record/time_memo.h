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

#include "base/clock.h"
#include "record/nanos.h"
#include "record/timestamp.h"

enum { TIME_MEMOS = 32, TIME_MINUTE = 17, TIME_SECOND = 19, TIME_PLACES = 9 };

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

/* By length, of which there are fewer than memos: loggers in one stream that write different forms rarely have the same. */
struct time_memos {
	struct time_memo at[TIME_MEMOS];
};

/* Remembers a text that was read in full, from its first byte to its last. */
void time_memo_learn(struct time_memos *memos, struct slice text, const struct timestamp *time);

/* Up to nine digits behind the point as nanoseconds; there are more than eight bytes before them. */
static inline bool time_memo_fraction(const char *p, unsigned places, int64_t *ret)
{
	static const uint32_t scale[] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
	unsigned first = places == TIME_PLACES ? (unsigned)(p[0] - '0') : 0, others = places < 8 ? 64 - 8 * places : 0;
	uint64_t value, digits = load_u64(p + places - 8) >> others << others | (UINT64_C(0x3030303030303030) & ((UINT64_C(1) << others) - 1));
	if (first > 9 || !nanos_eight(digits, &value))
		return false;
	*ret = (int64_t)value * (places == TIME_PLACES ? 1 : scale[places]) + first * INT64_C(100000000);
	return true;
}

/* Seconds and fraction of a text that has the memo's form. */
static inline bool time_memo_seconds(const struct time_memo *m, const char *p, int64_t *ret_ns)
{
	unsigned tens = (unsigned)(p[TIME_MINUTE] - '0'), ones = (unsigned)(p[TIME_MINUTE + 1] - '0');
	int64_t ns = 0;
	if (tens > 5 || ones > 9 || (m->places && (p[TIME_SECOND] != m->point || !time_memo_fraction(p + TIME_SECOND + 1, m->places, &ns))))
		return false;
	*ret_ns = (int64_t)(tens * 10 + ones) * NS_PER_S + ns;
	return true;
}

/* The time that text says, if it is like the last one of its length; false: it has to be read in full. */
static inline bool time_memo_again(const struct time_memos *memos, struct slice text, struct timestamp *ret)
{
	const struct time_memo *m = &memos->at[text.len % TIME_MEMOS];
	const char *p = text.ptr;
	int64_t ns;
	if (text.len != m->len || text.len == 0)
		return false;
	uint64_t differ = (load_u64(p) ^ m->head[0]) | (load_u64(p + 8) ^ m->head[1]) | ((load_u64(p + text.len - 8) & m->mask) ^ m->tail);
	if (differ || p[TIME_MINUTE - 1] != ':' || !time_memo_seconds(m, p, &ns))
		return false;
	*ret = (struct timestamp){.ns = m->minute_ns + ns, .zoned = m->zoned, .dated = true, .len = text.len};
	return true;
}

#endif
