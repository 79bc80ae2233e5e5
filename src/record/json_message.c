/* SPDX-License-Identifier: Apache-2.0 */
/* What an object says as its message: text, a template filled, anything else rendered. */
#include "record/json_search.h"
#include "record/message_template.h"

static bool is_message_proper(unsigned key)
{
	return key == KEY_MESSAGE || key == KEY_MSG || key == KEY_BODY || key == KEY_LOG || key == KEY_SHORT_MESSAGE || key == KEY_AT_M;
}

/* Anything but text rendered: a body may be an object, a message a number. */
static struct slice rendered(struct decoder *d, const struct json *json, uint32_t at)
{
	buf_reset(&d->scratch);
	json_render(json, at, &d->scratch);
	return arena_copy(&d->arena, buf_slice(&d->scratch));
}

/* A template without its text beside it: the values stand in the record, or in its Properties. */
static struct slice filled(struct decoder *d, const struct object *o, struct slice template)
{
	bool apart = key_set_has(&o->seen, KEY_PROPERTIES) && json_is_object(&o->json, o->at[KEY_PROPERTIES]);
	uint32_t root = apart ? o->at[KEY_PROPERTIES] : o->root, renderings = key_set_has(&o->seen, KEY_AT_R) ? o->at[KEY_AT_R] : 0;
	struct slice text;
	if (o->steps && template_memo_again(&d->templates, &o->json, renderings, template, &d->arena, &d->scratch, &text))
		return text;
	if (slice_find(template, '{', 0) == template.len)
		return template;
	if (o->steps)
		template_memo_learn(&d->templates, &o->json, root, template);
	buf_reset(&d->scratch);
	message_template_render(&o->json, root, renderings, template, &d->scratch);
	return arena_copy(&d->arena, buf_slice(&d->scratch));
}

/* SLF4J's "{}" one by one from the list of arguments. */
static struct slice with_arguments(struct decoder *d, const struct object *o, struct slice template)
{
	uint32_t list = o->at[KEY_ARGUMENTS], next = json_is_array(&o->json, list) ? json_first(list) : 0;
	struct slice hole = SLICE("{}");
	if (!next || slice_search(template, hole) == template.len)
		return template;
	buf_reset(&d->scratch);
	while (template.len) {
		size_t at = next < json_end(&o->json, list) ? slice_search(template, hole) : template.len;
		buf_add(&d->scratch, template.ptr, at);
		if (at < template.len) {
			if (json_type(&o->json, next) == '"')
				buf_add_slice(&d->scratch, json_string(&o->json, next));
			else
				json_render(&o->json, next, &d->scratch);
			next = json_next(&o->json, next);
		}
		template = slice_sub(template, at + hole.len, template.len);
	}
	return arena_copy(&d->arena, buf_slice(&d->scratch));
}

/* The value as a message; empty if it is none. */
static struct slice message_of(struct decoder *d, const struct object *o, uint32_t at, const struct place *place)
{
	bool proper = is_message_proper(place->key) || place->inside[0].len;
	if (json_type(&o->json, at) == '"') {
		struct slice text = json_string(&o->json, at);
		if (place->key == KEY_AT_MT || place->key == KEY_MESSAGETEMPLATE)
			return filled(d, o, text);
		return key_set_has(&o->seen, KEY_ARGUMENTS) ? with_arguments(d, o, text) : text;
	}
	/* what an object named log or event holds is not text */
	bool object = json_type(&o->json, at) == '{' && (place->key == KEY_LOG || place->key == KEY_EVENT);
	return proper && !object ? rendered(d, &o->json, at) : slice_of(NULL, 0);
}

/* journald's way to write what is not UTF-8, [104, 105], and a field that was there twice, ["a", "b"]: the first. */
static struct slice of_bytes(struct decoder *d, const struct json *json, uint32_t list)
{
	uint32_t i = json_first(list), end = json_end(json, list);
	int64_t byte;
	if (i < end && json_type(json, i) == '"')
		return json_string(json, i);
	buf_reset(&d->scratch);
	for (; i < end && json_i64(json, i, &byte) && byte >= 0 && byte <= 255; i = json_next(json, i))
		buf_add_char(&d->scratch, byte < 128 ? (char)byte : '?');
	return arena_copy(&d->arena, slice_trim(buf_slice(&d->scratch)));
}

enum undecodable object_take_message(struct decoder *d, const struct object *o, struct record *r)
{
	struct search s = search_start(o, MEMBER_MESSAGE);
	for (uint32_t at; r->message.len == 0 && (at = search_next(&s));) {
		if (json_type(&o->json, at) == '[' && s.place->key == KEY_MESSAGE3) {
			r->message = of_bytes(d, &o->json, at);
			continue;
		}
		if (json_type(&o->json, at) == '[' && (is_message_proper(s.place->key) || s.place->inside[0].len))
			return UNDECODABLE_WRONG_TYPE;
		r->message = message_of(d, o, at, s.place);
		if (r->message.len)
			search_note(d, s);
	}
	return UNDECODABLE_NONE;
}
