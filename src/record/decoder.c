/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads to records.
 *
 * Idea: a table with one row per format; a row's function reads a payload and calls decoder_add, decoder_drop and decoder_lose. A binary format's row can
 * also tell from the first bytes whether a payload is its own. Formats are told apart at each payload, by these bytes or by the document itself, so a
 * topic may mix them; what is remembered from payload to payload is only which shape goes with which set of field names (shape.h).
 *
 * Invariants: every record of a payload is either in the list or counted in `undecodable`, never both. Views point into the payload, into a parser's
 * buffers or into the arena; as soon as a payload has more than one document, documents move to the arena, because a parser keeps only its last.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/wire.h"
#include "record/duration.h"
#include "record/otlp.h"
#include "record/part.h"
#include "record/reader.h"
#include "record/text_header.h"
#include "record/timestamp.h"
#include "record/trace_header.h"
#include "record/trace_id.h"

#include <stdio.h>
#include <stdlib.h>

enum { SCHEMA_PREFIX = 5 };


typedef void read_fn(struct decoder *d, struct slice payload);
static read_fn read_auto, read_json, read_text, read_otlp, read_msgpack, read_zipkin, read_jaeger;

/* In this order the binary ones are tried, behind OTLP. */
static const struct {
	const char *name;
	read_fn *read;
	bool (*sniff)(struct slice payload);
} formats[FORMAT_COUNT] = {
	[FORMAT_AUTO] = {"auto", read_auto, NULL},
	[FORMAT_JSON] = {"json", read_json, NULL},
	[FORMAT_OTLP_JSON] = {"otlp_json", read_json, NULL},
	[FORMAT_OTLP_PROTO] = {"otlp_proto", read_otlp, NULL},
	[FORMAT_MSGPACK] = {"msgpack", read_msgpack, msgpack_sniff},
	[FORMAT_ZIPKIN] = {"zipkin", read_zipkin, zipkin_proto_sniff},
	[FORMAT_JAEGER] = {"jaeger", read_jaeger, jaeger_proto_sniff},
	[FORMAT_TEXT] = {"text", read_text, NULL},
};

const char *const *format_names(void)
{
	static const char *const names[FORMAT_COUNT + 1] = {"auto", "json", "otlp_json", "otlp_proto", "msgpack", "zipkin", "jaeger", "text", NULL};
	return names;
}

enum format format_by_name(struct slice name)
{
	for (unsigned i = 0; i < FORMAT_COUNT; i++)
		if (slice_eq(name, slice_str(formats[i].name)))
			return (enum format)i;
	return FORMAT_COUNT;
}

const char *undecodable_name(enum undecodable reason)
{
	static const char *const names[UNDECODABLE_COUNT] = {"none", "null", "empty", "too_large", "not_utf8", "nul", "not_json", "truncated", "too_deep", "number",
		"wrong_type", "duplicate_key", "time", "unsupported", "not_protobuf", "not_msgpack", "gzip", "zstd", "snappy", "schema_avro", "schema_protobuf"};
	return (unsigned)reason < UNDECODABLE_COUNT ? names[reason] : names[UNDECODABLE_NONE];
}

struct decoder *decoder_new(const struct decoder_opts *opts)
{
	struct decoder *d = mem_zalloc(1, sizeof(*d));
	d->opts = *opts;
	key_table_init(&d->keys);
	shape_table_init(&d->shapes, &d->keys);
	for (unsigned i = 0; i < PARSERS; i++) {
		d->parsers[i] = json_parser_new();
		if (!d->parsers[i])
			abort();
	}
	return d;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < PARSERS; i++)
		json_parser_free(d->parsers[i]);
	arena_done(&d->arena);
	buf_done(&d->scratch);
	buf_done(&d->tape);
	buf_done(&d->strings);
	packed_done(&d->packed);
	free(d->records);
	free(d);
}

void decoder_set_zone(struct decoder *d, const struct zone *zone)
{
	d->zone = zone;
}

void decoder_grow(struct decoder *d)
{
	size_t before = d->cap;
	d->records = mem_grow(d->records, d->len, &d->cap, sizeof(*d->records));
	for (size_t i = before; i < d->cap; i++)
		d->records[i].plain = false;
}

void decoder_lose(struct decoder *d, enum undecodable reason)
{
	if (d->undecodable++ == 0)
		d->reason = reason;
}

void decoder_drop(struct decoder *d, enum undecodable reason)
{
	d->len--;
	decoder_lose(d, reason);
}

const char *const decoder_members[] = {"time", "severity", "service", "message", "logger", "trace_id", "span_id", "duration", NULL};

static bool set_time(const struct decoder *d, struct record *r, struct slice text)
{
	struct timestamp t;
	if (!timestamp_parse_near(text, d->now_ns, &t) || !t.dated)
		return false;
	r->time_ns = decoder_utc(d, t.ns > 0 ? t.ns : 1, &t.zoned);
	return true;
}

/* A text into the member with this number in decoder_members; false if it cannot be that. */
static bool set_member(struct decoder *d, struct record *r, size_t member, struct slice text)
{
	struct slice *const texts[] = {&r->service, r->kind == RECORD_SPAN ? &r->name : &r->message, &r->logger, &r->trace_id, &r->span_id};
	enum severity severity;
	switch (member) {
	case 0:
		return set_time(d, r, text);
	case 1:
		severity = level_parse(text, LEVEL_GUESS);
		r->severity = severity != SEVERITY_UNKNOWN ? severity : r->severity;
		return severity != SEVERITY_UNKNOWN;
	case 7:
		return duration_parse(text, NS_PER_MS, &r->duration_ns);
	case 5:
		text = trace_id_of(text, &d->arena, &r->span_id);
		break;
	case 6:
		text = span_id_of(text, &d->arena);
		break;
	default:
		break;
	}
	if (text.len)
		*texts[member - 2] = text;
	return text.len > 0;
}

static void note_configured(struct decoder *d, const char *member, const char *path)
{
	struct buf text = {0};
	buf_printf(&text, "%s, as configured", path);
	decoder_note(d, member, buf_slice(&text));
	buf_done(&text);
}

/* What the configuration says about where members are; a path that is not there, or holds something else, leaves what the shape found. */
void decoder_take_configured(struct decoder *d, struct record *r)
{
	const struct record_fields *f = r->fields;
	for (size_t i = 0; f && f->find && i < d->opts.fields_len; i++) {
		const struct decoder_field *field = &d->opts.fields[i];
		size_t member = 0;
		struct slice text;
		while (decoder_members[member] && strcmp(decoder_members[member], field->member) != 0)
			member++;
		for (const char *const *path = field->paths; *path && decoder_members[member]; path++) {
			if (!f->find(f, slice_str(*path), &text) || text.len == 0 || !set_member(d, r, member, text))
				continue;
			if (noting(d))
				note_configured(d, field->member, *path);
			break;
		}
	}
}

/* Where a member stands in the order of notes. */
static size_t rank(const char *member)
{
	static const char *const order[] = {"envelope", "time", "severity", "service", "message", "template", "logger", "trace_id", "span_id", "parent_span_id", "duration",
		"http_status", "http_method", "http_route", "http_path", "exception_type", "name"};
	size_t i = 0;
	while (i < sizeof(order) / sizeof(order[0]) && strcmp(order[i], member) != 0)
		i++;
	return i;
}

void decoder_note(struct decoder *d, const char *member, struct slice source)
{
	size_t i = 0, mine = rank(member);
	if (!noting(d) || d->notes_len == NOTES_MAX)
		return;
	while (i < d->notes_len && rank(d->notes[i].member) < mine)
		i++;
	if (i == d->notes_len || rank(d->notes[i].member) != mine) {
		memmove(&d->notes[i + 1], &d->notes[i], (d->notes_len - i) * sizeof(d->notes[0]));
		d->notes_len++;
	}
	d->notes[i] = (struct decode_note){.member = member, .source = arena_copy(&d->arena, source)};
}

void decoder_note_zone(struct decoder *d, bool zoned_by_itself)
{
	struct buf text = {0};
	size_t i = 0;
	while (i < d->notes_len && strcmp(d->notes[i].member, "time") != 0)
		i++;
	if (!noting(d) || zoned_by_itself || i == d->notes_len)
		return;
	buf_add_slice(&text, d->notes[i].source);
	buf_printf(&text, d->zone ? ", which names no zone: in %s, as configured" : ", which names no zone: taken for UTC", d->zone ? zone_name(d->zone) : "");
	d->notes[i].source = arena_copy(&d->arena, buf_slice(&text));
	buf_done(&text);
}

const struct decode_note *decoder_notes(const struct decoder *d, size_t *ret_len)
{
	*ret_len = d->notes_len;
	return d->notes;
}

/* Cold: the parser said no; what does the text look like? */
static enum undecodable reason_of(enum json_status status, struct slice text)
{
	static const enum undecodable faults[] = {[JSON_FAULT_NONE] = UNDECODABLE_NUMBER, [JSON_FAULT_SYNTAX] = UNDECODABLE_NOT_JSON,
		[JSON_FAULT_TRUNCATED] = UNDECODABLE_TRUNCATED, [JSON_FAULT_DEPTH] = UNDECODABLE_TOO_DEEP};
	if (status == JSON_MEMORY)
		abort();
	if (status == JSON_DEPTH)
		return UNDECODABLE_TOO_DEEP;
	if (!slice_is_utf8(text))
		return UNDECODABLE_NOT_UTF8;
	if (memchr(text.ptr, 0, text.len))
		return UNDECODABLE_NUL;
	return faults[json_fault(text)];
}

static void keep_document(struct decoder *d, struct json *json, size_t len)
{
	size_t words = (size_t)(json->tape[0] & UINT32_MAX);
	uint64_t *tape = arena_alloc(&d->arena, words * sizeof(*tape));
	unsigned char *strings = arena_alloc(&d->arena, len);
	json->tape = memcpy(tape, json->tape, words * sizeof(*tape));
	json->strings = memcpy(strings, json->strings, len);
}

enum undecodable decoder_parsed(struct decoder *d, unsigned which, enum json_status status, struct slice text, struct json *ret)
{
	if (status != JSON_OK)
		return reason_of(status, text);
	keep_document(d, ret, json_parser_bytes(d->parsers[which]));
	return UNDECODABLE_NONE;
}

static struct slice without_bom(struct slice payload)
{
	return slice_starts(payload, SLICE("\xEF\xBB\xBF")) ? slice_sub(payload, 3, payload.len) : payload;
}

/* Text to be read, without blanks around it; false, and the loss is counted, if it is none. */
static bool as_text(struct decoder *d, struct slice payload, struct slice *ret)
{
	*ret = slice_trim(without_bom(payload));
	if (ret->len == 0)
		decoder_lose(d, UNDECODABLE_EMPTY);
	return ret->len > 0;
}

/* A schema registry's prefix: a zero, and the schema's number in four bytes. */
static bool has_schema(struct slice payload)
{
	return payload.len > SCHEMA_PREFIX && payload.ptr[0] == 0 && memcmp(payload.ptr + 1, "\0\0\0\0", 4) != 0;
}

static void note_schema(struct decoder *d, struct slice payload)
{
	char text[64];
	const unsigned char *p = (const unsigned char *)payload.ptr;
	if (!noting(d))
		return;
	snprintf(text, sizeof(text), "behind a schema registry's prefix, schema %u", (unsigned)p[1] << 24 | (unsigned)p[2] << 16 | (unsigned)p[3] << 8 | p[4]);
	decoder_note(d, "envelope", slice_str(text));
}

/* Behind the prefix of a protobuf schema: which message of the schema, as a list of indexes; its length, or 0. */
static size_t indexes_len(struct slice body)
{
	struct wire w = wire_of(body);
	uint64_t count, index;
	if (!wire_read_varint(&w, &count) || wire_zigzag(count) < 0 || wire_zigzag(count) > 16)
		return 0;
	for (int64_t i = wire_zigzag(count); i > 0; i--)
		if (!wire_read_varint(&w, &index))
			return 0;
	return (size_t)((const char *)w.next - body.ptr);
}

static bool is_message(struct slice body)
{
	struct wire w = wire_of(body);
	struct wire_field f;
	int rc;
	while ((rc = wire_next(&w, &f)) == 1)
		;
	return body.len > 0 && rc == 0;
}

static void read_schema(struct decoder *d, struct slice payload)
{
	struct slice body = slice_sub(payload, SCHEMA_PREFIX, payload.len), text = slice_trim(body);
	size_t indexes = indexes_len(body);
	struct slice message = slice_sub(body, indexes, body.len);
	if (text.len && strchr("{[\"", text.ptr[0]) && text.ptr[0])
		json_document_read(d, text);
	else if (indexes && otlp_proto_sniff(message))
		otlp_proto_read(d, message);
	else
		decoder_lose(d, indexes && is_message(message) ? UNDECODABLE_SCHEMA_PROTOBUF : UNDECODABLE_SCHEMA_AVRO);
	note_schema(d, payload);
}

static void read_json(struct decoder *d, struct slice payload)
{
	struct slice text;
	if (has_schema(payload))
		read_schema(d, payload);
	else if (as_text(d, payload, &text))
		json_document_read(d, text);
}

static bool is_clean(struct slice text, enum undecodable *ret_reason)
{
	*ret_reason = !slice_is_utf8(text) ? UNDECODABLE_NOT_UTF8 : memchr(text.ptr, 0, text.len) ? UNDECODABLE_NUL : UNDECODABLE_NONE;
	return *ret_reason == UNDECODABLE_NONE;
}

static void read_text(struct decoder *d, struct slice payload)
{
	struct slice text;
	enum undecodable reason;
	if (!as_text(d, payload, &text))
		return;
	if (is_clean(text, &reason))
		text_payload_read(d, without_bom(payload));
	else
		decoder_lose(d, reason);
}

static void read_otlp(struct decoder *d, struct slice payload)
{
	struct slice text = slice_trim(payload);
	if (text.len && text.ptr[0] == '{' && !otlp_proto_sniff(payload))
		json_document_read(d, text);
	else
		otlp_proto_read(d, payload);
}

static void read_msgpack(struct decoder *d, struct slice payload)
{
	msgpack_read(d, payload);
}

static void read_zipkin(struct decoder *d, struct slice payload)
{
	if (payload.ptr[0] == 0x0A && zipkin_proto_sniff(payload))
		zipkin_proto_read(d, payload);
	else
		read_json(d, payload);
}

static void read_jaeger(struct decoder *d, struct slice payload)
{
	if (payload.ptr[0] == 0x0A && jaeger_proto_sniff(payload))
		jaeger_proto_read(d, payload);
	else
		read_json(d, payload);
}

/* Why bytes that no format claims are nothing. */
static enum undecodable reason_of_unknown(struct slice payload, struct slice text)
{
	enum undecodable reason;
	struct wire w = wire_of(payload);
	struct wire_field f;
	uint64_t len;
	if (is_clean(text, &reason))
		return UNDECODABLE_NOT_JSON;
	/* a batch in protobuf begins with the length of its first part */
	if (payload.ptr[0] != 0x0A)
		return reason;
	w.next++;
	if (!wire_read_varint(&w, &len) || len > (uint64_t)(w.end - w.next))
		return UNDECODABLE_TRUNCATED;
	w = wire_of(payload);
	return wire_next(&w, &f) == 1 ? UNDECODABLE_NOT_PROTOBUF : reason;
}

/* The text with the blanks around it: pieces of a line begin and end with any. */
static struct slice raw_text(struct slice payload, struct slice text)
{
	payload = without_bom(payload);
	return text.ptr >= payload.ptr ? payload : text;
}

/* Whether a text has a header that tells; it is kept for who reads the text. */
static bool has_header(struct decoder *d, struct slice text)
{
	if (d->header_of.ptr != text.ptr || d->header_of.len != text.len)
		text_header_read(text, &d->times, &d->header);
	d->header_of = text;
	return text_header_tells(&d->header);
}

static void read_lines_or_text(struct decoder *d, struct slice payload, struct slice text)
{
	enum undecodable reason;
	bool bracket = text.ptr[0] == '[', letter = text.ptr[0] == '{' || text.ptr[0] == '"' || text.ptr[0] == '\x1E';
	if (letter || (bracket && !(is_clean(text, &reason) && has_header(d, text))))
		json_document_read(d, text);
	else if (is_clean(text, &reason) && (has_header(d, text) || logfmt_is(d, text) || part_of_trace(raw_text(payload, text)) != PART_WHOLE))
		text_payload_read(d, raw_text(payload, text));
	else
		decoder_lose(d, reason_of_unknown(payload, text));
}

static __attribute__((noinline)) void read_any(struct decoder *d, struct slice payload)
{
	struct slice text;
	unsigned char first = (unsigned char)payload.ptr[0];
	if (has_schema(payload)) {
		read_schema(d, payload);
		return;
	}
	if (first == 0x0A && otlp_proto_try(d, payload))
		return;
	if (first == 0x0A || first >= 0x80)
		for (unsigned i = 0; i < FORMAT_COUNT; i++)
			if (formats[i].sniff && formats[i].sniff(payload)) {
				formats[i].read(d, payload);
				return;
			}
	if (as_text(d, payload, &text))
		read_lines_or_text(d, payload, text);
}

/* What most payloads are is known by its ends. */
static void read_auto(struct decoder *d, struct slice payload)
{
	if (payload.ptr[0] == '{' && (unsigned char)payload.ptr[payload.len - 1] > ' ')
		json_document_read(d, payload);
	else
		read_any(d, payload);
}

/* In front of what else is said of envelopes. */
static void note_packed(struct decoder *d, const char *kind)
{
	struct buf text = {0};
	if (!noting(d))
		return;
	bool more = d->notes_len && strcmp(d->notes[0].member, "envelope") == 0;
	buf_printf(&text, "packed: %s%s", kind, more ? "; " : "");
	if (more)
		buf_add_slice(&text, d->notes[0].source);
	decoder_note(d, "envelope", buf_slice(&text));
	buf_done(&text);
}

static void read_payload(struct decoder *d, struct slice payload)
{
	enum undecodable reason = UNDECODABLE_NONE;
	const char *packed = payload.ptr[0] == '{' ? NULL : packed_kind(payload); /* JSON is none of them */
	if (packed) {
		reason = packed_open(&d->packed, payload);
		payload = buf_slice(&d->packed.plain);
	}
	d->payload_end = payload.ptr + payload.len;
	if (reason || payload.len == 0)
		decoder_lose(d, reason ? reason : UNDECODABLE_EMPTY);
	else
		formats[d->opts.format].read(d, payload);
	if (packed)
		note_packed(d, packed);
}

static void note_header(struct decoder *d, const char *member, struct slice name)
{
	struct buf text = {0};
	if (!noting(d))
		return;
	buf_add_str(&text, "header ");
	buf_add_slice(&text, name);
	decoder_note(d, member, buf_slice(&text));
	buf_done(&text);
}

/* The trace of a log record that does not name its own: who logs by a producer of its own sends each record in the trace that it is about. */
static __attribute__((noinline)) void take_headers(struct decoder *d, const struct message_headers *headers, struct record *r)
{
	struct trace_header h;
	if (!trace_header_read(headers, &d->arena, &h))
		return;
	r->trace_id = h.trace_id;
	note_header(d, "trace_id", h.trace_name);
	if (r->span_id.len || h.span_id.len == 0)
		return;
	r->span_id = h.span_id;
	note_header(d, "span_id", h.span_name);
}

void decoder_decode(struct decoder *d, struct slice payload, int64_t now_ns, struct decoded *ret)
{
	decoder_decode_message(d, &(struct decoder_message){.payload = payload}, now_ns, ret);
}

void decoder_decode_message(struct decoder *d, const struct decoder_message *m, int64_t now_ns, struct decoded *ret)
{
	struct slice payload = m->payload;
	arena_reset(&d->arena);
	d->before = m->before;
	d->header_of = slice_of(NULL, 0);
	d->len = d->undecodable = d->notes_len = 0;
	d->layers_read = 0;
	d->reason = UNDECODABLE_NONE;
	d->now_ns = now_ns;
	d->many = d->batch = false;
	d->depth = 0;
	d->batch_time_ns = 0;
	if (!payload.ptr)
		decoder_lose(d, UNDECODABLE_NULL);
	else if (payload.len == 0)
		decoder_lose(d, UNDECODABLE_EMPTY);
	else if (payload.len > DECODER_LARGEST)
		decoder_lose(d, UNDECODABLE_TOO_LARGE);
	else
		read_payload(d, payload);
	if (m->headers && d->len == 1 && d->undecodable == 0 && !d->batch && d->records->kind == RECORD_LOG && d->records->trace_id.len == 0)
		take_headers(d, m->headers, d->records);
	*ret = (struct decoded){.records = d->records, .len = d->len, .reason = d->reason, .undecodable = d->undecodable};
}
