/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/clock.h"
#include "engine/slowness.h"

#include <stdio.h>

#define WINDOW (30 * NS_PER_S)
#define AT(window, s) ((INT64_C(60000000) + (window)) * WINDOW + (s) * NS_PER_S)

static int64_t take(struct slowness *s, const char *name, int64_t took_ns, int64_t newest_ns)
{
	return slowness_take(s, SLICE("cart"), slice_str(name), took_ns, newest_ns);
}

/* One span of each whole number of milliseconds. */
static void take_range(struct slowness *s, const char *name, int64_t least_ms, int64_t most_ms, int64_t newest_ns)
{
	for (int64_t ms = least_ms; ms <= most_ms; ms++)
		take(s, name, ms * NS_PER_MS, newest_ns);
}

static void what_one_window_had_is_the_bound_of_the_next(void **state)
{
	struct slowness *s = slowness_new(0.99, WINDOW);
	(void)state;
	take_range(s, "GET /x", 1, 1000, AT(0, 1));
	assert_int_equal(take(s, "GET /x", 1, AT(0, 29)), 0);
	int64_t bound = take(s, "GET /x", 1, AT(1, 0));
	assert_in_range(bound, 990 * NS_PER_MS, 990 * NS_PER_MS * 9 / 8);
	take_range(s, "GET /x", 1, 100, AT(1, 1));
	assert_int_equal(take(s, "GET /x", 1, AT(1, 29)), bound);
	assert_in_range(take(s, "GET /x", 1, AT(2, 0)), 98 * NS_PER_MS, 99 * NS_PER_MS * 9 / 8);
	slowness_free(s);
}

static void operations_are_apart_by_service_and_name(void **state)
{
	struct slowness *s = slowness_new(0.5, WINDOW);
	(void)state;
	take_range(s, "GET /x", 100, 199, AT(0, 1));
	take_range(s, "GET /y", 1, 9, AT(0, 1));
	assert_in_range(take(s, "GET /x", 1, AT(1, 0)), 149 * NS_PER_MS, 150 * NS_PER_MS * 9 / 8);
	assert_in_range(take(s, "GET /y", 1, AT(1, 0)), 5 * NS_PER_MS, 5 * NS_PER_MS * 9 / 8);
	assert_int_equal(slowness_take(s, SLICE("mail"), SLICE("GET /x"), 1, AT(1, 0)), 0);
	slowness_free(s);
}

static void too_few_spans_and_a_window_of_silence_say_nothing(void **state)
{
	struct slowness *s = slowness_new(0.95, WINDOW);
	(void)state;
	take_range(s, "few", 1, 19, AT(0, 1));
	take_range(s, "enough", 1, 20, AT(0, 1));
	assert_int_equal(take(s, "few", 1, AT(1, 0)), 0);
	assert_true(take(s, "enough", 1, AT(1, 0)) > 0);
	take_range(s, "enough", 1, 20, AT(1, 1));
	assert_int_equal(take(s, "enough", 1, AT(3, 0)), 0);
	slowness_free(s);
}

/* Of any durations at most the share beyond the quantile is slower than the bound, and the bound is no more than an eighth above the quantile. */
static void the_bound_is_no_lower_than_the_quantile_and_an_eighth_higher_at_most(void **state)
{
	static const int64_t scales[] = {1, 900, 1100, 77000, 5 * NS_PER_MS, 3 * NS_PER_S, 800 * NS_PER_S};
	(void)state;
	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
		struct slowness *s = slowness_new(0.9, WINDOW);
		for (int64_t n = 1; n <= 1000; n++)
			take(s, "job", n * n % 1009 * scales[i] / 1000, AT(0, 1));
		int64_t bound = take(s, "job", 1, AT(1, 0)), slower = 0;
		for (int64_t n = 1; n <= 1000; n++)
			slower += n * n % 1009 * scales[i] / 1000 > bound;
		assert_in_range(slower, 0, 100);
		if (scales[i] > 2000)
			assert_in_range(slower, 5, 100);
		slowness_free(s);
	}
}

static void very_long_very_short_and_negative_durations_have_their_place(void **state)
{
	struct slowness *s = slowness_new(0.5, WINDOW);
	(void)state;
	for (int i = 0; i < 10; i++) {
		take(s, "long", INT64_MAX, AT(0, 1));
		take(s, "short", i - 5, AT(0, 1));
	}
	assert_true(take(s, "long", 1, AT(1, 0)) > 3600 * NS_PER_S);
	assert_in_range(take(s, "short", 1, AT(1, 0)), 1, 2000);
	slowness_free(s);
}

static void names_without_end_cost_no_other_its_bound(void **state)
{
	struct slowness *s = slowness_new(0.5, WINDOW);
	char name[32];
	(void)state;
	take_range(s, "first", 1, 10, AT(0, 1));
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "GET /%d", i);
		take(s, name, NS_PER_MS, AT(0, 2));
		take(s, name, NS_PER_MS, AT(0, 2));
	}
	assert_true(take(s, "first", 1, AT(1, 0)) > 0);
	assert_true(take(s, "GET /0", 1, AT(1, 0)) > 0);
	assert_int_equal(take(s, "GET /99999", 1, AT(1, 0)), 0);
	slowness_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_one_window_had_is_the_bound_of_the_next),
		cmocka_unit_test(operations_are_apart_by_service_and_name),
		cmocka_unit_test(too_few_spans_and_a_window_of_silence_say_nothing),
		cmocka_unit_test(the_bound_is_no_lower_than_the_quantile_and_an_eighth_higher_at_most),
		cmocka_unit_test(very_long_very_short_and_negative_durations_have_their_place),
		cmocka_unit_test(names_without_end_cost_no_other_its_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
