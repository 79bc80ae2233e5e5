/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers against the C library's. */
#include "../check.h"
#include "../random.h"

#include "record/json_number.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 300000, BEHIND = 64 };

/* Digits, and by chance a sign before and a point among them; ret has room behind, where other numbers stand. */
static size_t make(char *ret)
{
	static const char behind[] = ",1}]  2.5.9-0";
	size_t len = 0, digits = 1 + below(20), point = below(2) ? below(digits) : 0;
	if (below(4) == 0)
		ret[len++] = '-';
	for (size_t i = 0; i < digits; i++) {
		ret[len++] = (char)('0' + (below(3) ? below(10) : 0));
		if (point && i + 1 == point)
			ret[len++] = '.';
	}
	for (size_t i = len; i < BEHIND; i++)
		ret[i] = i == len ? ",]} "[below(4)] : behind[below(sizeof(behind) - 1)];
	return len;
}

static bool begins_with_a_spare_zero(const char *p)
{
	p += *p == '-';
	return p[0] == '0' && (unsigned)(p[1] - '0') <= 9;
}

static void check_number(const char *text, size_t len, size_t *ret_plain)
{
	union json_number n;
	char type, copy[BEHIND];
	const char *end = json_number(text, &type, &n);
	if (begins_with_a_spare_zero(text)) {
		assert_null(end);
		return;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (!end)
		return;
	assert_ptr_equal(end, text + len);
	++*ret_plain;
	if (strchr(copy, '.')) {
		double expected = strtod(copy, NULL);
		assert_int_equal(type, 'd');
		assert_memory_equal(&n.real, &expected, sizeof(expected));
	} else {
		assert_int_equal(type, 'l');
		assert_int_equal((int64_t)n.bits, strtoll(copy, NULL, 10));
	}
}

static void numbers_are_what_the_c_library_says(void **state)
{
	char text[BEHIND];
	size_t plain = 0;
	(void)state;
	for (int i = 0; i < ROUNDS; i++)
		check_number(text, make(text), &plain);
	assert_true(plain > ROUNDS / 2);
}

static void a_short_number_is_digits_and_nothing_else(void **state)
{
	char text[BEHIND];
	uint64_t value;
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = make(text);
		bool digits = strspn(text, "0123456789") == len;
		unsigned found = json_number_short(text, &value);
		assert_int_equal(found, digits && len < 8 && !begins_with_a_spare_zero(text) ? len : 0);
		if (found)
			assert_int_equal(value, strtoull(text, NULL, 10));
	}
}

static void what_is_no_number_is_not_plain(void **state)
{
	static const char *const rows[] = {"-", ".5", "1.", "-.5", "01", "-01.5", "00.1", "1.x", "x", "", "12345678901234567890", "9223372036854775808"};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[BEHIND] = {0}, type;
		union json_number n;
		memcpy(text, rows[i], strlen(rows[i]));
		assert_null(json_number(text, &type, &n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_what_the_c_library_says),
		cmocka_unit_test(a_short_number_is_digits_and_nothing_else),
		cmocka_unit_test(what_is_no_number_is_not_plain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
