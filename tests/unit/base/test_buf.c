/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/buf.h"

#include <stdlib.h>

static struct buf b;

static void check_buf(const char *expect)
{
	check_slice(buf_slice(&b), expect);
	buf_done(&b);
}

static void it_grows_as_far_as_it_must(void **state)
{
	(void)state;
	for (int i = 0; i < 10000; i++)
		buf_add_char(&b, (char)('a' + i % 26));
	buf_add(&b, NULL, 0);
	assert_int_equal(b.len, 10000);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	buf_reset(&b);
	assert_true(b.cap >= 10000);
	buf_done(&b);
	assert_null(b.data);
}

static void numbers_are_written_to_their_last_digit(void **state)
{
	(void)state;
	buf_add_u64(&b, 0);
	buf_add_char(&b, ' ');
	buf_add_u64(&b, UINT64_MAX);
	buf_add_char(&b, ' ');
	buf_add_i64(&b, INT64_MIN);
	buf_printf(&b, " %s %d", "and", 7);
	check_buf("0 18446744073709551615 -9223372036854775808 and 7");
	buf_printf(&b, "%0500d", 1);
	assert_int_equal(b.len, 500);
	buf_done(&b);
}

static void json_strings_hold_whatever_bytes_there_were(void **state)
{
	(void)state;
	buf_add_json_string(&b, SLICE("a\"b\\c\n\t\r\x01\x7F" "\xC3\xA4"));
	check_buf("\"a\\\"b\\\\c\\n\\t\\r\\u0001\x7F\xC3\xA4\"");
	buf_add_json(&b, SLICE("x\xFFy\xC3"));
	check_buf("x\xEF\xBF\xBDy\xEF\xBF\xBD");
	buf_add_json_string(&b, slice_of(NULL, 0));
	check_buf("\"\"");
}

static void label_text_is_utf8_without_nul(void **state)
{
	(void)state;
	buf_add_utf8(&b, SLICE("a\0b\xED\xA0\x80z"));
	check_buf("a\xEF\xBF\xBD" "b\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz");
}

static void a_c_string_ends_behind_the_text(void **state)
{
	(void)state;
	assert_string_equal(buf_cstr(&b), "");
	buf_add_str(&b, "text");
	assert_string_equal(buf_cstr(&b), "text");
	assert_int_equal(b.len, 4);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_grows_as_far_as_it_must),
		cmocka_unit_test(numbers_are_written_to_their_last_digit),
		cmocka_unit_test(json_strings_hold_whatever_bytes_there_were),
		cmocka_unit_test(label_text_is_utf8_without_nul),
		cmocka_unit_test(a_c_string_ends_behind_the_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
