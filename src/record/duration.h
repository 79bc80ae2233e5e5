/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as loggers write them, in nanoseconds. */
#ifndef WINNOW_RECORD_DURATION_H
#define WINNOW_RECORD_DURATION_H

#include "base/slice.h"

/* "0.184s", "184.2ms", "1m3.5s", "12 us", "00:00:01.25" (a .NET TimeSpan), or a bare number in `unit` nanoseconds. False if text is none or negative. */
bool duration_parse(struct slice text, int64_t unit, int64_t *ret_ns);
/* number * unit as nanoseconds; false if it is negative or more than 100 years. */
bool duration_of(double number, int64_t unit, int64_t *ret_ns);

#endif
