/* SPDX-License-Identifier: Apache-2.0 */
#include "record/json.h"

#include "record/nanos.h"

#include <math.h>
#include <stdio.h>

/* Names are told apart by their length and last eight bytes; every string of a document has eight readable ones behind it. */
uint32_t json_get(const struct json *json, uint32_t at, struct slice key)
{
	return json_member(json, at, key);
}

/* Recursion: one level per dot that leads into an object, so at most JSON_MAX_DEPTH. */
uint32_t json_find(const struct json *json, uint32_t at, struct slice path)
{
	if (!json_is_object(json, at))
		return 0;
	uint32_t found = json_get(json, at, path);
	for (size_t i = path.len; !found && i-- > 1;) {
		if (path.ptr[i] != '.')
			continue;
		uint32_t inside = json_get(json, at, slice_of(path.ptr, i));
		if (inside)
			found = json_find(json, inside, slice_sub(path, i + 1, path.len));
	}
	return found;
}

bool json_double(const struct json *json, uint32_t at, double *ret_value)
{
	if (!at)
		return false;
	uint64_t word = json->tape[at + 1];
	switch (json_type(json, at)) {
	case 'l':
		*ret_value = (double)(int64_t)word;
		return true;
	case 'u':
		*ret_value = (double)word;
		return true;
	case 'd':
		memcpy(ret_value, &word, sizeof(word));
		return true;
	case '"':
		return slice_to_double(json_string(json, at), ret_value);
	default:
		return false;
	}
}

/* Up to 19 digits (nanoseconds since 1970) that surely fit: eight at a time, the first ones behind zeros. Every string of a document has eight readable bytes behind it. */
static inline bool digits(struct slice text, int64_t *ret_value)
{
	uint64_t value = 0, eight;
	size_t odd = text.len % 8;
	if (text.len == 0 || text.len > 19 || (text.len == 19 && text.ptr[0] == '9'))
		return false;
	if (odd && !nanos_eight(load_u64(text.ptr) << (64 - 8 * odd) | UINT64_C(0x3030303030303030) >> 8 * odd, &value))
		return false;
	for (const char *p = text.ptr + odd, *end = text.ptr + text.len; p < end; p += 8) {
		if (!nanos_eight(load_u64(p), &eight))
			return false;
		value = value * 100000000 + eight;
	}
	*ret_value = (int64_t)value;
	return true;
}

bool json_i64_other(const struct json *json, uint32_t at, int64_t *ret_value)
{
	double number;
	if (!at)
		return false;
	if (json_type(json, at) == '"' && (digits(json_string(json, at), ret_value) || slice_to_i64(json_string(json, at), ret_value)))
		return true;
	if (!json_double(json, at, &number) || !(number > -9.2e18 && number < 9.2e18))
		return false;
	*ret_value = (int64_t)number;
	return true;
}

void json_render_double(double number, struct buf *out)
{
	char text[32];
	if (!isfinite(number)) {
		buf_add_str(out, "null");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		double back;
		snprintf(text, sizeof(text), "%.*g", digits, number);
		if (slice_to_double(slice_str(text), &back) && !(back < number) && !(back > number))
			break;
	}
	buf_add_str(out, text);
}

static void add_scalar(const struct json *json, uint32_t at, struct buf *out)
{
	double number = 0;
	switch (json_type(json, at)) {
	case 'l':
		buf_add_i64(out, (int64_t)json->tape[at + 1]);
		break;
	case 'u':
		buf_add_u64(out, json->tape[at + 1]);
		break;
	case 'd':
		json_double(json, at, &number);
		json_render_double(number, out);
		break;
	case 't':
		buf_add_str(out, "true");
		break;
	case 'f':
		buf_add_str(out, "false");
		break;
	default:
		buf_add_str(out, "null");
		break;
	}
}

bool json_scalar(const struct json *json, uint32_t at, struct buf *scratch, struct slice *ret_text)
{
	if (json_is_null(json, at) || json_is_object(json, at) || json_is_array(json, at))
		return false;
	if (json_type(json, at) == '"') {
		*ret_text = json_string(json, at);
		return true;
	}
	buf_reset(scratch);
	add_scalar(json, at, scratch);
	*ret_text = buf_slice(scratch);
	return true;
}

/* Recursion: bounded by JSON_MAX_DEPTH. */
void json_render(const struct json *json, uint32_t at, struct buf *out)
{
	char type = json_type(json, at);
	if (type == '"') {
		buf_add_json_string(out, json_string(json, at));
		return;
	}
	if (type != '{' && type != '[') {
		add_scalar(json, at, out);
		return;
	}
	buf_add_char(out, type);
	for (uint32_t i = json_first(at), first = i, end = json_end(json, at); i < end; i = json_next(json, i)) {
		if (i != first)
			buf_add_char(out, ',');
		if (type == '{') {
			buf_add_json_string(out, json_string(json, i++));
			buf_add_char(out, ':');
		}
		json_render(json, i, out);
	}
	buf_add_char(out, type == '{' ? '}' : ']');
}
