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

bool record_field_text(const struct record_fields *f, const struct json *json, uint32_t at, struct slice *ret)
{
	struct buf scratch = {0};
	bool found = at && json_scalar(json, at, &scratch, ret);
	if (found && scratch.data && ret->ptr == scratch.data)
		*ret = arena_copy(f->arena, *ret);
	buf_done(&scratch);
	return found;
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
	return f && f->find && path.len && f->find(f, path, ret_value);
}

bool record_resource_next(const struct record *record, size_t *cursor, struct slice *ret_name, struct slice *ret_value)
{
	const struct record_fields *f = record->fields;
	return f && f->resource_next && f->resource_next(f, cursor, ret_name, ret_value);
}

struct slice record_resource_bytes(const struct record *record)
{
	const struct record_fields *f = record->fields;
	return f && f->resource_bytes ? f->resource_bytes(f) : slice_of(NULL, 0);
}
