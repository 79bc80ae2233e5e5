/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a message: its bytes with every number that no letter touches from the left as one 0. Messages of one shape have one pattern, so that most
 * messages need not be taken apart at all. */
#ifndef WINNOW_PATTERN_SHAPE_H
#define WINNOW_PATTERN_SHAPE_H

#include "base/slice.h"

enum { SHAPE_BYTES_MAX = 320, SHAPE_RUNS_MAX = 320 };

struct shape {
	uint64_t hash;
	uint16_t runs;                  /* numbers that became a 0 */
	uint16_t starts[SHAPE_RUNS_MAX + 1]; /* where they stand */
	char raw[SHAPE_BYTES_MAX + 128];     /* the message with zeros behind */
	char bytes[SHAPE_BYTES_MAX + 128];
};

/* message.len must be at most SHAPE_BYTES_MAX. */
void shape_of(struct shape *shape, struct slice message);
/* Which of the runs begins at offset; runs if none does. */
unsigned shape_run_at(const struct shape *shape, size_t offset);

#endif
