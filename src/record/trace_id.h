/* SPDX-License-Identifier: Apache-2.0 */
/* Trace and span ids from every notation to lower-case hex. */
#ifndef WINNOW_RECORD_TRACE_ID_H
#define WINNOW_RECORD_TRACE_ID_H

#include "base/arena.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* text as 32 hex digits (16 where the source has 64 bits): hex in any case, with dashes (UUID), X-Ray "1-a-b", "projects/p/traces/..", base64 of 16 or 8
 * bytes, decimal of at most 64 bits. A W3C traceparent and B3's single header also yield the span id, if *ret_span is empty. Empty if text is none of them, or a filler (all
 * zeros, "0", "null"). Text that is right already is not copied; else the digits live in a. */
struct slice trace_id_of(struct slice text, struct arena *a, struct slice *ret_span);
/* text as 16 hex digits; the other is for what is not that already. */
static inline struct slice span_id_of(struct slice text, struct arena *a);
struct slice span_id_of_other(struct slice text, struct arena *a);
/* The ids as they stand in binary encodings, 16 or 8 bytes (a span's 8), as digits in a; empty for any other length and for all zeros. */
struct slice trace_id_of_bytes(struct slice bytes, struct arena *a);
struct slice span_id_of_bytes(struct slice bytes, struct arena *a);
/* The same where the number of bytes is known, digits in the caller's room. */
static inline struct slice trace_id_of_16(const char *bytes, char digits[32]);
static inline struct slice span_id_of_8(const char *bytes, char digits[16]);

typedef unsigned char trace_id_v16 __attribute__((vector_size(16)));
typedef uint64_t trace_id_v2 __attribute__((vector_size(16)));

/* Whether a comparison held for all sixteen. */
static inline bool trace_id_all(trace_id_v16 held)
{
#ifdef __SSE2__
	return _mm_movemask_epi8((__m128i)held) == 0xFFFF;
#else
	return (((trace_id_v2)held)[0] & ((trace_id_v2)held)[1]) == UINT64_MAX;
#endif
}

/* Whether these 16 bytes are lower-case hex digits; *ret_zero says whether all are '0'. In a healthy stream this is all that happens to an id. */
static inline bool trace_id_is_hex(const char *sixteen, bool *ret_zero)
{
	trace_id_v16 c;
	memcpy(&c, sixteen, sizeof(c));
	*ret_zero = trace_id_all((trace_id_v16)(c == '0'));
	return trace_id_all((trace_id_v16)((c - '0') <= 9) | (trace_id_v16)((c - 'a') <= 5));
}

static inline struct slice span_id_of(struct slice text, struct arena *a)
{
	bool zero;
	return text.len == 16 && trace_id_is_hex(text.ptr, &zero) && !zero ? text : span_id_of_other(text, a);
}

/* The digits of sixteen bytes, the first eight's and the last eight's: high halves and low halves apart, then interleaved. */
static inline trace_id_v16 trace_id_digit(trace_id_v16 half)
{
	return half + '0' + ((trace_id_v16)(half > 9) & ('a' - '0' - 10));
}

/* The digits of two ids of eight bytes, the second's behind the first's. */
static inline void trace_id_digits(uint64_t first, uint64_t second, char digits[32])
{
	trace_id_v16 b = (trace_id_v16)(trace_id_v2){first, second};
	trace_id_v16 high = trace_id_digit(b >> 4), low = trace_id_digit(b & 15);
	trace_id_v16 one = __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
	trace_id_v16 two = __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
	memcpy(digits, &one, 16);
	memcpy(digits + 16, &two, 16);
}

static inline struct slice trace_id_of_16(const char *bytes, char digits[32])
{
	uint64_t words[2];
	memcpy(words, bytes, sizeof(words));
	trace_id_digits(words[0], words[1], digits);
	return slice_of(digits, words[0] | words[1] ? 32 : 0);
}

static inline struct slice span_id_of_8(const char *bytes, char digits[16])
{
	uint64_t word;
	memcpy(&word, bytes, sizeof(word));
	trace_id_v16 b = (trace_id_v16)(trace_id_v2){word, 0};
	trace_id_v16 high = trace_id_digit(b >> 4), low = trace_id_digit(b & 15);
	trace_id_v16 first = __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
	memcpy(digits, &first, 16);
	return slice_of(digits, word ? 16 : 0);
}

#endif
