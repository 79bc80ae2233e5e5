/* SPDX-License-Identifier: Apache-2.0 */
/* What a line of plain text says about itself before its message begins. */
#ifndef WINNOW_RECORD_TEXT_HEADER_H
#define WINNOW_RECORD_TEXT_HEADER_H

#include "record/record.h"
#include "record/timestamp.h"

/* Views into the line; whatever is not there is empty. */
struct text_header {
	bool has_time;
	struct timestamp time;
	bool contained;                   /* a container runtime's own time stands before it */
	struct timestamp container;
	enum severity severity;
	struct slice service;
	struct slice logger;
	struct slice trace_id, span_id;   /* as written */
	struct slice trace_key, span_key; /* the words before them */
	int status;                       /* of an access log's line, with method and path; 0: none */
	struct slice method, path;
	bool has_duration;                /* the line says how long it took */
	bool doubled_quotes;              /* the message is a column of CSV: a quote within it stands there twice */
	int64_t duration_ns;
	struct slice message;             /* what follows the header; the whole line if it has none */
};

struct time_memos;

/* times: what of them is remembered from line to line; NULL: nothing. */
void text_header_read(struct slice line, struct time_memos *times, struct text_header *ret);
/* The ids of trace and span in text, wherever they stand behind their names. */
void text_header_find_ids(struct text_header *h, struct slice text);
/* Whether a line has a header that can be nothing else: a time, or a level in capitals. */
bool text_header_is(struct slice line);
/* The same of a header that was read. */
bool text_header_tells(const struct text_header *h);

#endif
