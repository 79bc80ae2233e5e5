/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/clock.h"
#include "record/timestamp.h"

#include <stdio.h>

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
		{"1772615702.481203117", NS(481203117), true}, {"1.772615702481E9", NS(481000000), true}, {"26/03/04 09:15:02", NS(0), false},
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

static void check_time(const char *text, int64_t ns)
{
	struct timestamp t;
	bool read = timestamp_parse(slice_str(text), &t);
	if (!read || t.ns != ns || !t.zoned || !t.dated || t.len != strlen(text))
		fail_msg("%s: read %d, %lld instead of %lld", text, read, (long long)t.ns, (long long)ns);
}

static void every_day_and_every_number_of_places_is_read(void **state)
{
	static const char digits[] = "9040506078123";
	char text[64];
	(void)state;
	for (int year = 1700; year < 2200; year++)
		for (unsigned month = 1; month <= 12; month++)
			for (unsigned day = 1; day <= 31; day++) {
				snprintf(text, sizeof(text), "%04d-%02u-%02uT23:59:58Z", year, month, day);
				check_time(text, (clock_days(year, month, day) * 86400 + 86398) * NS_PER_S);
			}
	for (int places = 1; places <= 12; places++) {
		int64_t ns = 0;
		for (int i = 0; i < 9; i++)
			ns = ns * 10 + (i < places ? digits[i] - '0' : 0);
		snprintf(text, sizeof(text), "2026-03-04T09:15:02.%.*sZ", places, digits);
		check_time(text, NS(ns));
		snprintf(text, sizeof(text), "2026-03-04 09:15:02,%.*s+00:00", places, digits);
		check_time(text, NS(ns));
	}
}

/* One byte at a time is made something else: what is read at all has to be the same time without the quick way, which text behind it shuts off. */
static void a_wrong_byte_anywhere_is_no_time(void **state)
{
	static const char *const texts[] = {"2026-03-04T09:15:02Z", "2026-03-04T09:15:02.4Z", "2026-03-04T09:15:02.4812031Z", "2026-03-04T09:15:02.48120311Z", "2026-03-04T09:15:02.481203117Z"};
	char text[64];
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t at = 0; at < strlen(texts[i]); at++)
			for (int c = 1; c < 256; c++) {
				struct timestamp whole, slow;
				size_t len = strlen(texts[i]);
				snprintf(text, sizeof(text), "%s ", texts[i]);
				text[at] = (char)c;
				bool read = timestamp_parse(slice_of(text, len), &whole);
				bool scanned = timestamp_scan(slice_of(text, len + 1), &slow) && slow.len == len;
				if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f')
					continue; /* trimmed at the ends */
				assert_int_equal(read, scanned);
				if (read)
					assert_int_equal(whole.ns, slow.ns);
			}
}

static void times_in_words_are_read_as_languages_print_them(void **state)
{
	static const struct {
		const char *text, *utc; /* "": it is no time */
	} rows[] = {
		/* Go: Time.String with and without the monotonic clock, RFC 1123, 850, 822 */
		{"2026-03-04 09:15:02.481203117 +0000 UTC m=+0.012345678", "2026-03-04T09:15:02.481203117Z"}, {"2026-03-04 10:15:02.481203117 +0100 CET", "2026-03-04T09:15:02.481203117Z"},
		{"2026-03-04 15:00:02 +0545 +0545", "2026-03-04T09:15:02.000000000Z"}, {"Wed, 04 Mar 2026 09:15:02 GMT", "2026-03-04T09:15:02.000000000Z"},
		{"Wed, 04 Mar 2026 10:15:02 +0100", "2026-03-04T09:15:02.000000000Z"}, {"Wednesday, 04-Mar-26 09:15:02 UTC", "2026-03-04T09:15:02.000000000Z"},
		{"Wed, 04-Mar-2026 09:15:02 GMT", "2026-03-04T09:15:02.000000000Z"}, {"04 Mar 26 09:15 UTC", "2026-03-04T09:15:00.000000000Z"}, {"04 Mar 26 10:15 +0100", "2026-03-04T09:15:00.000000000Z"},
		/* C's ctime, date(1), Ruby */
		{"Wed Mar  4 09:15:02 2026", "2026-03-04T09:15:02.000000000Z"}, {"Wed Mar  4 09:15:02 UTC 2026", "2026-03-04T09:15:02.000000000Z"}, {"Wed Mar 04 10:15:02 +0100 2026", "2026-03-04T09:15:02.000000000Z"},
		{"Wed Mar  4 10:15:02 CET 2026", "2026-03-04T09:15:02.000000000Z"}, {"Wed 2026-03-04 09:15:02 UTC", "2026-03-04T09:15:02.000000000Z"},
		/* Java: java.util.logging, ZonedDateTime */
		{"Mar 4, 2026 9:15:02 AM", "2026-03-04T09:15:02.000000000Z"}, {"Mar 4, 2026, 9:15:02 PM", "2026-03-04T21:15:02.000000000Z"}, {"Mar 04, 2026 12:15:02 AM", "2026-03-04T00:15:02.000000000Z"},
		{"Mar 4, 2026 12:15:02 PM", "2026-03-04T12:15:02.000000000Z"}, {"2026-03-04T09:15:02.481Z[UTC]", "2026-03-04T09:15:02.481000000Z"},
		{"2026-03-04T10:15:02.481+01:00[Europe/Berlin]", "2026-03-04T09:15:02.481000000Z"}, {"Wed Mar 04 09:15:02 GMT 2026", "2026-03-04T09:15:02.000000000Z"},
		/* ISO 8601 basic, .NET, German, without a year */
		{"20260304T091502Z", "2026-03-04T09:15:02.000000000Z"}, {"20260304T101502.481+0100", "2026-03-04T09:15:02.481000000Z"}, {"20260304091502", "2026-03-04T09:15:02.000000000Z"}, {"20260304T091502,481Z", "2026-03-04T09:15:02.481000000Z"},
		{"/Date(1772615702481)/", "2026-03-04T09:15:02.481000000Z"}, {"3/4/2026 9:15:02 AM", "2026-03-04T09:15:02.000000000Z"}, {"3/14/2026 9:15:02 PM +00:00", "2026-03-14T21:15:02.000000000Z"},
		{"04.03.2026 09:15:02", "2026-03-04T09:15:02.000000000Z"}, {"04.03.2026 09:15:02,481", "2026-03-04T09:15:02.481000000Z"}, {"Mar  4 09:15:02", "2026-03-04T09:15:02.000000000Z"},
		{"26/03/04 09:15:02", "2026-03-04T09:15:02.000000000Z"}, {"20260304091502481", "2026-03-04T09:15:02.481000000Z"},
		{"Wed Mar 04 2026 10:15:02 GMT+0100 (Central European Standard Time)", "2026-03-04T09:15:02.000000000Z"}, {"Mar 4, 2026, 9:15:02\xE2\x80\xAF" "AM", "2026-03-04T09:15:02.000000000Z"},
		{"/Date(1772615702481+0100)/", "2026-03-04T09:15:02.481000000Z"}, {"20260304 09:15:02.481", "2026-03-04T09:15:02.481000000Z"}, {"2026-03-04_09:15:02", "2026-03-04T09:15:02.000000000Z"},
		{"2026-03-04 09:15:02:481", "2026-03-04T09:15:02.481000000Z"}, {"2026-03-04T09:15:02.481 Z", "2026-03-04T09:15:02.481000000Z"}, {"13/03/2026 09:15:02", "2026-03-13T09:15:02.000000000Z"},
		{"03/13/2026 09:15:02", "2026-03-13T09:15:02.000000000Z"}, {"26-03-04 09:15:02", ""}, {"@1772615702", "2026-03-04T09:15:02.000000000Z"},
		{"Dec 31 23:59:59.5", "2025-12-31T23:59:59.500000000Z"}, {" Mar 4 09:15:02 ", "2026-03-04T09:15:02.000000000Z"},
		/* no times, or none that is sure */
		{"3/4/2026 09:15:02", ""}, {"yesterday", ""}, {"Mar 4 2026", ""}, {"2026-03-04", ""}, {"Mar 32 09:15:02", ""}, {"Wed 04 Mar 2026 25:15:02", ""}, {"Mar 4, 2026 13:15:02 PM", ""},
		{"Wed, 04 Mar 2026 09:15:02 NOWHERE", ""}, {"order 4 of Mar 2026 at 09:15:02", ""}, {"9:15:02 AM", ""}, {"04 Mar 2026 09:15:02 GMT then", ""}, {"20261304T091502Z", ""},
		{"/Date(x)/", ""}, {"a[b]", ""}, {"2026-03-04T09:15:02[Europe/Berlin]", ""}, {"+0100 +0100", ""}, {"::::::::", ""}, {", , , , ,", ""}, {"Mar Mar 09:15:02 4", ""},
	};
	const int64_t now = INT64_C(1772618400) * NS_PER_S; /* 2026-03-04T10:00:00Z */
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct timestamp t;
		struct buf got = {0};
		if (timestamp_parse_near(slice_str(rows[i].text), now, &t) && t.dated)
			clock_format(&got, t.ns);
		if (!slice_eq(buf_slice(&got), slice_str(rows[i].utc)))
			fail_msg("%s: %s", rows[i].text, got.len ? buf_cstr(&got) : "no time");
		buf_done(&got);
	}
	struct timestamp t;
	assert_false(timestamp_parse_near(SLICE("Mar  4 09:15:02"), 0, &t));
	assert_true(timestamp_parse_near(SLICE("Wed, 04 Mar 2026 09:15:02 GMT"), 0, &t) && t.zoned);
	assert_true(timestamp_parse_near(SLICE("Mar 4, 2026 9:15:02 AM"), 0, &t) && !t.zoned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_in_words_are_read_as_languages_print_them),
		cmocka_unit_test(every_usual_form_is_read),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(a_time_of_day_has_no_date),
		cmocka_unit_test(scanning_stops_behind_the_zone),
		cmocka_unit_test(numbers_are_told_apart_by_magnitude),
		cmocka_unit_test(every_day_and_every_number_of_places_is_read),
		cmocka_unit_test(a_wrong_byte_anywhere_is_no_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
