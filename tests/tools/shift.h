/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves the times inside a JSON line without parsing it, so that old records can be produced as if they were written now.
 *
 * Edited in place, every time keeps its length:
 *   "time": "2023-01-29T08:42:09.487160534Z"     the container wrapper's time (also timestamp, @timestamp, ts), any number of digits, Z
 *   "log": "16:42:09.486 INFO  ...               the time of day that a Java logger put before its text
 *   "...UnixNano": "1674981729758000000"         OTLP/JSON, 19 digits
 */
#ifndef WINNOW_TESTS_TOOLS_SHIFT_H
#define WINNOW_TESTS_TOOLS_SHIFT_H

#include <stddef.h>
#include <stdint.h>

/* Newest time in the line, nanoseconds since 1970; INT64_MIN if it has none. */
int64_t shift_newest(const char *line, size_t len);
/* Adds delta_ns to every time in the line. */
void shift_line(char *line, size_t len, int64_t delta_ns);

#endif
