/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of the record room share: the decoder's insides. Private to the room. */
#ifndef WINNOW_RECORD_READER_H
#define WINNOW_RECORD_READER_H

#include "base/arena.h"
#include "base/clock.h"
#include "record/decoder.h"
#include "record/json.h"
#include "record/member_memo.h"
#include "record/nanos.h"
#include "record/packed.h"
#include "record/resource_memo.h"
#include "record/shape.h"
#include "record/template_memo.h"
#include "record/text_header.h"
#include "record/time_memo.h"

/* An object of a document, read into known fields. */
struct object {
	struct json json;
	uint32_t root;
	struct key_set seen;
	const struct shape_row *row;
	const char *shape; /* the row's name, or "logfmt" */
	unsigned members;  /* bit m: the object has something in the column of member m */
	unsigned columns;  /* bit m: and that is worth a look */
	const struct present *const *present; /* of each column the places whose field is there */
	const struct outline_step *steps;     /* if they are a plan's: where its values are */
	const char *via;  /* notes: the field of the layer around it that holds this one ("log", "payload"); NULL: none */
	bool via_text;    /* that field is a string with JSON in it, not an object */
	uint32_t at[KEY_COUNT]; /* the position of the value; only where seen has the key */
	uint64_t names[KEY_COUNT]; /* of the fields that places of a match lie in, the names inside as bits */
};

struct span_parts;

/* Where record_field looks: the head of a format's own struct. */
struct record_fields {
	struct arena *arena;
	bool (*find)(const struct record_fields *f, struct slice path, struct slice *ret);
	void (*write)(const struct record_fields *f, const struct record *r, const struct span_parts *parts); /* the span as OTLP; NULL: what the record has of it is all */
	bool (*resource_next)(const struct record_fields *f, size_t *cursor, struct slice *ret_name, struct slice *ret_value); /* NULL: there is no resource */
	struct slice (*resource_bytes)(const struct record_fields *f); /* the resource as it stands; NULL: it does not stand there in one piece */
};

/* For find: the scalar at `at` as text that lives as long as the record. */
bool record_field_text(const struct record_fields *f, const struct json *json, uint32_t at, struct slice *ret);

/* LAYERS: an object and those inside it, as envelopes nest; the parsers are one for each, and one for JSON in a JSON string. */
enum { NOTES_MAX = 24, LAYERS = SHAPE_LAYERS, PARSERS = LAYERS + 1, STRING_PARSER = LAYERS };

/* What texts of up to eight bytes meant as levels, by hash: there are few, and they come again and again. */
struct level_memo {
	uint64_t text; /* zero-padded */
	uint8_t len, scale;
	uint8_t severity;
};

enum { LEVEL_MEMOS = 16 };

struct decoder {
	struct decoder_opts opts;
	struct arena arena;
	struct key_table keys;
	struct shape_table shapes;
	struct json_parser *parsers[PARSERS];
	struct object objects[LAYERS];
	struct member_memos members; /* of the records of batches */
	struct nanos last_ns;        /* and their times */
	struct time_memos times;     /* those that are text */
	struct template_memos templates;
	struct resource_memos resources; /* of batches in protobuf */
	struct buf scratch;
	struct buf tape, strings; /* of documents that we build ourselves (tape.h) */
	struct packed packed;
	struct record *records;
	size_t len, cap;
	enum undecodable reason;
	size_t undecodable;
	struct level_memo levels[LEVEL_MEMOS];
	const struct zone *zone; /* of times that name none; NULL: they are taken for UTC, and give way to an envelope's */
	int64_t now_ns;
	int64_t batch_time_ns; /* what the format around the records says of the next one's time; 0: nothing */
	const char *payload_end;
	struct slice header_of;    /* the payload's text whose header was read to know that it is text; empty: none */
	struct text_header header;
	struct slice before; /* of the message: what goes before the container's text */
	unsigned depth;  /* strings in arrays in strings */
	bool many;       /* this payload holds several documents: each is copied to the arena, since the parsers' are reused */
	bool batch;      /* its records were sent together, or their format names the trace of each: the message's headers are about none of them */
	bool time_zoned; /* the open record's time names its offset from UTC */
	struct decode_note notes[NOTES_MAX];
	size_t notes_len;
	unsigned layers_read; /* notes: how many of objects the first record was read from */
};

/* What else there is to do behind a parse that failed, or of one of many documents. */
enum undecodable decoder_parsed(struct decoder *d, unsigned which, enum json_status status, struct slice text, struct json *ret);
/* Parses text with parser number `which`; the document lives until the next decode (many) or the next parse with it. */
static inline enum undecodable decoder_parse(struct decoder *d, unsigned which, struct slice text, struct json *ret)
{
	enum json_status status = json_parser_parse(d->parsers[which], text.ptr, text.len, ret);
	return status == JSON_OK && !d->many ? UNDECODABLE_NONE : decoder_parsed(d, which, status, text, ret);
}

void decoder_grow(struct decoder *d);
/* A new record at the end of the list, not filled in yet. */
static inline struct record *decoder_push(struct decoder *d)
{
	if (d->len == d->cap)
		decoder_grow(d);
	if (d->len == 0)
		d->notes_len = 0;
	d->time_zoned = false;
	return &d->records[d->len++];
}

/* A new record as blank is, or empty; decoder_drop takes it away again and counts why. */
static inline struct record *decoder_add_like(struct decoder *d, const struct record *blank)
{
	struct record *r = decoder_push(d);
	*r = *blank;
	return r;
}

/* The same for a span, where blank has nothing behind `fields`. It is said to be plain: who puts something there takes that back. The place mostly held a plain span before, and has nothing there. */
static inline struct record *decoder_add_span(struct decoder *d, const struct record *blank)
{
	enum { HEAD = offsetof(struct record, message) };
	struct record *r = decoder_push(d);
	bool empty = r->plain;
	memcpy(r, blank, HEAD);
	r->plain = true;
	if (!empty)
		memset((char *)r + HEAD, 0, sizeof(*r) - HEAD);
	return r;
}

static inline struct record *decoder_add(struct decoder *d)
{
	struct record *r = decoder_push(d);
	memset(r, 0, sizeof(*r));
	r->duration_ns = -1;
	return r;
}

void decoder_drop(struct decoder *d, enum undecodable reason);
void decoder_lose(struct decoder *d, enum undecodable reason);
/* What the configuration says about where members are. */
void decoder_take_configured(struct decoder *d, struct record *r);
/* Whether a record can have come about then. */
static inline bool decoder_time_is_sane(const struct decoder *d, int64_t time_ns)
{
	const int64_t earliest_ns = INT64_C(946684800) * NS_PER_S /* 2000-01-01 */, ahead_ns = INT64_C(3653) * 86400 * NS_PER_S;
	return time_ns >= earliest_ns && (d->now_ns <= 0 || time_ns - ahead_ns <= d->now_ns);
}

/* Checks the event time and sets the error flag; UNDECODABLE_NONE if the record stands. */
static inline enum undecodable decoder_finish(struct decoder *d, struct record *r)
{
	if (d->opts.fields_len)
		decoder_take_configured(d, r);
	if (r->time_ns < 0)
		r->time_ns = 0;
	if (r->time_ns != 0 && !decoder_time_is_sane(d, r->time_ns))
		return UNDECODABLE_TIME;
	r->error |= r->severity >= SEVERITY_ERROR || r->http_status >= 500;
	return UNDECODABLE_NONE;
}

/* Notes where the open record got a member from; the last word wins. Nothing happens unless notes are wanted. */
void decoder_note(struct decoder *d, const char *member, struct slice source);
/* Says behind the note on the time in which zone it was taken to be, if the payload did not say it. */
void decoder_note_zone(struct decoder *d, bool zoned_by_itself);
/* Which key a name in the payload is. Unlike key_find it reads nothing behind the payload: a short name is copied unless eight bytes are surely there. */
static inline unsigned decoder_key(const struct decoder *d, struct slice name)
{
	uint64_t word = 0;
	if (name.len == 0)
		return KEY_NONE;
	if (name.len >= sizeof(word) || (uintptr_t)d->payload_end - (uintptr_t)name.ptr - sizeof(word) < DECODER_LARGEST)
		return key_find(&d->keys, name);
	memcpy(&word, name.ptr, name.len);
	return key_search(&d->keys, name, word, 0);
}

/* json_document.c: a payload of JSON, whatever it holds. */
void json_document_read(struct decoder *d, struct slice payload);
/* One object of a document: a record, or a batch of them. */
void json_object_read(struct decoder *d, const struct json *json, uint32_t root);
/* json_object.c */
/* Makes objects[layer] of the object at root: its known fields and its shape. */
enum undecodable object_open(struct decoder *d, unsigned layer, const struct json *json, uint32_t root);
enum undecodable object_scan(struct decoder *d, struct object *o);
/* json_search.c: the value of a place that lies inside the member at `at`; 0: there is none. */
uint32_t object_inside(const struct object *o, enum member member, const struct place *place, uint32_t at);
/* json_log.c: record_field on r looks at objects[0..layers-1], the innermost first. */
void json_fields_keep(struct decoder *d, struct record *r, unsigned layers);
/* One log record out of objects[0..top], the innermost last; more is unwrapped from there. */
void json_log_read(struct decoder *d, unsigned top);
/* One log record of plain text. around: how many of objects are open, in which the text lies (a batch). */
void text_log_read(struct decoder *d, struct slice text, unsigned around);
/* text_lines.c: a payload of text, which may hold many. */
void text_payload_read(struct decoder *d, struct slice text);
/* json_failure.c: whether a value of this key says that something failed; ret_type, empty if it does not say: of what was thrown. Untouched if not. */
bool json_failure(const struct json *json, uint32_t at, unsigned key, struct slice *ret_type);
/* json_take.c: the members of the record that are still open, from one object. */
enum undecodable object_fill(struct decoder *d, const struct object *o, struct record *r, bool with_message);
/* json_message.c: the message, if it is still open. */
enum undecodable object_take_message(struct decoder *d, const struct object *o, struct record *r);
/* json_time.c: a JSON value as a time; 0: it says none. ret_zoned: it names its offset from UTC. ret_reason: untouched unless it cannot be a time. */
int64_t json_time(struct decoder *d, const struct json *json, uint32_t at, bool *ret_zoned, enum undecodable *ret_reason);
/* json_search.c: the next value of the column that is there and not null; 0 at the end. *place is where the walk stands (NULL to begin) and then where the value was. */
uint32_t object_next(const struct object *o, enum member member, const struct place **place);
/* json_take.c: "GET /cart?x=1 HTTP/1.1": method and path, if the line is one. */
void http_request_line(struct slice line, struct record *r);
/* json_search.c: the first text in the column. */
struct slice object_text(const struct object *o, enum member member);
/* Appends "log JSON, " or "payload.": how objects[layer] was reached. */
void object_way(const struct decoder *d, unsigned layer, struct buf *out);
/* batch.c: objects that hold many records (objects[0] is open). */
void batch_read(struct decoder *d, enum shape_kind kind);
/* The list in objects[layer], which has a layer left behind it: each item a record inside objects[0..layer]. */
void batch_list_read(struct decoder *d, unsigned layer);
/* zipkin.c, jaeger.c: the span in objects[0], or what holds many. */
void zipkin_read(struct decoder *d);
void zipkin_proto_read(struct decoder *d, struct slice payload);
void jaeger_read(struct decoder *d);
void jaeger_proto_read(struct decoder *d, struct slice payload);
bool jaeger_proto_sniff(struct slice payload);
bool zipkin_proto_sniff(struct slice payload);
/* msgpack.c */
void msgpack_read(struct decoder *d, struct slice payload);
bool msgpack_sniff(struct slice payload);
/* logfmt.c: text as an object, if it is one; it may be (logfmt.h). */
bool logfmt_parse(struct decoder *d, struct slice text, struct json *ret);
bool logfmt_is(struct decoder *d, struct slice text);

/* A container's text with what was written before it. */
static inline struct slice decoder_joined(struct decoder *d, struct slice raw)
{
	if (d->before.len == 0)
		return raw;
	char *both = arena_alloc(&d->arena, d->before.len + raw.len + JSON_STRING_SLACK);
	memcpy(both, d->before.ptr, d->before.len);
	if (raw.len)
		memcpy(both + d->before.len, raw.ptr, raw.len);
	struct slice joined = slice_of(both, d->before.len + raw.len);
	d->before = slice_of(NULL, 0);
	return joined;
}

/* A time as json_time and timestamps give it, in the configured zone if it names none. */
static inline int64_t decoder_utc(const struct decoder *d, int64_t ns, bool *zoned)
{
	if (*zoned || !d->zone || ns <= 1)
		return ns;
	*zoned = true;
	return zone_to_utc(d->zone, ns);
}

static inline bool noting(const struct decoder *d)
{
	return d->opts.notes && d->len == 1;
}

#endif
