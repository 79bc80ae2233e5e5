/* SPDX-License-Identifier: Apache-2.0 */
/* What each format's reader writes of a span: the insides of three messages. Private to the room. */
#ifndef WINNOW_RECORD_SPAN_PARTS_H
#define WINNOW_RECORD_SPAN_PARTS_H

#include "base/wire.h"
#include "record/json.h"
#include "record/record.h"

struct span_parts {
	struct buf *resource, *scope, *span;
};

enum { RESOURCE_ATTRIBUTES = 1, SCOPE_NAME = 1, SCOPE_ATTRIBUTES = 3, SPAN_ATTRIBUTES = 9, EVENT_ATTRIBUTES = 3 };

/* The bytes of hex digits as field `number`; nothing if they are none. */
void span_add_id(struct buf *out, unsigned number, struct slice hex);
/* The same for a span's trace id as field 1: one of 64 bits is one of 128 with zeros in front. */
void span_add_trace_id(struct buf *out, struct slice hex);
/* A KeyValue with a string as field `number`. */
void span_add_text(struct buf *out, unsigned number, struct slice name, struct slice value);
/* Begins a message of unknown length as field `number`, and ends it. */
size_t span_open(struct buf *out, unsigned number);
void span_close(struct buf *out, size_t opened);

/* otlp_json_write.c: a span, its resource and its scope as they stand in a document; 0: there is none. */
void otlp_json_write(const struct json *json, uint32_t span, uint32_t resource, uint32_t scope, const struct record *r, const struct span_parts *parts);

#endif
