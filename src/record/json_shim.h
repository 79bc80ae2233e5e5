/* SPDX-License-Identifier: Apache-2.0 */
/* The C side of simdjson's DOM parser: bytes in, its tape out. C walks the tape itself (json.h), so a document costs one call. One thread per shim. */
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
	const uint64_t *tape;
	const unsigned char *strings;
};

/* Levels of nesting that are read; deeper is JSON_DEPTH. Everything that recurses over a document relies on it. */
enum { JSON_MAX_DEPTH = 128 };

struct json_shim;

/* NULL if there is no memory. */
struct json_shim *json_shim_new(void);
void json_shim_free(struct json_shim *shim);
/* Copies the bytes (the parser reads beyond their end) and parses them. *ret is valid until the next call. */
enum json_status json_shim_parse(struct json_shim *shim, const char *bytes, size_t len, struct json_shim_tape *ret);
/* Upper bound of the bytes a document of len bytes uses of strings, what may be read behind them included. */
size_t json_shim_strings_bound(size_t len);

#ifdef __cplusplus
}
#endif

#endif
