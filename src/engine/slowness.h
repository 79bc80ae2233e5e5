/* SPDX-License-Identifier: Apache-2.0 */
/* What is slow for an operation, by what its own spans took. Of one partition; private to the engine room; one thread. */
#ifndef WINNOW_ENGINE_SLOWNESS_H
#define WINNOW_ENGINE_SLOWNESS_H

#include "base/slice.h"

struct slowness;

/* quantile: above 0 and below 1; window_ns: of the partition's event time. */
struct slowness *slowness_new(double quantile, int64_t window_ns);
void slowness_free(struct slowness *s);
/* Takes a span; returns what at least the quantile of its operation's spans took in the window before, rounded up by an eighth at most; 0: they were too few to tell.
 * newest_ns: the partition's event time with it, never below that of the last call. */
int64_t slowness_take(struct slowness *s, struct slice service, struct slice name, int64_t duration_ns, int64_t newest_ns);

#endif
