/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a value says that something failed, and the type of what was thrown: a class's name, an object with one, the head of a stack trace, or a state. */
#include "record/reader.h"

static bool is_type_key(unsigned key)
{
	return key == KEY_ERROR_TYPE || key == KEY_ERROR_TYPE2 || key == KEY_EXCEPTION_TYPE || key == KEY_EXCEPTION_TYPE2 || key == KEY_EXCEPTION_CLASS ||
	       key == KEY_THROWABLE_CLASS || key == KEY_EXCEPTION_NAME || key == KEY_STATE_CODE || key == KEY_EXCEPTIONTYPE || key == KEY_ERROR_KIND;
}

static inline bool is_name_char(char c)
{
	static const bool chars[256] = {['.'] = true, ['_'] = true, ['$'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true};
	return chars[(unsigned char)c];
}

/* "java.lang.IllegalStateException: no\n\tat ..." and "Traceback ...\nValueError: no": the class's name. */
static struct slice class_of(struct slice text)
{
	size_t n = 0;
	text = slice_trim(text);
	if (slice_starts(text, SLICE("Traceback"))) {
		const char *last = memrchr(text.ptr, '\n', text.len);
		text = last ? slice_sub(text, (size_t)(last + 1 - text.ptr), text.len) : text;
	}
	while (n < text.len && is_name_char(text.ptr[n]))
		n++;
	struct slice name = slice_of(text.ptr, n);
	bool ends = n == text.len || text.ptr[n] == ':' || text.ptr[n] == '\n';
	bool named = slice_ends(name, SLICE("Error")) || slice_ends(name, SLICE("Exception"));
	return ends && named ? name : slice_of(NULL, 0);
}

static struct slice failure_type(const struct json *json, uint32_t at, unsigned key)
{
	static const struct slice names[] = {{"type", 4}, {"name", 4}, {"class", 5}, {"kind", 4}, {"exception_class", 15}, {"exceptionType", 13}, {"exc_type", 8}};
	if (json_type(json, at) == '"')
		return is_type_key(key) ? json_string(json, at) : class_of(json_string(json, at));
	if (json_is_array(json, at) && json_first(at) < json_end(json, at))
		at = json_first(at);
	for (size_t i = 0; json_is_object(json, at) && i < sizeof(names) / sizeof(names[0]); i++) {
		struct slice text = json_text(json, json_get(json, at, names[i]));
		if (text.len)
			return text;
	}
	return slice_of(NULL, 0);
}

/* Whether the value says that something failed. */
static bool is_failure(const struct json *json, uint32_t at)
{
	double number;
	switch (json_type(json, at)) {
	case '"':
		return json_string(json, at).len > 0;
	case '{':
	case '[':
		return json_first(at) < json_end(json, at);
	case 't':
		return true;
	case 'f':
		return false;
	default:
		return json_double(json, at, &number) && (number < 0 || number > 0);
	}
}

/* SQLSTATE classes of success, warning and no data. */
static bool is_success_state(struct slice state)
{
	return state.len < 2 || (state.ptr[0] == '0' && state.ptr[1] <= '2');
}

bool json_failure(const struct json *json, uint32_t at, unsigned key, struct slice *ret_type)
{
	if (!is_failure(json, at) || (key == KEY_STATE_CODE && is_success_state(json_text(json, at))))
		return false;
	*ret_type = failure_type(json, at, key);
	return true;
}
