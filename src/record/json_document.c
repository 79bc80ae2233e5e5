/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payload of JSON: one document, or lines of them, or some one behind the other.
 *
 * Idea: an object's shape says what it is: a record, an OTLP batch, a span, a batch of some other kind. An array is many of these, a string is parsed
 * again or is a line of text, and what fails as one document may still be JSON lines, a text sequence of RFC 7464, in which a record separator (0x1E) stands before each
 * document, or objects without anything between them, as clients of Splunk's collector write them; those may go over several lines each.
 */
#include "record/otlp.h"
#include "record/reader.h"

enum { MOST_STRINGS = 8, SEPARATOR = 0x1E };

static enum shape_kind kind_for(const struct decoder *d)
{
	enum shape_kind kind = d->objects[0].row->shape->kind;
	switch (d->opts.format) {
	case FORMAT_JSON:
		return SHAPE_LOG;
	case FORMAT_OTLP_JSON:
	case FORMAT_OTLP_PROTO:
		return SHAPE_OTLP;
	case FORMAT_ZIPKIN:
		return SHAPE_ZIPKIN;
	case FORMAT_JAEGER:
		return kind == SHAPE_JAEGER_BATCH ? kind : SHAPE_JAEGER;
	default:
		return kind;
	}
}

static void read_otlp(struct decoder *d, const struct json *json, uint32_t root)
{
	const struct object *o = &d->objects[0];
	bool batch = key_set_has(&o->seen, KEY_RESOURCELOGS) || key_set_has(&o->seen, KEY_RESOURCESPANS) || key_set_has(&o->seen, KEY_SCOPELOGS) || key_set_has(&o->seen, KEY_SCOPESPANS);
	if (!batch && json_first(root) < json_end(json, root))
		decoder_lose(d, UNDECODABLE_WRONG_TYPE);
	else
		otlp_json_read(d, json, root);
}

static inline __attribute__((always_inline)) void read_object(struct decoder *d, const struct json *json, uint32_t root)
{
	enum undecodable reason = object_open(d, 0, json, root);
	if (reason) {
		decoder_lose(d, reason);
		return;
	}
	enum shape_kind kind = kind_for(d);
	switch (kind) {
	case SHAPE_LOG:
		json_log_read(d, 0);
		break;
	case SHAPE_OTLP:
		read_otlp(d, json, root);
		break;
	case SHAPE_ZIPKIN:
		zipkin_read(d);
		break;
	case SHAPE_JAEGER:
	case SHAPE_JAEGER_BATCH:
		jaeger_read(d);
		break;
	case SHAPE_OTHER_SIGNAL:
		decoder_lose(d, UNDECODABLE_UNSUPPORTED);
		break;
	default:
		batch_read(d, kind);
		break;
	}
}

void json_object_read(struct decoder *d, const struct json *json, uint32_t root)
{
	read_object(d, json, root);
}

static void read_array(struct decoder *d, const struct json *json);

/* A string is a payload that was encoded twice, or a line of text. */
static void read_string(struct decoder *d, struct slice text)
{
	struct json json;
	text = arena_copy(&d->arena, slice_trim(text));
	d->many = true;
	if (text.len == 0)
		decoder_lose(d, UNDECODABLE_EMPTY);
	else if (++d->depth > MOST_STRINGS)
		decoder_lose(d, UNDECODABLE_TOO_DEEP);
	else if (!strchr("{[\"", text.ptr[0]) || decoder_parse(d, STRING_PARSER, text, &json))
		text_log_read(d, text, 0);
	else if (json_is_object(&json, JSON_ROOT))
		json_object_read(d, &json, JSON_ROOT);
	else if (json_type(&json, JSON_ROOT) == '"')
		read_string(d, json_string(&json, JSON_ROOT));
	else
		read_array(d, &json);
	d->depth--;
}

/* A forwarder's [time, {..}] or [tag, time, {..}]: where the record is; 0 if the array is something else. */
static uint32_t timed_record(const struct json *json, uint32_t *ret_time)
{
	uint32_t i = json_first(JSON_ROOT), end = json_end(json, JSON_ROOT);
	i = i < end && json_type(json, i) == '"' ? json_next(json, i) : i;
	*ret_time = i;
	if (i >= end || !json_is_number(json, i))
		return 0;
	i = json_next(json, i);
	return i < end && json_is_object(json, i) && json_next(json, i) == end ? i : 0;
}

static bool read_timed(struct decoder *d, const struct json *json)
{
	bool zoned;
	enum undecodable reason = UNDECODABLE_NONE;
	uint32_t time, record = timed_record(json, &time);
	if (!record)
		return false;
	d->batch_time_ns = json_time(d, json, time, &zoned, &reason);
	if (reason || !decoder_time_is_sane(d, d->batch_time_ns)) {
		d->batch_time_ns = 0;
		return false;
	}
	json_object_read(d, json, record);
	d->batch_time_ns = 0;
	return true;
}

static void read_array(struct decoder *d, const struct json *json)
{
	d->many = true;
	if (read_timed(d, json))
		return;
	d->batch = true;
	for (uint32_t i = json_first(JSON_ROOT), end = json_end(json, JSON_ROOT); i < end; i = json_next(json, i))
		if (json_is_object(json, i))
			json_object_read(d, json, i);
		else if (json_type(json, i) == '"')
			read_string(d, json_string(json, i));
		else
			decoder_lose(d, UNDECODABLE_WRONG_TYPE);
}

static inline __attribute__((always_inline)) void read_document(struct decoder *d, const struct json *json)
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
	d->many = d->batch = true;
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
		any |= line.ptr[0] == '{' || line.ptr[0] == '[';
		read_document(d, &json);
	}
	if (!any) {
		d->len = d->undecodable = 0;
		d->reason = UNDECODABLE_NONE;
	}
	return any;
}

/* One of many documents. */
static bool read_part(struct decoder *d, struct slice part)
{
	struct json json;
	enum undecodable reason = decoder_parse(d, 0, part, &json);
	if (reason)
		decoder_lose(d, reason);
	else
		read_document(d, &json);
	return !reason;
}

static void read_sequence(struct decoder *d, struct slice payload)
{
	d->many = d->batch = true;
	for (size_t from = 0, end; from < payload.len; from = end) {
		end = slice_find(payload, SEPARATOR, from + 1);
		struct slice part = slice_trim(slice_sub(payload, from + 1, end - from - 1));
		if (part.len)
			read_part(d, part);
	}
	if (d->len == 0 && d->undecodable == 0)
		decoder_lose(d, UNDECODABLE_EMPTY);
}

/* Up to the brace that closes the object that text begins with; 0 if there is none. */
static size_t object_len(struct slice text)
{
	size_t depth = 0;
	bool quoted = false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '"')
			quoted = !quoted;
		else if (quoted)
			i += c == '\\';
		else if (c == '{')
			depth++;
		else if (c == '}' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* Objects one behind the other. False, and nothing done, if it is another thing that begins with an object. */
static bool read_objects(struct decoder *d, struct slice payload, size_t first)
{
	struct slice rest = slice_trim(slice_sub(payload, first, payload.len));
	if (rest.len == 0 || rest.ptr[0] != '{')
		return false;
	d->many = d->batch = true;
	if (!read_part(d, slice_sub(payload, 0, first))) {
		d->len = d->undecodable = 0;
		d->reason = UNDECODABLE_NONE;
		return false;
	}
	for (size_t n; rest.len; rest = slice_trim(slice_sub(rest, n, rest.len))) {
		n = rest.ptr[0] == '{' ? object_len(rest) : 0;
		n = n ? n : rest.len; /* the rest is one broken document */
		read_part(d, slice_sub(rest, 0, n));
	}
	return true;
}

void json_document_read(struct decoder *d, struct slice payload)
{
	struct json json;
	enum undecodable reason = decoder_parse(d, 0, payload, &json);
	if (reason == UNDECODABLE_NONE) {
		read_document(d, &json);
		return;
	}
	if (payload.ptr[0] == SEPARATOR) {
		read_sequence(d, payload);
		return;
	}
	bool lines = (payload.ptr[0] == '{' || payload.ptr[0] == '[') && memchr(payload.ptr, '\n', payload.len);
	size_t first = payload.ptr[0] == '{' ? object_len(payload) : 0;
	bool objects = first != 0 && first != slice_trim(slice_sub(payload, 0, slice_find(payload, '\n', 0))).len; /* the first is more or less than a line */
	if (!(objects && read_objects(d, payload, first)) && !(lines && read_lines(d, payload)))
		decoder_lose(d, reason);
}
