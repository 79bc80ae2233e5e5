/* SPDX-License-Identifier: Apache-2.0 */
/* Finds which of a few texts occur in a message: for sets too small to be worth a matcher for many. Immutable once made; any thread. */
#ifndef WINNOW_PATTERN_NEEDLE_H
#define WINNOW_PATTERN_NEEDLE_H

#include "base/slice.h"

enum { NEEDLES_MAX = 8, NEEDLE_MIN = 2 };

struct needles;

/* At most NEEDLES_MAX texts of NEEDLE_MIN and more bytes, which must outlive it. */
struct needles *needles_new(const struct slice *texts, size_t len);
void needles_free(struct needles *n);
typedef void needle_found(void *arg, uint32_t number);
/* Calls found once for each text that occurs. */
void needles_scan(const struct needles *n, struct slice message, needle_found *found, void *arg);

#endif
