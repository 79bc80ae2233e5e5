/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/clock.h"
#include "sink/retry.h"

static void waits_double_up_to_the_most(void **state)
{
	(void)state;
	static const int64_t expect[] = {100, 200, 400, 800, 1000, 1000};
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(retry_wait_ns(100, 1000, i, 0, 0), expect[i]);
	assert_int_equal(retry_wait_ns(100, 1000, 1000000, 0, 0), 1000);
}

static void chance_takes_a_tenth_at_most(void **state)
{
	(void)state;
	for (uint64_t random = 0; random < 200; random++) {
		int64_t wait = retry_wait_ns(1000, 1000, 0, random, 0);
		check(wait >= 900 && wait <= 1000);
	}
	assert_int_equal(retry_wait_ns(1000, 1000, 0, 100, 0), 900);
}

static void what_the_receiver_asks_for_counts_if_it_is_longer_and_a_minute_at_most(void **state)
{
	(void)state;
	assert_int_equal(retry_wait_ns(NS_PER_S, NS_PER_S, 0, 0, 7 * NS_PER_S), 7 * NS_PER_S);
	assert_int_equal(retry_wait_ns(10 * NS_PER_S, 10 * NS_PER_S, 0, 0, 7 * NS_PER_S), 10 * NS_PER_S);
	assert_int_equal(retry_wait_ns(NS_PER_S, NS_PER_S, 0, 0, 3600 * NS_PER_S), 60 * NS_PER_S);
}

static void replies_are_counted_by_status_while_there_is_room(void **state)
{
	(void)state;
	struct reply_codes c = {.len = 0};
	for (int code = 0; code < REPLY_CODES_MAX + 5; code++)
		reply_codes_count(&c, code);
	reply_codes_count(&c, 3);
	assert_int_equal(c.len, REPLY_CODES_MAX);
	check(c.at[3].code == 3 && c.at[3].count == 2 && c.at[4].count == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_double_up_to_the_most),
		cmocka_unit_test(chance_takes_a_tenth_at_most),
		cmocka_unit_test(what_the_receiver_asks_for_counts_if_it_is_longer_and_a_minute_at_most),
		cmocka_unit_test(replies_are_counted_by_status_while_there_is_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
