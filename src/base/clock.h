/* SPDX-License-Identifier: Apache-2.0 */
/* Time: int64 nanoseconds everywhere, since 1970-01-01T00:00:00Z for wall time. Pure rooms never call the two clocks; they get "now" as an argument. */
#ifndef WINNOW_BASE_CLOCK_H
#define WINNOW_BASE_CLOCK_H

#include "base/buf.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* The system's wall clock; any thread. */
int64_t clock_wall_ns(void);
/* A clock that never goes back, for waiting; any thread. */
int64_t clock_mono_ns(void);
void clock_sleep_ns(int64_t ns);
/* Appends an RFC 3339 time in UTC with nanoseconds: 2026-03-04T09:15:02.481203117Z. */
void clock_format(struct buf *out, int64_t wall_ns);
/* Days since 1970-01-01 of a proleptic Gregorian date; month 1-12, day 1-31. (Howard Hinnant, "chrono-compatible low-level date algorithms".) */
int64_t clock_days(int64_t year, unsigned month, unsigned day);
/* "10s", "250ms", "1h30m", "5us", "2d": positive durations; false if s is none. */
bool clock_parse_duration(struct slice s, int64_t *ret_ns);

#endif
