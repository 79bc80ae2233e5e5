/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP in its JSON encoding: a batch of log records or spans (opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding").
 *
 * Layout: resourceLogs[] / resourceSpans[] -> {resource, scopeLogs[] / scopeSpans[]} -> {scope, logRecords[] / spans[]}; the order of the fields is free, so
 * an object's fields are found before its records are read. Attributes are lists of {key, value: {stringValue | intValue | ..}}. What writers do beside the
 * specification is read as well: int64 as number or string, enums by number or by name, ids in base64, protobuf's own names (start_time_unix_nano), the names
 * that scopes had before 2022, and a resource's logs or spans without the list around them. A record that cannot be read costs itself alone.
 */
#include "record/attribute.h"
#include "record/nanos.h"
#include "record/otlp.h"
#include "record/otlp_json_form.h"
#include "record/span_parts.h"
#include "record/timestamp.h"
#include "record/trace_id.h"

enum { TRACE_DIGITS = 32, SPAN_DIGITS = 16 };

/* What lies around the records of a scope; in the decoder's arena. */
struct batch_around {
	struct json json;
	uint32_t resource, scope;
	uint32_t scope_attributes, resource_attributes; /* the lists; 0: none */
};

/* Where record_field looks. */
struct batch_fields {
	struct record_fields base;
	const struct batch_around *around;
	uint32_t root, attributes;
};

struct batch {
	struct decoder *d;
	const struct json *json;
	struct record blank; /* what all records of a scope have in common */
	struct batch_fields fields; /* likewise */
	struct slice trace_text, trace; /* of the record before: as it stands there, and what it means */
	uint32_t resource, resource_attributes;
	bool usual; /* spans of the usual form may be taken as such: nobody wants notes, and the configuration says nothing of where members are */
};

enum value_type { VALUE_NONE, VALUE_SCALAR, VALUE_ARRAY, VALUE_KVLIST };

/* What an AnyValue holds and where. */
static enum value_type any_value(const struct json *json, uint32_t at, uint32_t *ret_at)
{
	if (!json_is_object(json, at) || json_first(at) >= json_end(json, at))
		return VALUE_NONE;
	struct slice type = json_string(json, json_first(at));
	*ret_at = json_first(at) + 1;
	if (!slice_ends(type, SLICE("Value")) && !slice_ends(type, SLICE("_value")))
		return VALUE_NONE;
	if (type.ptr[0] == 'k')
		return VALUE_KVLIST;
	return type.ptr[0] == 'a' ? VALUE_ARRAY : VALUE_SCALAR;
}

/* Appends an AnyValue as the JSON that it stands for. Recursion: bounded by JSON_MAX_DEPTH. */
static void any_render(const struct json *json, uint32_t at, struct buf *out)
{
	uint32_t value = 0;
	enum value_type type = any_value(json, at, &value);
	if (type == VALUE_SCALAR && json_type(json, value) == '"' && json_string(json, value - 1).ptr[0] == 'i') {
		buf_add_slice(out, json_string(json, value)); /* int64 is text in JSON, for readers with nothing but doubles */
		return;
	}
	if (type == VALUE_NONE || type == VALUE_SCALAR) {
		json_render(json, type == VALUE_NONE ? at : value, out);
		return;
	}
	uint32_t list = json_member(json, value, SLICE("values"));
	buf_add_char(out, type == VALUE_KVLIST ? '{' : '[');
	for (uint32_t i = json_is_array(json, list) ? json_first(list) : 0, first = i; i && i < json_end(json, list); i = json_next(json, i)) {
		if (i != first)
			buf_add_char(out, ',');
		uint32_t item = i;
		if (type == VALUE_KVLIST) {
			buf_add_json_string(out, json_text(json, json_member(json, i, SLICE("key"))));
			buf_add_char(out, ':');
			item = json_member(json, i, SLICE("value"));
		}
		if (item)
			any_render(json, item, out);
		else
			buf_add_str(out, "null");
	}
	buf_add_char(out, type == VALUE_KVLIST ? '}' : ']');
}

static uint32_t scalar_of(const struct json *json, uint32_t at)
{
	uint32_t value = 0;
	return any_value(json, at, &value) == VALUE_SCALAR ? value : 0;
}

static struct attribute attribute_at(const struct json *json, uint32_t at)
{
	struct attribute a = {.truth = json_type(json, at) == 't'};
	if (json_type(json, at) == '"')
		return attribute_of_text(json_string(json, at));
	if (!json_i64(json, at, &a.number))
		json_double(json, at, &a.real);
	return a;
}

/* False if the list is no list. */
static bool take_attributes(struct batch *b, struct record *r, uint32_t list)
{
	const struct json *json = b->json;
	if (json_is_null(json, list))
		return true;
	if (!json_is_array(json, list))
		return false;
	for (uint32_t i = json_first(list), end = json_end(json, list); i < end; i = json_next(json, i)) {
		uint32_t name = json_member(json, i, SLICE("key"));
		if (!name || json_type(json, name) != '"')
			continue;
		unsigned key = key_find(&b->d->keys, json_string(json, name));
		uint32_t value = key ? scalar_of(json, json_member(json, i, SLICE("value"))) : 0;
		if (value) {
			struct attribute a = attribute_at(json, value);
			attribute_take(r, key, &a);
		}
	}
	return true;
}

static bool find(const struct record_fields *base, struct slice path, struct slice *ret)
{
	const struct batch_fields *f = (const struct batch_fields *)base;
	const struct json *json = &f->around->json;
	const uint32_t lists[] = {f->attributes, f->around->scope_attributes, f->around->resource_attributes};
	for (size_t i = 0; i < 3; i++) {
		uint32_t list = lists[i];
		for (uint32_t at = json_is_array(json, list) ? json_first(list) : 0; at && at < json_end(json, list); at = json_next(json, at)) {
			if (!slice_eq(json_text(json, json_member(json, at, SLICE("key"))), path))
				continue;
			uint32_t value = json_member(json, at, SLICE("value"));
			if (record_field_text(base, json, scalar_of(json, value), ret))
				return true;
			break;
		}
	}
	return record_field_text(base, json, json_find(json, f->root, path), ret);
}

static void write_span(const struct record_fields *base, const struct record *r, const struct span_parts *parts)
{
	const struct batch_fields *f = (const struct batch_fields *)base;
	otlp_json_write(&f->around->json, f->root, f->around->resource, f->around->scope, r, parts);
}

static bool resource_next(const struct record_fields *base, size_t *cursor, struct slice *ret_name, struct slice *ret_value)
{
	const struct batch_fields *f = (const struct batch_fields *)base;
	const struct json *json = &f->around->json;
	uint32_t list = f->around->resource_attributes;
	if (!list || !json_is_array(json, list))
		return false;
	for (uint32_t at = *cursor ? (uint32_t)*cursor : json_first(list); at < json_end(json, list);) {
		uint32_t name = json_member(json, at, SLICE("key")), value = json_member(json, at, SLICE("value"));
		at = json_next(json, at);
		*cursor = at;
		*ret_name = json_text(json, name);
		if (ret_name->len && record_field_text(base, json, scalar_of(json, value), ret_value))
			return true;
	}
	return false;
}

/* A resource's text, from its first name to the name behind it: as that is where the same bytes end, too, they say the same. Empty if it does not stand there in one piece. */
static struct slice text_of_resource(const struct json *json, uint32_t at)
{
	if (!json_is_object(json, at) || json_first(at) == json_end(json, at) || json_type(json, json_next(json, at)) != '"')
		return slice_of(NULL, 0);
	const char *first = json_string(json, json_first(at)).ptr, *behind = json_string(json, json_next(json, at)).ptr, *text = (const char *)json->strings;
	bool in_place = first < behind && behind < text + json->text_len; /* names with escapes are not */
	return slice_of(first, in_place ? (size_t)(behind - first) : 0);
}

static struct slice resource_bytes(const struct record_fields *base)
{
	const struct batch_around *around = ((const struct batch_fields *)base)->around;
	return text_of_resource(&around->json, around->resource);
}

static inline uint32_t value_of(const struct object *o, unsigned key)
{
	return key_set_has(&o->seen, key) && !json_is_null(&o->json, o->at[key]) ? o->at[key] : 0;
}

/* The value of a field, or of its other name. */
static inline uint32_t value_of_either(const struct object *o, unsigned key, unsigned other)
{
	uint32_t at = value_of(o, key);
	return at ? at : value_of(o, other);
}

static inline bool take_span_id(struct batch *b, const struct object *o, unsigned key, unsigned other, struct slice *ret)
{
	uint32_t at = value_of_either(o, key, other);
	if (!at)
		return true;
	if (json_type(b->json, at) != '"')
		return false;
	*ret = span_id_of(json_string(b->json, at), &b->d->arena);
	return true;
}

/* Mostly the trace of the record before. */
static inline struct slice trace_of(struct batch *b, struct slice text)
{
	if (text.len != TRACE_DIGITS || text.len != b->trace_text.len || memcmp(text.ptr, b->trace_text.ptr, TRACE_DIGITS) != 0) {
		b->trace_text = text;
		b->trace = trace_id_of(text, &b->d->arena, NULL);
	}
	return b->trace;
}

static bool take_trace_id(struct batch *b, const struct object *o, struct slice *ret)
{
	uint32_t at = value_of_either(o, KEY_TRACEID, KEY_TRACE_ID);
	if (!at)
		return true;
	if (json_type(b->json, at) != '"')
		return false;
	*ret = trace_of(b, json_string(b->json, at));
	return true;
}

static __attribute__((noinline)) bool take_other_ns(struct batch *b, const struct object *o, unsigned key, int64_t *ret_ns)
{
	uint32_t at = value_of(o, key);
	struct slice text = json_text(&o->json, at);
	double number;
	*ret_ns = 0;
	if (!at || (text.ptr && text.len == 0))
		return true;
	if (json_i64(&o->json, at, ret_ns)) {
		nanos_learn(&b->d->last_ns, text, *ret_ns);
		return true;
	}
	*ret_ns = INT64_MAX;
	return json_double(&o->json, at, &number);
}

/* Nanoseconds, 0 if there are none; false if the field is no number. Nearly all are digits in quotes that begin as the last ones did. */
static inline bool take_ns(struct batch *b, const struct object *o, unsigned key, int64_t *ret_ns)
{
	const uint32_t usual = (uint32_t)(json_string_word(0, NANOS_DIGITS) >> 32);
	uint64_t word = key_set_has(&o->seen, key) ? o->json.tape[o->at[key]] : 0;
	if ((uint32_t)(word >> 32) == usual && nanos_again(&b->d->last_ns, slice_of((const char *)o->json.strings + (uint32_t)word, NANOS_DIGITS), ret_ns))
		return true;
	return take_other_ns(b, o, key, ret_ns);
}

/* An enum by number or by its name's last words. */
static bool take_enum(const struct object *o, uint32_t at, const char *const *names, int count, int *ret)
{
	int64_t number;
	*ret = 0;
	if (json_is_null(&o->json, at))
		return true;
	if (json_i64(&o->json, at, &number)) {
		*ret = number >= 0 && number < count ? (int)number : 0;
		return true;
	}
	struct slice text = json_text(&o->json, at);
	for (int i = 0; i < count; i++)
		if (slice_ends(text, slice_str(names[i])))
			*ret = i;
	return json_type(&o->json, at) == '"';
}

static bool take_severity(const struct object *o, struct record *r)
{
	uint32_t at = value_of(o, KEY_SEVERITYNUMBER), text = value_of_either(o, KEY_SEVERITYTEXT2, KEY_SEVERITY_TEXT);
	int64_t number;
	if ((at && !strchr("lud\"", json_type(&o->json, at))) || (text && json_type(&o->json, text) != '"'))
		return false;
	if (at && json_i64(&o->json, at, &number))
		r->severity = level_of_number(number, LEVEL_OTEL);
	else if (at)
		r->severity = level_parse(json_text(&o->json, at), LEVEL_OTEL);
	if (r->severity == SEVERITY_UNKNOWN && text)
		r->severity = level_parse(json_string(&o->json, text), LEVEL_GUESS);
	return true;
}

static bool take_body(struct batch *b, const struct object *o, struct record *r)
{
	uint32_t at = value_of(o, KEY_BODY), value = 0;
	const struct json *json = b->json;
	if (!at)
		return true;
	if (json_is_array(json, at))
		return false;
	if (any_value(json, at, &value) == VALUE_SCALAR)
		at = value;
	if (json_type(json, at) == '"') {
		r->message = json_string(json, at);
	} else if (!json_is_null(json, at)) {
		buf_reset(&b->d->scratch);
		any_render(json, at, &b->d->scratch);
		r->message = arena_copy(&b->d->arena, buf_slice(&b->d->scratch));
	}
	return true;
}

static bool read_log(struct batch *b, const struct object *o, struct record *r)
{
	int64_t observed;
	if (!take_ns(b, o, KEY_TIMEUNIXNANO, &r->time_ns) || !take_ns(b, o, KEY_OBSERVEDTIMEUNIXNANO, &observed))
		return false;
	if (r->time_ns <= 0)
		r->time_ns = observed;
	return take_severity(o, r) && take_body(b, o, r);
}

/* The exception among a span's events: its type is the span's. */
static void take_events(struct batch *b, struct record *r, uint32_t list)
{
	const struct json *json = b->json;
	for (uint32_t i = json_is_array(json, list) ? json_first(list) : 0; i && i < json_end(json, list); i = json_next(json, i)) {
		struct record event = {0};
		if (!slice_eq(json_text(json, json_member(json, i, SLICE("name"))), SLICE("exception")))
			continue;
		take_attributes(b, &event, json_member(json, i, SLICE("attributes")));
		r->exception_event = true;
		if (event.exception_type.len)
			r->exception_type = event.exception_type;
	}
}

/* The first of the names that is there: those that few write. */
static __attribute__((noinline, cold)) uint32_t any_member(const struct json *json, uint32_t at, const char *const *names)
{
	uint32_t found = 0;
	for (; *names && !found; names++)
		found = json_member(json, at, slice_str(*names));
	return found;
}

/* The first link; a list of something else is no link. */
static void take_link(struct batch *b, struct record *r, uint32_t list)
{
	uint32_t link = json_is_array(b->json, list) && json_first(list) < json_end(b->json, list) ? json_first(list) : 0;
	if (!link || !json_is_object(b->json, link))
		return;
	uint32_t trace = json_member(b->json, link, SLICE("traceId")), span = json_member(b->json, link, SLICE("spanId"));
	r->link_trace_id = trace_id_of(json_text(b->json, trace ? trace : json_member(b->json, link, SLICE("trace_id"))), &b->d->arena, NULL);
	r->link_span_id = span_id_of(json_text(b->json, span ? span : json_member(b->json, link, SLICE("span_id"))), &b->d->arena);
}

static bool read_span(struct batch *b, const struct object *o, struct record *r)
{
	static const char *const kinds[] = {"UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"};
	static const char *const codes[] = {"UNSET", "OK", "ERROR"};
	int64_t start, end;
	int kind, code;
	uint32_t name = value_of(o, KEY_NAME);
	if (!take_ns(b, o, KEY_STARTTIMEUNIXNANO, &start) || !take_ns(b, o, KEY_ENDTIMEUNIXNANO, &end))
		return false;
	if ((name && json_type(b->json, name) != '"') || !take_enum(o, value_of(o, KEY_KIND), kinds, SPAN_KIND_COUNT, &kind))
		return false;
	uint32_t status = value_of(o, KEY_STATUS);
	if (!take_enum(o, status ? json_member(b->json, status, SLICE("code")) : 0, codes, STATUS_COUNT, &code))
		return false;
	r->name = json_text(b->json, name);
	r->time_ns = end > 0 ? end : start;
	r->duration_ns = start > 0 && end >= start ? end - start : -1;
	r->backwards = end > 0 && end < start;
	r->span_kind = (enum span_kind)kind;
	r->status = (enum span_status)code;
	r->error |= r->status == STATUS_ERROR;
	take_events(b, r, value_of(o, KEY_EVENTS));
	if (value_of(o, KEY_LINKS))
		take_link(b, r, value_of(o, KEY_LINKS));
	if (value_of(o, KEY_TRACESTATE) && json_type(b->json, value_of(o, KEY_TRACESTATE)) == '"')
		r->trace_state = json_string(b->json, value_of(o, KEY_TRACESTATE));
	return take_span_id(b, o, KEY_PARENTSPANID, KEY_PARENT_SPAN_ID, &r->parent_span_id);
}

static void note_record(struct batch *b, const struct object *o, const struct record *r)
{
	static const struct {
		unsigned key;
		const char *member;
	} rows[] = {{KEY_OBSERVEDTIMEUNIXNANO, "time"}, {KEY_TIMEUNIXNANO, "time"}, {KEY_ENDTIMEUNIXNANO, "time"}, {KEY_SEVERITYTEXT2, "severity"}, {KEY_SEVERITY_TEXT, "severity"},
		{KEY_SEVERITYNUMBER, "severity"}, {KEY_BODY, "message"}, {KEY_TRACEID, "trace_id"}, {KEY_TRACE_ID, "trace_id"}, {KEY_SPANID, "span_id"}, {KEY_SPAN_ID, "span_id"},
		{KEY_PARENTSPANID, "parent_span_id"}, {KEY_PARENT_SPAN_ID, "parent_span_id"}, {KEY_NAME, "name"}};
	if (!noting(b->d))
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (value_of(o, rows[i].key))
			decoder_note(b->d, rows[i].member, json_string(&o->json, o->at[rows[i].key] - 1));
	if (r->service.len)
		decoder_note(b->d, "service", SLICE("resource.attributes.service.name"));
	if (r->logger.len)
		decoder_note(b->d, "logger", SLICE("scope.name"));
}

/* --- spans as nearly all are --- */

/* The text of a word, if it is a string of this length. */
static inline bool text_of_len(const struct json *json, uint64_t word, uint64_t len, const char **ret)
{
	*ret = (const char *)json->strings + (uint32_t)word;
	return word >> 32 == json_string_word(0, len) >> 32;
}

/* An id that is right as it stands. */
static inline bool usual_id(const struct json *json, uint64_t word, struct slice *ret)
{
	const char *text;
	bool zero;
	if (!text_of_len(json, word, SPAN_DIGITS, &text) || !trace_id_is_hex(text, &zero) || zero)
		return false;
	*ret = slice_of(text, SPAN_DIGITS);
	return true;
}

static inline bool usual_ns(const struct batch *b, uint64_t word, int64_t *ret)
{
	const char *text;
	return text_of_len(b->json, word, NANOS_DIGITS, &text) && nanos_again(&b->d->last_ns, slice_of(text, NANOS_DIGITS), ret);
}

/* Takes a span of the memo's form, if each of its values is as they mostly are; else nothing of r counts, and it has to be read as others. */
static inline bool take_usual(struct batch *b, const struct member_memo *memo, const uint64_t *root, struct record *r)
{
	const uint64_t name = root[memo->places[AT_NAME]], kind = root[memo->places[AT_KIND]], number = root[memo->places[AT_KIND] + 1];
	const char *trace;
	int64_t start, end;
	if (!text_of_len(b->json, root[memo->places[AT_TRACE]], TRACE_DIGITS, &trace) || name >> 56 != '"' || kind >> 56 != 'l' || number >= SPAN_KIND_COUNT)
		return false;
	if (!usual_ns(b, root[memo->places[AT_START]], &start) || !usual_ns(b, root[memo->places[AT_END]], &end) || end < start || !decoder_time_is_sane(b->d, end))
		return false;
	if (!usual_id(b->json, root[memo->places[AT_SPAN]], &r->span_id) || (memo->form == FORM_CHILD && !usual_id(b->json, root[memo->places[AT_PARENT]], &r->parent_span_id)))
		return false;
	r->trace_id = trace_of(b, slice_of(trace, TRACE_DIGITS));
	r->name = slice_of((const char *)b->json->strings + (uint32_t)name, name >> 32 & 0xFFFFFF);
	r->span_kind = (enum span_kind)number;
	r->time_ns = end;
	r->duration_ns = end - start;
	return true;
}

/* --- records --- */

/* object_scan where the names are not the memo's. */
static __attribute__((noinline)) enum undecodable scan(struct decoder *d, struct object *o, struct member_memo *memo)
{
	enum undecodable reason = object_scan(d, o);
	if (!reason) {
		member_memo_learn(memo, &d->keys, &o->seen, &o->json, o->root);
		otlp_form_learn(memo, o);
	}
	return reason;
}

/* Whether a span has what is not in the head of a record. */
static inline bool has_more(const struct object *o)
{
	return key_set_has(&o->seen, KEY_ATTRIBUTES) || key_set_has(&o->seen, KEY_EVENTS) || key_set_has(&o->seen, KEY_LINKS) || key_set_has(&o->seen, KEY_TRACESTATE);
}

static enum undecodable read_members(struct batch *b, const struct object *o, struct batch_fields *fields, struct record *r)
{
	fields->attributes = value_of(o, KEY_ATTRIBUTES);
	if (b->blank.kind == RECORD_SPAN && (b->d->opts.fields_len || has_more(o)))
		r->plain = false;
	if (!take_trace_id(b, o, &r->trace_id) || !take_span_id(b, o, KEY_SPANID, KEY_SPAN_ID, &r->span_id) || !take_attributes(b, r, fields->attributes))
		return UNDECODABLE_WRONG_TYPE;
	if (!(b->blank.kind == RECORD_LOG ? read_log(b, o, r) : read_span(b, o, r)))
		return UNDECODABLE_WRONG_TYPE;
	note_record(b, o, r);
	return decoder_finish(b->d, r);
}

static inline enum undecodable read_fields(struct batch *b, uint32_t at, struct record *r)
{
	struct object *o = &b->d->objects[0];
	if (!json_is_object(b->json, at))
		return UNDECODABLE_WRONG_TYPE;
	struct batch_fields *fields = arena_alloc(&b->d->arena, sizeof(*fields));
	*fields = b->fields;
	fields->root = at;
	r->fields = &fields->base;
	struct member_memo *memo = member_memo_for(&b->d->members, b->json, at);
	if (b->usual && memo->form != FORM_OTHER && member_memo_again(memo, b->json, at) && take_usual(b, memo, b->json->tape + at, r))
		return UNDECODABLE_NONE;
	bool fits = member_memo_fits(memo, b->json, at, o->at);
	o->json = *b->json;
	o->root = at;
	o->seen = memo->seen;
	enum undecodable reason = fits ? UNDECODABLE_NONE : scan(b->d, o, memo);
	return reason ? reason : read_members(b, o, fields, r);
}

/* Calls each for every item of the list; something else in its place costs one record. */
static void each_item(struct batch *b, uint32_t list, void (*each)(struct batch *b, uint32_t at))
{
	if (json_is_null(b->json, list))
		return;
	if (!json_is_array(b->json, list)) {
		decoder_lose(b->d, UNDECODABLE_WRONG_TYPE);
		return;
	}
	for (uint32_t i = json_first(list), end = json_end(b->json, list); i < end; i = json_next(b->json, i))
		each(b, i);
}

static void read_record(struct batch *b, uint32_t at)
{
	struct record *r = b->blank.kind == RECORD_SPAN ? decoder_add_span(b->d, &b->blank) : decoder_add_like(b->d, &b->blank);
	enum undecodable reason = read_fields(b, at, r);
	if (reason)
		decoder_drop(b->d, reason);
}

static void read_scope(struct batch *b, uint32_t at)
{
	if (!json_is_object(b->json, at)) {
		decoder_lose(b->d, UNDECODABLE_WRONG_TYPE);
		return;
	}
	static const char *const scopes[] = {"instrumentationLibrary", "instrumentation_library", NULL}, *const logs[] = {"log_records", "logs", NULL};
	bool log = b->blank.kind == RECORD_LOG;
	uint32_t scope = json_member(b->json, at, SLICE("scope")), list = log ? json_member(b->json, at, SLICE("logRecords")) : json_member(b->json, at, SLICE("spans"));
	scope = scope ? scope : any_member(b->json, at, scopes);
	list = list || !log ? list : any_member(b->json, at, logs);
	b->blank.logger = json_text(b->json, json_member(b->json, scope, SLICE("name")));
	struct batch_around *around = arena_alloc(&b->d->arena, sizeof(*around));
	*around = (struct batch_around){.json = *b->json, .resource = b->resource, .scope = scope, .scope_attributes = json_member(b->json, scope, SLICE("attributes")), .resource_attributes = b->resource_attributes};
	b->fields.around = around;
	each_item(b, list, read_record);
}

/* What all records of a resource have of it. */
static void take_resource(struct batch *b)
{
	struct slice text = text_of_resource(b->json, b->resource);
	struct resource_memo *memo = resource_memo_for(&b->d->resources, text);
	struct record r = {0};
	if (memo && resource_memo_take(memo, text, &b->blank))
		return;
	take_attributes(b, &r, b->resource_attributes);
	b->blank.service = r.service;
	b->blank.service_namespace = r.service_namespace;
	b->blank.service_instance = r.service_instance;
	if (memo)
		resource_memo_learn(memo, text, &r);
}

static void read_resource(struct batch *b, uint32_t at)
{
	static const char *const logs[] = {"scope_logs", "instrumentationLibraryLogs", "instrumentation_library_logs", NULL};
	static const char *const spans[] = {"scope_spans", "instrumentationLibrarySpans", "instrumentation_library_spans", NULL};
	if (!json_is_object(b->json, at)) {
		decoder_lose(b->d, UNDECODABLE_WRONG_TYPE);
		return;
	}
	b->resource = json_member(b->json, at, SLICE("resource"));
	b->resource_attributes = json_member(b->json, b->resource, SLICE("attributes"));
	take_resource(b);
	b->blank.resource++;
	uint32_t list = b->blank.kind == RECORD_LOG ? json_member(b->json, at, SLICE("scopeLogs")) : json_member(b->json, at, SLICE("scopeSpans"));
	each_item(b, list ? list : any_member(b->json, at, b->blank.kind == RECORD_LOG ? logs : spans), read_scope);
}

void otlp_json_read(struct decoder *d, const struct json *json, uint32_t root)
{
	const struct object *o = &d->objects[0];
	const uint32_t lists[] = {value_of(o, KEY_RESOURCELOGS), value_of(o, KEY_RESOURCESPANS)};
	bool alone = !lists[0] && !lists[1] && (value_of(o, KEY_SCOPELOGS) || value_of(o, KEY_SCOPESPANS));
	d->batch = true;
	for (unsigned kind = RECORD_LOG; kind <= RECORD_SPAN; kind++) {
		struct batch b = {.d = d, .json = json, .blank = {.kind = (enum record_kind)kind, .shape = "otlp_json", .duration_ns = -1},
			.fields.base = {.arena = &d->arena, .find = find, .write = write_span, .resource_next = resource_next, .resource_bytes = resource_bytes}};
		b.usual = kind == RECORD_SPAN && !d->opts.notes && !d->opts.fields_len;
		if (alone)
			read_resource(&b, root);
		else
			each_item(&b, lists[kind], read_resource);
	}
}
