/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/pool.h"

#include <stdlib.h>

enum { PIECES = 20000, LONGEST = POOL_GRAIN * POOL_SIZES + 200 };

static size_t size_at(size_t i)
{
	return i * 37 % LONGEST;
}

static bool holds(const unsigned char *piece, size_t size, int byte)
{
	for (size_t i = 0; i < size; i++)
		if (piece[i] != byte)
			return false;
	return true;
}

static void pieces_are_zero_aligned_and_keep_their_bytes(void **state)
{
	(void)state;
	static unsigned char *pieces[PIECES];
	struct pool p = {0};
	for (size_t round = 0; round < 3; round++) {
		for (size_t i = round; i < PIECES; i += round + 1) {
			if (round)
				pool_free(&p, pieces[i], size_at(i));
			pieces[i] = NULL;
		}
		for (size_t i = round; i < PIECES; i += round + 1) {
			pieces[i] = pool_zalloc(&p, size_at(i));
			assert_int_equal((uintptr_t)pieces[i] % POOL_GRAIN, 0);
			assert_true(holds(pieces[i], size_at(i), 0));
			memset(pieces[i], (int)(i & 0xff), size_at(i));
		}
		for (size_t i = 0; i < PIECES; i++)
			assert_true(holds(pieces[i], size_at(i), (int)(i & 0xff)));
	}
	for (size_t i = 0; i < PIECES; i++)
		pool_free(&p, pieces[i], size_at(i));
	pool_done(&p);
}

static void many_pieces_of_one_size_are_zero_apart_and_given_back(void **state)
{
	(void)state;
	enum { SIZE = 208, MANY = 40000 }; /* 8 MiB: blocks of several kinds */
	static unsigned char *pieces[MANY];
	struct pool p = {0};
	for (size_t i = 0; i < MANY; i++) {
		pieces[i] = pool_zalloc(&p, SIZE);
		assert_true(holds(pieces[i], SIZE, 0));
		memset(pieces[i], (int)(i % 251 + 1), SIZE);
	}
	for (size_t i = 0; i < MANY; i++) {
		assert_true(holds(pieces[i], SIZE, (int)(i % 251 + 1)));
		pool_free(&p, pieces[i], SIZE);
	}
	pool_done(&p);
	assert_null(p.blocks);
}

static void a_freed_piece_serves_its_size_again(void **state)
{
	(void)state;
	struct pool p = {0};
	void *first = pool_zalloc(&p, 100), *second = pool_zalloc(&p, 97), *other = pool_zalloc(&p, 96);
#ifndef __SANITIZE_ADDRESS__
	assert_int_equal((char *)second - (char *)first, 112); /* side by side */
	pool_free(&p, first, 100);
	assert_ptr_equal(pool_zalloc(&p, 112), first);
#endif
	pool_free(&p, first, 112);
	pool_free(&p, second, 97);
	pool_free(&p, other, 96);
	pool_done(&p);
	assert_null(p.blocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zero_aligned_and_keep_their_bytes),
		cmocka_unit_test(many_pieces_of_one_size_are_zero_apart_and_given_back),
		cmocka_unit_test(a_freed_piece_serves_its_size_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
