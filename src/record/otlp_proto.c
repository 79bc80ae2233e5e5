/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP in protobuf: a batch of log records or spans (opentelemetry-proto v1, logs.proto and trace.proto; field numbers are the layout).
 *
 * Layout, the same for both: a payload is fields 1, each a ResourceLogs or ResourceSpans {1 resource, 2 scope..}, each of those {1 scope, 2 record..}.
 * Nothing but the types on the wire says which of the two it is: a log record begins with a fixed64, a span with bytes, and so on (classify). Writers put
 * the resource behind what belongs to it (Go's pdata writes backwards), so each level is walked twice: once for what describes, once for what it holds.
 *
 * Invariants: every view points into the payload or the arena; strings that are taken are UTF-8, or the record is lost; a record that is malformed inside
 * costs itself alone, a level that is malformed costs what came after in it, and counts once.
 */
#include "base/err.h"
#include "base/wire.h"
#include "record/attribute.h"
#include "record/otlp.h"
#include "record/span_parts.h"

enum { LOG_ATTRIBUTES = 6 };
enum { PART_HEAD = 1, PART_ITEMS = 2 }; /* of a ResourceX and of a ScopeX */
enum { MOST_DEPTH = 64 };

struct batch {
	struct decoder *d;
	enum record_kind kind;
	struct slice service, service_namespace, service_instance, scope_name;
	uint32_t resource_number;
	struct slice resource, scope;
};

/* Where record_field looks: the record's bytes, its scope's, its resource's, and the number that attributes have in each. */
struct proto_fields {
	struct record_fields base;
	struct slice messages[3];
	unsigned numbers[3];
};

static inline bool is_utf8(struct slice s)
{
	uint64_t word, high = 0;
	size_t i = 0;
	for (; i + 8 <= s.len; i += 8) {
		memcpy(&word, s.ptr + i, 8);
		high |= word;
	}
	for (; i < s.len; i++)
		high |= (unsigned char)s.ptr[i];
	/* single bytes were put into the lowest byte, which the mask covers as well */
	return !(high & UINT64_C(0x8080808080808080)) || slice_is_utf8(s);
}

/* --- values --- */

/* Any of AnyValue's forms; bytes.ptr is NULL where nothing was set. */
static bool any_value(struct slice bytes, struct wire_field *ret)
{
	struct wire w = wire_of(bytes);
	if (bytes.len == 0) {
		*ret = (struct wire_field){0};
		return true;
	}
	int rc = wire_step(&w, ret);
	for (struct wire_field more; rc == 1 && w.next < w.end;) {
		rc = wire_step(&w, &more);
		if (rc == 1)
			*ret = more;
	}
	return rc >= 0;
}

/* A pair's halves. Nearly all are {key, value} with lengths of one byte, which is seen at a glance. */
static inline bool read_pair(struct slice pair, struct slice *ret_name, struct slice *ret_value)
{
	const unsigned char *p = (const unsigned char *)pair.ptr;
	size_t name = pair.len > 4 ? p[1] : 0;
	if (pair.len > 4 && p[0] == 0x0A && name < 0x80 && name + 4 <= pair.len && p[2 + name] == 0x12 && p[3 + name] == pair.len - name - 4 && p[3 + name] < 0x80) {
		*ret_name = slice_of(pair.ptr + 2, name);
		*ret_value = slice_of(pair.ptr + 4 + name, pair.len - name - 4);
		return true;
	}
	struct wire w = wire_of(pair);
	struct wire_field f;
	int rc;
	*ret_name = *ret_value = slice_of(NULL, 0);
	while ((rc = wire_step(&w, &f)) == 1)
		if (f.type == WIRE_BYTES)
			*(f.number == 1 ? ret_name : ret_value) = f.bytes;
	return rc == 0;
}

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
			read_pair(f.bytes, &name, &value);
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
	if (!any_value(value, &v) || v.number == 0 || depth > MOST_DEPTH)
		buf_add_str(out, "null");
	else if (v.number == 1)
		buf_add_json_string(out, v.bytes);
	else if (v.number == 5 || v.number == 6)
		render_list(v.bytes, v.number == 6, depth, out);
	else
		render_quoted(&v, out);
}

/* --- attributes --- */

static bool take_attribute(struct batch *b, struct record *r, struct slice pair)
{
	struct wire_field v;
	struct slice name, value;
	if (!read_pair(pair, &name, &value))
		return false;
	unsigned key = decoder_key(b->d, name);
	if (key == KEY_NONE)
		return true;
	if (!any_value(value, &v))
		return false;
	struct attribute a = v.number == 1 ? attribute_of_text(v.bytes) : (struct attribute){.number = v.number == 3 ? (int64_t)v.value : 0, .real = v.number == 4 ? wire_to_double(v.value) : 0, .truth = v.number == 2 && v.value};
	if (!is_utf8(a.text))
		return false;
	attribute_take(r, key, &a);
	return true;
}

/* The attributes of a message that has them as field `number`; false if it is malformed. */
static bool take_attributes(struct batch *b, struct record *r, struct slice message, unsigned number)
{
	struct wire w = wire_of(message);
	struct wire_field f;
	int rc;
	while ((rc = wire_step(&w, &f)) == 1)
		if (f.number == number && f.type == WIRE_BYTES && !take_attribute(b, r, f.bytes))
			return false;
	return rc == 0;
}

static bool find_in(const struct proto_fields *p, size_t i, struct slice path, struct slice *ret)
{
	struct wire w = wire_of(p->messages[i]);
	struct wire_field f, v;
	while (wire_step(&w, &f) == 1) {
		struct slice name, value;
		if (f.number != p->numbers[i] || f.type != WIRE_BYTES || !read_pair(f.bytes, &name, &value) || !slice_eq(name, path) || !any_value(value, &v))
			continue;
		struct buf text = {0};
		bool scalar = render_scalar(&v, &text);
		if (scalar)
			*ret = arena_copy(p->base.arena, buf_slice(&text));
		buf_done(&text);
		return scalar;
	}
	return false;
}

static bool find(const struct record_fields *fields, struct slice path, struct slice *ret)
{
	const struct proto_fields *p = (const struct proto_fields *)fields;
	for (size_t i = 0; i < 3; i++)
		if (find_in(p, i, path, ret))
			return true;
	return false;
}

/* The messages as they stand: nothing is lost. */
static void write_span(const struct record_fields *fields, const struct record *r, const struct span_parts *parts)
{
	const struct proto_fields *p = (const struct proto_fields *)fields;
	(void)r;
	buf_add_slice(parts->span, p->messages[0]);
	buf_add_slice(parts->scope, p->messages[1]);
	buf_add_slice(parts->resource, p->messages[2]);
}

/* The cursor is a place in the resource's bytes. */
static bool resource_next(const struct record_fields *fields, size_t *cursor, struct slice *ret_name, struct slice *ret_value)
{
	const struct proto_fields *p = (const struct proto_fields *)fields;
	struct slice rest = slice_sub(p->messages[2], *cursor, p->messages[2].len);
	struct wire w = wire_of(rest);
	struct wire_field f, v;
	while (wire_step(&w, &f) == 1) {
		struct slice value;
		struct buf text = {0};
		*cursor = p->messages[2].len - (size_t)(w.end - w.next);
		if (f.number != RESOURCE_ATTRIBUTES || f.type != WIRE_BYTES || !read_pair(f.bytes, ret_name, &value) || !any_value(value, &v))
			continue;
		bool scalar = render_scalar(&v, &text) && ret_name->len > 0;
		if (scalar)
			*ret_value = arena_copy(p->base.arena, buf_slice(&text));
		buf_done(&text);
		if (scalar)
			return true;
	}
	return false;
}

/* --- records --- */

static int64_t ns_of(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static bool take_body(struct batch *b, struct record *r, struct slice body)
{
	struct wire_field v;
	if (!any_value(body, &v))
		return false;
	if (v.number == 1) {
		r->message = v.bytes;
		return true;
	}
	if (v.number == 0)
		return true;
	buf_reset(&b->d->scratch);
	if (v.number == 5 || v.number == 6)
		render(body, 0, &b->d->scratch);
	else
		render_scalar(&v, &b->d->scratch);
	r->message = arena_copy(&b->d->arena, buf_slice(&b->d->scratch));
	return true;
}

static bool read_log(struct batch *b, struct record *r, struct slice bytes)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	struct slice severity_text = {NULL, 0};
	int64_t observed_ns = 0;
	int rc;
	bool ok = true;
	while (ok && (rc = wire_step(&w, &f)) == 1) {
		switch ((unsigned)f.number << 3 | f.type) {
		case 1 << 3 | WIRE_FIXED64: r->time_ns = ns_of(f.value); break;
		case 2 << 3 | WIRE_VARINT: r->severity = level_of_number((int64_t)(f.value & 0xFF), LEVEL_OTEL); break;
		case 3 << 3 | WIRE_BYTES: severity_text = f.bytes; break;
		case 5 << 3 | WIRE_BYTES: ok = take_body(b, r, f.bytes); break;
		case LOG_ATTRIBUTES << 3 | WIRE_BYTES: ok = take_attribute(b, r, f.bytes); break;
		case 9 << 3 | WIRE_BYTES: r->trace_id = trace_id_of_bytes(f.bytes, &b->d->arena); break;
		case 10 << 3 | WIRE_BYTES: r->span_id = span_id_of_bytes(f.bytes, &b->d->arena); break;
		case 11 << 3 | WIRE_FIXED64: observed_ns = ns_of(f.value); break;
		default: break;
		}
	}
	if (!ok || rc < 0)
		return false;
	if (r->time_ns <= 0)
		r->time_ns = observed_ns;
	if (r->severity == SEVERITY_UNKNOWN && severity_text.len)
		r->severity = level_parse(severity_text, LEVEL_GUESS);
	return true;
}

static bool take_status(struct record *r, struct slice bytes)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	int rc;
	while ((rc = wire_step(&w, &f)) == 1)
		if (f.number == 3 && f.type == WIRE_VARINT && f.value < STATUS_COUNT)
			r->status = (enum span_status)f.value;
	return rc == 0;
}

/* The exception among a span's events: its type is the span's. */
static bool take_event(struct batch *b, struct record *r, struct slice bytes)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	struct record event = {0};
	bool exception = false;
	int rc;
	while ((rc = wire_step(&w, &f)) == 1)
		exception |= f.number == 2 && slice_eq(f.bytes, SLICE("exception"));
	if (rc < 0 || (exception && !take_attributes(b, &event, bytes, EVENT_ATTRIBUTES)))
		return false;
	r->exception_event |= exception;
	if (event.exception_type.len)
		r->exception_type = event.exception_type;
	return true;
}

/* The first link. */
static bool take_link(struct batch *b, struct record *r, struct slice bytes)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	int rc;
	while ((rc = wire_step(&w, &f)) == 1) {
		if (r->link_trace_id.len == 0 && f.number == 1 && f.type == WIRE_BYTES)
			r->link_trace_id = trace_id_of_bytes(f.bytes, &b->d->arena);
		else if (r->link_span_id.len == 0 && f.number == 2 && f.type == WIRE_BYTES)
			r->link_span_id = span_id_of_bytes(f.bytes, &b->d->arena);
	}
	return rc == 0;
}

static bool read_span(struct batch *b, struct record *r, struct slice bytes)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	int64_t start_ns = 0, end_ns = 0;
	int rc;
	bool ok = true;
	while (ok && (rc = wire_step(&w, &f)) == 1) {
		switch ((unsigned)f.number << 3 | f.type) {
		case 1 << 3 | WIRE_BYTES: r->trace_id = trace_id_of_bytes(f.bytes, &b->d->arena); break;
		case 2 << 3 | WIRE_BYTES: r->span_id = span_id_of_bytes(f.bytes, &b->d->arena); break;
		case 3 << 3 | WIRE_BYTES: r->trace_state = f.bytes; break;
		case 4 << 3 | WIRE_BYTES: r->parent_span_id = span_id_of_bytes(f.bytes, &b->d->arena); break;
		case 5 << 3 | WIRE_BYTES: r->name = f.bytes; break;
		case 6 << 3 | WIRE_VARINT: r->span_kind = f.value < SPAN_KIND_COUNT ? (enum span_kind)f.value : SPAN_UNSPECIFIED; break;
		case 7 << 3 | WIRE_FIXED64: start_ns = ns_of(f.value); break;
		case 8 << 3 | WIRE_FIXED64: end_ns = ns_of(f.value); break;
		case SPAN_ATTRIBUTES << 3 | WIRE_BYTES: ok = take_attribute(b, r, f.bytes); break;
		case 11 << 3 | WIRE_BYTES: ok = take_event(b, r, f.bytes); break;
		case 13 << 3 | WIRE_BYTES: ok = r->link_span_id.len || take_link(b, r, f.bytes); break;
		case 15 << 3 | WIRE_BYTES: ok = take_status(r, f.bytes); break;
		default: break;
		}
	}
	r->time_ns = end_ns > 0 ? end_ns : start_ns;
	r->duration_ns = start_ns > 0 && end_ns >= start_ns ? end_ns - start_ns : -1;
	r->backwards = end_ns > 0 && end_ns < start_ns;
	r->error |= r->status == STATUS_ERROR;
	return ok && rc == 0;
}

static void note_record(struct batch *b, const struct record *r)
{
	bool log = b->kind == RECORD_LOG;
	const struct {
		const char *member, *source;
		bool found;
	} rows[] = {{"time", log ? "time_unix_nano" : "end_time_unix_nano", r->time_ns != 0}, {"severity", "severity_number", r->severity != SEVERITY_UNKNOWN},
		{"service", "resource.attributes.service.name", r->service.len > 0}, {"message", "body", r->message.len > 0}, {"logger", "scope.name", r->logger.len > 0},
		{"trace_id", "trace_id", r->trace_id.len > 0}, {"span_id", "span_id", r->span_id.len > 0}, {"parent_span_id", "parent_span_id", r->parent_span_id.len > 0},
		{"name", "name", r->name.len > 0}};
	for (size_t i = 0; noting(b->d) && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].found)
			decoder_note(b->d, rows[i].member, slice_str(rows[i].source));
}

static void read_record(struct batch *b, struct slice bytes)
{
	struct record *r = decoder_add(b->d);
	struct proto_fields *fields = arena_alloc(&b->d->arena, sizeof(*fields));
	*fields = (struct proto_fields){.base = {.arena = &b->d->arena, .find = find, .write = write_span, .resource_next = resource_next}, .messages = {bytes, b->scope, b->resource},
		.numbers = {b->kind == RECORD_LOG ? LOG_ATTRIBUTES : SPAN_ATTRIBUTES, SCOPE_ATTRIBUTES, RESOURCE_ATTRIBUTES}};
	r->fields = &fields->base;
	r->kind = b->kind;
	r->shape = "otlp_proto";
	r->service = b->service;
	r->service_namespace = b->service_namespace;
	r->service_instance = b->service_instance;
	r->resource = b->resource_number;
	r->logger = b->scope_name;
	enum undecodable reason = UNDECODABLE_NOT_PROTOBUF;
	if (b->kind == RECORD_LOG ? read_log(b, r, bytes) : read_span(b, r, bytes))
		reason = is_utf8(r->message) && is_utf8(r->name) && is_utf8(r->service) && is_utf8(r->logger) ? decoder_finish(b->d, r) : UNDECODABLE_NOT_UTF8;
	if (reason)
		decoder_drop(b->d, reason);
	else
		note_record(b, r);
}

/* The bytes of field `number` in a message, the last of several; empty if there is none. */
static struct slice last_of(struct slice message, unsigned number)
{
	struct wire w = wire_of(message);
	struct wire_field f;
	struct slice found = {NULL, 0};
	while (wire_step(&w, &f) == 1)
		if (f.number == number && f.type == WIRE_BYTES)
			found = f.bytes;
	return found;
}

/* Calls each for every field `number`; what is malformed counts as one lost record. */
static void each_item(struct batch *b, struct slice message, unsigned number, void (*each)(struct batch *b, struct slice item))
{
	struct wire w = wire_of(message);
	struct wire_field f;
	int rc;
	while ((rc = wire_step(&w, &f)) == 1)
		if (f.number == number && f.type == WIRE_BYTES)
			each(b, f.bytes);
	if (rc < 0)
		decoder_lose(b->d, UNDECODABLE_NOT_PROTOBUF);
}

static void read_scope(struct batch *b, struct slice bytes)
{
	b->scope = last_of(bytes, PART_HEAD);
	b->scope_name = last_of(b->scope, SCOPE_NAME);
	each_item(b, bytes, PART_ITEMS, read_record);
}

static void read_resource(struct batch *b, struct slice bytes)
{
	struct record r = {0};
	b->resource = last_of(bytes, PART_HEAD);
	if (!take_attributes(b, &r, b->resource, RESOURCE_ATTRIBUTES)) {
		decoder_lose(b->d, UNDECODABLE_NOT_PROTOBUF);
		return;
	}
	b->service = r.service;
	b->service_namespace = r.service_namespace;
	b->service_instance = r.service_instance;
	b->resource_number++;
	each_item(b, bytes, PART_ITEMS, read_scope);
}

/* --- logs or spans? --- */

enum { IS_LOG = 1, IS_SPAN = 2, IS_NEITHER = 4 };

/* What the type of a record's field says; 0 if it fits both. */
static unsigned evidence(const struct wire_field *f)
{
	/* number: 1 time | trace_id; 2 severity | span_id; 6 attribute | kind; 7 dropped | start; 8 flags | end; 11 observed | event; the rest are bytes in both */
	static const unsigned char types[17][6] = {
		[1] = {[WIRE_FIXED64] = IS_LOG, [WIRE_BYTES] = IS_SPAN}, [2] = {[WIRE_VARINT] = IS_LOG, [WIRE_BYTES] = IS_SPAN}, [6] = {[WIRE_BYTES] = IS_LOG, [WIRE_VARINT] = IS_SPAN},
		[7] = {[WIRE_VARINT] = IS_LOG, [WIRE_FIXED64] = IS_SPAN}, [8] = {[WIRE_FIXED32] = IS_LOG, [WIRE_FIXED64] = IS_SPAN}, [11] = {[WIRE_FIXED64] = IS_LOG, [WIRE_BYTES] = IS_SPAN},
		[10] = {[WIRE_VARINT] = IS_SPAN}, [13] = {[WIRE_BYTES] = IS_SPAN}, [14] = {[WIRE_VARINT] = IS_SPAN}, [15] = {[WIRE_BYTES] = IS_SPAN}, [16] = {[WIRE_FIXED32] = IS_SPAN},
	};
	static const unsigned char decided[17] = {[1] = 1, [2] = 1, [6] = 1, [7] = 1, [8] = 1, [11] = 1, [13] = 1, [14] = 1, [15] = 1, [16] = 1};
	if (f->number > 16)
		return 0;
	unsigned found = types[f->number][f->type <= WIRE_FIXED32 ? f->type : 0];
	return found || !decided[f->number] ? found : IS_NEITHER;
}

static unsigned classify_record(struct slice bytes)
{
	struct wire w = wire_of(bytes);
	struct wire_field f;
	unsigned found = 0;
	int rc;
	while ((rc = wire_step(&w, &f)) == 1)
		found |= evidence(&f);
	return rc < 0 ? 0 : found;
}

/* The first records that tell decide for the whole payload. Neither: a metric's name is bytes as a trace id is, but its data points are not where a span
 * has its times. */
static unsigned classify(struct slice message, unsigned level)
{
	struct wire w = wire_of(message);
	struct wire_field f;
	unsigned found = 0;
	while (!found && wire_step(&w, &f) == 1) {
		if (f.type != WIRE_BYTES || f.number != (level == 0 ? 1 : PART_ITEMS))
			continue;
		found = level == 2 ? classify_record(f.bytes) : classify(f.bytes, level + 1);
	}
	return found;
}

/* Whether a message is nothing but bytes with these numbers, as the upper levels of a batch are; what later versions may add has higher numbers. */
static bool only(struct slice message, uint32_t numbers)
{
	struct wire w = wire_of(message);
	struct wire_field f;
	int rc;
	while ((rc = wire_step(&w, &f)) == 1)
		if (f.number < 16 && (f.type != WIRE_BYTES || !(numbers >> f.number & 1)))
			return false;
	return rc == 0;
}

bool otlp_proto_sniff(struct slice payload)
{
	struct wire w = wire_of(payload), inside;
	struct wire_field f, part;
	if (payload.len < 2 || payload.ptr[0] != 0x0A || !only(payload, 1 << 1) || wire_step(&w, &f) != 1)
		return false;
	if (!only(f.bytes, 1 << 1 | 1 << 2 | 1 << 3))
		return false;
	for (inside = wire_of(f.bytes); wire_step(&inside, &part) == 1;)
		if (part.number == PART_ITEMS)
			return only(part.bytes, 1 << 1 | 1 << 2 | 1 << 3) && classify(part.bytes, 2) != IS_NEITHER;
	return f.bytes.len == 0 || part.number == PART_HEAD;
}

void otlp_proto_read(struct decoder *d, struct slice payload)
{
	unsigned found = classify(payload, 0);
	struct batch b = {.d = d, .kind = found & IS_SPAN ? RECORD_SPAN : RECORD_LOG};
	size_t before = d->undecodable;
	if (found & IS_NEITHER || found == (IS_LOG | IS_SPAN)) {
		decoder_lose(d, UNDECODABLE_UNSUPPORTED);
		return;
	}
	each_item(&b, payload, 1, read_resource);
	if (d->len == 0 && d->undecodable == before && payload.len && !only(payload, 1 << 1))
		decoder_lose(d, UNDECODABLE_WRONG_TYPE);
}
