/* SPDX-License-Identifier: Apache-2.0 */
/* JSON's numbers, where eight or more bytes can be read behind their end. Private to the room. */
#ifndef WINNOW_RECORD_JSON_NUMBER_H
#define WINNOW_RECORD_JSON_NUMBER_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* An int64 (type 'l') or a double ('d'), or the bits of either. */
union json_number {
	uint64_t bits;
	double real;
};

/* A plain number at p: without an exponent, and with no more digits than are surely read right. Returns the place behind it, NULL if it is not plain. */
const char *json_number(const char *p, char *ret_type, union json_number *ret);

static const uint64_t json_ones = UINT64_C(0x0101010101010101), json_tops = UINT64_C(0x8080808080808080);

/* The number whose digits these eight bytes are, the first one the lowest. (Johnny Lee's way, see "Faster integer parsing".) */
static inline uint64_t json_eight_of(uint64_t word)
{
	word = word * 2561 >> 8;
	word = (word & UINT64_C(0x00FF00FF00FF00FF)) * 6553601 >> 16;
	return (word & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001) >> 32;
}

/* Of eight bytes less '0' a bit in each that is no digit. A byte that is none may make the next ones wrong, but a point does not. */
static inline uint64_t json_no_digits(uint64_t word)
{
	return ((word + json_ones * 0x76) | word) & json_tops;
}

/* The length of the number at p if it is of one to seven digits and nothing else; else 0. */
static inline unsigned json_number_short(const char *p, uint64_t *ret_value)
{
	uint64_t word = load_u64(p) ^ json_ones * '0', others = json_no_digits(word);
	unsigned bits = others ? (unsigned)__builtin_ctzll(others) - 7 : 0;
	if (bits == 0 || p[bits / 8] == '.' || (*p == '0' && bits > 8))
		return 0;
	*ret_value = json_eight_of(word << (64 - bits));
	return bits / 8;
}

#endif
