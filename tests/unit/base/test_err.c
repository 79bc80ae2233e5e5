/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

static void an_error_is_wrapped_outwards(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(err_set(&e, ERR_INPUT, "unknown key \"%s\"", "brokres"), ERR_INPUT);
	assert_int_equal(err_wrap(&e, "%s:%d", "winnow.yaml", 3), ERR_INPUT);
	assert_string_equal(e.text, "winnow.yaml:3: unknown key \"brokres\"");
}

static void who_does_not_ask_gets_the_code_only(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_IO, "x"), ERR_IO);
	assert_true(err_wrap(NULL, "x") < 0);
}

static void long_texts_are_cut_not_overrun(void **state)
{
	(void)state;
	struct err e = {0};
	err_set(&e, ERR_IO, "%02000d", 1);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	err_wrap(&e, "%02000d", 2);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

static void the_nearest_name_is_found_if_one_is_near(void **state)
{
	(void)state;
	static const char *const names[] = {"brokers", "topics", "group", "start", NULL};
	assert_string_equal(err_nearest(SLICE("brokres"), names), "brokers");
	assert_string_equal(err_nearest(SLICE("topic"), names), "topics");
	assert_string_equal(err_nearest(SLICE("gruop"), names), "group");
	assert_null(err_nearest(SLICE("remote_write"), names));
	assert_null(err_nearest(SLICE(""), names));
	assert_null(err_nearest(SLICE("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), names));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_wrapped_outwards),
		cmocka_unit_test(who_does_not_ask_gets_the_code_only),
		cmocka_unit_test(long_texts_are_cut_not_overrun),
		cmocka_unit_test(the_nearest_name_is_found_if_one_is_near),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
