/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/clock.h"

#include <stdlib.h>

static void check_time(int64_t ns, const char *expect)
{
	struct buf b = {0};
	clock_format(&b, ns);
	check_slice(buf_slice(&b), expect);
	buf_done(&b);
}

static void times_are_written_in_utc_with_nanoseconds(void **state)
{
	(void)state;
	check_time(INT64_C(1772615702481203117), "2026-03-04T09:15:02.481203117Z");
	check_time(0, "1970-01-01T00:00:00.000000000Z");
	check_time(-1, "1969-12-31T23:59:59.999999999Z");
	check_time(-NS_PER_S, "1969-12-31T23:59:59.000000000Z");
}

static void days_are_counted_over_leap_years(void **state)
{
	(void)state;
	assert_int_equal(clock_days(1970, 1, 1), 0);
	assert_int_equal(clock_days(2000, 2, 29), 11016);
	assert_int_equal(clock_days(2000, 3, 1), 11017);
	assert_int_equal(clock_days(2100, 3, 1) - clock_days(2100, 2, 28), 1);
	assert_int_equal(clock_days(1969, 12, 31), -1);
	assert_int_equal(clock_days(0, 3, 1), -719468);
}

static void durations_have_units(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {{"10s", 10 * NS_PER_S}, {"250ms", 250 * NS_PER_MS}, {"1h30m", 5400 * NS_PER_S}, {"5us", 5000}, {"5\xC2\xB5s", 5000}, {"2d", 172800 * NS_PER_S}, {"1.5s", 1500 * NS_PER_MS}, {"7ns", 7}};
	static const char *const bad[] = {"", "10", "s", "10 s", "-1s", "1.2.3s", "1e3s", "10x", "s10", "999999999999d", "1h30"};
	int64_t ns = -1;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(clock_parse_duration(slice_str(good[i].text), &ns));
		assert_int_equal(ns, good[i].ns);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (clock_parse_duration(slice_str(bad[i]), &ns))
			fail_msg("\"%s\" was read as %lld ns", bad[i], (long long)ns);
}

static void waiting_takes_its_time(void **state)
{
	(void)state;
	int64_t start = clock_mono_ns();
	clock_sleep_ns(3 * NS_PER_MS);
	assert_true(clock_mono_ns() - start >= 3 * NS_PER_MS);
	clock_sleep_ns(-1);
	assert_true(clock_wall_ns() > INT64_C(1700000000) * NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_written_in_utc_with_nanoseconds),
		cmocka_unit_test(days_are_counted_over_leap_years),
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(waiting_takes_its_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
