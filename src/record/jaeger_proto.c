/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jaeger spans in protobuf (jaeger-idl, api_v2/model.proto), one per message as collectors write them to Kafka.
 *
 * Layout: Span {1 trace_id, 2 span_id, 3 operation_name, 4 references {1 trace_id, 2 span_id, 3 type}, 6 start_time {1 seconds, 2 nanos}, 7 duration {the
 * same}, 8 tags, 10 process {1 service_name, 2 tags}}; KeyValue {1 key, 2 v_type, 3 v_str, 4 v_bool, 5 v_int64, 6 v_float64, 7 v_binary}.
 */
#include "base/clock.h"
#include "base/wire.h"
#include "record/jaeger.h"
#include "record/timestamp.h"
#include "record/trace_id.h"

enum { SPAN_TAGS = 8, PROCESS_TAGS = 2 };

struct proto_fields {
	struct record_fields base;
	struct slice messages[2]; /* span, process */
	unsigned numbers[2];
};

static bool seconds_nanos(struct slice bytes, int64_t *ret_ns)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	int64_t parts[2] = {0, 0};
	int rc;
	while ((rc = wire_step(&w, &f)) == 1)
		if (f.type == WIRE_VARINT && (f.number == 1 || f.number == 2))
			parts[f.number - 1] = (int64_t)f.value;
	*ret_ns = timestamp_of_parts(parts[0], parts[1]);
	return rc == 0;
}

struct tag {
	struct slice name;
	struct wire_field value;
};

static bool read_tag(struct slice bytes, struct tag *ret)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	int rc;
	*ret = (struct tag){0};
	while ((rc = wire_step(&w, &f)) == 1) {
		if (f.number == 1 && f.type == WIRE_BYTES)
			ret->name = f.bytes;
		else if (f.number >= 3 && f.number <= 7)
			ret->value = f;
	}
	return rc == 0;
}

static bool take_tag(struct decoder *d, struct record *r, struct slice bytes)
{
	struct tag tag;
	if (!read_tag(bytes, &tag))
		return false;
	struct attribute a = tag.value.number == 3 ? attribute_of_text(tag.value.bytes)
						   : (struct attribute){.number = tag.value.number == 5 ? (int64_t)tag.value.value : 0, .real = tag.value.number == 6 ? wire_to_double(tag.value.value) : 0, .truth = tag.value.number == 4 && tag.value.value};
	if (!slice_is_utf8(a.text))
		return false;
	jaeger_tag(d, r, tag.name, &a);
	return true;
}

static bool find(const struct record_fields *base, struct slice path, struct slice *ret)
{
	const struct proto_fields *p = (const struct proto_fields *)base;
	for (size_t i = 0; i < 2; i++) {
		struct wire w = wire_of(p->messages[i]);
		struct wire_field f;
		struct tag tag;
		while (wire_step(&w, &f) == 1) {
			if (f.number != p->numbers[i] || f.type != WIRE_BYTES || !read_tag(f.bytes, &tag) || !slice_eq(tag.name, path))
				continue;
			struct buf text = {0};
			if (tag.value.number == 3)
				buf_add_utf8(&text, tag.value.bytes);
			else if (tag.value.number == 4)
				buf_add_str(&text, tag.value.value ? "true" : "false");
			else if (tag.value.number == 5)
				buf_add_i64(&text, (int64_t)tag.value.value);
			else if (tag.value.number == 6)
				json_render_double(wire_to_double(tag.value.value), &text);
			*ret = arena_copy(base->arena, buf_slice(&text));
			buf_done(&text);
			return ret->len > 0;
		}
	}
	return false;
}

/* The first CHILD_OF (0, which is not written) is the parent. */
static bool take_reference(struct decoder *d, struct record *r, struct slice bytes)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	struct slice span = {NULL, 0};
	uint64_t type = 0;
	int rc;
	while ((rc = wire_step(&w, &f)) == 1) {
		if (f.number == 2 && f.type == WIRE_BYTES)
			span = f.bytes;
		else if (f.number == 3 && f.type == WIRE_VARINT)
			type = f.value;
	}
	if (type == 0 && r->parent_span_id.len == 0)
		r->parent_span_id = span_id_of_bytes(span, &d->arena);
	return rc == 0;
}

static bool take_process(struct record *r, struct slice bytes, struct proto_fields *fields)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	int rc;
	fields->messages[1] = bytes;
	while ((rc = wire_step(&w, &f)) == 1)
		if (f.number == 1 && f.type == WIRE_BYTES)
			r->service = f.bytes;
	return rc == 0;
}

static bool read_span(struct decoder *d, struct slice bytes, struct record *r, struct proto_fields *fields)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	int64_t start_ns = 0;
	bool ok = true;
	int rc;
	while (ok && (rc = wire_step(&w, &f)) == 1) {
		switch (f.number << 3 | f.type) {
		case 1 << 3 | WIRE_BYTES: r->trace_id = trace_id_of_bytes(f.bytes, &d->arena); break;
		case 2 << 3 | WIRE_BYTES: r->span_id = span_id_of_bytes(f.bytes, &d->arena); break;
		case 3 << 3 | WIRE_BYTES: r->name = f.bytes; break;
		case 4 << 3 | WIRE_BYTES: ok = take_reference(d, r, f.bytes); break;
		case 6 << 3 | WIRE_BYTES: ok = seconds_nanos(f.bytes, &start_ns); break;
		case 7 << 3 | WIRE_BYTES: ok = seconds_nanos(f.bytes, &r->duration_ns); break;
		case SPAN_TAGS << 3 | WIRE_BYTES: ok = take_tag(d, r, f.bytes); break;
		case 10 << 3 | WIRE_BYTES: ok = take_process(r, f.bytes, fields); break;
		default: break;
		}
	}
	r->duration_ns = r->duration_ns < 0 ? -1 : r->duration_ns;
	if (start_ns > 0 && __builtin_add_overflow(start_ns, r->duration_ns > 0 ? r->duration_ns : 0, &r->time_ns))
		r->time_ns = INT64_MAX;
	return ok && rc == 0;
}

bool jaeger_proto_sniff(struct slice payload)
{
	struct wire w = wire_of(payload);
	struct wire_field trace, span, name;
	return payload.len > 28 && payload.ptr[0] == 0x0A && wire_step(&w, &trace) == 1 && trace.bytes.len == 16 && wire_step(&w, &span) == 1 && span.number == 2 &&
	       span.type == WIRE_BYTES && span.bytes.len == 8 && wire_step(&w, &name) == 1 && name.number == 3 && name.type == WIRE_BYTES;
}

void jaeger_proto_read(struct decoder *d, struct slice payload)
{
	struct record *r = decoder_add(d);
	struct proto_fields *fields = arena_alloc(&d->arena, sizeof(*fields));
	*fields = (struct proto_fields){.base = {.arena = &d->arena, .find = find}, .messages = {payload}, .numbers = {SPAN_TAGS, PROCESS_TAGS}};
	r->fields = &fields->base;
	r->kind = RECORD_SPAN;
	r->span_kind = SPAN_INTERNAL;
	r->shape = "jaeger_proto";
	enum undecodable reason = read_span(d, payload, r, fields) ? UNDECODABLE_NONE : UNDECODABLE_NOT_PROTOBUF;
	if (!reason && !(slice_is_utf8(r->name) && slice_is_utf8(r->service)))
		reason = UNDECODABLE_NOT_UTF8;
	reason = reason ? reason : decoder_finish(d, r);
	if (reason)
		decoder_drop(d, reason);
	else
		jaeger_note(d, r);
}
