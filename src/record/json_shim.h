/* SPDX-License-Identifier: Apache-2.0 */
/* The C side of simdjson's DOM parser: bytes in, the tape out. C walks the tape itself (json.h), so a document costs one call. One thread per parser. */
#ifndef WINNOW_RECORD_JSON_SHIM_H
#define WINNOW_RECORD_JSON_SHIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum json_status { JSON_OK, JSON_SYNTAX, JSON_NUMBER, JSON_DEPTH, JSON_UTF8, JSON_MEMORY };

/* A parsed document: simdjson's tape and the text of its strings. json.h says how to read it. */
struct json {
	const uint64_t *tape;
	const unsigned char *strings;
};

/* Levels of nesting that are read; deeper is JSON_DEPTH. Everything that recurses over a document relies on it. */
enum { JSON_MAX_DEPTH = 128 };
/* Readable bytes behind the last string, so that keys can be compared eight bytes at a time. */
enum { JSON_STRING_SLACK = 64 };

struct json_parser;

/* NULL if there is no memory. */
struct json_parser *json_parser_new(void);
void json_parser_free(struct json_parser *parser);
/* Copies the bytes (the parser reads beyond their end) and parses them. *ret is valid until the next call. */
enum json_status json_parser_parse(struct json_parser *parser, const char *bytes, size_t len, struct json *ret);
/* Upper bound of the bytes a document of len bytes uses of json.strings, slack included. */
size_t json_strings_bound(size_t len);

#ifdef __cplusplus
}
#endif

#endif
