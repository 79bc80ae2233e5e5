/* SPDX-License-Identifier: Apache-2.0 */
#include "record/decoder.h"
#include "record/json.h"
#include "record/packed.h"

static bool is(const char *reason, enum undecodable what)
{
	return strcmp(reason, undecodable_name(what)) == 0;
}

static bool is_json_start(struct slice text)
{
	return text.len && (text.ptr[0] == '{' || text.ptr[0] == '[' || text.ptr[0] == '"');
}

/* In one document, or in the first broken one of lines of them; from: where text begins in the payload. */
static bool in_json(struct slice text, size_t from, size_t *ret_at)
{
	size_t end = slice_find(text, '\n', 0), at;
	bool lines = end < text.len && json_fault(slice_of(text.ptr, end)) == JSON_FAULT_NONE;
	if (!lines) {
		bool broken = json_fault_at(text, &at) != JSON_FAULT_NONE;
		*ret_at = from + at;
		return broken;
	}
	for (size_t i = 0; i < text.len; i = slice_find(text, '\n', i) + 1) {
		struct slice line = slice_sub(text, i, slice_find(text, '\n', i) - i);
		if (slice_trim(line).len && json_fault_at(line, &at) != JSON_FAULT_NONE) {
			*ret_at = from + i + at;
			return true;
		}
	}
	return false;
}

bool decoder_first_error(struct slice payload, const char *reason, size_t *ret_at)
{
	if (payload.len == 0 || packed_kind(payload))
		return false;
	if (is(reason, UNDECODABLE_NOT_UTF8) || is(reason, UNDECODABLE_NUL)) {
		*ret_at = is(reason, UNDECODABLE_NUL) ? slice_find(payload, 0, 0) : slice_utf8_prefix(payload);
		return *ret_at < payload.len;
	}
	struct slice text = slice_trim(slice_starts(payload, SLICE("\xEF\xBB\xBF")) ? slice_sub(payload, 3, payload.len) : payload);
	if (is(reason, UNDECODABLE_NOT_JSON) && !is_json_start(text)) {
		*ret_at = 0;
		return true;
	}
	bool syntax = is(reason, UNDECODABLE_NOT_JSON) || is(reason, UNDECODABLE_TRUNCATED) || is(reason, UNDECODABLE_TOO_DEEP);
	return syntax && is_json_start(text) && in_json(text, (size_t)(text.ptr - payload.ptr), ret_at);
}
