/* SPDX-License-Identifier: Apache-2.0 */
#include "record/reader.h"
#include "record/text_header.h"
#include "record/trace_id.h"

static void note(struct decoder *d, const char *member, struct slice value, struct slice key)
{
	struct buf text = {0};
	if (value.len == 0)
		return;
	buf_printf(&text, "%s%stext", d->envelope ? d->envelope : "", d->envelope ? " " : "");
	if (key.len) {
		buf_add_str(&text, ", ");
		buf_add_slice(&text, key);
	}
	decoder_note(d, member, buf_slice(&text));
	buf_done(&text);
}

static void note_all(struct decoder *d, const struct record *r, const struct text_header *h)
{
	static const struct slice yes = {"y", 1}, no = {NULL, 0};
	note(d, "time", r->time_ns ? yes : no, no);
	note(d, "severity", h->severity ? yes : no, no);
	note(d, "message", h->message, no);
	note(d, "service", h->service, no);
	note(d, "logger", h->logger, no);
	note(d, "trace_id", r->trace_id, h->trace_key);
	note(d, "span_id", r->span_id, h->span_key);
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
