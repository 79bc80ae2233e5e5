/* SPDX-License-Identifier: Apache-2.0 */
/* Where the reader of a line's header is. Private to the room. */
#ifndef WINNOW_RECORD_TEXT_SCAN_H
#define WINNOW_RECORD_TEXT_SCAN_H

#include "record/text_name.h"

struct scan {
	struct slice rest;
	struct text_header *h;
	struct time_memos *times; /* NULL: none are remembered */
	bool anything; /* an element was found */
	bool dashes;   /* Spring's "---" was */
};

static inline void skip(struct scan *s, size_t n)
{
	s->rest = behind(s->rest, n);
}

static inline void skip_blanks(struct scan *s)
{
	size_t n = 0;
	while (n < s->rest.len && is_blank(s->rest.ptr[n]))
		n++;
	skip(s, n);
}

/* Sleuth's [service,trace,span] or [service,trace,span,exportable], from the inside; each may be empty. */
bool text_sleuth_read(struct text_header *h, struct slice inside);

/* text_quick.c: the usual elements behind a time, of at most *left; true if the message begins behind them. */
bool text_quick_read(struct scan *s, int *left);

#endif
