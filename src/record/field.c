/* SPDX-License-Identifier: Apache-2.0 */
#include "record/reader.h"

static bool member_value(const struct record *r, struct slice name, struct slice *ret)
{
	static const struct slice names[] = {{"service", 7}, {"message", 7}, {"logger", 6}, {"trace_id", 8}, {"span_id", 7}, {"template", 8}, {"name", 4}};
	const struct slice values[] = {r->service, r->message, r->logger, r->trace_id, r->span_id, r->template_text, r->name};
	if (slice_eq(name, SLICE("severity"))) {
		*ret = slice_str(severity_name(r->severity));
		return true;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_eq(name, names[i])) {
			*ret = values[i];
			return true;
		}
	return false;
}

static bool text_at(const struct record_fields *f, const struct json *json, uint32_t at, struct slice *ret)
{
	struct buf scratch = {0};
	bool found = at && json_scalar(json, at, &scratch, ret);
	if (found && scratch.data && ret->ptr == scratch.data)
		*ret = arena_copy(f->arena, *ret);
	buf_done(&scratch);
	return found;
}

/* The scalar of the attribute with this name in an OTLP list; 0 if there is none. */
static uint32_t attribute(const struct json *json, uint32_t list, struct slice name)
{
	if (!json_is_array(json, list))
		return 0;
	for (uint32_t i = json_first(list), end = json_end(json, list); i < end; i = json_next(json, i)) {
		if (!slice_eq(json_text(json, json_get(json, i, SLICE("key"))), name))
			continue;
		uint32_t value = json_get(json, i, SLICE("value"));
		return json_is_object(json, value) && json_first(value) < json_end(json, value) ? json_first(value) + 1 : 0;
	}
	return 0;
}

bool record_field(const struct record *record, struct slice path, struct slice *ret_value)
{
	const struct record_fields *f = record->fields;
	struct slice value;
	if (member_value(record, path, &value)) {
		if (value.len)
			*ret_value = value;
		return value.len > 0;
	}
	if (!f || path.len == 0)
		return false;
	if (f->inner_root && text_at(f, &f->inner, json_find(&f->inner, f->inner_root, path), ret_value))
		return true;
	for (size_t i = 0; i < 3; i++)
		if (f->attributes[i] && text_at(f, &f->outer, attribute(&f->outer, f->attributes[i], path), ret_value))
			return true;
	return f->outer_root && text_at(f, &f->outer, json_find(&f->outer, f->outer_root, path), ret_value);
}
