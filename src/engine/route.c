/* SPDX-License-Identifier: Apache-2.0 */
/* An id in a span name or a path is the classic cardinality accident. A segment (between '/', blank, ':' or ',') is an id if it is a number, a UUID, or looks
 * generated: 8 or more hex digits with a digit among them, or 16 or more characters of which at least a quarter are digits. "v1", "oauth2", "s3" stay. */
#include "engine/route.h"

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_id(struct slice segment)
{
	size_t digits = 0, hex = 0, dashes = 0;
	for (size_t i = 0; i < segment.len; i++) {
		char c = segment.ptr[i];
		digits += c >= '0' && c <= '9';
		hex += is_hex(c);
		dashes += c == '-' || c == '_' || c == '.';
	}
	if (digits == 0)
		return false;
	if (digits + dashes == segment.len)
		return true;
	if (hex + dashes == segment.len && hex >= 8)
		return true;
	return segment.len >= 16 && digits * 4 >= segment.len;
}

static bool is_separator(char c)
{
	return c == '/' || c == ' ' || c == ':' || c == ',' || c == '=' || c == '(' || c == ')';
}

size_t route_template(struct slice name, char out[ROUTE_MAX])
{
	static const struct slice id = SLICE("<id>");
	size_t len = 0, query = slice_find(name, '?', 0);
	name.len = query;
	for (size_t i = 0; i < name.len;) {
		if (is_separator(name.ptr[i])) {
			if (len == ROUTE_MAX)
				break;
			out[len++] = name.ptr[i++];
			continue;
		}
		size_t end = i;
		while (end < name.len && !is_separator(name.ptr[end]))
			end++;
		struct slice segment = slice_of(name.ptr + i, end - i);
		struct slice text = is_id(segment) ? id : segment;
		bool fits = text.len <= ROUTE_MAX - len;
		if (!fits) /* whole characters, or the label's cleaning would add some */
			text.len = text.ptr == id.ptr ? 0 : slice_utf8_prefix(slice_sub(text, 0, ROUTE_MAX - len));
		memcpy(out + len, text.ptr, text.len);
		len += text.len;
		if (!fits)
			break;
		i = end;
	}
	return len;
}
