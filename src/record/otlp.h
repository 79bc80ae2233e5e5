/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP batches in their two encodings. Private to the room. */
#ifndef WINNOW_RECORD_OTLP_H
#define WINNOW_RECORD_OTLP_H

#include "record/reader.h"
#include "record/timestamp.h"
#include "record/trace_id.h"

/* The object at root, with resourceLogs or resourceSpans. */
void otlp_json_read(struct decoder *d, const struct json *json, uint32_t root);
void otlp_proto_read(struct decoder *d, struct slice payload);
/* Whether a payload is built as a batch of logs or spans is. */
bool otlp_proto_sniff(struct slice payload);
/* Reads it if it is. */
bool otlp_proto_try(struct decoder *d, struct slice payload);

#endif
