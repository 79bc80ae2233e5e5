/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log record from a JSON object, in the layout of whatever logger wrote it, however often it was wrapped on its way.
 *
 * Idea: an object's names pick its shape (json_object.c). If that is an envelope's, what it holds becomes the next layer: an object, JSON in a string, or
 * text, which may have a header of its own and then hold JSON or logfmt again. When nothing more is inside, the record is filled from the innermost layer
 * outwards (json_take.c, text_layer.c), and each layer adds only what the ones inside left open.
 *
 * Invariants: objects[0..top] are the JSON layers, outermost first; text, if there is any, lies between objects[text.under - 1] and objects[text.under].
 * LAYERS bounds the depth; what lies deeper is the innermost layer's message.
 */
#include "base/clock.h"
#include "record/duration.h"
#include "record/logfmt.h"
#include "record/part.h"
#include "record/text_layer.h"

struct json_fields {
	struct record_fields base;
	unsigned len;
	struct {
		struct json json;
		uint32_t root;
	} layers[LAYERS]; /* innermost first */
};

/* --- unwrapping --- */

static __attribute__((noinline)) bool open_layer(struct decoder *d, struct slice text, unsigned layer, const char *via, enum undecodable *ret_reason)
{
	struct json json;
	if (text.ptr[0] == '{' ? decoder_parse(d, layer, text, &json) || !json_is_object(&json, JSON_ROOT) : !logfmt_parse(d, text, &json))
		return false;
	*ret_reason = object_open(d, layer, &json, JSON_ROOT);
	d->objects[layer].via = via;
	d->objects[layer].via_text = true;
	if (text.ptr[0] != '{')
		d->objects[layer].shape = "logfmt";
	return true;
}

/* Opens JSON text, or logfmt, as the next layer; false if it is neither. */
static inline bool open_text(struct decoder *d, struct slice text, unsigned layer, const char *via, enum undecodable *ret_reason)
{
	if (layer == LAYERS || text.len < 2 || !(text.ptr[0] == '{' || logfmt_may_begin(text)))
		return false;
	return open_layer(d, text, layer, via, ret_reason);
}

/* A message that is JSON is another record only if that looks like one: it has a message, or is a request. */
static bool is_record(const struct object *o)
{
	const unsigned request = 1U << MEMBER_METHOD | 1U << MEMBER_STATUS | 1U << MEMBER_PATH;
	return o->members >> MEMBER_MESSAGE & 1 || o->row->shape->kind != SHAPE_LOG || (o->members & request) == request;
}

/* Text that is all message, for what its fields may leave open. */
static void open_plain(struct slice text, unsigned under, const char *via, struct text_layer *ret)
{
	*ret = (struct text_layer){.found = true, .under = under, .via = via, .h = {.message = text}};
}

/* The text without terminals' colours ("\x1b[32mINFO\x1b[0m"). */
static struct slice uncoloured(struct decoder *d, struct slice text)
{
	size_t from = slice_find(text, '\x1b', 0);
	if (from == text.len)
		return text;
	char *out = arena_alloc(&d->arena, text.len + JSON_STRING_SLACK);
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\x1b' && i + 1 < text.len && text.ptr[i + 1] == '[') {
			for (i += 2; i < text.len && (unsigned)(text.ptr[i] - ' ') < '@' - ' '; i++)
				;
			i -= i == text.len || (unsigned)(text.ptr[i] - '@') > '~' - '@'; /* its last letter; anything else is text */
			continue;
		}
		out[n++] = text.ptr[i];
	}
	return slice_trim(slice_of(out, n));
}

/* JSON has a colour's first byte only as an escape, and a string that has one does not stand where the text has it. */
static bool may_be_coloured(const struct json *json, struct slice text)
{
	return (uintptr_t)text.ptr - (uintptr_t)json->strings >= json->text_len;
}

static void open_header(struct decoder *d, struct slice text, unsigned under, const char *via, struct text_layer *ret)
{
	ret->found = true;
	ret->json = false;
	ret->under = under;
	ret->via = via;
	if (text.ptr == d->header_of.ptr && text.len == d->header_of.len)
		ret->h = d->header;
	else
		text_header_read(text, &d->times, &ret->h);
}

static void open_member(struct decoder *d, unsigned layer, uint32_t at, const char *via, enum undecodable *ret_reason)
{
	struct json json = d->objects[layer - 1].json;
	*ret_reason = object_open(d, layer, &json, at);
	d->objects[layer].via = via;
	d->objects[layer].via_text = false;
}

/* The string `inside` of an envelope as objects[layer], or as text; false if no object came of it. */
static bool open_string(struct decoder *d, struct slice inside, unsigned layer, const char *via, struct text_layer *text, enum undecodable *ret_reason)
{
	bool whole = d->objects[layer - 1].row->shape->envelope == ENVELOPE_WHOLE, json = inside.len && inside.ptr[0] == '{';
	if ((whole || json) && open_text(d, inside, layer, via, ret_reason)) {
		if (!json && !text->found)
			open_plain(inside, layer, via, text);
		return whole || *ret_reason || is_record(&d->objects[layer]);
	}
	if (!whole || text->found)
		return false;
	open_header(d, may_be_coloured(&d->objects[layer - 1].json, inside) ? uncoloured(d, inside) : inside, layer, via, text);
	return open_text(d, text->h.message, layer, via, ret_reason);
}

/* An envelope's text; a container's may be a piece, and have others before it. */
static struct slice container_text(struct decoder *d, const struct object *o, uint32_t at)
{
	struct slice raw = json_string(&o->json, at);
	struct record *r = &d->records[d->len - 1];
	if (!o->row->shape->container)
		return raw;
	bool unfinished = false, joined = d->before.len > 0;
	size_t head = part_cri(raw, &r->stream, &unfinished);
	r->raw = decoder_joined(d, slice_sub(raw, head, raw.len));
	r->part = part_of_container(o, r->raw, head > 0, unfinished, &r->stream);
	return joined ? r->raw : raw;
}

/* The next layer inside objects[top], as objects[top + 1]; false if there is none. */
static __attribute__((noinline)) bool unwrap(struct decoder *d, unsigned top, struct text_layer *text, enum undecodable *ret_reason)
{
	const struct object *o = &d->objects[top];
	const struct place *place = NULL;
	if (top + 1 == LAYERS)
		return false;
	for (uint32_t at; (at = object_next(o, MEMBER_MESSAGE, &place));) {
		const char *via = place->inside[0].len ? place->inside[0].ptr : key_text(place->key);
		char type = json_type(&o->json, at);
		if (type == '{' && o->row->shape->envelope == ENVELOPE_WHOLE) {
			open_member(d, top + 1, at, via, ret_reason);
			return true;
		}
		if (type == '"')
			return open_string(d, slice_trim(container_text(d, o, at)), top + 1, via, text, ret_reason);
	}
	return false;
}

/* --- filling --- */

static bool find(const struct record_fields *base, struct slice path, struct slice *ret)
{
	const struct json_fields *f = (const struct json_fields *)base;
	for (unsigned i = 0; i < f->len; i++)
		if (record_field_text(base, &f->layers[i].json, json_find(&f->layers[i].json, f->layers[i].root, path), ret))
			return true;
	return false;
}

void json_fields_keep(struct decoder *d, struct record *r, unsigned layers)
{
	struct json_fields *fields = arena_alloc(&d->arena, sizeof(*fields));
	fields->base = (struct record_fields){.arena = &d->arena, .find = find};
	fields->len = layers;
	for (unsigned i = 0; i < layers; i++) {
		fields->layers[i].json = d->objects[layers - 1 - i].json;
		fields->layers[i].root = d->objects[layers - 1 - i].root;
	}
	r->fields = &fields->base;
}

/* What an access log without a message says. */
static struct slice request_text(struct decoder *d, const struct record *r, struct slice verb)
{
	size_t path = slice_find(r->http_path, '?', 0);
	if (verb.len == 0)
		return verb;
	buf_reset(&d->scratch);
	buf_add_slice(&d->scratch, verb);
	buf_add_char(&d->scratch, ' ');
	buf_add(&d->scratch, r->http_path.ptr, path);
	return arena_copy(&d->arena, buf_slice(&d->scratch));
}

/* PostgreSQL's way to say how long a statement took. */
static void take_duration_text(struct record *r)
{
	struct slice rest, prefix = SLICE("duration: ");
	if (r->duration_ns >= 0 || !slice_starts(r->message, prefix))
		return;
	rest = slice_sub(r->message, prefix.len, r->message.len);
	size_t end = slice_search(rest, SLICE(" ms"));
	if (end < rest.len && end < 20)
		duration_parse(slice_of(rest.ptr, end), NS_PER_MS, &r->duration_ns);
}

/* What a record without a message has for one: its request; else JSON that says nothing of its own. */
static void find_message(struct decoder *d, struct record *r, unsigned layers, const struct text_layer *text)
{
	if (r->message.len == 0 && r->http_path.len)
		r->message = request_text(d, r, r->http_method.len || !layers ? r->http_method : object_text(&d->objects[layers - 1], MEMBER_METHOD));
	if (text->found && text->json)
		text_layer_take(d, text, &r->message, text->h.message, "message");
}

/* From the innermost layer outwards; the message is what the innermost has, for those around hold nothing but it. */
static inline enum undecodable fill_all(struct decoder *d, struct record *r, unsigned layers, const struct text_layer *text)
{
	enum undecodable reason = UNDECODABLE_NONE;
	for (unsigned i = layers; i-- > 0 && !reason;) {
		if (text->found && text->under == i + 1)
			text_layer_fill(d, text, r);
		reason = object_fill(d, &d->objects[i], r, i + 1 == layers && !(text->found && text->under == layers));
	}
	if (text->found && text->under == 0 && !reason)
		text_layer_fill(d, text, r);
	find_message(d, r, layers, text);
	take_duration_text(r);
	if (r->time_ns == 0)
		r->time_ns = d->batch_time_ns;
	return reason;
}

/* A container's text that is all message has no header, and may be a line of a trace. */
static void note_part(struct record *r)
{
	if (r->raw.ptr && r->part == PART_WHOLE && slice_trim(r->raw).len == r->message.len)
		r->part = part_of_trace(r->raw);
}

/* Whether the object may hold another. Most messages of loggers are no JSON, which is told at a glance where the plan says where they are. */
static inline bool may_wrap(const struct object *o)
{
	const struct present *p = o->present[MEMBER_MESSAGE];
	if (o->row->shape->envelope != ENVELOPE_JSON)
		return o->row->shape->envelope != ENVELOPE_NONE;
	if (!p->place || p->step == SHAPE_NO_STEP || json_type(&o->json, o->steps[p->step].at) != '"')
		return true;
	struct slice text = json_string(&o->json, o->steps[p->step].at);
	return text.len && (text.ptr[0] == '{' || (unsigned char)text.ptr[0] <= ' ');
}

/* Whether envelopes lie around a list of records. */
static inline bool holds_list(const struct decoder *d, unsigned top, const struct text_layer *text, enum undecodable reason)
{
	return top > 0 && !reason && d->objects[top].row->shape->kind == SHAPE_LIST && !text->found && top + 1 < LAYERS;
}

/* layers: how many of d->objects are open. */
static inline __attribute__((always_inline)) void read_layers(struct decoder *d, struct record *r, unsigned layers, struct text_layer *text, enum undecodable reason)
{
	unsigned top = layers ? layers - 1 : 0;
	while (!reason && layers && may_wrap(&d->objects[top]) && unwrap(d, top, text, &reason))
		top++;
	layers = layers ? top + 1 : 0;
	if (__builtin_expect(holds_list(d, top, text, reason), 0)) {
		d->len--;
		batch_list_read(d, top);
		return;
	}
	if (!reason) {
		if (layers)
			r->shape = d->objects[layers - 1].shape;
		json_fields_keep(d, r, layers);
		if (noting(d))
			d->layers_read = layers;
		reason = fill_all(d, r, layers, text);
		note_part(r);
	}
	reason = reason ? reason : decoder_finish(d, r);
	if (reason)
		decoder_drop(d, reason);
}

void json_log_read(struct decoder *d, unsigned top)
{
	struct text_layer text;
	text.found = false; /* the rest is not looked at then, and large */
	read_layers(d, decoder_add(d), top + 1, &text, UNDECODABLE_NONE);
}

/* What CRI wrote before a line, and what came before the line. */
static struct slice cri_text(struct decoder *d, struct record *r, struct slice line)
{
	bool unfinished;
	size_t head = part_cri(line, &r->stream, &unfinished);
	if (!head)
		return line;
	struct slice raw = slice_sub(line, head, line.len);
	if (raw.len && raw.ptr[raw.len - 1] == '\n')
		raw.len--;
	r->part = unfinished ? PART_UNFINISHED : PART_WHOLE;
	r->raw = raw;
	if (d->before.len == 0)
		return line;
	raw = decoder_joined(d, raw);
	char *both = arena_alloc(&d->arena, head + raw.len);
	memcpy(both, line.ptr, head);
	memcpy(both + head, raw.ptr, raw.len);
	r->raw = slice_of(both + head, raw.len);
	return slice_of(both, head + raw.len);
}

void text_log_read(struct decoder *d, struct slice text, unsigned around)
{
	struct record *r = decoder_add(d);
	struct text_layer layer;
	layer.found = false;
	enum undecodable reason = UNDECODABLE_NONE;
	r->shape = "text";
	if (!around)
		text = cri_text(d, r, text);
	enum record_part part = r->raw.ptr ? PART_WHOLE : part_of_trace(text);
	text = uncoloured(d, slice_trim(text));
	if (open_text(d, text, around, NULL, &reason)) {
		if (text.ptr[0] != '{')
			open_plain(text, around, around ? "message" : NULL, &layer);
		read_layers(d, r, around + 1, &layer, reason);
		return;
	}
	open_header(d, text, around, around ? "message" : NULL, &layer);
	bool more = layer.h.message.ptr != text.ptr && open_text(d, layer.h.message, around, NULL, &reason);
	layer.json = more && layer.h.message.ptr[0] == '{';
	if (layer.h.message.len == text.len && !more)
		r->part = part ? part : r->part;
	read_layers(d, r, around + more, &layer, reason);
}
