/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a payload was read as it was, for people: each reader in the order of the chain (decoder.c) with what it made of it, and for objects the shapes that came near.
 *
 * Cold, and apart from the readers, which only say yes or no; the tests that decide (sniffs, headers, sets of names) are theirs.
 */
#include "record/otlp.h"
#include "record/part.h"
#include "record/text_header.h"

#include <stdio.h>

enum { NEAR_MAX = 4, NAMES_MAX = 4, CONTEXT = 12 };

struct tried {
	struct decoder *d;
	struct buf *out;
	const char *between;
	size_t begun; /* of out->len */
};

static void begin(struct tried *t, const char *reader)
{
	buf_printf(t->out, "%s%s: ", t->out->len > t->begun ? t->between : "", reader);
}

static void say(struct tried *t, const char *reader, const char *verdict)
{
	begin(t, reader);
	buf_add_str(t->out, verdict);
}

/* The first bytes in hexadecimal. */
static void add_bytes(struct buf *out, struct slice payload)
{
	for (size_t i = 0; i < 4 && i < payload.len; i++)
		buf_printf(out, "%s%02X", i ? " " : "", (unsigned char)payload.ptr[i]);
}

static bool try_packed(struct tried *t, struct slice *payload)
{
	const char *kind = packed_kind(*payload);
	begin(t, "packed");
	if (!kind) {
		buf_add_str(t->out, "no, ");
		add_bytes(t->out, *payload);
		buf_add_str(t->out, " begins no gzip, zstd or snappy");
		return true;
	}
	enum undecodable reason = packed_open(&t->d->packed, *payload);
	*payload = buf_slice(&t->d->packed.plain);
	buf_printf(t->out, reason ? "%s, but it is %s" : "%s", kind, reason == UNDECODABLE_TOO_LARGE ? "too large" : "broken");
	if (!reason)
		buf_printf(t->out, ", %zu bytes unpacked", payload->len);
	return reason == UNDECODABLE_NONE && payload->len > 0;
}

static bool try_binary(struct tried *t, struct slice payload)
{
	static const struct {
		const char *name;
		bool (*sniff)(struct slice payload);
		const char *near; /* it begins so, but */
	} kinds[] = {
		{"otlp_proto", otlp_proto_sniff, "its parts are not those of a batch of OTLP"},
		{"msgpack", msgpack_sniff, "its length or its text is not MessagePack's"},
		{"zipkin_proto", zipkin_proto_sniff, "it is no list of spans that begin with ids of 16 or 8 bytes"},
		{"jaeger_proto", jaeger_proto_sniff, "it is no span that begins with ids of 16 and 8 bytes"},
	};
	unsigned char first = (unsigned char)payload.ptr[0];
	if (first != 0x0A && first < 0x80) {
		say(t, "protobuf, msgpack", "");
		buf_printf(t->out, "no, %02X begins none of OTLP, Zipkin, Jaeger and MessagePack", first);
		return false;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		bool pack = kinds[i].sniff == msgpack_sniff, begins = pack ? first >= 0x80 && (first < 0xA0 || (first >= 0xDC && first <= 0xDF)) : first == 0x0A;
		begin(t, kinds[i].name);
		if (kinds[i].sniff(payload)) {
			buf_add_str(t->out, "yes");
			return true;
		}
		if (begins)
			buf_printf(t->out, "no, %s", kinds[i].near);
		else
			buf_printf(t->out, "no, %02X begins %s", first, pack ? "no map or array" : "no batch or span of it");
	}
	return false;
}

/* What stands where the text stops being JSON. */
static void add_place(struct buf *out, struct slice text, const char *reason)
{
	size_t at;
	buf_printf(out, "no, %s", reason);
	if (!decoder_first_error(text, reason, &at))
		return;
	size_t from = at > CONTEXT ? at - CONTEXT : 0;
	buf_printf(out, at < text.len ? " at byte %zu, behind " : " at byte %zu, its end, behind ", at);
	buf_add_json_string(out, slice_sub(text, from, at - from));
	if (at < text.len) {
		buf_add_str(out, ": ");
		buf_add_json_string(out, slice_sub(text, at, CONTEXT));
	}
}

static bool try_json(struct tried *t, struct slice text)
{
	struct decoded decoded;
	bool yes = strchr("{[\"", text.ptr[0]) && text.ptr[0];
	begin(t, "json");
	if (!yes) {
		buf_add_str(t->out, "no, begins with ");
		buf_add_json_string(t->out, slice_sub(text, 0, 1));
		buf_add_str(t->out, ", not with { [ or \"");
	} else {
		decoder_decode(t->d, text, t->d->now_ns, &decoded);
		if (decoded.undecodable && decoded.len == 0)
			add_place(t->out, text, undecodable_name(decoded.reason));
		else if (decoded.undecodable)
			buf_printf(t->out, "yes, but for %zu of %zu: %s", decoded.undecodable, decoded.len + decoded.undecodable, undecodable_name(decoded.reason));
		else
			buf_add_str(t->out, "yes");
	}
	return yes;
}

static void try_text(struct tried *t, struct slice payload, struct slice text)
{
	bool forced = t->d->opts.format == FORMAT_TEXT;
	if (!slice_is_utf8(text) || memchr(text.ptr, 0, text.len)) {
		say(t, "text", slice_is_utf8(text) ? "no, it holds a NUL byte" : "no, it is not UTF-8");
		return;
	}
	if (text_header_is(text)) {
		say(t, "text", "yes, by its header");
		return;
	}
	say(t, "text header", "no: it begins with no time, no level and no address of an access log");
	if (logfmt_is(t->d, text)) {
		say(t, "logfmt", "yes");
		return;
	}
	say(t, "logfmt", "no: not name=value from beginning to end with two names that are known");
	bool trace = part_of_trace(payload) != PART_WHOLE;
	say(t, "stack trace", trace ? "yes, a line of one" : "no: no line of one");
	if (forced && !trace)
		say(t, "text", "yes, because the format says so");
}

static bool tries_binary(enum format format)
{
	return format == FORMAT_AUTO || format == FORMAT_OTLP_PROTO || format == FORMAT_MSGPACK || format == FORMAT_ZIPKIN || format == FORMAT_JAEGER;
}

static bool has_schema(struct slice payload)
{
	return payload.len > 5 && payload.ptr[0] == 0 && memcmp(payload.ptr + 1, "\0\0\0\0", 4) != 0;
}

static void try_chain(struct tried *t, struct slice payload)
{
	enum format format = t->d->opts.format;
	if (format != FORMAT_AUTO)
		say(t, "format", format_names()[format]);
	if (format <= FORMAT_JSON && has_schema(payload)) {
		say(t, "schema registry", "yes, its prefix stands before the value");
		return;
	}
	if (tries_binary(format) && try_binary(t, payload))
		return;
	struct slice text = slice_trim(slice_starts(payload, SLICE("\xEF\xBB\xBF")) ? slice_sub(payload, 3, payload.len) : payload);
	bool done = text.len == 0 || (format != FORMAT_TEXT && format != FORMAT_MSGPACK && try_json(t, text));
	if (text.len == 0)
		say(t, "any", "no, there is nothing but blanks");
	if (!done && (format == FORMAT_AUTO || format == FORMAT_TEXT))
		try_text(t, payload, text);
}

/* What no reader is asked about. */
static const char *hopeless(struct slice payload)
{
	if (!payload.ptr)
		return "no, there is no payload";
	return payload.len == 0 ? "no, it is empty" : payload.len > DECODER_LARGEST ? "no, it is too large" : NULL;
}

void decoder_tried(struct decoder *d, struct slice payload, const char *between, struct buf *out)
{
	struct tried t = {.d = d, .out = out, .between = between, .begun = out->len};
	const char *why = hopeless(payload);
	if (why)
		say(&t, "any", why);
	else if (try_packed(&t, &payload))
		try_chain(&t, payload);
}

/* --- shapes --- */

/* A name, or what is known of a value. */
static const char *clue_text(unsigned key)
{
	static const char *const facts[] = {"a number as level", "a level in capitals", "a number as time", "text as log", "an object as log", "text as event"};
	return key >= KEY_IS_LEVEL_NUMBER ? facts[key - KEY_IS_LEVEL_NUMBER] : key_text(key);
}

static void add_names(struct buf *out, const char *before, const uint16_t *keys, const struct key_set *seen, bool there)
{
	size_t n = 0;
	for (size_t i = 0; i < SHAPE_CLUES && keys[i]; i++)
		if (key_set_has(seen, keys[i]) == there && n++ < NAMES_MAX)
			buf_printf(out, "%s%s", n > 1 ? ", " : before, clue_text(keys[i]));
}

static size_t count(const uint16_t *keys, const struct key_set *seen)
{
	size_t n = 0;
	for (size_t i = 0; i < SHAPE_CLUES && keys[i]; i++)
		n += key_set_has(seen, keys[i]);
	return n;
}

/* A row in front of the one that fits, of whose names some are there. */
static bool came_near(const struct shape *s, const struct key_set *seen)
{
	return count(s->all, seen) + count(s->any, seen) > 0;
}

static void why_not(struct buf *out, const struct shape_row *row, const struct key_set *seen)
{
	const struct shape *s = row->shape;
	buf_printf(out, "  not %s: ", s->name);
	if (!key_set_covers(seen, &row->all))
		add_names(out, "no ", s->all, seen, false);
	else if (row->choosy && !key_set_meets(seen, &row->any))
		add_names(out, "none of ", s->any, seen, false);
	else
		add_names(out, "it has ", s->none, seen, true);
	buf_add_char(out, '\n');
}

/* The nearest of the rows that were asked before: most of their names are there. */
static size_t add_near(struct buf *out, const struct shape_table *table, const struct object *o)
{
	const struct shape_row *best[NEAR_MAX] = {NULL};
	size_t score[NEAR_MAX] = {0}, asked = 0;
	for (const struct shape_row *row = table->rows; row < o->row; row++, asked++) {
		size_t mine = count(row->shape->all, &o->seen) + count(row->shape->any, &o->seen), at = NEAR_MAX;
		if (!came_near(row->shape, &o->seen))
			continue;
		while (at > 0 && score[at - 1] < mine)
			at--;
		for (size_t i = NEAR_MAX - 1; i > at; i--) {
			best[i] = best[i - 1];
			score[i] = score[i - 1];
		}
		if (at < NEAR_MAX) {
			best[at] = row;
			score[at] = mine;
		}
	}
	for (size_t i = 0; i < NEAR_MAX && best[i]; i++)
		why_not(out, best[i], &o->seen);
	return asked;
}

void decoder_shapes(const struct decoder *d, struct buf *out)
{
	for (unsigned i = 0; i < d->layers_read; i++) {
		const struct object *o = &d->objects[i];
		struct buf way = {0};
		object_way(d, i, &way);
		while (way.len && strchr(" ,.", way.data[way.len - 1]))
			way.len--;
		buf_printf(out, "  shape %s%s%s: has", o->row->shape->name, way.len ? ", in " : "", way.len ? buf_cstr(&way) : "");
		add_names(out, " ", o->row->shape->all, &o->seen, true);
		add_names(out, count(o->row->shape->all, &o->seen) ? ", and of its own " : " ", o->row->shape->any, &o->seen, true);
		if (count(o->row->shape->all, &o->seen) + count(o->row->shape->any, &o->seen) == 0)
			buf_add_str(out, " no names that give another one away");
		buf_add_char(out, '\n');
		size_t asked = add_near(out, &d->shapes, o);
		buf_printf(out, "  %zu shapes were asked before it\n", asked);
		buf_done(&way);
	}
}

/* --- members --- */

static void add_place_name(struct buf *out, const struct place *p)
{
	buf_add_str(out, key_text(p->key));
	for (size_t i = 0; i < 2 && p->inside[i].len; i++) {
		buf_add_char(out, '.');
		buf_add_slice(out, p->inside[i]);
	}
}

/* Whether a note that says so names this place of the object. */
static bool is_source(const struct decoder *d, unsigned layer, const struct place *p, struct slice source)
{
	struct buf text = {0};
	object_way(d, layer, &text);
	add_place_name(&text, p);
	bool is = slice_starts(source, buf_slice(&text)) && (source.len == text.len || source.ptr[text.len] == ',');
	buf_done(&text);
	return is;
}

void decoder_asked_before(const struct decoder *d, const char *member, struct slice source, struct buf *out)
{
	size_t m = 0, n = 0;
	while (m < MEMBER_COUNT && strcmp(member_name((enum member)m), member) != 0)
		m++;
	if (m == MEMBER_COUNT)
		return;
	for (unsigned layer = d->layers_read; layer-- > 0;)
		for (const struct place *p = d->objects[layer].row->places[m]; p->key; p++) {
			if (source.len && is_source(d, layer, p, source))
				goto out;
			if (n++ < NAMES_MAX) {
				buf_add_str(out, n > 1 ? ", " : source.len ? "; asked before: " : "nowhere; asked: ");
				add_place_name(out, p);
			}
		}
out:
	if (n > NAMES_MAX)
		buf_printf(out, " and %zu more", n - NAMES_MAX);
}
