/* SPDX-License-Identifier: Apache-2.0 */
/* XXH3, 64 bit, seedless: the value is part of stored formats (pattern ids), so it never changes. */
#ifndef WINNOW_BASE_HASH_H
#define WINNOW_BASE_HASH_H

#include "base/slice.h"

uint64_t hash_bytes(struct slice s);
/* Of a and b in this order; (a, b) and (b, a) differ. */
uint64_t hash_pair(uint64_t a, uint64_t b);

#endif
