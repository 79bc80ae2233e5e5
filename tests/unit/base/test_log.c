/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/buf.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static FILE *caught;
static int kept;

static int catch (void **state)
{
	(void)state;
	caught = tmpfile();
	kept = dup(2);
	return !caught || dup2(fileno(caught), 2) < 0;
}

static int let_go(void **state)
{
	(void)state;
	dup2(kept, 2);
	close(kept);
	return fclose(caught);
}

static size_t lines(char text[4096])
{
	size_t len, n = 0;
	rewind(caught);
	len = fread(text, 1, 4095, caught);
	text[len] = 0;
	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

static void a_line_is_json_where_nobody_looks(void **state)
{
	(void)state;
	char text[4096];
	log_line(LOG_INFO, "test", "said \"%s\" to %d", "hello", 3);
	assert_int_equal(lines(text), 1);
	assert_true(strncmp(text, "{\"time\":\"20", 11) == 0);
	assert_non_null(strstr(text, "\"level\":\"info\",\"component\":\"test\",\"msg\":\"said \\\"hello\\\" to 3\"}\n"));
}

static void warnings_of_one_kind_are_held_back(void **state)
{
	(void)state;
	char text[4096];
	for (int i = 0; i < 100; i++)
		log_line(LOG_WARN, "test", "broken %d", i);
	log_line(LOG_ERROR, "test", "something else");
	assert_int_equal(lines(text), 2);
	assert_non_null(strstr(text, "broken 0"));
}

static void what_is_below_the_level_is_not_said(void **state)
{
	(void)state;
	char text[4096];
	log_line(LOG_DEBUG, "test", "detail");
	log_set_level(LOG_ERROR);
	log_line(LOG_INFO, "test", "news");
	log_set_level(LOG_DEBUG);
	log_line(LOG_DEBUG, "test", "more detail");
	log_set_level(LOG_INFO);
	assert_int_equal(lines(text), 1);
	assert_non_null(strstr(text, "more detail"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_is_json_where_nobody_looks, catch, let_go),
		cmocka_unit_test_setup_teardown(warnings_of_one_kind_are_held_back, catch, let_go),
		cmocka_unit_test_setup_teardown(what_is_below_the_level_is_not_said, catch, let_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
