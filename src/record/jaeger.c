/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jaeger spans as JSON: protobuf's own mapping of model.proto (ids in base64, times as text, tags with vStr and the like) and the form of Jaeger's HTTP API
 * (ids in hex, microseconds, tags with type and value); one span, a batch {process, spans}, or a trace {traceID, spans, processes}.
 */
#include "base/clock.h"
#include "record/attribute.h"
#include "record/duration.h"
#include "record/jaeger.h"
#include "record/timestamp.h"
#include "record/trace_id.h"

/* Where record_field looks: the tags of the span, then of its process, then the object. */
struct span_fields {
	struct record_fields base;
	struct json json;
	uint32_t root;
	uint32_t tags[2];
};

void jaeger_tag(struct decoder *d, struct record *r, struct slice name, const struct attribute *value)
{
	static const struct slice kinds[SPAN_KIND_COUNT] = {{NULL, 0}, {"internal", 8}, {"server", 6}, {"client", 6}, {"producer", 8}, {"consumer", 8}};
	if (slice_eq(name, SLICE("span.kind"))) {
		for (unsigned i = SPAN_INTERNAL; i < SPAN_KIND_COUNT; i++)
			if (slice_eq_nocase(value->text, kinds[i]))
				r->span_kind = (enum span_kind)i;
	} else if (slice_eq(name, SLICE("otel.status_code"))) {
		r->status = slice_eq(value->text, SLICE("ERROR")) ? STATUS_ERROR : slice_eq(value->text, SLICE("OK")) ? STATUS_OK : r->status;
	} else if (slice_eq(name, SLICE("w3c.tracestate"))) {
		r->trace_state = value->text;
	} else if (slice_eq(name, SLICE("otel.scope.name")) || slice_eq(name, SLICE("otel.library.name"))) {
		r->logger = value->text;
	} else {
		unsigned key = decoder_key(d, name);
		if (key == KEY_ERROR && value->truth)
			r->status = STATUS_ERROR;
		attribute_take(r, key, value);
	}
	r->error |= r->status == STATUS_ERROR;
}

static uint32_t tag_value(const struct json *json, uint32_t tag)
{
	static const struct slice names[] = {{"value", 5}, {"vStr", 4}, {"vInt64", 6}, {"vBool", 5}, {"vFloat64", 8}, {"v_str", 5}, {"v_int64", 7}, {"v_bool", 6}, {"v_float64", 9}};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint32_t at = json_get(json, tag, names[i]);
		if (at)
			return at;
	}
	return 0;
}

static bool find(const struct record_fields *base, struct slice path, struct slice *ret)
{
	const struct span_fields *f = (const struct span_fields *)base;
	for (size_t i = 0; i < 2; i++)
		for (uint32_t at = json_is_array(&f->json, f->tags[i]) ? json_first(f->tags[i]) : 0; at && at < json_end(&f->json, f->tags[i]); at = json_next(&f->json, at))
			if (slice_eq(json_text(&f->json, json_get(&f->json, at, SLICE("key"))), path))
				return record_field_text(base, &f->json, tag_value(&f->json, at), ret);
	return record_field_text(base, &f->json, json_find(&f->json, f->root, path), ret);
}

static void take_tags(struct decoder *d, const struct json *json, uint32_t list, struct record *r)
{
	for (uint32_t i = json_is_array(json, list) ? json_first(list) : 0; i && i < json_end(json, list); i = json_next(json, i)) {
		uint32_t at = tag_value(json, i);
		if (!at)
			continue;
		struct attribute a = {.truth = json_type(json, at) == 't'};
		if (json_type(json, at) == '"')
			a = attribute_of_text(json_string(json, at));
		else
			a.real = json_i64(json, at, &a.number) || !json_double(json, at, &a.real) ? 0 : a.real;
		jaeger_tag(d, r, json_text(json, json_get(json, i, SLICE("key"))), &a);
	}
}

/* The first of two names that is there. */
static uint32_t either(const struct json *json, uint32_t root, struct slice one, struct slice other)
{
	uint32_t at = json_get(json, root, one);
	return at ? at : json_get(json, root, other);
}

static uint32_t either3(const struct json *json, uint32_t root, struct slice one, struct slice other, struct slice third)
{
	uint32_t at = either(json, root, one, other);
	return at ? at : json_get(json, root, third);
}

/* The first CHILD_OF among the references, which is what protobuf writes no type for; older spans name their parent themselves. */
static struct slice parent_of(const struct json *json, uint32_t root)
{
	uint32_t list = json_get(json, root, SLICE("references"));
	for (uint32_t i = json_is_array(json, list) ? json_first(list) : 0; i && i < json_end(json, list); i = json_next(json, i)) {
		struct slice type = json_text(json, either(json, i, SLICE("refType"), SLICE("ref_type")));
		if (type.len == 0 || slice_eq(type, SLICE("CHILD_OF")))
			return json_text(json, either3(json, i, SLICE("spanID"), SLICE("spanId"), SLICE("span_id")));
	}
	return json_text(json, either(json, root, SLICE("parentSpanID"), SLICE("parentSpanId")));
}

/* Microseconds as a number, or text with a unit. */
static void take_times(struct decoder *d, const struct json *json, uint32_t root, struct record *r, bool *ret_ok)
{
	bool zoned;
	enum undecodable reason = UNDECODABLE_NONE;
	uint32_t time = either(json, root, SLICE("startTime"), SLICE("start_time")), duration = json_get(json, root, SLICE("duration"));
	int64_t start_ns = json_is_null(json, time) ? 0 : json_time(d, json, time, &zoned, &reason);
	double number;
	*ret_ok = !reason;
	if (json_type(json, duration ? duration : root) == '"')
		duration_parse(json_string(json, duration), NS_PER_US, &r->duration_ns);
	else if (duration && json_double(json, duration, &number))
		duration_of(number, NS_PER_US, &r->duration_ns);
	if (start_ns > 0 && __builtin_add_overflow(start_ns, r->duration_ns > 0 ? r->duration_ns : 0, &r->time_ns))
		r->time_ns = INT64_MAX;
}

static bool read_span(struct decoder *d, const struct json *json, uint32_t root, uint32_t process, struct record *r)
{
	bool ok;
	uint32_t name = either(json, root, SLICE("operationName"), SLICE("operation_name"));
	struct slice trace = json_text(json, either3(json, root, SLICE("traceID"), SLICE("traceId"), SLICE("trace_id")));
	struct slice span = json_text(json, either3(json, root, SLICE("spanID"), SLICE("spanId"), SLICE("span_id")));
	if (!json_is_null(json, name) && json_type(json, name) != '"')
		return false;
	r->name = json_text(json, name);
	r->service = json_text(json, either(json, process, SLICE("serviceName"), SLICE("service_name")));
	r->trace_id = trace_id_of(trace, &d->arena, NULL);
	r->span_id = span_id_of(span, &d->arena);
	r->parent_span_id = span_id_of(parent_of(json, root), &d->arena);
	take_times(d, json, root, r, &ok);
	take_tags(d, json, json_get(json, root, SLICE("tags")), r);
	return ok;
}

void jaeger_note(struct decoder *d, const struct record *r)
{
	static const char *const names[][2] = {{"time", "startTime + duration"}, {"service", "process.serviceName"}, {"trace_id", "traceId"}, {"span_id", "spanId"},
		{"parent_span_id", "references"}, {"duration", "duration"}, {"name", "operationName"}};
	const bool found[] = {r->time_ns != 0, r->service.len > 0, r->trace_id.len > 0, r->span_id.len > 0, r->parent_span_id.len > 0, r->duration_ns >= 0, r->name.len > 0};
	for (size_t i = 0; noting(d) && i < sizeof(found) / sizeof(found[0]); i++)
		if (found[i])
			decoder_note(d, names[i][0], slice_str(names[i][1]));
}

static void add_span(struct decoder *d, const struct json *json, uint32_t root, uint32_t process)
{
	struct record *r = decoder_add(d);
	struct span_fields *fields = arena_alloc(&d->arena, sizeof(*fields));
	uint32_t own = json_get(json, root, SLICE("process"));
	process = json_is_object(json, own) ? own : process;
	*fields = (struct span_fields){.base = {.arena = &d->arena, .find = find}, .json = *json, .root = root,
		.tags = {json_get(json, root, SLICE("tags")), json_get(json, process, SLICE("tags"))}};
	r->fields = &fields->base;
	r->kind = RECORD_SPAN;
	r->span_kind = SPAN_INTERNAL;
	r->shape = "jaeger_json";
	enum undecodable reason = json_is_object(json, root) && read_span(d, json, root, process, r) ? UNDECODABLE_NONE : UNDECODABLE_WRONG_TYPE;
	reason = reason ? reason : decoder_finish(d, r);
	if (reason)
		decoder_drop(d, reason);
	else
		jaeger_note(d, r);
}

/* {process, spans} or {spans, processes: {p1: ..}}, whose spans have a processID. */
static void read_trace(struct decoder *d, const struct json *json, uint32_t root)
{
	uint32_t spans = json_get(json, root, SLICE("spans")), processes = json_get(json, root, SLICE("processes")), process = json_get(json, root, SLICE("process"));
	if (!json_is_array(json, spans)) {
		decoder_lose(d, UNDECODABLE_WRONG_TYPE);
		return;
	}
	for (uint32_t i = json_first(spans), end = json_end(json, spans); i < end; i = json_next(json, i)) {
		uint32_t named = json_get(json, processes, json_text(json, json_get(json, i, SLICE("processID"))));
		add_span(d, json, i, named ? named : process);
	}
}

void jaeger_read(struct decoder *d)
{
	struct json json = d->objects[0].json;
	uint32_t root = d->objects[0].root, data = json_get(&json, root, SLICE("data"));
	if (d->objects[0].row->shape->kind != SHAPE_JAEGER_BATCH) {
		add_span(d, &json, root, 0);
		return;
	}
	if (!json_is_array(&json, data)) {
		read_trace(d, &json, root);
		return;
	}
	for (uint32_t i = json_first(data), end = json_end(&json, data); i < end; i = json_next(&json, i))
		read_trace(d, &json, i);
}
