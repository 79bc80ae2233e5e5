/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object of a document as known fields and a shape.
 *
 * Idea: one pass over an object's own fields notes the position of each known one (object_scan); the set of names found picks the shape (shape.h). What was found out about an object whose names came in
 * an order that came before stands at the end of that way (outline.h) as a plan, and holds if the facts about values are the same.
 */
#include "record/reader.h"

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
