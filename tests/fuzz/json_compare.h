/* SPDX-License-Identifier: Apache-2.0 */
/* A document read in one pass beside simdjson's own tape: what is read in one pass simdjson accepts, and it is the same word for word. For the unit
 * test and the fuzz target. */
#ifndef WINNOW_TESTS_FUZZ_JSON_COMPARE_H
#define WINNOW_TESTS_FUZZ_JSON_COMPARE_H

#include "record/json.h"

#include <stdlib.h>

struct json_pair {
	struct json_parser *scan, *tape;
};

static inline bool json_same_value(const struct json *a, const struct json *b, uint32_t at)
{
	if (json_type(a, at) == '"')
		return json_type(b, at) == '"' && slice_eq(json_string(a, at), json_string(b, at));
	if (json_type(a, at) == '{' || json_type(a, at) == '[')
		return json_type(a, at) == json_type(b, at) && json_next(a, at) == json_next(b, at);
	if (json_is_number(a, at) && a->tape[at + 1] != b->tape[at + 1])
		return false;
	return json_type(a, at) == json_type(b, at);
}

/* Walks all words but the brackets that close, which say nothing more. */
static inline bool json_same(const struct json *a, const struct json *b)
{
	uint32_t words = (uint32_t)a->tape[0];
	if (words != (uint32_t)b->tape[0])
		return false;
	for (uint32_t i = 1; i + 1 < words; i++) {
		char type = json_type(a, i);
		if (type != '}' && type != ']' && !json_same_value(a, b, i))
			return false;
		i += json_is_number(a, i);
	}
	return true;
}

/* The names that the outline says are those of the document, all of the outermost object's among them. */
static inline bool json_same_walk(const struct json *json)
{
	const struct outline_walk *way = json->walk;
	uint32_t at = json_first(JSON_ROOT), end = json_end(json, JSON_ROOT);
	for (size_t i = 0; i < way->len; i++) {
		uint32_t value = way->steps[i].at;
		if (value > at + 1 || value >= end || !slice_eq(json_string(json, value - 1), outline_name(way->steps[i].node)))
			return false;
		if (value == at + 1)
			at = json_next(json, value);
	}
	return at == end;
}

/* False if the two differ; *ret_plain: the one pass was enough. */
static inline bool json_compare(const struct json_pair *p, struct slice text, bool *ret_plain)
{
	struct json scan, tape;
	*ret_plain = json_parser_by_scan(p->scan, text.ptr, text.len, &scan) == JSON_OK;
	if (!*ret_plain)
		return true;
	if (json_parser_by_tape(p->tape, text.ptr, text.len, &tape) != JSON_OK || !json_same(&scan, &tape))
		return false;
	return !scan.walk || json_same_walk(&scan);
}

#endif
