/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen bytes of text at once: comparisons give all bits or none in each byte, and those become sixteen bits of a number. Private to the room. */
#ifndef WINNOW_RECORD_TEXT_BLOCK_H
#define WINNOW_RECORD_TEXT_BLOCK_H

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BLOCK = 16 };

typedef char block __attribute__((vector_size(BLOCK)));
typedef unsigned char block_unsigned __attribute__((vector_size(BLOCK)));
typedef signed char block_signed __attribute__((vector_size(BLOCK)));

static inline block block_load(const char *p)
{
	block b;
	memcpy(&b, p, sizeof(b));
	return b;
}

static inline block block_is(block b, char c)
{
	return (block)(b == c);
}

static inline block block_within(block b, char least, char most)
{
	return (block)((block_unsigned)b - (unsigned char)least <= (unsigned char)(most - least));
}

static inline block block_letters(block b)
{
	return block_within(b | 0x20, 'a', 'z');
}

/* Letters, digits and the underscore. */
static inline block block_words(block b)
{
	return block_letters(b) | block_within(b, '0', '9') | block_is(b, '_');
}

/* Bit i of byte i, on any machine. */
static inline unsigned block_bits_plain(block b)
{
	unsigned bits = 0;
	for (unsigned i = 0; i < BLOCK; i++)
		bits |= (b[i] & 1U) << i;
	return bits;
}

static inline unsigned block_bits(block b)
{
#ifdef __SSE2__
	return (unsigned)_mm_movemask_epi8((__m128i)b);
#else
	return block_bits_plain(b);
#endif
}

#endif
