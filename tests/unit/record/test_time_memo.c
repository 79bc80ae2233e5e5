/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "record/time_memo.h"

#include <stdio.h>

static const char *const forms[] = {"2026-03-04T09:15:02Z", "2026-03-04T09:15:02.4Z", "2026-03-04T09:15:02.481Z", "2026-03-04T09:15:02.481203Z", "2026-03-04T09:15:02.48120311Z", "2026-03-04T09:15:02.481203117Z",
	"2026-03-04 09:15:02,481", "2026-03-04 09:15:02", "2026-03-04T09:15:02.481+01:00", "2026-03-04T09:15:02-0530", "2026-03-04 09:15:02.481203 UTC", "2026-03-04 09:15:02.481 CET", "2026-03-04T24:00:00Z",
	"1970-01-01T00:00:30Z", "2199-12-31T23:59:59.999999999Z", "2026-02-30T09:15:02Z"};
enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

static void same_as_in_full(const struct time_memos *memos, struct slice text)
{
	struct timestamp memo, full;
	if (!time_memo_again(memos, text, &memo))
		return;
	assert_true(timestamp_parse(text, &full));
	assert_int_equal(memo.ns, full.ns);
	assert_int_equal(memo.zoned, full.zoned);
	assert_int_equal(memo.dated, full.dated);
}

static void whatever_byte_is_another_the_memo_says_what_reading_in_full_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		struct time_memos memos = {0};
		struct timestamp time;
		char text[48];
		struct slice s = slice_str(forms[i]);
		assert_true(timestamp_parse(s, &time));
		time_memo_learn(&memos, s, &time);
		same_as_in_full(&memos, s);
		for (size_t at = 0; at < s.len; at++)
			for (int c = 0; c < 256; c++) {
				memcpy(text, s.ptr, s.len);
				text[at] = (char)c;
				same_as_in_full(&memos, slice_of(text, s.len));
			}
	}
}

static void every_second_and_fraction_of_a_minute_is_remembered(void **state)
{
	(void)state;
	static const char *const minute[][2] = {{"2026-03-04T09:15:", "Z"}, {"2026-03-04 09:15:", ""}, {"2026-03-04T09:15:", "+01:00"}};
	static const char *const fractions[] = {"", ".0", ",07", ".999", ".0001", ",12345", ".000009", ".1234567", ".12345678", ".000000001"};
	for (size_t m = 0; m < 3; m++)
		for (size_t f = 0; f < sizeof(fractions) / sizeof(fractions[0]); f++) {
			struct time_memos memos = {0};
			for (unsigned second = 0; second < 60; second++) {
				char text[48];
				struct timestamp memo, full;
				snprintf(text, sizeof(text), "%s%02u%s%s", minute[m][0], second, fractions[f], minute[m][1]);
				assert_true(timestamp_parse(slice_str(text), &full));
				assert_int_equal(time_memo_again(&memos, slice_str(text), &memo), second > 0);
				if (second > 0)
					assert_int_equal(memo.ns, full.ns);
				else
					time_memo_learn(&memos, slice_str(text), &full);
			}
		}
}

static void what_has_no_such_form_is_not_remembered(void **state)
{
	(void)state;
	static const char *const others[] = {"", "1772615702.481", "Mar  4 09:15:02", "04/Mar/2026:09:15:02 +0000", "2026-03-04T09:15Z", "2026-03-04T09:15:02.1234567890Z", "1970-01-01T00:00:00.5Z"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct time_memos memos = {0};
		struct timestamp time = {.ns = INT64_C(1772615702000000000), .zoned = true, .dated = true}, memo;
		timestamp_parse(slice_str(others[i]), &time);
		time_memo_learn(&memos, slice_str(others[i]), &time);
		assert_false(time_memo_again(&memos, slice_str(others[i]), &memo));
	}
}

/* A year that no time has: the minute would lie before the first there is. */
static void what_is_out_of_bounds_is_not_remembered(void **state)
{
	static const int64_t bounds[] = {INT64_MIN, -1, 0, INT64_MAX};
	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		struct time_memos memos = {0};
		struct timestamp time = {.ns = bounds[i], .dated = true}, memo;
		time_memo_learn(&memos, SLICE("0000-03-04T09:15:02.481"), &time);
		assert_false(time_memo_again(&memos, SLICE("0000-03-04T09:15:02.481"), &memo));
	}
}

static void forms_of_different_lengths_are_remembered_beside_each_other(void **state)
{
	struct time_memos memos = {0};
	struct timestamp time;
	static const char *const lasting[] = {"2026-03-04T09:15:02Z", "2026-03-04T09:15:02.4Z", "2026-03-04 09:15:02,481", "2026-03-04T09:15:02.481Z", "2026-03-04T09:15:02.481203Z", "2026-03-04T09:15:02.4812031Z",
		"2026-03-04T10:15:02.481+01:00", "2026-03-04T09:15:02.481203117Z", "2026-03-04T10:15:02.481203+01:00", "2026-03-04T10:15:02.481203117+01:00"};
	(void)state;
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
			struct slice s = slice_str(lasting[i]);
			assert_int_equal(time_memo_again(&memos, s, &time), round);
			assert_true(timestamp_parse(s, &time));
			time_memo_learn(&memos, s, &time);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_byte_is_another_the_memo_says_what_reading_in_full_says),
		cmocka_unit_test(every_second_and_fraction_of_a_minute_is_remembered),
		cmocka_unit_test(forms_of_different_lengths_are_remembered_beside_each_other),
		cmocka_unit_test(what_has_no_such_form_is_not_remembered),
		cmocka_unit_test(what_is_out_of_bounds_is_not_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
