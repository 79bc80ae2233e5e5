/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

static void a_utf8_prefix_ends_before_the_first_ill_formed_byte(void **state)
{
	(void)state;
	assert_int_equal(slice_utf8_prefix(SLICE("gr\xC3\xBC\xC3\x9F")), 6);
	assert_int_equal(slice_utf8_prefix(SLICE("ok\xC3")), 2);
	assert_int_equal(slice_utf8_prefix(SLICE("\xED\xA0\x80")), 0);     /* surrogate */
	assert_int_equal(slice_utf8_prefix(SLICE("\xC0\x80")), 0);         /* overlong */
	assert_int_equal(slice_utf8_prefix(SLICE("\xF4\x90\x80\x80")), 0); /* above U+10FFFF */
	assert_int_equal(slice_utf8_prefix(SLICE("12345678\xFF")), 8);
}

static void numbers_are_parsed_only_when_the_whole_slice_is_one(void **state)
{
	(void)state;
	int64_t i = 7;
	uint64_t u;
	double d;
	check(slice_to_i64(SLICE("-42"), &i) && i == -42);
	check(!slice_to_i64(SLICE("42x"), &i) && i == -42);
	check(!slice_to_u64(SLICE("18446744073709551616"), &u));
	check(slice_to_u64(SLICE("18446744073709551615"), &u) && u == UINT64_MAX);
	check(slice_to_double(SLICE("1.5e3"), &d) && d > 1499.9 && d < 1500.1);
	check(!slice_to_double(SLICE(""), &d) && !slice_to_double(SLICE(" 1"), &d));
}

static void search_and_trim_stay_inside(void **state)
{
	(void)state;
	assert_int_equal(slice_search(SLICE("abcabd"), SLICE("abd")), 3);
	assert_int_equal(slice_search(SLICE("abc"), SLICE("x")), 3);
	check_slice(slice_trim(SLICE(" \t a b \n")), "a b");
	check_slice(slice_sub(SLICE("abc"), 2, 99), "c");
	check(slice_eq_nocase(SLICE("WaRn"), SLICE("warn")));
	check(slice_cmp(SLICE("ab"), SLICE("abc")) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_utf8_prefix_ends_before_the_first_ill_formed_byte),
		cmocka_unit_test(numbers_are_parsed_only_when_the_whole_slice_is_one),
		cmocka_unit_test(search_and_trim_stay_inside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
