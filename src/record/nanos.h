/* SPDX-License-Identifier: Apache-2.0 */
/* Digits as numbers, eight at a time, and nanoseconds since 1970 as JSON has them: 19 digits, the first eight of which stay the same for 100 seconds. Private to the room. */
#ifndef WINNOW_RECORD_NANOS_H
#define WINNOW_RECORD_NANOS_H

#include "base/slice.h"

enum { NANOS_DIGITS = 19 };
#define NANOS_LEAST INT64_C(1000000000000000000) /* of 19 digits */
#define NANOS_HEAD INT64_C(100000000000)         /* what the first eight digits count */

/* What came last: the first eight digits, and what they stand for. Zero-initialise. */
struct nanos {
	uint64_t head;
	int64_t value;
};

/* The number whose digits these eight bytes are, the first one the lowest; false if they are none. (Johnny Lee's way, see "Faster integer parsing".) */
static inline bool nanos_eight(uint64_t eight, uint64_t *ret_value)
{
	if (((eight & UINT64_C(0xF0F0F0F0F0F0F0F0)) | ((eight + UINT64_C(0x0606060606060606)) & UINT64_C(0xF0F0F0F0F0F0F0F0)) >> 4) != UINT64_C(0x3333333333333333))
		return false;
	eight = (eight & UINT64_C(0x0F0F0F0F0F0F0F0F)) * 2561 >> 8;
	eight = (eight & UINT64_C(0x00FF00FF00FF00FF)) * 6553601 >> 16;
	*ret_value = (eight & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001) >> 32;
	return true;
}

/* The text as a number if it begins as the last one did; false: it has to be read in full. */
static inline bool nanos_again(const struct nanos *last, struct slice text, int64_t *ret)
{
	uint64_t low;
	if (text.len != NANOS_DIGITS || load_u64(text.ptr) != last->head || !nanos_eight(load_u64(text.ptr + 11), &low))
		return false;
	unsigned a = (unsigned)(text.ptr[8] - '0'), b = (unsigned)(text.ptr[9] - '0'), c = (unsigned)(text.ptr[10] - '0');
	if (a > 9 || b > 9 || c > 9)
		return false;
	*ret = last->value + (int64_t)(a * 100 + b * 10 + c) * 100000000 + (int64_t)low;
	return true;
}

/* Remembers how a text began that was read in full as this number. One of this size is digits from end to end. */
static inline void nanos_learn(struct nanos *last, struct slice text, int64_t value)
{
	if (text.len == NANOS_DIGITS && value >= NANOS_LEAST)
		*last = (struct nanos){.head = load_u64(text.ptr), .value = value / NANOS_HEAD * NANOS_HEAD};
}

#endif
