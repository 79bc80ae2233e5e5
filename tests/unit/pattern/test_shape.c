/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/shape.h"
#include "../check.h"

#include <stdlib.h>

static struct shape a;
static struct shape b;

static bool same(const char *x, const char *y)
{
	shape_of(&a, slice_str(x));
	shape_of(&b, slice_str(y));
	return a.hash == b.hash;
}

static void numbers_of_any_length_have_one_shape(void **state)
{
	(void)state;
	check(same("took 5 ms", "took 123456789 ms"));
	check(same("10.0.0.1:80 up", "192.168.17.254:65535 up"));
	check(same("blk_-1 x", "blk_-77777777777777 x"));
	check(!same("took 5 ms", "took x ms"));
	check(!same("a 5", "a 5 6"));
	check(!same("a 5.6", "a 56"));
}

static void digits_behind_a_letter_stay(void **state)
{
	(void)state;
	check(!same("eth0 up", "eth1 up"));
	check(!same("a12b", "a13b"));
	check(same("12ms", "999ms"));
	check(!same("x1 2", "x2 2"));
	check(same("x1 2", "x1 345"));
}

/* The same in the plainest way. */
static size_t reference(struct slice m, char *out, uint16_t *starts, unsigned *runs)
{
	size_t len = 0;
	bool masked = false;
	bool letter = false;
	*runs = 0;
	for (size_t i = 0; i < m.len; i++) {
		char c = m.ptr[i];
		bool digit = c >= '0' && c <= '9';
		if (digit && !letter) {
			if (!masked) {
				starts[(*runs)++] = (uint16_t)i;
				out[len++] = '0';
			}
			masked = true;
		} else {
			masked = false;
			out[len++] = c;
		}
		letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (digit && letter);
	}
	return len;
}

static void blocks_give_what_single_bytes_give(void **state)
{
	(void)state;
	static const char alphabet[] = "0189azAZ .:_-\xc3\x20";
	char text[SHAPE_BYTES_MAX];
	char expect[SHAPE_BYTES_MAX];
	uint16_t starts[SHAPE_BYTES_MAX];
	srand(7);
	for (int round = 0; round < 20000; round++) {
		size_t len = (size_t)rand() % SHAPE_BYTES_MAX;
		for (size_t i = 0; i < len; i++)
			text[i] = alphabet[(size_t)rand() % (round & 1 ? 4 : sizeof(alphabet) - 1)];
		unsigned runs;
		size_t n = reference(slice_of(text, len), expect, starts, &runs);
		shape_of(&a, slice_of(text, len));
		check(memcmp(a.bytes, expect, n) == 0);
		check(a.runs == runs && memcmp(a.starts, starts, runs * sizeof(*starts)) == 0);
	}
}

static void a_run_is_found_by_its_offset(void **state)
{
	(void)state;
	shape_of(&a, SLICE("GET /a 200 in 31ms"));
	check(shape_run_at(&a, 7) == 0);
	check(shape_run_at(&a, 14) == 1);
	check(shape_run_at(&a, 3) == a.runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_any_length_have_one_shape),
		cmocka_unit_test(digits_behind_a_letter_stay),
		cmocka_unit_test(blocks_give_what_single_bytes_give),
		cmocka_unit_test(a_run_is_found_by_its_offset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
