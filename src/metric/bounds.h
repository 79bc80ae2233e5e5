/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which bucket of a histogram a value lies.
 *
 * Idea: a double's bits, read as a number, rise with its value, so its upper ones (the exponent and three bits of the fraction) say about where it lies. For each of these cells a table has how many bounds
 * lie below it. A cell is an eighth of a power of two at most, and bounds mostly lie further apart than that: the one that may lie in the value's own cell is compared, and that is all. Bounds that lie
 * closer together are compared one after the other.
 *
 * Invariants: the result is the number of bounds below the value, whatever they are; values and bounds may be negative (those are compared one by one), but are no NaN. Private to the room.
 */
#ifndef WINNOW_METRIC_BOUNDS_H
#define WINNOW_METRIC_BOUNDS_H

#include "metric/family.h"

enum { BOUNDS_CELLS = 256 };

struct bounds {
	int64_t first;  /* the cell of the first bound that is more than 0 */
	int64_t last;   /* the first cell behind all of them, counted from there */
	unsigned shift; /* of a value's bits */
	uint8_t below[BOUNDS_CELLS + 1]; /* bounds in the cells before */
	double at[BOUNDS_MAX + 1];       /* rising, and infinity behind them */
};

/* rising: len of them, at most BOUNDS_MAX. */
void bounds_init(struct bounds *b, const double *rising, size_t len);

/* How many bounds are less than the value. */
static inline size_t bounds_below(const struct bounds *b, double value)
{
	int64_t bits;
	__builtin_memcpy(&bits, &value, sizeof(bits));
	int64_t cell = (bits >> b->shift) - b->first;
	cell = cell > b->last ? b->last : cell;
	size_t n = b->below[cell < 0 ? 0 : cell];
	n += b->at[n] < value;
	while (__builtin_expect(b->at[n] < value, 0))
		n++;
	return n;
}

#endif
