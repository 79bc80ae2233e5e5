/* SPDX-License-Identifier: Apache-2.0 */
#include "record/json_parser.h"

#include "base/mem.h"
#include "record/json.h"

#include <stdlib.h>

struct json_parser {
	struct json_shim *shim;
	size_t bytes;
	struct outline outline;
	struct outline_walk walk;
};

struct json_parser *json_parser_new(void)
{
	struct json_parser *p = mem_zalloc(1, sizeof(*p));
	p->walk.outline = &p->outline;
	p->shim = json_shim_new();
	if (p->shim)
		return p;
	free(p);
	return NULL;
}

void json_parser_free(struct json_parser *parser)
{
	if (!parser)
		return;
	json_shim_free(parser->shim);
	outline_done(&parser->outline);
	free(parser);
}

size_t json_parser_bytes(const struct json_parser *parser)
{
	return parser->bytes;
}

/* The outermost object's way through the outline, which learns it if it is new; false if there is none. */
static bool follow(const struct json *json, struct outline_walk *walk)
{
	uint16_t node = 0;
	walk->len = 0;
	if (!json_is_object(json, JSON_ROOT))
		return false;
	outline_begin(walk->outline);
	for (uint32_t i = json_first(JSON_ROOT), end = json_end(json, JSON_ROOT); i < end; i = json_next(json, i + 1)) {
		node = outline_step(walk->outline, node, json->strings + (json->tape[i] & UINT64_C(0x00FFFFFFFFFFFFFF)));
		if (!node || walk->len == OUTLINE_MEMBERS)
			return false;
		walk->nodes[walk->len] = node;
		walk->at[walk->len++] = i + 1;
	}
	return walk->len > 0;
}

enum json_status json_parser_parse(struct json_parser *parser, const char *bytes, size_t len, struct json *ret)
{
	struct json_shim_tape shim;
	enum json_status status = json_shim_parse(parser->shim, bytes, len, &shim);
	if (status != JSON_OK)
		return status;
	parser->bytes = json_shim_strings_bound(len);
	*ret = (struct json){.tape = shim.tape, .strings = shim.strings};
	if (follow(ret, &parser->walk))
		ret->walk = &parser->walk;
	return JSON_OK;
}
