/* SPDX-License-Identifier: Apache-2.0 */
/* Times as loggers write them, in nanoseconds since 1970 in UTC. */
#ifndef WINNOW_RECORD_TIMESTAMP_H
#define WINNOW_RECORD_TIMESTAMP_H

#include "base/slice.h"

struct timestamp {
	int64_t ns;  /* clamped to what an int64 holds (years 1678 to 2261) */
	bool zoned;  /* the text names its offset from UTC; else UTC was assumed */
	bool dated;  /* false: only a time of day was given, ns is since midnight */
	bool yearless; /* dated, but ns is in the year 2000: timestamp_in_year, timestamp_near */
	size_t len;  /* bytes of the text that are the time */
};

/* A date and time, or a time of day, at the start of text: RFC 3339 and ISO 8601 with T, t or a blank, any fraction after . or , and any zone (Z, +01:00,
 * +0530, +01, " +0000", " UTC"); "2026/03/04 09:15:02"; "04/Mar/2026:09:15:02 +0000"; "04 Mar 2026 09:15:02",
 * "04-Mar-2026 09:15:02"; "09:15:02.481". */
bool timestamp_scan(struct slice text, struct timestamp *ret);
/* "Mar  4 09:15:02.5" at the start of text, as syslog has it, also with a year, "Mar  4 2026 09:15:02", and with a zone before a colon, "09:15:02 UTC:". */
bool timestamp_scan_month(struct slice text, struct timestamp *ret);
/* A time in the year 2000 moved to another one; to the last one in which it lies no more than a day behind now_ns. */
int64_t timestamp_in_year(int64_t ns, int64_t year);
int64_t timestamp_near(int64_t ns, int64_t now_ns);
/* The whole of text as above, or digits by magnitude. */
bool timestamp_parse(struct slice text, struct timestamp *ret);
/* The same, or the whole of text as languages print a time in words (timestamp_words.c); without a year it is the one nearest to now_ns, and fails if that is 0. */
bool timestamp_parse_near(struct slice text, int64_t now_ns, struct timestamp *ret);
bool timestamp_parse_words(struct slice text, struct timestamp *ret);
/* Epoch numbers: below 1e11 seconds, below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds. 0 for what is not positive. */
int64_t timestamp_of_i64(int64_t number);
int64_t timestamp_of_double(double number);
/* Seconds and nanoseconds, clamped. */
int64_t timestamp_of_parts(int64_t seconds, int64_t ns);

#endif
