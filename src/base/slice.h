/* SPDX-License-Identifier: Apache-2.0 */
/* A view of bytes: never owned, never NUL-terminated, may be empty. Kafka payloads, JSON values and message texts are slices. */
#ifndef WINNOW_BASE_SLICE_H
#define WINNOW_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *ptr;
	size_t len;
};

/* Eight bytes as a number in the machine's order, whatever their alignment. */
static inline uint64_t load_u64(const char *p)
{
	uint64_t word;
	memcpy(&word, p, sizeof(word));
	return word;
}

/* A slice over a string literal. */
#define SLICE(literal) ((struct slice){.ptr = "" literal, .len = sizeof(literal) - 1})

static inline struct slice slice_of(const char *ptr, size_t len)
{
	return (struct slice){.ptr = ptr, .len = len};
}

/* Over a C string, without its NUL; NULL gives the empty slice. */
static inline struct slice slice_str(const char *text)
{
	return slice_of(text, text ? strlen(text) : 0);
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool slice_starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool slice_ends(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len && (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

/* Bytes [from, from + len) of s, clipped to s. */
static inline struct slice slice_sub(struct slice s, size_t from, size_t len)
{
	if (from > s.len)
		from = s.len;
	if (from == 0)
		return slice_of(s.ptr, len < s.len ? len : s.len);
	return slice_of(s.ptr + from, len < s.len - from ? len : s.len - from);
}

/* Asks for the bytes to be brought near: for what is walked by lengths that have to be read first. At most 4 KiB; what is longer is met in its order. */
static inline void slice_prefetch(struct slice s)
{
	for (size_t i = 0; i < s.len && i < 4096; i += 64)
		__builtin_prefetch(s.ptr + i);
}

/* Byte order: negative, zero or positive, as memcmp; a prefix sorts first. */
int slice_cmp(struct slice a, struct slice b);
/* Equal but for ASCII case. */
bool slice_eq_nocase(struct slice a, struct slice b);
struct slice slice_trim_blanks(struct slice s);
/* Without ASCII white space at both ends. */
static inline struct slice slice_trim(struct slice s)
{
	size_t n = s.len - (s.len && s.ptr[s.len - 1] == '\n'); /* what many texts end with, and nothing else */
	return n && (unsigned char)s.ptr[0] > ' ' && (unsigned char)s.ptr[n - 1] > ' ' ? slice_of(s.ptr, n) : slice_trim_blanks(s);
}
/* Position of the first byte c at or after from; s.len if there is none. */
static inline size_t slice_find(struct slice s, char c, size_t from)
{
	if (from >= s.len)
		return s.len;
	const char *at = (const char *)memchr(s.ptr + from, c, s.len - from);
	return at ? (size_t)(at - s.ptr) : s.len;
}
/* Position of needle in s; s.len if it is not there. An empty needle is at 0. */
size_t slice_search(struct slice s, struct slice needle);
/* Length of the longest prefix that is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF). */
size_t slice_utf8_prefix(struct slice s);
static inline bool slice_is_utf8(struct slice s)
{
	return slice_utf8_prefix(s) == s.len;
}

/* Whole-slice number parsers: the whole of s must be the number, else false and *ret_value is untouched. */
bool slice_to_i64(struct slice s, int64_t *ret_value);
bool slice_to_u64(struct slice s, uint64_t *ret_value);
bool slice_to_double(struct slice s, double *ret_value);

#endif
