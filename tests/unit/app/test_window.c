/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "app/window.h"
#include "base/clock.h"

static void it_opens_by_one_and_closes_by_half(void **state)
{
	(void)state;
	struct window w;
	window_init(&w, 8);
	assert_int_equal(w.width, 1);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(w.width, i < 8 ? i + 1 : 8);
		window_hear(&w, w.width, 10 * NS_PER_MS, false);
	}
	window_hear(&w, 8, 10 * NS_PER_MS, true);
	assert_int_equal(w.width, 4);
	window_hear(&w, 4, 10 * NS_PER_MS, true);
	window_hear(&w, 2, 10 * NS_PER_MS, true);
	window_hear(&w, 1, 10 * NS_PER_MS, true);
	assert_int_equal(w.width, 1);
}

static void only_a_full_wave_says_that_more_may_go(void **state)
{
	(void)state;
	struct window w;
	window_init(&w, 8);
	window_hear(&w, 1, NS_PER_MS, false);
	window_hear(&w, 2, NS_PER_MS, false);
	for (int i = 0; i < 10; i++)
		window_hear(&w, 2, NS_PER_MS, false);
	assert_int_equal(w.width, 3);
}

static void a_receiver_that_slows_down_gets_fewer_until_it_is_known_to_be_slow(void **state)
{
	(void)state;
	struct window w;
	window_init(&w, 8);
	for (int i = 0; i < 10; i++)
		window_hear(&w, w.width, 50 * NS_PER_MS, false);
	assert_int_equal(w.width, 8);
	window_hear(&w, 8, 140 * NS_PER_MS, false); /* within bounds */
	assert_int_equal(w.width, 8);
	window_hear(&w, 8, 900 * NS_PER_MS, false);
	assert_int_equal(w.width, 4);
	for (int i = 0; i < 200; i++)
		window_hear(&w, w.width, 900 * NS_PER_MS, false);
	assert_int_equal(w.width, 8); /* that is its pace now */
}

static void none_is_one(void **state)
{
	(void)state;
	struct window w;
	window_init(&w, 0);
	window_hear(&w, 1, 0, false);
	assert_int_equal(w.width, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_opens_by_one_and_closes_by_half),
		cmocka_unit_test(only_a_full_wave_says_that_more_may_go),
		cmocka_unit_test(a_receiver_that_slows_down_gets_fewer_until_it_is_known_to_be_slow),
		cmocka_unit_test(none_is_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
