/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/bounds.h"

#include <math.h>
#include <string.h>

enum { FRACTION = 52, FINEST = FRACTION - 3 };

static int64_t cell_of(double value, unsigned shift)
{
	int64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	return bits >> shift;
}

void bounds_init(struct bounds *b, const double *rising, size_t len)
{
	size_t first = 0;
	*b = (struct bounds){.shift = FINEST};
	for (size_t i = 0; i < len; i++)
		b->at[i] = rising[i];
	b->at[len] = (double)INFINITY;
	while (first < len && !(rising[first] > 0))
		first++;
	if (first == len) { /* every value comes before the first cell */
		b->first = INT64_MAX;
		return;
	}
	while (cell_of(rising[len - 1], b->shift) - cell_of(rising[first], b->shift) >= BOUNDS_CELLS)
		b->shift++;
	b->first = cell_of(rising[first], b->shift);
	b->last = cell_of(rising[len - 1], b->shift) - b->first + 1;
	size_t n = first;
	for (int64_t cell = 0; cell <= b->last; cell++) {
		while (n < len && cell_of(rising[n], b->shift) - b->first < cell)
			n++;
		b->below[cell] = (uint8_t)(cell ? n : 0);
	}
}
