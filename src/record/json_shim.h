/* SPDX-License-Identifier: Apache-2.0 */
/* The C side of simdjson: its parser, and of its parts those that json_scan.h leaves to it. One thread per shim. */
#ifndef WINNOW_RECORD_JSON_SHIM_H
#define WINNOW_RECORD_JSON_SHIM_H

#include <stdbool.h>
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

/* What may be read behind a text, and written behind a string. */
enum { JSON_SHIM_PADDING = 64 };

struct json_shim;

/* NULL if there is no memory. */
struct json_shim *json_shim_new(void);
void json_shim_free(struct json_shim *shim);
bool json_shim_is_utf8(const char *bytes, size_t len);
/* Writes the string whose first byte (behind the quote) is at `from` without its escapes; its end, or NULL if an escape is broken. JSON_SHIM_PADDING bytes
 * are read behind its quote and written behind its end. */
char *json_shim_unescape(struct json_shim *shim, const char *from, char *to);
/* Parses the bytes, JSON_SHIM_PADDING readable ones behind them. *ret is valid until the next call. */
enum json_status json_shim_parse(struct json_shim *shim, const char *bytes, size_t len, struct json_shim_tape *ret);
/* Upper bound of the bytes a document of len bytes uses of strings, what may be read behind them included. */
size_t json_shim_strings_bound(size_t len);

#ifdef __cplusplus
}
#endif

#endif
