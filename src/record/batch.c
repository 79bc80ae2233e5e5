/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that carry many log records: CloudWatch's logEvents, Azure's records, CloudTrail's Records, a Kubernetes audit list's items, Loki's streams.
 *
 * Idea: the object around them is the outermost layer of each of its records, so it lends them its service and whatever else they leave open.
 */
#include "record/reader.h"
#include "record/timestamp.h"

/* layer: the one behind what holds the list. */
static void read_item(struct decoder *d, unsigned layer, const struct json *json, uint32_t at)
{
	if (json_is_object(json, at)) {
		enum undecodable reason = object_open(d, layer, json, at);
		if (reason)
			decoder_lose(d, reason);
		else
			json_log_read(d, layer);
	} else if (json_type(json, at) == '"' && json_string(json, at).len) {
		text_log_read(d, json_string(json, at), layer);
	} else {
		decoder_lose(d, UNDECODABLE_WRONG_TYPE);
	}
}

void batch_list_read(struct decoder *d, unsigned layer)
{
	const struct object *o = &d->objects[layer];
	d->many = true;
	const struct place *place = NULL;
	uint32_t list = object_next(o, MEMBER_MESSAGE, &place);
	if (!json_is_array(&o->json, list)) {
		decoder_lose(d, UNDECODABLE_WRONG_TYPE);
		return;
	}
	struct json json = o->json;
	for (uint32_t i = json_first(list), end = json_end(&json, list); i < end; i = json_next(&json, i))
		read_item(d, layer + 1, &json, i);
}

/* What stands behind a line, {"trace_id": ..}, lies between it and the stream's labels. */
static unsigned open_metadata(struct decoder *d, const struct json *json, uint32_t at, enum undecodable *ret_reason)
{
	bool there = json_is_object(json, at) && json_first(at) < json_end(json, at);
	if (there)
		*ret_reason = object_open(d, 1, json, at);
	return 1 + there;
}

/* [time, line], also with metadata behind it, or the older {ts, line}. */
static void read_entry(struct decoder *d, const struct json *json, uint32_t at)
{
	bool zoned;
	enum undecodable reason = UNDECODABLE_NONE;
	uint32_t time = json_get(json, at, SLICE("ts")), line = json_get(json, at, SLICE("line"));
	time = time ? time : json_get(json, at, SLICE("timestamp"));
	uint32_t metadata = 0;
	if (json_is_array(json, at) && json_first(at) < json_end(json, at)) {
		time = json_first(at);
		line = json_next(json, time) < json_end(json, at) ? json_next(json, time) : 0;
		metadata = line && json_next(json, line) < json_end(json, at) ? json_next(json, line) : 0;
	}
	unsigned around = metadata ? open_metadata(d, json, metadata, &reason) : 1;
	struct slice text = slice_trim(json_text(json, line));
	d->batch_time_ns = time ? json_time(d, json, time, &zoned, &reason) : 0;
	if (d->batch_time_ns)
		d->batch_time_ns = decoder_utc(d, d->batch_time_ns, &zoned);
	if (reason || text.len == 0)
		decoder_lose(d, reason ? reason : UNDECODABLE_WRONG_TYPE);
	else
		text_log_read(d, text, around);
	d->batch_time_ns = 0;
}

/* The label at the start of *text, app="pay", as a member of an object, and what parts it from the next, off *text; false if there is none. */
static bool take_label(struct slice *text, struct buf *out)
{
	size_t equals = slice_find(*text, '=', 0), end = equals + 2;
	if (end >= text->len || text->ptr[equals + 1] != '"' || memchr(text->ptr, '"', equals))
		return false;
	while (end < text->len && text->ptr[end] != '"')
		end += text->ptr[end] == '\\' ? 2 : 1;
	if (end >= text->len)
		return false;
	buf_add_json_string(out, slice_trim(slice_sub(*text, 0, equals)));
	buf_add_char(out, ':');
	buf_add_slice(out, slice_sub(*text, equals + 1, end - equals)); /* Go's escapes that matter are JSON's */
	*text = slice_trim(slice_sub(*text, end + 1, text->len));
	if (text->len == 0)
		return true;
	bool more = text->ptr[0] == ',';
	if (more)
		buf_add_char(out, ',');
	*text = slice_trim(slice_sub(*text, 1, text->len));
	return more;
}

/* {app="pay", level="warn"} as an object, as Promtail wrote labels before Loki 1.0; false if it is something else. */
static bool open_labels(struct decoder *d, struct slice text, struct json *ret)
{
	text = slice_trim(text);
	if (text.len < 2 || text.ptr[0] != '{' || text.ptr[text.len - 1] != '}')
		return false;
	text = slice_trim(slice_sub(text, 1, text.len - 2));
	buf_reset(&d->scratch);
	buf_add_char(&d->scratch, '{');
	while (text.len)
		if (!take_label(&text, &d->scratch))
			return false;
	buf_add_char(&d->scratch, '}');
	return decoder_parse(d, STRING_PARSER, arena_copy(&d->arena, buf_slice(&d->scratch)), ret) == UNDECODABLE_NONE;
}

static enum undecodable open_stream(struct decoder *d, const struct json *json, uint32_t at)
{
	uint32_t labels = json_get(json, at, SLICE("stream")), text = json_get(json, at, SLICE("labels"));
	struct json own;
	if (json_type(json, labels ? labels : text) == '"' && open_labels(d, json_string(json, labels ? labels : text), &own))
		return object_open(d, 0, &own, JSON_ROOT);
	return object_open(d, 0, json, json_is_object(json, labels) ? labels : at);
}

static void read_stream(struct decoder *d, const struct json *json, uint32_t at)
{
	uint32_t values = json_get(json, at, SLICE("values"));
	values = values ? values : json_get(json, at, SLICE("entries"));
	enum undecodable reason = json_is_object(json, at) && json_is_array(json, values) ? open_stream(d, json, at) : UNDECODABLE_WRONG_TYPE;
	if (reason) {
		decoder_lose(d, reason);
		return;
	}
	d->objects[0].shape = "loki";
	for (uint32_t i = json_first(values), end = json_end(json, values); i < end; i = json_next(json, i))
		read_entry(d, json, i);
}

void batch_read(struct decoder *d, enum shape_kind kind)
{
	struct json json = d->objects[0].json;
	uint32_t streams = json_get(&json, d->objects[0].root, SLICE("streams"));
	d->many = d->batch = true;
	if (kind == SHAPE_LIST) {
		batch_list_read(d, 0);
		return;
	}
	if (!json_is_array(&json, streams)) {
		decoder_lose(d, UNDECODABLE_WRONG_TYPE);
		return;
	}
	for (uint32_t i = json_first(streams), end = json_end(&json, streams); i < end; i = json_next(&json, i))
		read_stream(d, &json, i);
}
