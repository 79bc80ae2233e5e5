/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers at random for unit tests, the same at every run, and the time it is in them. */
#ifndef WINNOW_TESTS_UNIT_RANDOM_H
#define WINNOW_TESTS_UNIT_RANDOM_H

#include "base/clock.h"

#include <stddef.h>
#include <stdint.h>

#define RANDOM_NOW_NS (INT64_C(1772618400) * NS_PER_S) /* 2026-03-04T10:00:00Z */

static uint64_t random_seed = 20261123;

static inline size_t below(size_t n)
{
	random_seed = random_seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (size_t)(random_seed >> 33) % n;
}

#endif
