/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "record/timestamp.h"

#define BASE INT64_C(1772615702)           /* 2026-03-04T09:15:02Z */
#define NS(fraction) (BASE * 1000000000 + (fraction))

static void every_usual_form_is_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
		bool zoned;
	} rows[] = {
		{"2026-03-04T09:15:02Z", NS(0), true}, {"2026-03-04t09:15:02z", NS(0), true}, {"2026-03-04T09:15:02.481203117Z", NS(481203117), true},
		{"2026-03-04T09:15:02.4812031179Z", NS(481203117), true}, {"2026-03-04T09:15:02,481Z", NS(481000000), true}, {"2026-03-04 09:15:02.481", NS(481000000), false},
		{"2026-03-04 09:15:02,481+0000", NS(481000000), true}, {"2026-03-04T10:15:02.5+01:00", NS(500000000), true}, {"2026-03-04T14:45:02.481+0530", NS(481000000), true},
		{"2026-03-04T04:15:02-05", NS(0), true}, {"2026-03-04 09:15:02.481 UTC", NS(481000000), true}, {"2026-03-04 09:15:02 +0000", NS(0), true},
		{"2026/03/04 09:15:02", NS(0), false}, {"04/Mar/2026:09:15:02 +0000", NS(0), true}, {"04/Mar/2026:10:15:02 +0100", NS(0), true},
		{"1772615702", NS(0), true}, {"1772615702481", NS(481000000), true}, {"1772615702481203", NS(481203000), true}, {"1772615702481203117", NS(481203117), true},
		{"1772615702.481203", NS(481203000), true}, {" 2026-03-04T09:15:02Z ", NS(0), true}, {"0", 0, true}, {"2026-03-04T09:15Z", NS(-2000000000), true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct timestamp t;
		if (!timestamp_parse(slice_str(rows[i].text), &t) || t.ns != rows[i].ns || t.zoned != rows[i].zoned)
			fail_msg("%s: %lld", rows[i].text, (long long)t.ns);
		assert_true(t.dated);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const rows[] = {"", "noon", "2026-13-04T09:15:02Z", "2026-03-32T09:15:02Z", "2026-03-04T25:15:02Z", "2026-03-04", "2026-03-04T09:15:02Zx", "-5", "1.2.3", "04/Foo/2026:09:15:02"};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct timestamp t = {0};
		if (timestamp_parse(slice_str(rows[i]), &t))
			fail_msg("%s", rows[i]);
	}
}

static void a_time_of_day_has_no_date(void **state)
{
	struct timestamp t;
	(void)state;
	assert_true(timestamp_scan(SLICE("16:42:09.510 INFO x"), &t));
	assert_false(t.dated);
	assert_int_equal(t.len, 12);
	assert_int_equal(t.ns, ((16 * 60 + 42) * 60 + 9) * INT64_C(1000000000) + 510000000);
}

static void scanning_stops_behind_the_zone(void **state)
{
	struct timestamp t;
	(void)state;
	assert_true(timestamp_scan(SLICE("2026-03-04 09:15:02,481 - app - INFO"), &t));
	assert_int_equal(t.len, 23);
	assert_true(timestamp_scan(SLICE("2026-03-04T09:15:02.481Z INFO"), &t));
	assert_int_equal(t.len, 24);
	assert_true(timestamp_scan(SLICE("2026-03-04 09:15:02 -7 degrees"), &t));
	assert_int_equal(t.len, 19);
}

static void numbers_are_told_apart_by_magnitude(void **state)
{
	(void)state;
	assert_int_equal(timestamp_of_i64(BASE), NS(0));
	assert_int_equal(timestamp_of_i64(BASE * 1000 + 7), NS(7000000));
	assert_int_equal(timestamp_of_i64(BASE * 1000000 + 7), NS(7000));
	assert_int_equal(timestamp_of_i64(NS(7)), NS(7));
	assert_int_equal(timestamp_of_i64(0), 0);
	assert_int_equal(timestamp_of_i64(-4), 0);
	assert_int_equal(timestamp_of_double(1772615702.481203), NS(481203000));
	assert_int_equal(timestamp_of_double(1772615702481.5), NS(481500000));
	assert_int_equal(timestamp_of_double(1e300), INT64_MAX);
	assert_int_equal(timestamp_of_double(-1.0), 0);
	assert_int_equal(timestamp_of_parts(BASE, 5), NS(5));
	assert_int_equal(timestamp_of_parts(INT64_MAX, 5), INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_usual_form_is_read),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(a_time_of_day_has_no_date),
		cmocka_unit_test(scanning_stops_behind_the_zone),
		cmocka_unit_test(numbers_are_told_apart_by_magnitude),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
