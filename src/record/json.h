/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a parsed document.
 *
 * Layout (simdjson's tape, doc/tape.md of its release 3.0, but for strings): 64-bit words, the type's letter in the top 8 bits. tape[0] is the root, whose
 * low 32 bits are the number of words; the document's value stands at JSON_ROOT. '"': 24 bits of length, and in the low 32 bits the offset in `strings`. 'l', 'u', 'd': the
 * next word is the int64, uint64 or double. 't', 'f', 'n': no more. '{' and '[': the low 32 bits are the position behind the matching bracket; members follow, an
 * object's as key, value, key, value.
 *
 * A position is an index into the tape; 0 means "none". Views of strings live as long as the document.
 */
#ifndef WINNOW_RECORD_JSON_H
#define WINNOW_RECORD_JSON_H

#include "base/buf.h"
#include "base/slice.h"
#include "record/json_parser.h"

enum { JSON_ROOT = 1 };
/* Readable bytes behind the last string, so that keys can be compared eight bytes at a time. */
enum { JSON_STRING_SLACK = 64 };

static inline char json_type(const struct json *json, uint32_t at)
{
	return (char)(json->tape[at] >> 56);
}

/* Position behind the value at `at`. */
static inline uint32_t json_next(const struct json *json, uint32_t at)
{
	switch (json_type(json, at)) {
	case '{':
	case '[':
		return (uint32_t)json->tape[at];
	case 'l':
	case 'u':
	case 'd':
		return at + 2;
	default:
		return at + 1;
	}
}

/* First member of the object or array at `at`, and the position where its members end: for (at = json_first(..); at < json_end(..); ) */
static inline uint32_t json_first(uint32_t at)
{
	return at + 1;
}
static inline uint32_t json_end(const struct json *json, uint32_t at)
{
	return (uint32_t)json->tape[at] - 1;
}

static inline uint64_t json_string_word(uint64_t offset, uint64_t len)
{
	return (uint64_t)'"' << 56 | len << 32 | offset;
}

/* The string at `at`, which must be one (keys are). */
static inline struct slice json_string(const struct json *json, uint32_t at)
{
	uint64_t word = json->tape[at];
	return slice_of((const char *)json->strings + (uint32_t)word, word >> 32 & 0xFFFFFF);
}

/* The string at `at`, or empty if something else (or nothing) is there. */
static inline struct slice json_text(const struct json *json, uint32_t at)
{
	return at && json_type(json, at) == '"' ? json_string(json, at) : slice_of(NULL, 0);
}

static inline bool json_is_object(const struct json *json, uint32_t at)
{
	return at && json_type(json, at) == '{';
}

static inline bool json_is_array(const struct json *json, uint32_t at)
{
	return at && json_type(json, at) == '[';
}

static inline bool json_is_number(const struct json *json, uint32_t at)
{
	char type = json_type(json, at);
	return type == 'l' || type == 'u' || type == 'd';
}

static inline bool json_is_bool(const struct json *json, uint32_t at)
{
	char type = json_type(json, at);
	return type == 't' || type == 'f';
}

static inline bool json_is_null(const struct json *json, uint32_t at)
{
	return !at || json_type(json, at) == 'n';
}

/* Position of the member's value in the object at `at`; 0 if there is none or no object. */
uint32_t json_get(const struct json *json, uint32_t at, struct slice key);
/* The same, inline, for a name that is a constant: its length and bytes become part of the code. */
static inline __attribute__((always_inline)) uint32_t json_member(const struct json *json, uint32_t at, struct slice key)
{
	const uint32_t head = (uint32_t)(json_string_word(0, key.len) >> 32);
	if (!json_is_object(json, at))
		return 0;
	for (uint32_t i = json_first(at), end = json_end(json, at); i < end; i = json_next(json, i + 1))
		if ((uint32_t)(json->tape[i] >> 32) == head && memcmp(json->strings + (uint32_t)json->tape[i], key.ptr, key.len) == 0)
			return i + 1;
	return 0;
}
/* By dotted path: at each object the longest key that fits is tried first, so {"a.b": {"c": 1}} and {"a": {"b": {"c": 1}}} both have a.b.c. */
uint32_t json_find(const struct json *json, uint32_t at, struct slice path);
/* A number, or a string that is one; false for anything else, and for what an int64 does not hold. */
bool json_i64_other(const struct json *json, uint32_t at, int64_t *ret_value);
static inline bool json_i64(const struct json *json, uint32_t at, int64_t *ret_value)
{
	if (at == 0 || json_type(json, at) != 'l') /* most numbers are one */
		return json_i64_other(json, at, ret_value);
	*ret_value = (int64_t)json->tape[at + 1];
	return true;
}
bool json_double(const struct json *json, uint32_t at, double *ret_value);
/* The scalar as text: strings as they are, the others rendered into scratch. False for null, objects and arrays. */
bool json_scalar(const struct json *json, uint32_t at, struct buf *scratch, struct slice *ret_text);
/* Appends the value as JSON text. */
void json_render(const struct json *json, uint32_t at, struct buf *out);

/* Appends the shortest text that reads back as the same double; null for what JSON has no number for. */
void json_render_double(double number, struct buf *out);

/* Why bytes that the parser refused are not JSON. */
enum json_fault { JSON_FAULT_NONE, JSON_FAULT_SYNTAX, JSON_FAULT_TRUNCATED, JSON_FAULT_DEPTH };
/* A slow second look at refused bytes: JSON_FAULT_NONE means that the grammar holds (so a number is out of range). */
enum json_fault json_fault(struct slice text);
/* The same, and where: the text's length if nothing is wrong. */
enum json_fault json_fault_at(struct slice text, size_t *ret_at);

#endif
