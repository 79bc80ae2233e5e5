/* SPDX-License-Identifier: Apache-2.0 */
/* Where a column's values are: its fields, and what lies inside them. */
#include "record/json_search.h"

/* The value of a {"key": .., "value": ..}, without OTLP's {"stringValue": ..} around it. */
static uint32_t pair_value(const struct json *json, uint32_t pair)
{
	uint32_t value = json_get(json, pair, SLICE("value")), text = json_is_object(json, value) ? json_get(json, value, SLICE("stringValue")) : 0;
	return text ? text : value;
}

/* A name inside an object, or inside the last of an array's objects that has it; also of an array of {"key": .., "value": ..}. */
static uint32_t descend(const struct json *json, uint32_t at, struct slice name)
{
	if (!json_is_array(json, at))
		return json_get(json, at, name);
	uint32_t found = 0;
	for (uint32_t i = json_first(at), end = json_end(json, at); i < end; i = json_next(json, i)) {
		uint32_t here = json_get(json, i, name), pair = here ? 0 : json_get(json, i, SLICE("key"));
		if (pair && slice_eq(json_text(json, pair), name))
			here = pair_value(json, i);
		if (here)
			found = here;
	}
	return found;
}

static inline unsigned rank_of(const struct object *o, enum member member, uint32_t name)
{
	return o->row->table->ranks[member][key_find(o->row->table->keys, json_string(&o->json, name))];
}

/* The value of the best of the names in an object that the column has. */
static uint32_t best_member(const struct object *o, enum member member, uint32_t at)
{
	const struct json *json = &o->json;
	uint32_t found = 0;
	unsigned best = UINT8_MAX;
	for (uint32_t i = json_first(at), end = json_end(json, at); i < end; i = json_next(json, i + 1)) {
		unsigned rank = rank_of(o, member, i);
		if (rank && rank < best) {
			best = rank;
			found = i + 1;
		}
	}
	return found;
}

/* Inside the last of an array's objects that has any: {"key": .., "value": ..}, or members. */
static uint32_t last_item(const struct object *o, enum member member, uint32_t at)
{
	const struct json *json = &o->json;
	uint32_t found = 0;
	for (uint32_t i = json_first(at), end = json_end(json, at); i < end; i = json_next(json, i)) {
		bool object = json_is_object(json, i);
		uint32_t pair = object ? json_get(json, i, SLICE("key")) : 0;
		bool known = pair && json_type(json, pair) == '"' && rank_of(o, member, pair);
		uint32_t here = known ? pair_value(json, i) : object ? best_member(o, member, i) : 0;
		found = here ? here : found;
	}
	return found;
}

/* The value inside that is an id by its name. */
static uint32_t best_id(const struct object *o, enum member member, uint32_t at)
{
	if (json_is_array(&o->json, at))
		return last_item(o, member, at);
	return json_is_object(&o->json, at) ? best_member(o, member, at) : 0;
}

uint32_t object_inside(const struct object *o, enum member member, const struct place *place, uint32_t at)
{
	if (place->ids) {
		at = place->inside[0].len ? descend(&o->json, at, place->inside[0]) : at;
		return at ? best_id(o, member, at) : 0;
	}
	for (size_t i = 0; i < 2 && at && place->inside[i].len; i++)
		at = descend(&o->json, at, place->inside[i]);
	return at;
}

/* Most names inside are not there: the bits of those that are tell without a search. */
uint32_t search_look_for(const struct object *o, enum member member, const struct present *p)
{
	const struct place *place = p->place;
	if (!place_is_inside(place))
		return o->at[place->key];
	return p->bit & ~o->names[place->key] ? 0 : object_inside(o, member, place, o->at[place->key]);
}

uint32_t object_next(const struct object *o, enum member member, const struct place **place)
{
	struct search s = search_start(o, member);
	while (*place && s.next->place && s.next++->place != *place)
		;
	uint32_t at = search_next(&s);
	*place = s.place;
	return at;
}

struct slice object_text(const struct object *o, enum member member)
{
	const struct place *place = NULL;
	for (uint32_t at; (at = object_next(o, member, &place));)
		if (json_text(&o->json, at).len)
			return json_text(&o->json, at);
	return slice_of(NULL, 0);
}

void object_way(const struct decoder *d, unsigned layer, struct buf *out)
{
	for (unsigned i = 1; i <= layer; i++)
		if (d->objects[i].via)
			buf_printf(out, "%s%s", d->objects[i].via, d->objects[i].via_text ? " JSON, " : ".");
}

void search_write_note(struct decoder *d, const struct object *o, enum member member, const struct place *place)
{
	struct buf text = {0};
	object_way(d, (unsigned)(o - d->objects), &text);
	buf_add_slice(&text, json_string(&o->json, o->at[place->key] - 1)); /* the name before the value */
	for (size_t i = 0; i < 2 && place->inside[i].len; i++) {
		buf_add_char(&text, '.');
		buf_add_slice(&text, place->inside[i]);
	}
	if (place->ids) {
		struct slice name = json_string(&o->json, object_inside(o, member, place, o->at[place->key]) - 1);
		bool pair = slice_eq(name, SLICE("value")) || slice_eq(name, SLICE("stringValue"));
		buf_add_char(&text, '.');
		buf_add_slice(&text, pair ? SLICE("[]") : name);
	}
	decoder_note(d, member_name(member), buf_slice(&text));
	buf_done(&text);
}
