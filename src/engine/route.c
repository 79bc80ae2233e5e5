/* SPDX-License-Identifier: Apache-2.0 */
/* An id in a span name or a path is the classic cardinality accident. A segment (between '/', blank, ':' or ',') is an id if it has
 *   - four digits or more, or
 *   - a part (between '-', '_' and '.') that is nothing but two or more digits, or
 *   - eight or more hex digits (a digit among them) and nothing else but '-', '_' and '.', or
 *   - nothing but digits.
 * "v1", "oauth2", "s3", "sha256", "v1.2" stay; "81422", "SKU-17410", "order-42", "b3f1c2d4", UUIDs go. */
#include "engine/route.h"

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_joint(char c)
{
	return c == '-' || c == '_' || c == '.';
}

/* Whether a part of the segment is nothing but two or more digits. */
static bool has_number(struct slice segment)
{
	size_t digits = 0, len = 0;
	for (size_t i = 0; i <= segment.len; i++) {
		if (i < segment.len && !is_joint(segment.ptr[i])) {
			len++;
			digits += is_digit(segment.ptr[i]);
			continue;
		}
		if (len >= 2 && digits == len)
			return true;
		digits = len = 0;
	}
	return false;
}

static bool is_id(struct slice segment)
{
	size_t digits = 0, hex = 0, joints = 0;
	for (size_t i = 0; i < segment.len; i++) {
		digits += is_digit(segment.ptr[i]);
		hex += is_hex(segment.ptr[i]);
		joints += is_joint(segment.ptr[i]);
	}
	if (digits == 0)
		return false;
	return digits >= 4 || digits == segment.len || (hex + joints == segment.len && hex >= 8) || has_number(segment);
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
