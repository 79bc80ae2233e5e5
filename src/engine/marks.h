/* SPDX-License-Identifier: Apache-2.0 */
/* Traces that are kept for another reason than their share, as the journal tells: the decisions that are remembered. Private to the engine room; one thread. */
#ifndef WINNOW_ENGINE_MARKS_H
#define WINNOW_ENGINE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct marks;

struct marks *marks_new(int64_t life_ns);
void marks_free(struct marks *m);
void marks_clear(struct marks *m);
/* The trace has these reasons to be kept since time_ns, the event time of the partition that found them; of each reason the earliest time stays. */
void marks_add(struct marks *m, uint64_t trace, int64_t time_ns, unsigned reasons);
/* The reasons that were found by by_ns (INT64_MAX: whenever); 0: none. What is older than a life at now_ns is forgotten. */
unsigned marks_get(const struct marks *m, uint64_t trace, int64_t now_ns, int64_t by_ns);
/* Asks for the place of a trace's mark, so that it is at hand when it is looked for. */
void marks_expect(const struct marks *m, uint64_t trace);
/* What is a life older than this is not asked for any more. */
void marks_asked_from(struct marks *m, int64_t time_ns);
size_t marks_len(const struct marks *m);

#endif
