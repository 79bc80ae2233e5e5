/* SPDX-License-Identifier: Apache-2.0 */
#include "record/message_template.h"

/* The name in a hole's text: without @ or $ before it and ,align or :format behind it. */
static struct slice hole_name(struct slice hole)
{
	size_t n = 0;
	if (hole.len && (hole.ptr[0] == '@' || hole.ptr[0] == '$'))
		hole = slice_sub(hole, 1, hole.len);
	while (n < hole.len && hole.ptr[n] != ',' && hole.ptr[n] != ':')
		n++;
	return slice_of(hole.ptr, n);
}

static bool fill_hole(const struct json *json, uint32_t root, struct slice hole, struct buf *out)
{
	struct slice name = hole_name(hole);
	uint32_t at = name.len ? json_get(json, root, name) : 0;
	if (!at)
		return false;
	if (json_type(json, at) == '"')
		buf_add_slice(out, json_string(json, at));
	else
		json_render(json, at, out);
	return true;
}

void message_template_render(const struct json *json, uint32_t root, struct slice template, struct buf *out)
{
	for (size_t i = 0; i < template.len;) {
		char c = template.ptr[i];
		bool twice = i + 1 < template.len && template.ptr[i + 1] == c;
		size_t end = c == '{' && !twice ? slice_find(template, '}', i) : template.len;
		if ((c == '{' || c == '}') && twice) {
			buf_add_char(out, c);
			i += 2;
		} else if (end < template.len && fill_hole(json, root, slice_sub(template, i + 1, end - i - 1), out)) {
			i = end + 1;
		} else {
			buf_add_char(out, c);
			i++;
		}
	}
}
