/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zipkin v2 spans, as JSON objects and as protobuf (openzipkin/zipkin-api: zipkin2-api.yaml, zipkin.proto).
 *
 * Layout of the protobuf: ListOfSpans {1 span..}; Span {1 trace_id, 2 parent_id, 3 id, 4 kind, 5 name, 6 timestamp fixed64, 7 duration, 8 local_endpoint
 * {1 service_name}, 11 tags, a map's entries {1 key, 2 value}}. Times are microseconds; a tag named error means failure, whatever its value.
 */
#include "base/clock.h"
#include "base/wire.h"
#include "record/attribute.h"
#include "record/reader.h"
#include "record/timestamp.h"
#include "record/trace_id.h"

static enum span_kind kind_of(struct slice name)
{
	static const struct slice names[SPAN_KIND_COUNT] = {{NULL, 0}, {NULL, 0}, {"SERVER", 6}, {"CLIENT", 6}, {"PRODUCER", 8}, {"CONSUMER", 8}};
	for (unsigned i = SPAN_SERVER; i < SPAN_KIND_COUNT; i++)
		if (slice_eq_nocase(name, names[i]))
			return (enum span_kind)i;
	return SPAN_INTERNAL;
}

static void take_tag(struct decoder *d, struct record *r, struct slice name, struct slice value)
{
	struct attribute a = attribute_of_text(value);
	unsigned key = decoder_key(d, name);
	a.truth |= key == KEY_ERROR && !slice_eq(value, SLICE("false"));
	if (key == KEY_ERROR && a.truth)
		r->status = STATUS_ERROR;
	attribute_take(r, key, &a);
}

/* Start and duration in microseconds. */
static void set_times(struct record *r, int64_t start_us, int64_t duration_us)
{
	int64_t duration_ns;
	if (start_us <= 0)
		return;
	r->time_ns = __builtin_mul_overflow(start_us, NS_PER_US, &r->time_ns) ? INT64_MAX : start_us * NS_PER_US;
	if (duration_us <= 0 || __builtin_mul_overflow(duration_us, NS_PER_US, &duration_ns))
		return;
	r->duration_ns = duration_ns;
	if (__builtin_add_overflow(r->time_ns, duration_ns, &r->time_ns))
		r->time_ns = INT64_MAX;
}

static bool is_text(const struct json *json, uint32_t at)
{
	return json_is_null(json, at) || json_type(json, at) == '"';
}

static bool take_ids(struct decoder *d, const struct json *json, uint32_t root, struct record *r)
{
	uint32_t trace = json_get(json, root, SLICE("traceId")), span = json_get(json, root, SLICE("id")), parent = json_get(json, root, SLICE("parentId"));
	if (!is_text(json, trace) || !is_text(json, span) || !is_text(json, parent))
		return false;
	r->trace_id = trace_id_of(json_text(json, trace), &d->arena, NULL);
	r->span_id = span_id_of(json_text(json, span), &d->arena);
	r->parent_span_id = span_id_of(json_text(json, parent), &d->arena);
	return true;
}

static bool read_json(struct decoder *d, const struct json *json, uint32_t root, struct record *r)
{
	uint32_t name = json_get(json, root, SLICE("name")), tags = json_get(json, root, SLICE("tags")), time = json_get(json, root, SLICE("timestamp"));
	int64_t start_us = 0, duration_us = 0;
	if (!take_ids(d, json, root, r) || !is_text(json, name) || (!json_is_null(json, time) && !json_i64(json, time, &start_us)))
		return false;
	json_i64(json, json_get(json, root, SLICE("duration")), &duration_us);
	r->name = json_text(json, name);
	r->service = json_text(json, json_find(json, root, SLICE("localEndpoint.serviceName")));
	r->span_kind = kind_of(json_text(json, json_get(json, root, SLICE("kind"))));
	set_times(r, start_us, duration_us);
	for (uint32_t i = json_is_object(json, tags) ? json_first(tags) : 0; i && i < json_end(json, tags); i = json_next(json, i + 1))
		take_tag(d, r, json_string(json, i), json_text(json, i + 1));
	return true;
}

static void note_span(struct decoder *d, bool proto, const struct record *r)
{
	static const char *const names[][3] = {{"time", "timestamp + duration", "timestamp + duration"}, {"service", "localEndpoint.serviceName", "local_endpoint.service_name"},
		{"trace_id", "traceId", "trace_id"}, {"span_id", "id", "id"}, {"parent_span_id", "parentId", "parent_id"}, {"duration", "duration", "duration"}, {"name", "name", "name"}};
	const bool found[] = {r->time_ns != 0, r->service.len > 0, r->trace_id.len > 0, r->span_id.len > 0, r->parent_span_id.len > 0, r->duration_ns >= 0, r->name.len > 0};
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		if (found[i])
			decoder_note(d, names[i][0], slice_str(names[i][1 + proto]));
}

static void end_span(struct decoder *d, struct record *r, enum undecodable reason, bool proto)
{
	reason = reason ? reason : decoder_finish(d, r);
	if (reason)
		decoder_drop(d, reason);
	else if (noting(d))
		note_span(d, proto, r);
}

static struct record *begin_span(struct decoder *d, const char *shape)
{
	struct record *r = decoder_add(d);
	r->kind = RECORD_SPAN;
	r->shape = shape;
	r->span_kind = SPAN_INTERNAL;
	return r;
}

void zipkin_read(struct decoder *d)
{
	struct record *r = begin_span(d, "zipkin");
	json_fields_keep(d, r, 1);
	end_span(d, r, read_json(d, &d->objects[0].json, d->objects[0].root, r) ? UNDECODABLE_NONE : UNDECODABLE_WRONG_TYPE, false);
}

/* --- protobuf --- */

static bool read_pair(struct slice bytes, struct slice ret[static 2])
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	int rc;
	ret[0] = ret[1] = slice_of(NULL, 0);
	while ((rc = wire_step(&w, &f)) == 1)
		if (f.type == WIRE_BYTES && (f.number == 1 || f.number == 2))
			ret[f.number - 1] = f.bytes;
	return rc == 0;
}

static bool take_proto_tag(struct decoder *d, struct record *r, struct slice bytes)
{
	struct slice pair[2];
	if (!read_pair(bytes, pair) || !slice_is_utf8(pair[1]))
		return false;
	take_tag(d, r, pair[0], pair[1]);
	return true;
}

static bool read_proto(struct decoder *d, struct slice bytes, struct record *r)
{
	static const enum span_kind kinds[] = {SPAN_INTERNAL, SPAN_CLIENT, SPAN_SERVER, SPAN_PRODUCER, SPAN_CONSUMER};
	struct wire w = wire_of(bytes);
	struct wire_field f;
	struct slice pair[2];
	uint64_t start_us = 0, duration_us = 0;
	bool ok = true;
	int rc;
	while (ok && (rc = wire_step(&w, &f)) == 1) {
		switch (f.number << 3 | f.type) {
		case 1 << 3 | WIRE_BYTES: r->trace_id = trace_id_of_bytes(f.bytes, &d->arena); break;
		case 2 << 3 | WIRE_BYTES: r->parent_span_id = span_id_of_bytes(f.bytes, &d->arena); break;
		case 3 << 3 | WIRE_BYTES: r->span_id = span_id_of_bytes(f.bytes, &d->arena); break;
		case 4 << 3 | WIRE_VARINT: r->span_kind = f.value < 5 ? kinds[f.value] : SPAN_UNSPECIFIED; break;
		case 5 << 3 | WIRE_BYTES: r->name = f.bytes; break;
		case 6 << 3 | WIRE_FIXED64: start_us = f.value; break;
		case 7 << 3 | WIRE_VARINT: duration_us = f.value; break;
		case 8 << 3 | WIRE_BYTES: ok = read_pair(f.bytes, pair); r->service = pair[0]; break;
		case 11 << 3 | WIRE_BYTES: ok = take_proto_tag(d, r, f.bytes); break;
		default: break;
		}
	}
	set_times(r, start_us > INT64_MAX ? INT64_MAX : (int64_t)start_us, duration_us > INT64_MAX ? INT64_MAX : (int64_t)duration_us);
	return ok && rc == 0;
}

bool zipkin_proto_sniff(struct slice payload)
{
	struct wire w = wire_of(payload), inside;
	struct wire_field f, id;
	if (payload.len < 4 || payload.ptr[0] != 0x0A || wire_step(&w, &f) != 1)
		return false;
	inside = wire_of(f.bytes);
	return wire_step(&inside, &id) == 1 && id.number == 1 && id.type == WIRE_BYTES && (id.bytes.len == 16 || id.bytes.len == 8) && wire_step(&inside, &id) == 1 &&
	       (id.number == 2 || id.number == 3) && id.type == WIRE_BYTES && id.bytes.len == 8;
}

void zipkin_proto_read(struct decoder *d, struct slice payload)
{
	struct wire w = wire_of(payload);
	struct wire_field f;
	int rc;
	while ((rc = wire_step(&w, &f)) == 1) {
		if (f.number != 1 || f.type != WIRE_BYTES)
			continue;
		struct record *r = begin_span(d, "zipkin_proto");
		enum undecodable reason = read_proto(d, f.bytes, r) ? UNDECODABLE_NONE : UNDECODABLE_NOT_PROTOBUF;
		if (!reason && !(slice_is_utf8(r->name) && slice_is_utf8(r->service)))
			reason = UNDECODABLE_NOT_UTF8;
		end_span(d, r, reason, true);
	}
	if (rc < 0)
		decoder_lose(d, UNDECODABLE_NOT_PROTOBUF);
}
