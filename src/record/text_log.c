/* SPDX-License-Identifier: Apache-2.0 */
#include "record/reader.h"
#include "record/text_header.h"
#include "record/trace_id.h"

static void note_ids(struct decoder *d, const struct record *r, const struct text_header *h)
{
	struct buf text = {0};
	if (r->trace_id.len && h->trace_key.len) {
		buf_add_str(&text, "log text, ");
		buf_add_slice(&text, h->trace_key);
		decoder_note(d, "trace_id", buf_slice(&text));
	}
	if (r->span_id.len && h->span_key.len) {
		buf_reset(&text);
		buf_add_str(&text, "log text, ");
		buf_add_slice(&text, h->span_key);
		decoder_note(d, "span_id", buf_slice(&text));
	}
	buf_done(&text);
}

static void note_all(struct decoder *d, const struct record *r, const struct text_header *h)
{
	if (r->time_ns)
		decoder_note(d, "time", SLICE("log text"));
	if (h->severity)
		decoder_note(d, "severity", SLICE("log text"));
	decoder_note(d, "message", SLICE("log text"));
	if (h->service.len)
		decoder_note(d, "service", SLICE("log text"));
	if (h->logger.len)
		decoder_note(d, "logger", SLICE("log text"));
	note_ids(d, r, h);
}

void text_log_fill(struct decoder *d, struct record *r, struct slice text)
{
	struct text_header h;
	text_header_read(text, &h);
	if (h.has_time && h.time.dated) {
		r->time_ns = h.time.ns > 0 ? h.time.ns : 1;
		d->time_zoned = h.time.zoned;
	}
	r->severity = h.severity;
	r->service = h.service;
	r->logger = h.logger;
	r->message = h.message;
	if (h.trace_id.len)
		r->trace_id = trace_id_of(h.trace_id, &d->arena, &r->span_id);
	if (h.span_id.len)
		r->span_id = span_id_of(h.span_id, &d->arena);
	if (noting(d))
		note_all(d, r, &h);
}

void text_log_read(struct decoder *d, struct slice text)
{
	struct record *r = decoder_add(d);
	struct record_fields *fields = arena_zalloc(&d->arena, sizeof(*fields));
	fields->arena = &d->arena;
	r->fields = fields;
	r->shape = "text";
	text_log_fill(d, r, slice_trim(text));
	enum undecodable reason = decoder_finish(d, r);
	if (reason)
		decoder_drop(d, reason);
}
