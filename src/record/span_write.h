/* SPDX-License-Identifier: Apache-2.0 */
/* Spans as OTLP in protobuf (opentelemetry-proto v1, trace.proto), whatever they came in. One thread. */
#ifndef WINNOW_RECORD_SPAN_WRITE_H
#define WINNOW_RECORD_SPAN_WRITE_H

#include "base/buf.h"
#include "record/record.h"

/* An attribute to add to a span: a list of texts. */
struct span_note {
	struct slice name;
	const struct slice *values;
	size_t len;
};

/* A batch in the making: a TracesData message. Zero-initialise; span_writer_done frees. */
struct span_writer {
	struct buf out;             /* finished ResourceSpans */
	struct buf resource, scope; /* of the spans that are gathered */
	struct buf spans;           /* ScopeSpans' field 2, once for each */
	struct buf next_resource, next_scope, span;
	size_t len;
};

void span_writer_done(struct span_writer *w);
void span_writer_reset(struct span_writer *w);
/* Appends a decoded span, with all that its format says of it; note may be NULL. The record must be the decoder's latest. */
void span_write(struct span_writer *w, const struct record *span, const struct span_note *note);
/* The whole message; a view until the next call. */
struct slice span_writer_finish(struct span_writer *w);
/* About how many bytes it will have. */
size_t span_writer_bytes(const struct span_writer *w);

#endif
