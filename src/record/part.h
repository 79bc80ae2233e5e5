/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that are parts of something: what container runtimes cut in pieces, and the lines of stack traces. Private to the room. */
#ifndef WINNOW_RECORD_PART_H
#define WINNOW_RECORD_PART_H

#include "record/reader.h"

enum { PART_DOCKER_BUFFER = 16384 };

size_t part_cri_read(struct slice line, struct slice *ret_stream, bool *ret_unfinished);
/* Bytes of "2026-03-04T09:15:02.481Z stdout F " before the text proper, as CRI writes it; 0: it is no such line. */
static inline size_t part_cri(struct slice line, struct slice *ret_stream, bool *ret_unfinished)
{
	return line.len >= 30 && line.ptr[10] == 'T' ? part_cri_read(line, ret_stream, ret_unfinished) : 0;
}
/* What a container's layer says of its text: its runtime's own marks, what CRI wrote before it (cri, unfinished), or a text that was cut where Docker's buffer
 * ends. */
enum record_part part_of_container(const struct object *o, struct slice raw, bool cri, bool unfinished, struct slice *ret_stream);
/* Whether text of this kind, which has no header, is part of a trace; raw with the blanks before it. */
enum record_part part_of_trace(struct slice raw);

#endif
