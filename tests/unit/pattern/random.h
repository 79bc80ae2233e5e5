/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers of tests that print their seed (xorshift64). The seed is set before the first one, and never 0. */
#ifndef WINNOW_TESTS_PATTERN_RANDOM_H
#define WINNOW_TESTS_PATTERN_RANDOM_H

#include <stdint.h>

static uint64_t seed;

static unsigned rnd(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % below;
}

#endif
