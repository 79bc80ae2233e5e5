/* SPDX-License-Identifier: Apache-2.0 */
#include "record/message_template.h"

struct slice message_template_name(struct slice hole)
{
	size_t n = 0;
	if (hole.len && (hole.ptr[0] == '@' || hole.ptr[0] == '$'))
		hole = slice_sub(hole, 1, hole.len);
	while (n < hole.len && hole.ptr[n] != ',' && hole.ptr[n] != ':')
		n++;
	return slice_of(hole.ptr, n);
}

/* rendering: the ready text of the next hole with a format, moved on if it is used; 0 if there are none. */
static bool fill_hole(const struct json *json, uint32_t root, struct slice hole, uint32_t *rendering, uint32_t end, struct buf *out)
{
	uint32_t at;
	if (*rendering && *rendering < end && slice_find(hole, ':', 0) < hole.len) {
		at = *rendering;
		*rendering = json_next(json, at);
	} else {
		struct slice name = message_template_name(hole);
		at = name.len ? json_get(json, root, name) : 0;
	}
	if (!at)
		return false;
	if (json_type(json, at) == '"')
		buf_add_slice(out, json_string(json, at));
	else
		json_render(json, at, out);
	return true;
}

/* What stands before the next brace; where that is. */
static size_t add_plain(struct slice template, size_t from, struct buf *out)
{
	size_t i = from;
	while (i < template.len && template.ptr[i] != '{' && template.ptr[i] != '}')
		i++;
	buf_add(out, template.ptr + from, i - from);
	return i;
}

void message_template_render(const struct json *json, uint32_t root, uint32_t renderings, struct slice template, struct buf *out)
{
	bool ready = json_is_array(json, renderings);
	uint32_t rendering = ready ? json_first(renderings) : 0, last = ready ? json_end(json, renderings) : 0;
	for (size_t i = 0; i < template.len;) {
		i = add_plain(template, i, out);
		if (i == template.len)
			break;
		char c = template.ptr[i];
		bool twice = i + 1 < template.len && template.ptr[i + 1] == c;
		size_t end = c == '{' && !twice ? slice_find(template, '}', i) : template.len;
		if ((c == '{' || c == '}') && twice) {
			buf_add_char(out, c);
			i += 2;
		} else if (end < template.len && fill_hole(json, root, slice_sub(template, i + 1, end - i - 1), &rendering, last, out)) {
			i = end + 1;
		} else {
			buf_add_char(out, c);
			i++;
		}
	}
}
