/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of kept spans. A format whose reader knows how to write a span in full (OTLP in both encodings) does so through its fields; of any other, what the record has is written. Spans with the
 * same resource and scope that follow each other share them.
 *
 * Lengths stand before what they measure, and are not known before it is written: room for five bytes of them is left open, and filled with a varint that is padded to it (legal, and what every
 * parser reads).
 */
#include "record/span_write.h"

#include "record/reader.h"
#include "record/span_parts.h"

enum { LENGTH_ROOM = 5 };

size_t span_open(struct buf *out, unsigned number)
{
	wire_add_tag(out, number, WIRE_BYTES);
	buf_reserve(out, LENGTH_ROOM);
	out->len += LENGTH_ROOM;
	return out->len;
}

void span_close(struct buf *out, size_t opened)
{
	size_t len = out->len - opened;
	unsigned char *at = (unsigned char *)out->data + opened - LENGTH_ROOM;
	for (unsigned i = 0; i < LENGTH_ROOM; i++, len >>= 7)
		at[i] = (unsigned char)((len & 0x7F) | (i + 1 < LENGTH_ROOM ? 0x80 : 0));
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void span_add_id(struct buf *out, unsigned number, struct slice hex)
{
	char bytes[16];
	size_t len = hex.len / 2;
	if (len == 0 || hex.len % 2 || len > sizeof(bytes))
		return;
	for (size_t i = 0; i < len; i++) {
		int high = digit(hex.ptr[2 * i]), low = digit(hex.ptr[2 * i + 1]);
		if (high < 0 || low < 0)
			return;
		bytes[i] = (char)(high << 4 | low);
	}
	wire_add_bytes(out, number, slice_of(bytes, len));
}

static void add_string(struct buf *out, unsigned number, struct slice text)
{
	size_t at = span_open(out, number);
	buf_add_utf8(out, text);
	span_close(out, at);
}

void span_add_text(struct buf *out, unsigned number, struct slice name, struct slice value)
{
	size_t pair = span_open(out, number);
	add_string(out, 1, name);
	size_t any = span_open(out, 2);
	add_string(out, 1, value);
	span_close(out, any);
	span_close(out, pair);
}

void span_add_trace_id(struct buf *out, struct slice hex)
{
	char digits[32];
	if (hex.len == 16) {
		memset(digits, '0', 16);
		memcpy(digits + 16, hex.ptr, 16);
		hex = slice_of(digits, 32);
	}
	span_add_id(out, 1, hex);
}

static void write_members(const struct record *r, const struct span_parts *parts)
{
	struct buf *out = parts->span;
	int64_t start_ns = r->duration_ns > 0 ? r->time_ns - r->duration_ns : r->time_ns;
	if (r->service.len)
		span_add_text(parts->resource, RESOURCE_ATTRIBUTES, SLICE("service.name"), r->service);
	if (r->logger.len)
		add_string(parts->scope, SCOPE_NAME, r->logger);
	span_add_trace_id(out, r->trace_id);
	span_add_id(out, 2, r->span_id);
	span_add_id(out, 4, r->parent_span_id);
	add_string(out, 5, r->name);
	wire_add_u64(out, 6, (uint64_t)r->span_kind);
	wire_add_fixed64(out, 7, start_ns > 0 ? (uint64_t)start_ns : 0);
	wire_add_fixed64(out, 8, r->time_ns > 0 ? (uint64_t)r->time_ns : 0);
	const struct {
		const char *name;
		struct slice value;
	} attributes[] = {{"http.request.method", r->http_method}, {"http.route", r->http_route}, {"url.path", r->http_path}, {"exception.type", r->exception_type}};
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		if (attributes[i].value.len)
			span_add_text(out, SPAN_ATTRIBUTES, slice_str(attributes[i].name), attributes[i].value);
	if (r->status == STATUS_UNSET)
		return;
	size_t status = span_open(out, 15);
	wire_add_u64(out, 3, (uint64_t)r->status);
	span_close(out, status);
}

static void add_note(struct buf *out, const struct span_note *note)
{
	size_t pair = span_open(out, SPAN_ATTRIBUTES);
	add_string(out, 1, note->name);
	size_t any = span_open(out, 2), list = span_open(out, 5);
	for (size_t i = 0; i < note->len; i++) {
		size_t item = span_open(out, 1);
		add_string(out, 1, note->values[i]);
		span_close(out, item);
	}
	span_close(out, list);
	span_close(out, any);
	span_close(out, pair);
}

static void flush(struct span_writer *w)
{
	if (w->spans.len == 0)
		return;
	size_t resource_spans = span_open(&w->out, 1);
	wire_add_bytes(&w->out, 1, buf_slice(&w->resource));
	size_t scope_spans = span_open(&w->out, 2);
	wire_add_bytes(&w->out, 1, buf_slice(&w->scope));
	buf_add_slice(&w->out, buf_slice(&w->spans));
	span_close(&w->out, scope_spans);
	span_close(&w->out, resource_spans);
	buf_reset(&w->spans);
}

static void replace(struct buf *old, const struct buf *with)
{
	buf_reset(old);
	buf_add_slice(old, buf_slice(with));
}

void span_write(struct span_writer *w, const struct record *span, const struct span_note *note)
{
	struct span_parts parts = {.resource = &w->next_resource, .scope = &w->next_scope, .span = &w->span};
	const struct record_fields *f = span->fields;
	buf_reset(&w->next_resource);
	buf_reset(&w->next_scope);
	buf_reset(&w->span);
	if (f && f->write)
		f->write(f, span, &parts);
	else
		write_members(span, &parts);
	if (note && note->len)
		add_note(&w->span, note);
	if (!slice_eq(buf_slice(&w->resource), buf_slice(&w->next_resource)) || !slice_eq(buf_slice(&w->scope), buf_slice(&w->next_scope))) {
		flush(w);
		replace(&w->resource, &w->next_resource);
		replace(&w->scope, &w->next_scope);
	}
	wire_add_bytes(&w->spans, 2, buf_slice(&w->span));
	w->len++;
}

struct slice span_writer_finish(struct span_writer *w)
{
	flush(w);
	return buf_slice(&w->out);
}

size_t span_writer_bytes(const struct span_writer *w)
{
	return w->out.len + w->spans.len;
}

void span_writer_reset(struct span_writer *w)
{
	struct buf *const all[] = {&w->out, &w->resource, &w->scope, &w->spans};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buf_reset(all[i]);
	w->len = 0;
}

void span_writer_done(struct span_writer *w)
{
	struct buf *const all[] = {&w->out, &w->resource, &w->scope, &w->spans, &w->next_resource, &w->next_scope, &w->span};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		buf_done(all[i]);
}
