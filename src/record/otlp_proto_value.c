/* SPDX-License-Identifier: Apache-2.0 */
/* Values and attributes of OTLP in protobuf: as members of a record, as text, and by name. */
#include "base/err.h"
#include "record/attribute.h"
#include "record/otlp_proto.h"

enum { MOST_DEPTH = 64 };

bool otlp_any_value_of(struct slice bytes, struct wire_field *ret)
{
	struct wire w = wire_of(bytes);
	*ret = (struct wire_field){0};
	if (bytes.len == 0)
		return true;
	int rc = wire_step(&w, ret);
	for (struct wire_field more; rc == 1 && w.next < w.end;) {
		rc = wire_step(&w, &more);
		if (rc == 1)
			*ret = more;
	}
	return rc >= 0;
}

bool otlp_pair_of(struct slice pair, struct slice *ret_name, struct slice *ret_value)
{
	struct wire w = wire_of(pair);
	struct wire_field f;
	int rc;
	*ret_name = *ret_value = slice_of(NULL, 0);
	while ((rc = wire_step(&w, &f)) == 1)
		if (f.type == WIRE_BYTES)
			*(f.number == 1 ? ret_name : ret_value) = f.bytes;
	return rc == 0;
}

/* --- as text --- */

static void render(struct slice value, unsigned depth, struct buf *out);

static void render_list(struct slice list, bool pairs, unsigned depth, struct buf *out)
{
	struct wire w = wire_of(list);
	struct wire_field f;
	bool first = true;
	buf_add_char(out, pairs ? '{' : '[');
	while (wire_step(&w, &f) == 1) {
		struct slice name = {NULL, 0}, value = f.bytes;
		if (f.number != 1 || f.type != WIRE_BYTES)
			continue;
		if (!first)
			buf_add_char(out, ',');
		first = false;
		if (pairs) {
			otlp_pair(f.bytes, &name, &value);
			buf_add_json_string(out, name);
			buf_add_char(out, ':');
		}
		render(value, depth + 1, out);
	}
	buf_add_char(out, pairs ? '}' : ']');
}

static void render_bytes(struct slice bytes, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < bytes.len; i += 3) {
		uint32_t three = 0;
		size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
		for (size_t k = 0; k < 3; k++)
			three = three << 8 | (k < n ? (unsigned char)bytes.ptr[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			buf_add_char(out, k <= n ? digits[three >> (18 - 6 * k) & 63] : '=');
	}
}

/* A scalar as text without quotes; false for lists and for nothing. */
static bool render_scalar(const struct wire_field *v, struct buf *out)
{
	switch (v->number) {
	case 1:
		buf_add_utf8(out, v->bytes);
		return true;
	case 2:
		buf_add_str(out, v->value ? "true" : "false");
		return true;
	case 3:
		buf_add_i64(out, (int64_t)v->value);
		return true;
	case 4:
		json_render_double(wire_to_double(v->value), out);
		return true;
	case 7:
		render_bytes(v->bytes, out);
		return true;
	default:
		return false;
	}
}

/* Bytes are text in JSON. */
static void render_quoted(const struct wire_field *v, struct buf *out)
{
	if (v->number == 7)
		buf_add_char(out, '"');
	render_scalar(v, out);
	if (v->number == 7)
		buf_add_char(out, '"');
}

/* An AnyValue as the JSON that it stands for. Recursion: at most MOST_DEPTH. */
static void render(struct slice value, unsigned depth, struct buf *out)
{
	struct wire_field v;
	if (!otlp_any_value(value, &v) || v.number == 0 || depth > MOST_DEPTH)
		buf_add_str(out, "null");
	else if (v.number == 1)
		buf_add_json_string(out, v.bytes);
	else if (v.number == 5 || v.number == 6)
		render_list(v.bytes, v.number == 6, depth, out);
	else
		render_quoted(&v, out);
}

void otlp_render(struct slice value, const struct wire_field *v, struct buf *out)
{
	if (v->number == 5 || v->number == 6)
		render(value, 0, out);
	else
		render_scalar(v, out);
}

/* A scalar as text that lives as long as the record; what may leave as it stands is not copied. */
static bool scalar_text(const struct wire_field *v, struct arena *arena, struct slice *ret)
{
	struct buf text = {0};
	if (v->number == 1 && otlp_is_utf8(v->bytes) && slice_find(v->bytes, 0, 0) == v->bytes.len) {
		*ret = v->bytes;
		return true;
	}
	bool scalar = render_scalar(v, &text);
	if (scalar)
		*ret = arena_copy(arena, buf_slice(&text));
	buf_done(&text);
	return scalar;
}

/* --- attributes --- */

bool otlp_take_attribute(struct decoder *d, struct record *r, struct slice pair)
{
	struct wire_field v;
	struct slice name, value;
	if (!otlp_pair(pair, &name, &value))
		return false;
	unsigned key = decoder_key(d, name);
	if (key == KEY_NONE)
		return true;
	if (!otlp_any_value(value, &v))
		return false;
	struct attribute a = v.number == 1 ? attribute_of_text(v.bytes) : (struct attribute){.number = v.number == 3 ? (int64_t)v.value : 0, .real = v.number == 4 ? wire_to_double(v.value) : 0, .truth = v.number == 2 && v.value};
	if (!otlp_is_utf8(a.text))
		return false;
	attribute_take(r, key, &a);
	return true;
}

bool otlp_take_attributes(struct decoder *d, struct record *r, struct slice message, unsigned number)
{
	struct wire w = wire_of(message);
	struct wire_field f;
	int rc;
	while ((rc = wire_step(&w, &f)) == 1)
		if (f.number == number && f.type == WIRE_BYTES && !otlp_take_attribute(d, r, f.bytes))
			return false;
	return rc == 0;
}

static bool find_in(struct slice message, unsigned number, struct slice path, struct arena *arena, struct slice *ret)
{
	struct wire w = wire_of(message);
	struct wire_field f, v;
	while (wire_step(&w, &f) == 1) {
		struct slice name, value;
		if (f.number == number && f.type == WIRE_BYTES && otlp_pair(f.bytes, &name, &value) && slice_eq(name, path) && otlp_any_value(value, &v))
			return scalar_text(&v, arena, ret);
	}
	return false;
}

static bool find(const struct record_fields *fields, struct slice path, struct slice *ret)
{
	const struct otlp_fields *p = (const struct otlp_fields *)fields;
	return find_in(p->bytes, p->attributes, path, fields->arena, ret) || find_in(p->around->scope, SCOPE_ATTRIBUTES, path, fields->arena, ret)
		|| find_in(p->around->resource, RESOURCE_ATTRIBUTES, path, fields->arena, ret);
}

/* The messages as they stand: nothing is lost. */
static void write_span(const struct record_fields *fields, const struct record *r, const struct span_parts *parts)
{
	const struct otlp_fields *p = (const struct otlp_fields *)fields;
	(void)r;
	buf_add_slice(parts->span, p->bytes);
	buf_add_slice(parts->scope, p->around->scope);
	buf_add_slice(parts->resource, p->around->resource);
}

/* The cursor is a place in the resource's bytes. */
static bool resource_next(const struct record_fields *fields, size_t *cursor, struct slice *ret_name, struct slice *ret_value)
{
	const struct otlp_fields *p = (const struct otlp_fields *)fields;
	struct slice resource = p->around->resource;
	struct wire w = wire_of(slice_sub(resource, *cursor, resource.len));
	struct wire_field f, v;
	while (wire_step(&w, &f) == 1) {
		struct slice value;
		*cursor = resource.len - (size_t)(w.end - w.next);
		if (f.number != RESOURCE_ATTRIBUTES || f.type != WIRE_BYTES || !otlp_pair(f.bytes, ret_name, &value) || !otlp_any_value(value, &v))
			continue;
		if (ret_name->len > 0 && scalar_text(&v, fields->arena, ret_value))
			return true;
	}
	return false;
}

static struct slice resource_bytes(const struct record_fields *fields)
{
	return ((const struct otlp_fields *)fields)->around->resource;
}

struct otlp_fields otlp_proto_fields_of(struct arena *arena, enum record_kind kind)
{
	return (struct otlp_fields){.base = {.arena = arena, .find = find, .write = write_span, .resource_next = resource_next, .resource_bytes = resource_bytes}, .attributes = kind == RECORD_LOG ? LOG_ATTRIBUTES : SPAN_ATTRIBUTES};
}
