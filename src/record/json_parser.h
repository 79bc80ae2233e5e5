/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text to a document (json.h), and the way its outermost object takes through the outline of names seen before. One thread per parser. */
#ifndef WINNOW_RECORD_JSON_PARSER_H
#define WINNOW_RECORD_JSON_PARSER_H

#include "record/json_shim.h"
#include "record/outline.h"

/* A parsed document: json.h says how to read it. */
struct json {
	const uint64_t *tape;
	const unsigned char *strings;
	const struct outline_walk *walk; /* the outermost object's members, until the parser's next document; NULL: not known */
	size_t text_len; /* strings before this stand where the text has them, with all that lies between them; 0: none do */
};

struct json_parser;

/* NULL if there is no memory. */
struct json_parser *json_parser_new(void);
void json_parser_free(struct json_parser *parser);
/* *ret is valid until the next call; the bytes themselves are not needed any more. */
enum json_status json_parser_parse(struct json_parser *parser, const char *bytes, size_t len, struct json *ret);
/* The two ways of json_parser_parse, for tests. By scan: only what is plain; any error means that the other has to look. */
enum json_status json_parser_by_scan(struct json_parser *parser, const char *bytes, size_t len, struct json *ret);
enum json_status json_parser_by_tape(struct json_parser *parser, const char *bytes, size_t len, struct json *ret);
/* Upper bound of the bytes that the last document uses of `strings`, slack included. */
size_t json_parser_bytes(const struct json_parser *parser);

#endif
