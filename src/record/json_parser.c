/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text to a document, in one of two ways: in one pass along the names seen before (json_scan.h), which nearly every record takes, or by simdjson.
 *
 * Layout of the bytes: the text, padding, the strings that had escapes, padding. All of it is copied with a document that has to last.
 */
#include "record/json_parser.h"

#include "base/mem.h"
#include "record/json.h"
#include "record/json_scan.h"

#include <stdlib.h>

enum { SMALLEST = 16 * 1024, LARGEST_KEPT = 1024 * 1024, PAGE = 4096, LONGEST = 1 << 24 };

struct json_parser {
	struct json_shim *shim;
	char *bytes;
	uint64_t *tape;
	size_t capacity;
	size_t used;
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
	free(parser->bytes);
	free(parser->tape);
	free(parser);
}

size_t json_parser_bytes(const struct json_parser *parser)
{
	return parser->used;
}

/* A text of n bytes has at most n + 8 words: only a number takes more words than bytes, and but for the last there is a comma with it. */
static __attribute__((noinline)) void fit(struct json_parser *p, size_t len)
{
	size_t capacity = SMALLEST;
	while (capacity < len)
		capacity *= 2;
	free(p->bytes);
	free(p->tape);
	p->bytes = mem_zalloc(2, capacity + JSON_SHIM_PADDING);
	p->tape = mem_realloc(NULL, capacity + 8, sizeof(*p->tape));
	p->capacity = capacity;
}

static inline __attribute__((always_inline)) void copy(struct json_parser *p, const char *bytes, size_t len)
{
	if (!p->capacity || len > p->capacity || (p->capacity > LARGEST_KEPT && len <= LARGEST_KEPT))
		fit(p, len);
	if (len)
		memcpy(p->bytes, bytes, len);
	memset(p->bytes + len, 0, JSON_SHIM_PADDING);
}

static inline __attribute__((always_inline)) enum json_status by_scan(struct json_parser *p, size_t len, struct json *ret)
{
	struct json_scan x = {.shim = p->shim, .text = p->bytes, .len = len, .spare = p->bytes + len + JSON_SHIM_PADDING, .tape = p->tape, .walk = &p->walk};
	enum json_status status = json_scan_read(&x) ? JSON_OK : JSON_SYNTAX;
	p->used = (size_t)(x.spare - p->bytes) + JSON_SHIM_PADDING;
	*ret = (struct json){.tape = p->tape, .strings = (const unsigned char *)p->bytes, .walk = p->walk.len ? &p->walk : NULL, .text_len = len};
	return status;
}

/* From strings that have their length before them to words that have it. */
static void take_lengths(uint64_t *tape, const unsigned char *strings)
{
	struct json json = {.tape = tape};
	for (uint32_t i = JSON_ROOT, words = (uint32_t)tape[0]; i < words; i++) {
		char type = json_type(&json, i);
		uint64_t offset = tape[i] & UINT64_C(0x00FFFFFFFFFFFFFF);
		uint32_t len;
		if (type == '"') {
			memcpy(&len, strings + offset, sizeof(len));
			tape[i] = json_string_word(offset + sizeof(len), len);
		}
		i += json_is_number(&json, i);
	}
}

static __attribute__((noinline)) enum json_status by_tape(struct json_parser *p, size_t len, struct json *ret)
{
	struct json_shim_tape shim;
	enum json_status status = json_shim_parse(p->shim, p->bytes, len, &shim);
	if (status != JSON_OK)
		return status;
	take_lengths(shim.tape, shim.strings);
	p->used = json_shim_strings_bound(len);
	*ret = (struct json){.tape = shim.tape, .strings = shim.strings};
	return JSON_OK;
}

enum json_status json_parser_by_scan(struct json_parser *parser, const char *bytes, size_t len, struct json *ret)
{
	copy(parser, bytes, len);
	return by_scan(parser, len, ret);
}

__attribute__((noinline)) enum json_status json_parser_by_tape(struct json_parser *parser, const char *bytes, size_t len, struct json *ret)
{
	copy(parser, bytes, len);
	return by_tape(parser, len, ret);
}

enum json_status json_parser_parse(struct json_parser *parser, const char *bytes, size_t len, struct json *ret)
{
	if (len >= LONGEST)
		return JSON_SYNTAX;
	copy(parser, bytes, len);
	/* in the copy ends of lines may have been undone: by_tape has another */
	return by_scan(parser, len, ret) == JSON_OK ? JSON_OK : json_parser_by_tape(parser, bytes, len, ret);
}
