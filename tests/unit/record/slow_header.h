/* SPDX-License-Identifier: Apache-2.0 */
/* text_header.c a second time, without text_quick.c: what it says of a line is what both together have to say. */
#ifndef WINNOW_TESTS_UNIT_RECORD_SLOW_HEADER_H
#define WINNOW_TESTS_UNIT_RECORD_SLOW_HEADER_H

#define text_header_read slow_header_read
#define text_header_read_inside slow_header_read_inside
#define text_header_tells slow_header_tells
#define text_header_is slow_header_is
#define text_sleuth_read slow_sleuth_read
#define text_quick_read slow_quick_read
#include "record/text_header.c"

bool slow_quick_read(struct scan *s, int *left)
{
	(void)s;
	(void)left;
	return false;
}

#undef text_header_read
#undef text_header_read_inside
#undef text_header_tells
#undef text_header_is
#undef text_sleuth_read
#undef text_quick_read

void text_header_read(struct slice line, struct time_memos *times, struct text_header *ret);

static inline bool slow_same_slice(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || a.ptr == b.ptr);
}

static inline bool slow_same_time(const struct timestamp *a, const struct timestamp *b)
{
	return a->ns == b->ns && a->len == b->len && a->zoned == b->zoned && a->dated == b->dated && a->yearless == b->yearless;
}

/* Whether two headers of one line are the same in all that they say. */
static inline bool slow_same(const struct text_header *a, const struct text_header *b)
{
	const struct slice *const texts[][2] = {{&a->service, &b->service}, {&a->logger, &b->logger}, {&a->trace_id, &b->trace_id}, {&a->span_id, &b->span_id}, {&a->method, &b->method},
		{&a->path, &b->path}, {&a->message, &b->message}};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!slow_same_slice(*texts[i][0], *texts[i][1]))
			return false;
	if (!slice_eq(a->trace_key, b->trace_key) || !slice_eq(a->span_key, b->span_key) || a->has_time != b->has_time || a->contained != b->contained)
		return false;
	if ((a->has_time && !slow_same_time(&a->time, &b->time)) || (a->contained && !slow_same_time(&a->container, &b->container)))
		return false;
	return a->severity == b->severity && a->status == b->status && a->has_duration == b->has_duration && (!a->has_duration || a->duration_ns == b->duration_ns);
}

#endif
