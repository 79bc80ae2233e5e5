/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log record from a JSON object, in the layout of whatever logger wrote it, however often it was wrapped on its way.
 *
 * Idea: one pass over an object's own fields notes the position of each known one (object_scan); the set of names found picks the shape (shape.h). If that
 * is an envelope's, what it holds becomes the next layer: an object, JSON in a string, or text, which may have a header of its own and then hold JSON or
 * logfmt again. When nothing more is inside, the record is filled from the innermost layer outwards (json_take.c), and each layer adds only what the
 * ones inside left open.
 *
 * Invariants: objects[0..top] are the JSON layers, outermost first; text, if there is any, lies between objects[text.under - 1] and objects[text.under].
 * LAYERS bounds the depth; what lies deeper is the innermost layer's message.
 */
#include "base/clock.h"
#include "record/duration.h"
#include "record/part.h"
#include "record/reader.h"
#include "record/text_header.h"
#include "record/timestamp.h"
#include "record/trace_id.h"

/* Text among the layers: its header, and how many objects lie around it. */
struct text_layer {
	bool found;
	unsigned under;
	bool json; /* its message is JSON, and open: what is said there goes before the text of it */
	const char *via; /* notes: the field that held it */
	struct text_header h;
};

struct json_fields {
	struct record_fields base;
	unsigned len;
	struct {
		struct json json;
		uint32_t root;
	} layers[LAYERS]; /* innermost first */
};

/* A list of traces, each an object with a list of spans, as Jaeger's HTTP API answers. */
static bool holds_traces(const struct json *json, uint32_t at)
{
	uint32_t first = json_is_array(json, at) && json_first(at) < json_end(json, at) ? json_first(at) : 0;
	return json_is_object(json, first) && json_is_array(json, json_get(json, first, SLICE("spans")));
}

/* Facts about values that shapes are told by, as bits from KEY_IS_LEVEL_NUMBER on. */
static inline unsigned facts_of(const struct object *o, const struct key_set *seen)
{
	enum { LEVEL_NUMBER = 1, LEVEL_UPPER = 2, TIME_NUMBER = 4, LOG_TEXT = 8, LOG_OBJECT = 16, EVENT_TEXT = 32, DATA_TRACES = 64 };
	const struct json *json = &o->json;
	unsigned facts = 0;
	if (key_set_has(seen, KEY_LEVEL)) {
		uint32_t at = o->at[KEY_LEVEL];
		struct slice text = json_text(json, at);
		if (json_type(json, at) == 'l')
			facts |= LEVEL_NUMBER;
		else if (text.len && text.ptr[0] >= 'A' && text.ptr[0] <= 'Z')
			facts |= LEVEL_UPPER;
	}
	if (key_set_has(seen, KEY_TIME) && json_type(json, o->at[KEY_TIME]) != '"')
		facts |= TIME_NUMBER;
	if (key_set_has(seen, KEY_LOG))
		facts |= json_type(json, o->at[KEY_LOG]) == '"' ? LOG_TEXT : LOG_OBJECT;
	if (key_set_has(seen, KEY_EVENT) && json_type(json, o->at[KEY_EVENT]) == '"')
		facts |= EVENT_TEXT;
	if (key_set_has(seen, KEY_DATA) && holds_traces(json, o->at[KEY_DATA]))
		facts |= DATA_TRACES;
	return facts;
}

static void note_facts(struct object *o)
{
	_Static_assert(KEY_IS_DATA_TRACES - KEY_IS_LEVEL_NUMBER == 6, "facts_of has the same order");
	for (unsigned facts = facts_of(o, &o->seen), key = KEY_IS_LEVEL_NUMBER; facts; facts >>= 1, key++)
		if (facts & 1)
			key_set_add(&o->seen, key);
}

/* Which key a name in a document is, a duration's by its end too. */
static unsigned key_of(const struct decoder *d, struct slice name)
{
	unsigned key = key_find(&d->keys, name);
	return key != KEY_NONE ? key : key_of_duration(name);
}

enum undecodable object_scan(struct decoder *d, struct object *o)
{
	const struct json *json = &o->json;
	o->seen = (struct key_set){0};
	for (uint32_t i = json_first(o->root), end = json_end(json, o->root); i < end; i = json_next(json, i + 1)) {
		struct slice name = json_string(json, i);
		unsigned key = key_of(d, name);
		if (key == KEY_NONE)
			continue;
		if (key_set_has(&o->seen, key)) {
			if (key < KEY_FIRST_CLUE && slice_eq(name, json_string(json, o->at[key] - 1)))
				return UNDECODABLE_DUPLICATE_KEY;
			continue; /* two names for the same */
		}
		key_set_add(&o->seen, key);
		o->at[key] = i + 1;
	}
	note_facts(o);
	return UNDECODABLE_NONE;
}

/* The names inside; an array of {"key": .., "value": ..} may hold any. */
static uint64_t names_of(const struct json *json, uint32_t at)
{
	uint64_t bits = 0;
	bool object = json_is_object(json, at);
	if (object || json_is_array(json, at))
		for (uint32_t i = json_first(at), end = json_end(json, at); i < end; i = json_next(json, i + object))
			bits |= object ? name_bit(json_string(json, i)) : json_is_object(json, i) ? names_of(json, i) : 0;
	uint32_t first = !object && bits & name_bit(SLICE("key")) ? json_first(at) : 0;
	return first && json_get(json, first, SLICE("key")) && json_get(json, first, SLICE("value")) ? UINT64_MAX : bits;
}

static void object_is(struct object *o, const struct shape_match *match)
{
	for (const uint16_t *key = match->nested; *key; key++)
		o->names[*key] = names_of(&o->json, o->at[*key]);
	o->row = match->row;
	o->shape = match->row->shape->name;
	o->members = o->columns = match->members;
	o->present = match->present;
	o->steps = NULL;
}

/* An object whose names have come in this order before: what was found out then holds, if the facts are the same. */
static bool open_again(struct object *o, const struct outline_walk *way)
{
	const struct shape_plan *plan = way->end->plans;
	if (!plan)
		return false;
	for (const struct plan_key *k = plan->keys, *end = k + plan->keys_len; k < end; k++)
		o->at[k->key] = way->steps[k->step].at;
	for (unsigned facts = facts_of(o, &plan->seen); plan && plan->facts != facts;)
		plan = plan->next;
	if (!plan)
		return false;
	o->seen = plan->seen;
	o->row = plan->row;
	o->shape = plan->row->shape->name;
	o->members = plan->members;
	o->columns = plan->columns;
	o->present = plan->present;
	o->steps = way->steps;
	return true;
}

/* Whether names alone do not say where a place inside the member at `at` is: in an array of {"key": .., "value": ..} it is up to the values, and arrays in arrays are not followed. */
static bool is_unsteady(const struct json *json, uint32_t at, const struct place *place)
{
	for (size_t i = 0; i < 2 && at && (place->inside[i].len || (place->ids && i == 0)); i++) {
		if (json_is_array(json, at) && i == 0 && place->inside[1].len)
			return true;
		for (uint32_t k = json_is_array(json, at) ? json_first(at) : 0; k && k < json_end(json, at); k = json_next(json, k))
			if (json_get(json, k, SLICE("key")))
				return true;
		if (i == 0 && place->inside[1].len)
			at = json_get(json, at, place->inside[0]);
	}
	return false;
}

/* Which name on the way has its value at `at`. */
static uint16_t step_at(const struct outline_walk *way, uint32_t at)
{
	size_t i = 0;
	while (i < way->len && way->steps[i].at != at)
		i++;
	return i < way->len ? (uint16_t)i : SHAPE_NO_STEP;
}

/* A place as the plan has it; false if it is not there in any object of this order. */
static bool plan_place(const struct object *o, enum member member, const struct outline_walk *way, struct present p, struct present *ret)
{
	uint32_t at = o->at[p.place->key];
	bool inside = place_is_inside(p.place);
	*ret = (struct present){.place = p.place, .step = SHAPE_NO_STEP};
	if (inside && (way->opaque || is_unsteady(&o->json, at, p.place)))
		return true;
	at = inside ? object_inside(o, member, p.place, at) : at;
	ret->step = at ? step_at(way, at) : SHAPE_NO_STEP;
	return at != 0;
}

/* Notes at the end of the way what was found out about o. */
static void remember(struct decoder *d, const struct object *o, const struct outline_walk *way)
{
	size_t n = 0;
	for (unsigned m = 0; m < MEMBER_COUNT; m++)
		for (const struct present *p = o->present[m]; p->place; p++)
			n++;
	struct shape_plan *plan = arena_alloc(&way->outline->notes, sizeof(*plan) + (n + MEMBER_COUNT) * sizeof(plan->places[0]));
	*plan = (struct shape_plan){.next = way->end->plans, .facts = facts_of(o, &o->seen), .seen = o->seen, .row = o->row, .members = o->members};
	for (size_t i = 0; i < way->len; i++) {
		unsigned key = key_of(d, outline_name(way->steps[i].node));
		if (key != KEY_NONE && o->at[key] == way->steps[i].at && key_set_has(&o->seen, key)) {
			plan->keys[plan->keys_len].key = (uint16_t)key;
			plan->keys[plan->keys_len++].step = (uint16_t)i;
		}
	}
	struct present *next = plan->places;
	for (unsigned m = 0; m < MEMBER_COUNT; m++) {
		plan->present[m] = next;
		for (const struct present *p = o->present[m]; p->place; p++)
			next += plan_place(o, (enum member)m, way, *p, next);
		plan->columns |= next > plan->present[m] ? 1u << m : 0;
		*next++ = (struct present){0};
	}
	way->end->plans = plan;
}

enum undecodable object_open(struct decoder *d, unsigned layer, const struct json *json, uint32_t root)
{
	struct object *o = &d->objects[layer];
	const struct outline_walk *way = root == JSON_ROOT ? json->walk : NULL;
	o->json = *json;
	o->root = root;
	o->via = NULL;
	if (way && open_again(o, way))
		return UNDECODABLE_NONE;
	enum undecodable reason = object_scan(d, o);
	if (reason)
		return reason;
	object_is(o, shape_detect(&d->shapes, layer, &o->seen));
	if (way)
		remember(d, o, way);
	return UNDECODABLE_NONE;
}

/* --- unwrapping --- */

/* Opens JSON text, or logfmt, as the next layer; false if it is neither. */
static bool open_text(struct decoder *d, struct slice text, unsigned layer, const char *via, enum undecodable *ret_reason)
{
	struct json json;
	if (layer == LAYERS || text.len < 2)
		return false;
	if (text.ptr[0] == '{' ? decoder_parse(d, layer, text, &json) || !json_is_object(&json, JSON_ROOT) : !logfmt_parse(d, text, &json))
		return false;
	*ret_reason = object_open(d, layer, &json, JSON_ROOT);
	d->objects[layer].via = via;
	d->objects[layer].via_text = true;
	if (text.ptr[0] != '{')
		d->objects[layer].shape = "logfmt";
	return true;
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

static void note_text(struct decoder *d, const struct text_layer *text, const char *member, struct slice key)
{
	struct buf way = {0};
	if (text->under > 0)
		object_way(d, text->under - 1, &way);
	buf_printf(&way, "%s%stext", text->via ? text->via : "", text->via ? " " : "");
	if (key.len) {
		buf_add_str(&way, ", ");
		buf_add_slice(&way, key);
	}
	decoder_note(d, member, buf_slice(&way));
	buf_done(&way);
}

static void take_slice(struct decoder *d, const struct text_layer *text, struct slice *member, struct slice value, const char *name)
{
	if (member->len || value.len == 0)
		return;
	*member = value;
	if (noting(d))
		note_text(d, text, name, slice_of(NULL, 0));
}

static void ids_from_text(struct decoder *d, const struct text_layer *text, struct record *r)
{
	const struct text_header *h = &text->h;
	if (h->trace_id.len && r->trace_id.len == 0) {
		r->trace_id = trace_id_of(h->trace_id, &d->arena, &r->span_id);
		if (noting(d) && r->trace_id.len)
			note_text(d, text, "trace_id", h->trace_key);
	}
	if (h->span_id.len && r->span_id.len == 0) {
		r->span_id = span_id_of(h->span_id, &d->arena);
		if (noting(d) && r->span_id.len)
			note_text(d, text, "span_id", h->span_key);
	}
}

/* A container's time names its zone: it is better than one behind it that does not, unless it is known which that is. */
static const struct timestamp *time_of(const struct decoder *d, const struct text_header *h)
{
	bool better = h->contained && (!h->time.dated || !(h->time.zoned || d->zone));
	return better ? &h->container : &h->time;
}

static void time_from_text(struct decoder *d, const struct text_layer *text, struct record *r)
{
	const struct timestamp *time = time_of(d, &text->h);
	if (time->yearless && d->now_ns <= 0)
		return;
	bool zoned = time->zoned;
	if (!text->h.has_time || !time->dated || (r->time_ns && (d->time_zoned || !(zoned || d->zone))))
		return;
	int64_t ns = time->yearless ? timestamp_near(time->ns, d->now_ns) : time->ns > 0 ? time->ns : 1;
	r->time_ns = decoder_utc(d, ns, &zoned);
	d->time_zoned = zoned;
	if (noting(d)) {
		note_text(d, text, "time", slice_of(NULL, 0));
		decoder_note_zone(d, time->zoned);
	}
}

/* A text whose quotes stand there twice, with each once. */
static struct slice undoubled(struct decoder *d, struct slice text)
{
	char *out = arena_alloc(&d->arena, text.len + JSON_STRING_SLACK);
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++) {
		out[n++] = text.ptr[i];
		i += text.ptr[i] == '"';
	}
	return slice_of(out, n);
}

static void fill_from_text(struct decoder *d, const struct text_layer *text, struct record *r)
{
	const struct text_header *h = &text->h;
	time_from_text(d, text, r);
	if (r->severity == SEVERITY_UNKNOWN && h->severity != SEVERITY_UNKNOWN) {
		r->severity = h->severity;
		if (noting(d))
			note_text(d, text, "severity", slice_of(NULL, 0));
	}
	take_slice(d, text, &r->service, h->service, "service");
	take_slice(d, text, &r->logger, h->logger, "logger");
	if (!text->json)
		take_slice(d, text, &r->message, h->doubled_quotes ? undoubled(d, h->message) : h->message, "message");
	ids_from_text(d, text, r);
	if (h->status && r->http_status == 0) {
		r->http_status = h->status;
		r->http_method = h->method;
		r->http_path = h->path;
	}
	if (h->has_duration && r->duration_ns < 0)
		r->duration_ns = h->duration_ns;
}

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
		take_slice(d, text, &r->message, text->h.message, "message");
}

/* From the innermost layer outwards; the message is what the innermost has, for those around hold nothing but it. */
static inline enum undecodable fill_all(struct decoder *d, struct record *r, unsigned layers, const struct text_layer *text)
{
	enum undecodable reason = UNDECODABLE_NONE;
	for (unsigned i = layers; i-- > 0 && !reason;) {
		if (text->found && text->under == i + 1)
			fill_from_text(d, text, r);
		reason = object_fill(d, &d->objects[i], r, i + 1 == layers && !(text->found && text->under == layers));
	}
	if (text->found && text->under == 0 && !reason)
		fill_from_text(d, text, r);
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
