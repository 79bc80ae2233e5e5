/* SPDX-License-Identifier: Apache-2.0 */
/* The trace that a message was sent in, by its headers. */
#ifndef WINNOW_RECORD_TRACE_HEADER_H
#define WINNOW_RECORD_TRACE_HEADER_H

#include "record/decoder.h"

struct trace_header {
	struct slice trace_id, span_id;     /* hex; span_id may be empty */
	struct slice trace_name, span_name; /* of the headers, as the message has them */
};

/* False if no header names a trace. Views into the message, or digits in a. */
bool trace_header_read(const struct message_headers *headers, struct arena *a, struct trace_header *ret);

#endif
