/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths of time as SLO files and PromQL write them: 30d, 1h30m, 300ms. In nanoseconds. */
#ifndef WINNOW_SLO_PERIOD_H
#define WINNOW_SLO_PERIOD_H

#include "base/buf.h"

#define PERIOD_SECOND 1000000000LL
#define PERIOD_MINUTE (60 * PERIOD_SECOND)
#define PERIOD_HOUR (60 * PERIOD_MINUTE)
#define PERIOD_DAY (24 * PERIOD_HOUR)

/* Units us ms s m h d w, and M, Q, Y as OpenSLO has them (30, 90 and 365 days). More than 0, at most ten years. */
bool period_parse(struct slice text, int64_t *ret_ns);
/* As PromQL takes it: 3d, 4m40s, 300ms. Whole milliseconds. */
void period_print(struct buf *out, int64_t ns);

#endif
