/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/clock.h"
#include "record/duration.h"

static void durations_are_read_with_their_own_unit_or_the_given_one(void **state)
{
	static const struct {
		const char *text;
		int64_t unit, ns;
	} rows[] = {
		{"0.184s", NS_PER_MS, 184000000}, {"184.2ms", 1, 184200000}, {"1m3s", 1, 63 * NS_PER_S}, {"1h2m3.5s", 1, 3723500 * NS_PER_MS}, {"12 us", 1, 12000},
		{"PT1.5S", 1, 1500 * NS_PER_MS}, {"PT1H2M3.5S", 1, 3723500 * NS_PER_MS}, {"PT2M", 1, 120 * NS_PER_S}, {"PT0.000031S", 1, 31000}, {"7\xC2\xB5s", 1, 7000}, {"250", NS_PER_MS, 250 * NS_PER_MS}, {"0.25", NS_PER_S, 250 * NS_PER_MS}, {"00:00:01.25", 1, 1250 * NS_PER_MS}, {"0", NS_PER_S, 0}, {"12ms", 1, 12 * NS_PER_MS}, {"0.000000001s", 1, 1}, {"3600.5s", 1, 3600500 * NS_PER_MS}, {"15s", NS_PER_MS, 15 * NS_PER_S}, {"0.0625ms", 1, 62500}, {"5.s", 1, 5 * NS_PER_S},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ns = -1;
		if (!duration_parse(slice_str(rows[i].text), rows[i].unit, &ns) || ns != rows[i].ns)
			fail_msg("%s: %lld", rows[i].text, (long long)ns);
	}
}

static void what_is_no_duration_is_refused(void **state)
{
	static const char *const rows[] = {"", "-", "-5ms", "soon", "5 apples", "0.001, 0.002", "PT", "PTS", "PT5", "PT5D", "PT3S2M", "PT-1S", "PT1.5.5S", "1e9999", "1.2.3s", "s", ".s", "9999999999999s", "99999999999999999999s", "ms"};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ns = 17;
		if (duration_parse(slice_str(rows[i]), NS_PER_MS, &ns))
			fail_msg("%s", rows[i]);
		assert_int_equal(ns, 17);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read_with_their_own_unit_or_the_given_one),
		cmocka_unit_test(what_is_no_duration_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
