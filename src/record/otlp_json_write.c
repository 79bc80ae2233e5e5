/* SPDX-License-Identifier: Apache-2.0 */
/* A span of OTLP/JSON as protobuf, field by field as the specification pairs them (trace.proto, common.proto). What is malformed is left out; the span's ids and
 * times are those of the record, which has understood them already. */
#include "record/span_parts.h"

#include "record/timestamp.h"

enum { DEPTH_MAX = 64 };

static void add_string(struct buf *out, unsigned number, struct slice text)
{
	if (text.len)
		wire_add_bytes(out, number, text);
}

static uint64_t ns_at(const struct json *json, uint32_t object, const char *name)
{
	int64_t ns = 0;
	uint32_t at = json_get(json, object, slice_str(name));
	return at && json_i64(json, at, &ns) && ns > 0 ? (uint64_t)ns : 0;
}

static void add_number(const struct json *json, uint32_t object, const char *name, struct buf *out, unsigned number)
{
	uint64_t value = ns_at(json, object, name);
	if (value)
		wire_add_u64(out, number, value);
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : c == '-' ? 62 : c == '_' ? 63 : -1;
}

static void add_base64(struct buf *out, struct slice text)
{
	uint32_t bits = 0;
	unsigned have = 0;
	for (size_t i = 0; i < text.len; i++) {
		int digit = base64_digit(text.ptr[i]);
		if (digit < 0)
			continue;
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		buf_add_char(out, (char)(bits >> have & 0xFF));
	}
}

static void write_any(const struct json *json, uint32_t any, unsigned depth, struct buf *out);

static void write_pair(const struct json *json, uint32_t pair, unsigned number, unsigned depth, struct buf *out)
{
	size_t opened = span_open(out, number);
	add_string(out, 1, json_text(json, json_get(json, pair, SLICE("key"))));
	uint32_t value = json_get(json, pair, SLICE("value"));
	if (value) {
		size_t any = span_open(out, 2);
		write_any(json, value, depth + 1, out);
		span_close(out, any);
	}
	span_close(out, opened);
}

static void write_list(const struct json *json, uint32_t list, bool pairs, unsigned depth, struct buf *out)
{
	uint32_t values = json_get(json, list, SLICE("values"));
	for (uint32_t i = json_is_array(json, values) ? json_first(values) : 0; i && i < json_end(json, values); i = json_next(json, i)) {
		if (pairs) {
			write_pair(json, i, 1, depth, out);
			continue;
		}
		size_t any = span_open(out, 1);
		write_any(json, i, depth + 1, out);
		span_close(out, any);
	}
}

/* The inside of an AnyValue. Recursion: DEPTH_MAX. */
static void write_any(const struct json *json, uint32_t any, unsigned depth, struct buf *out)
{
	int64_t integer = 0;
	double number = 0;
	if (!json_is_object(json, any) || json_first(any) >= json_end(json, any) || depth > DEPTH_MAX)
		return;
	struct slice type = json_string(json, json_first(any));
	uint32_t at = json_first(any) + 1;
	if (slice_eq(type, SLICE("stringValue"))) {
		wire_add_bytes(out, 1, json_text(json, at));
	} else if (slice_eq(type, SLICE("boolValue"))) {
		wire_add_u64(out, 2, json_type(json, at) == 't');
	} else if (slice_eq(type, SLICE("intValue")) && json_i64(json, at, &integer)) {
		wire_add_u64(out, 3, (uint64_t)integer);
	} else if (slice_eq(type, SLICE("doubleValue")) && json_double(json, at, &number)) {
		wire_add_double(out, 4, number);
	} else if (slice_eq(type, SLICE("bytesValue"))) {
		size_t bytes = span_open(out, 7);
		add_base64(out, json_text(json, at));
		span_close(out, bytes);
	} else if (slice_eq(type, SLICE("arrayValue")) || slice_eq(type, SLICE("kvlistValue"))) {
		bool pairs = slice_eq(type, SLICE("kvlistValue"));
		size_t list = span_open(out, pairs ? 6 : 5);
		write_list(json, at, pairs, depth, out);
		span_close(out, list);
	}
}

static void write_attributes(const struct json *json, uint32_t owner, unsigned number, struct buf *out)
{
	uint32_t list = json_get(json, owner, SLICE("attributes"));
	for (uint32_t i = json_is_array(json, list) ? json_first(list) : 0; i && i < json_end(json, list); i = json_next(json, i))
		if (json_is_object(json, i))
			write_pair(json, i, number, 0, out);
}

static void write_event(const struct json *json, uint32_t event, struct buf *out)
{
	size_t opened = span_open(out, 11);
	wire_add_fixed64(out, 1, ns_at(json, event, "timeUnixNano"));
	add_string(out, 2, json_text(json, json_get(json, event, SLICE("name"))));
	write_attributes(json, event, EVENT_ATTRIBUTES, out);
	add_number(json, event, "droppedAttributesCount", out, 4);
	span_close(out, opened);
}

static void write_link(const struct json *json, uint32_t link, struct buf *out)
{
	size_t opened = span_open(out, 13);
	span_add_id(out, 1, json_text(json, json_get(json, link, SLICE("traceId"))));
	span_add_id(out, 2, json_text(json, json_get(json, link, SLICE("spanId"))));
	add_string(out, 3, json_text(json, json_get(json, link, SLICE("traceState"))));
	write_attributes(json, link, 4, out);
	add_number(json, link, "droppedAttributesCount", out, 5);
	span_close(out, opened);
}

static void write_each(const struct json *json, uint32_t span, struct slice name, void (*write)(const struct json *json, uint32_t at, struct buf *out), struct buf *out)
{
	uint32_t list = json_get(json, span, name);
	for (uint32_t i = json_is_array(json, list) ? json_first(list) : 0; i && i < json_end(json, list); i = json_next(json, i))
		if (json_is_object(json, i))
			write(json, i, out);
}

static void write_status(const struct json *json, uint32_t span, const struct record *r, struct buf *out)
{
	struct slice message = json_text(json, json_get(json, json_get(json, span, SLICE("status")), SLICE("message")));
	if (r->status == STATUS_UNSET && message.len == 0)
		return;
	size_t opened = span_open(out, 15);
	add_string(out, 2, message);
	if (r->status != STATUS_UNSET)
		wire_add_u64(out, 3, (uint64_t)r->status);
	span_close(out, opened);
}

static void write_span(const struct json *json, uint32_t span, const struct record *r, struct buf *out)
{
	span_add_trace_id(out, r->trace_id);
	span_add_id(out, 2, r->span_id);
	add_string(out, 3, json_text(json, json_get(json, span, SLICE("traceState"))));
	span_add_id(out, 4, r->parent_span_id);
	add_string(out, 5, r->name);
	wire_add_u64(out, 6, (uint64_t)r->span_kind);
	wire_add_fixed64(out, 7, ns_at(json, span, "startTimeUnixNano"));
	wire_add_fixed64(out, 8, ns_at(json, span, "endTimeUnixNano"));
	write_attributes(json, span, SPAN_ATTRIBUTES, out);
	add_number(json, span, "droppedAttributesCount", out, 10);
	write_each(json, span, SLICE("events"), write_event, out);
	add_number(json, span, "droppedEventsCount", out, 12);
	write_each(json, span, SLICE("links"), write_link, out);
	add_number(json, span, "droppedLinksCount", out, 14);
	write_status(json, span, r, out);
}

void otlp_json_write(const struct json *json, uint32_t span, uint32_t resource, uint32_t scope, const struct record *r, const struct span_parts *parts)
{
	write_attributes(json, resource, RESOURCE_ATTRIBUTES, parts->resource);
	add_string(parts->scope, SCOPE_NAME, json_text(json, json_get(json, scope, SLICE("name"))));
	add_string(parts->scope, 2, json_text(json, json_get(json, scope, SLICE("version"))));
	write_attributes(json, scope, SCOPE_ATTRIBUTES, parts->scope);
	write_span(json, span, r, parts->span);
}
