/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads to records.
 *
 * Idea: a table with one row per format; a row's function reads a payload and calls decoder_add, decoder_drop and decoder_lose. The JSON family tells its
 * members apart by the document itself: an object with resourceLogs or resourceSpans is an OTLP batch, an array is many records, a string is parsed again or
 * is a line of text, and what fails as one document may still be JSON lines.
 *
 * Invariants: every record of a payload is either in the list or counted in `undecodable`, never both. Views point into the payload, into a parser's
 * buffers or into the arena; as soon as a payload has more than one document, documents move to the arena, because a parser keeps only its last.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "record/reader.h"

#include <stdlib.h>

enum { LARGEST_PAYLOAD = 8 * 1024 * 1024 };

static const int64_t EARLIEST_NS = INT64_C(946684800) * NS_PER_S; /* 2000-01-01 */
static const int64_t AHEAD_NS = INT64_C(3653) * 86400 * NS_PER_S;

typedef void read_fn(struct decoder *d, struct slice payload);
static read_fn read_auto, read_json, read_text, read_unsupported;

static const struct {
	const char *name;
	read_fn *read;
} formats[FORMAT_COUNT] = {
	[FORMAT_AUTO] = {"auto", read_auto},
	[FORMAT_JSON] = {"json", read_json},
	[FORMAT_OTLP_JSON] = {"otlp_json", read_json},
	[FORMAT_OTLP_PROTO] = {"otlp_proto", read_unsupported},
	[FORMAT_MSGPACK] = {"msgpack", read_unsupported},
	[FORMAT_ZIPKIN] = {"zipkin", read_unsupported},
	[FORMAT_JAEGER] = {"jaeger", read_unsupported},
	[FORMAT_TEXT] = {"text", read_text},
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
		"wrong_type", "duplicate_key", "time", "unsupported"};
	return (unsigned)reason < UNDECODABLE_COUNT ? names[reason] : names[UNDECODABLE_NONE];
}

struct decoder *decoder_new(const struct decoder_opts *opts)
{
	struct decoder *d = mem_zalloc(1, sizeof(*d));
	d->opts = *opts;
	key_table_init(&d->keys);
	shape_table_init(&d->shapes);
	for (unsigned i = 0; i < DOCUMENTS; i++) {
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
	for (unsigned i = 0; i < DOCUMENTS; i++)
		json_parser_free(d->parsers[i]);
	arena_done(&d->arena);
	buf_done(&d->scratch);
	free(d->records);
	free(d);
}

struct record *decoder_add(struct decoder *d)
{
	d->records = mem_grow(d->records, d->len, &d->cap, sizeof(*d->records));
	struct record *r = &d->records[d->len++];
	*r = (struct record){.duration_ns = -1};
	if (d->len == 1)
		d->notes_len = 0;
	d->time_zoned = false;
	return r;
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

enum undecodable decoder_finish(struct decoder *d, struct record *r)
{
	if (r->time_ns < 0)
		r->time_ns = 0;
	if (r->time_ns != 0 && (r->time_ns < EARLIEST_NS || (d->now_ns > 0 && r->time_ns - AHEAD_NS > d->now_ns)))
		return UNDECODABLE_TIME;
	r->error |= r->severity >= SEVERITY_ERROR || r->http_status >= 500;
	return UNDECODABLE_NONE;
}

/* Where a member stands in the order of notes. */
static size_t rank(const char *member)
{
	static const char *const order[] = {"time", "severity", "service", "message", "template", "logger", "trace_id", "span_id", "parent_span_id", "duration",
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

static void keep_document(struct decoder *d, struct json *json, size_t text_len)
{
	size_t words = (size_t)(json->tape[0] & UINT32_MAX), bytes = json_strings_bound(text_len);
	uint64_t *tape = arena_alloc(&d->arena, words * sizeof(*tape));
	unsigned char *strings = arena_alloc(&d->arena, bytes);
	json->tape = memcpy(tape, json->tape, words * sizeof(*tape));
	json->strings = memcpy(strings, json->strings, bytes);
}

enum undecodable decoder_parse(struct decoder *d, unsigned which, struct slice text, struct json *ret)
{
	enum json_status status = json_parser_parse(d->parsers[which], text.ptr, text.len, ret);
	if (status != JSON_OK)
		return reason_of(status, text);
	if (d->many)
		keep_document(d, ret, text.len);
	return UNDECODABLE_NONE;
}

static bool is_otlp(const struct json *json, uint32_t root)
{
	for (uint32_t i = json_first(root), end = json_end(json, root); i < end; i = json_next(json, i + 1)) {
		struct slice key = json_string(json, i);
		if (slice_starts(key, SLICE("resource")) && (slice_eq(key, SLICE("resourceLogs")) || slice_eq(key, SLICE("resourceSpans"))))
			return true;
	}
	return false;
}

static void read_object(struct decoder *d, const struct json *json, uint32_t at)
{
	bool otlp = d->opts.format != FORMAT_JSON && is_otlp(json, at);
	if (otlp || (d->opts.format == FORMAT_OTLP_JSON && json_first(at) >= json_end(json, at)))
		otlp_json_read(d, json, at);
	else if (d->opts.format == FORMAT_OTLP_JSON)
		decoder_lose(d, UNDECODABLE_WRONG_TYPE);
	else
		json_log_read(d, json, at);
}

static void read_array(struct decoder *d, const struct json *json)
{
	d->many = true;
	for (uint32_t i = json_first(JSON_ROOT), end = json_end(json, JSON_ROOT); i < end; i = json_next(json, i))
		if (json_is_object(json, i))
			read_object(d, json, i);
		else
			decoder_lose(d, UNDECODABLE_WRONG_TYPE);
}

/* A string is a payload that was encoded twice, or a line of text. */
static void read_string(struct decoder *d, struct slice text)
{
	struct json json;
	text = arena_copy(&d->arena, slice_trim(text));
	if (text.len == 0)
		decoder_lose(d, UNDECODABLE_EMPTY);
	else if (!strchr("{[", text.ptr[0]) || decoder_parse(d, 0, text, &json))
		text_log_read(d, text);
	else if (json_is_object(&json, JSON_ROOT))
		read_object(d, &json, JSON_ROOT);
	else
		read_array(d, &json);
}

static void read_document(struct decoder *d, const struct json *json)
{
	switch (json_type(json, JSON_ROOT)) {
	case '{':
		read_object(d, json, JSON_ROOT);
		break;
	case '[':
		read_array(d, json);
		break;
	case '"':
		read_string(d, json_string(json, JSON_ROOT));
		break;
	default:
		decoder_lose(d, UNDECODABLE_WRONG_TYPE);
		break;
	}
}

/* Each line a document. False, and nothing done, if no line is one: then it is no JSON lines but one broken document. */
static bool read_lines(struct decoder *d, struct slice payload)
{
	struct json json;
	bool any = false;
	d->many = true;
	for (size_t from = 0, end; from < payload.len; from = end + 1) {
		end = slice_find(payload, '\n', from);
		struct slice line = slice_trim(slice_sub(payload, from, end - from));
		if (line.len == 0)
			continue;
		enum undecodable reason = decoder_parse(d, 0, line, &json);
		if (reason) {
			decoder_lose(d, reason);
			continue;
		}
		any |= line.ptr[0] == '{';
		read_document(d, &json);
	}
	if (!any) {
		d->len = d->undecodable = 0;
		d->reason = UNDECODABLE_NONE;
	}
	return any;
}

static void read_json(struct decoder *d, struct slice payload)
{
	struct json json;
	enum undecodable reason = decoder_parse(d, 0, payload, &json);
	if (reason == UNDECODABLE_NONE) {
		read_document(d, &json);
		return;
	}
	bool lines = payload.ptr[0] == '{' && memchr(payload.ptr, '\n', payload.len);
	if (!lines || !read_lines(d, payload))
		decoder_lose(d, reason);
}

static void read_auto(struct decoder *d, struct slice payload)
{
	if (!strchr("{[\"", payload.ptr[0]) || payload.ptr[0] == 0) {
		bool utf8 = slice_is_utf8(payload), nul = memchr(payload.ptr, 0, payload.len) != NULL;
		decoder_lose(d, !utf8 ? UNDECODABLE_NOT_UTF8 : nul ? UNDECODABLE_NUL : UNDECODABLE_NOT_JSON);
		return;
	}
	read_json(d, payload);
}

static void read_text(struct decoder *d, struct slice payload)
{
	if (!slice_is_utf8(payload))
		decoder_lose(d, UNDECODABLE_NOT_UTF8);
	else if (memchr(payload.ptr, 0, payload.len))
		decoder_lose(d, UNDECODABLE_NUL);
	else
		text_log_read(d, payload);
}

static void read_unsupported(struct decoder *d, struct slice payload)
{
	(void)payload;
	decoder_lose(d, UNDECODABLE_UNSUPPORTED);
}

static struct slice without_bom(struct slice payload)
{
	return slice_starts(payload, SLICE("\xEF\xBB\xBF")) ? slice_sub(payload, 3, payload.len) : payload;
}

void decoder_decode(struct decoder *d, struct slice payload, int64_t now_ns, struct decoded *ret)
{
	arena_reset(&d->arena);
	d->len = d->undecodable = d->notes_len = 0;
	d->reason = UNDECODABLE_NONE;
	d->now_ns = now_ns;
	d->many = false;
	d->envelope = NULL;
	d->inside_json = false;
	struct slice text = payload.len > LARGEST_PAYLOAD || !payload.ptr ? payload : slice_trim(without_bom(payload));
	if (!payload.ptr)
		decoder_lose(d, UNDECODABLE_NULL);
	else if (text.len == 0)
		decoder_lose(d, UNDECODABLE_EMPTY);
	else if (text.len > LARGEST_PAYLOAD)
		decoder_lose(d, UNDECODABLE_TOO_LARGE);
	else
		formats[d->opts.format].read(d, text);
	*ret = (struct decoded){.records = d->records, .len = d->len, .reason = d->reason, .undecodable = d->undecodable};
}
