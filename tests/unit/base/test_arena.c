/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

static void pieces_are_aligned_and_keep_their_bytes(void **state)
{
	(void)state;
	struct arena a = {0};
	unsigned char *pieces[3000];
	for (size_t i = 0; i < 3000; i++) {
		pieces[i] = arena_alloc(&a, i % 700 + 1);
		assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		memset(pieces[i], (int)(i & 0xff), i % 700 + 1);
	}
	for (size_t i = 0; i < 3000; i++)
		for (size_t k = 0; k < i % 700 + 1; k++)
			assert_int_equal(pieces[i][k], i & 0xff);
	arena_done(&a);
}

static void ordinary_blocks_are_kept_over_a_reset(void **state)
{
	(void)state;
	struct arena a = {0};
	void *first = arena_alloc(&a, 100);
	memset(arena_alloc(&a, 1 << 20), 1, 1 << 20); /* larger than a block */
	arena_alloc(&a, 200 * 1024);
	assert_true(a.used_bytes >= (1 << 20) + 200 * 1024);
	for (int i = 0; i < 3; i++) {
		arena_reset(&a);
		assert_int_equal(a.used_bytes, 0);
		assert_ptr_equal(arena_alloc(&a, 100), first);
		arena_alloc(&a, 200 * 1024);
		arena_alloc(&a, 1 << 20);
	}
	arena_done(&a);
	assert_null(a.first);
}

static void a_reset_begins_again_at_the_first_block_whatever_was_used(void **state)
{
	(void)state;
	struct arena a = {0};
	void *first = arena_alloc(&a, 100);
	for (size_t i = 0; i < 20; i++) {
		arena_reset(&a);
		assert_int_equal(a.used_bytes, 0);
		assert_ptr_equal(arena_alloc(&a, 100), first);
		for (size_t k = 0; k < i % 4; k++)
			memset(arena_alloc(&a, 100 * 1024), 1, 100 * 1024);
	}
	arena_done(&a);
	memset(arena_alloc(&a, 1 << 20), 1, 1 << 20); /* the first block is too large to be kept */
	arena_reset(&a);
	assert_null(a.first);
	assert_non_null(arena_alloc(&a, 100));
	arena_done(&a);
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 100));
	arena_done(&a);
}

static void nothing_is_a_piece_too(void **state)
{
	(void)state;
	struct arena a = {0};
	assert_non_null(arena_alloc(&a, 0));
	assert_int_equal(arena_copy(&a, slice_of(NULL, 0)).len, 0);
	check_slice(arena_copy(&a, SLICE("text")), "text");
	for (size_t i = 0, *zeroed = arena_zalloc(&a, 100 * sizeof(size_t)); i < 100; i++)
		assert_int_equal(zeroed[i], 0);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_aligned_and_keep_their_bytes),
		cmocka_unit_test(ordinary_blocks_are_kept_over_a_reset),
		cmocka_unit_test(a_reset_begins_again_at_the_first_block_whatever_was_used),
		cmocka_unit_test(nothing_is_a_piece_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
