/* SPDX-License-Identifier: Apache-2.0 */
/* The C side of simdjson. Its first stage finds where a document's brackets, colons, commas, strings and scalars begin, and checks UTF-8, quotes and control
 * characters; its second makes a tape of that. Both can be had: the index alone (json_index.h reads along it), and the whole. One thread per shim. */
#ifndef WINNOW_RECORD_JSON_SHIM_H
#define WINNOW_RECORD_JSON_SHIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum json_status { JSON_OK, JSON_SYNTAX, JSON_NUMBER, JSON_DEPTH, JSON_UTF8, JSON_MEMORY };

/* A document as simdjson leaves it (doc/tape.md of its release 3.0): a string's word holds its offset in `strings`, where 32 bits of length come first. */
struct json_shim_tape {
	uint64_t *tape;
	const unsigned char *strings;
};

/* Levels of nesting that are read; deeper is JSON_DEPTH. Everything that recurses over a document relies on it. */
enum { JSON_MAX_DEPTH = 128 };

/* What simdjson may read behind a text, and write behind a string. */
enum { JSON_SHIM_PADDING = 64 };

struct json_shim;

/* NULL if there is no memory. */
struct json_shim *json_shim_new(void);
void json_shim_free(struct json_shim *shim);
/* Where in the text a bracket, colon, comma, string or scalar begins, ascending; behind the last stands len, twice. Strings are closed and everything is
 * UTF-8; whether it is JSON is still open. Valid until the next call. The text needs JSON_SHIM_PADDING mapped bytes behind it. */
enum json_status json_shim_index(struct json_shim *shim, const char *bytes, size_t len, const uint32_t **ret_at, size_t *ret_len);
/* Writes the string whose first byte (behind the quote) is at `from` without its escapes; its end, or NULL if an escape is broken. JSON_SHIM_PADDING bytes
 * are read behind its quote and written behind its end. */
char *json_shim_unescape(const struct json_shim *shim, const char *from, char *to);
/* Parses the bytes, JSON_SHIM_PADDING readable ones behind them. *ret is valid until the next call. */
enum json_status json_shim_parse(struct json_shim *shim, const char *bytes, size_t len, struct json_shim_tape *ret);
/* Upper bound of the bytes a document of len bytes uses of strings, what may be read behind them included. */
size_t json_shim_strings_bound(size_t len);

#ifdef __cplusplus
}
#endif

#endif
