/* SPDX-License-Identifier: Apache-2.0 */
/* Sixty-four bytes at a time become bit masks: digits, letters. Numbers are runs of ones; which of them follow a letter falls out of one addition, as its
 * carry runs through exactly the run it is added to. What stays is copied run by run, so that the work grows with numbers, not with bytes. */
#include "pattern/shape.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/hash.h"

enum { BLOCK = 64 };

struct masks {
	uint64_t digits;
	uint64_t letters;
};

#ifdef __SSE2__
static inline unsigned in_range(__m128i v, char from, char to)
{
	__m128i low = _mm_cmpgt_epi8(v, _mm_set1_epi8((char)(from - 1)));
	__m128i high = _mm_cmplt_epi8(v, _mm_set1_epi8((char)(to + 1)));
	return (unsigned)_mm_movemask_epi8(_mm_and_si128(low, high));
}

static inline struct masks masks_of(const char *p)
{
	struct masks m = {0, 0};
	for (unsigned i = 0; i < BLOCK; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		m.digits |= (uint64_t)in_range(v, '0', '9') << i;
		m.letters |= (uint64_t)in_range(_mm_or_si128(v, _mm_set1_epi8(32)), 'a', 'z') << i;
	}
	return m;
}
#else
static inline struct masks masks_of(const char *p)
{
	struct masks m = {0, 0};
	for (unsigned i = 0; i < BLOCK; i++) {
		m.digits |= (uint64_t)((uint8_t)(p[i] - '0') < 10) << i;
		m.letters |= (uint64_t)((uint8_t)((p[i] | 32) - 'a') < 26) << i;
	}
	return m;
}
#endif

/* Copies len bytes, at most BLOCK; both sides have BLOCK bytes of room behind. */
static inline void copy_span(char *to, const char *from, size_t len)
{
	memcpy(to, from, 16);
	if (len > 16) {
		memcpy(to + 16, from + 16, 16);
		if (len > 32)
			memcpy(to + 32, from + 32, 32);
	}
}

struct carry {
	uint64_t letter; /* the byte before was a letter */
	uint64_t kept;   /* a digit that stays */
	uint64_t masked; /* a digit of a number that became 0 */
};

static size_t shape_block(struct shape *shape, size_t base, size_t len, size_t out, struct carry *carry)
{
	const char *p = shape->raw + base;
	struct masks m = masks_of(p);
	uint64_t begins = m.digits & ~(m.digits << 1 | carry->kept | carry->masked);
	uint64_t kept_begins = (begins & (m.letters << 1 | carry->letter)) | (m.digits & carry->kept);
	uint64_t kept = m.digits & ~(m.digits + kept_begins);
	uint64_t gone = m.digits ^ kept;
	uint64_t zeros = gone & ~(gone << 1 | carry->masked);
	size_t pos = 0;
	*carry = (struct carry){m.letters >> 63, kept >> 63, gone >> 63};
	while (gone) {
		size_t at = (size_t)__builtin_ctzll(gone);
		copy_span(shape->bytes + out, p + pos, at - pos);
		out += at - pos;
		shape->bytes[out] = '0';
		shape->starts[shape->runs] = (uint16_t)(base + at);
		uint64_t counts = zeros >> at & 1;
		out += counts;
		shape->runs = (uint16_t)(shape->runs + counts);
		uint64_t rest = ~(gone >> at);
		size_t run = rest ? (size_t)__builtin_ctzll(rest) : BLOCK - at;
		pos = at + run;
		gone = pos < BLOCK ? gone >> pos << pos : 0;
	}
	if (pos < len) {
		copy_span(shape->bytes + out, p + pos, len - pos);
		out += len - pos;
	}
	return out;
}

void shape_of(struct shape *shape, struct slice message)
{
	struct carry carry = {0, 0, 0};
	size_t out = 0;
	shape->runs = 0;
	if (message.len)
		memcpy(shape->raw, message.ptr, message.len);
	memset(shape->raw + message.len, 0, BLOCK);
	for (size_t base = 0; base < message.len; base += BLOCK)
		out = shape_block(shape, base, message.len - base < BLOCK ? message.len - base : BLOCK, out, &carry);
	shape->hash = hash_bytes(slice_of(shape->bytes, out));
}

unsigned shape_run_at(const struct shape *shape, size_t offset)
{
	unsigned run = 0;
	while (run < shape->runs && shape->starts[run] != offset)
		run++;
	return run;
}
