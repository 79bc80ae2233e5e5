/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones, for times that do not name theirs. Immutable once loaded: any thread may ask. */
#ifndef WINNOW_BASE_ZONE_H
#define WINNOW_BASE_ZONE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

struct zone;

/* "UTC", "+01:00", "-0530", "+9", or a name of the system's database ("Europe/Berlin"). Lives as long as the arena. ERR_INPUT: there is no such zone. At start only:
 * the C library's own zone changes for a moment. */
int zone_load(const char *name, struct arena *arena, const struct zone **ret, struct err *err);
/* What a clock in the zone showed, as if it were UTC, in UTC. An hour that came twice is the first of the two, one that was left out is counted on from what came before. */
int64_t zone_to_utc(const struct zone *z, int64_t local_ns);
/* As it was given. */
const char *zone_name(const struct zone *z);

#endif
