/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "record/text_block.h"

static unsigned bits_by_byte(const unsigned char *p, bool (*is)(unsigned char))
{
	unsigned bits = 0;
	for (unsigned i = 0; i < BLOCK; i++)
		bits |= (unsigned)is(p[i]) << i;
	return bits;
}

static bool is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(unsigned char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
}

static bool is_comma(unsigned char c)
{
	return c == ',';
}

/* Every byte at every place, beside every other: what is asked of a block is what each of its bytes answers. */
static void a_block_says_of_each_byte_what_the_byte_says(void **state)
{
	unsigned char bytes[BLOCK];
	(void)state;
	for (unsigned i = 0; i < 256 * 256; i++) {
		for (unsigned k = 0; k < BLOCK; k++)
			bytes[k] = (unsigned char)(k % 3 ? i + k * 17 : i / 256 + k);
		block b = block_load((const char *)bytes);
		assert_int_equal(block_bits(block_letters(b)), bits_by_byte(bytes, is_letter));
		assert_int_equal(block_bits(block_words(b)), bits_by_byte(bytes, is_word));
		assert_int_equal(block_bits(block_is(b, ',')), bits_by_byte(bytes, is_comma));
	}
}

/* The machine's own way to make bits, and the one that every machine has. */
static void both_ways_to_make_bits_agree(void **state)
{
	(void)state;
	for (unsigned want = 0; want < 1U << BLOCK; want++) {
		block b;
		for (unsigned k = 0; k < BLOCK; k++)
			b[k] = want >> k & 1 ? -1 : 0;
		assert_int_equal(block_bits(b), want);
		assert_int_equal(block_bits_plain(b), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_says_of_each_byte_what_the_byte_says),
		cmocka_unit_test(both_ways_to_make_bits_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
