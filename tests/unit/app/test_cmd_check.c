/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "app/command.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char directory[] = "/tmp/test_check_XXXXXX";
static char rules[64], config[64], out_path[64], got[8192];

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Runs check with its output, standard error behind it, in got. */
static int run(const char *a, const char *b)
{
	char *argv[] = {(char *)"check", (char *)a, (char *)b, NULL};
	fflush(NULL);
	int old_out = dup(1), old_err = dup(2), file = open(out_path, O_CREAT | O_TRUNC | O_RDWR, 0600);
	dup2(file, 1);
	dup2(file, 2);
	int status = cmd_check.run(b ? 3 : a ? 2 : 1, argv);
	fflush(NULL);
	dup2(old_out, 1);
	dup2(old_err, 2);
	close(old_out);
	close(old_err);
	ssize_t n = pread(file, got, sizeof(got) - 1, 0);
	got[n > 0 ? n : 0] = 0;
	close(file);
	return status;
}

static const char good[] = "rules: [{name: r, match: 'disk <d:word> full', tests: [{message: disk sda full, expect: {d: sda}}, {message: x, expect: no match}]}]\n";

static void good_rules_pass_with_a_summary(void **state)
{
	(void)state;
	write_file(rules, good);
	assert_int_equal(run(rules, NULL), 0);
	assert_string_equal(got, "winnow check: 1 rule, 2 tests: 0 errors, 0 failed tests, 0 remarks\n");
	assert_int_equal(run(directory, NULL), 0);
}

static void a_failed_test_or_a_mistake_is_status_1(void **state)
{
	(void)state;
	write_file(rules, "rules: [{name: r, match: 'disk <d:word> full', tests: [{message: disk sda full, expect: {d: sdb}}, {message: x, expect: no match}]}]\n");
	assert_int_equal(run(rules, NULL), 1);
	assert_non_null(strstr(got, ": r: d is \"sda\", expected \"sdb\"\n"));
	assert_non_null(strstr(got, "1 failed test,"));
	write_file(rules, "rules: [{nme: r}]\n");
	assert_int_equal(run(rules, NULL), 1);
	assert_non_null(strstr(got, "unknown key \"nme\"; did you mean \"name\"?"));
	assert_int_equal(run("/nowhere/at/all", NULL), 1);
	assert_non_null(strstr(got, "/nowhere/at/all: No such file or directory\n"));
}

static void a_configuration_is_checked_with_the_rules_it_names(void **state)
{
	(void)state;
	char text[512];
	write_file(rules, good);
	snprintf(text, sizeof(text), "sources: [{file: {path: \"-\"}}]\nremote_write: {url: http://x}\nrules: [%s]\n", rules);
	write_file(config, text);
	assert_int_equal(run("-c", config), 0);
	assert_non_null(strstr(got, "1 rule, 2 tests: 0 errors"));
	assert_int_equal(run(config, NULL), 0);
	write_file(config, "sources: []\n");
	assert_int_equal(run(config, NULL), 1);
	assert_non_null(strstr(got, "remote_write.url is required"));
}

static void remarks_fail_only_when_strict(void **state)
{
	(void)state;
	write_file(rules, "rules: [{name: r, match: 'disk <d:word> full'}]\n");
	assert_int_equal(run(rules, NULL), 0);
	assert_non_null(strstr(got, "r: no tests\n"));
	assert_int_equal(run("--strict", rules), 1);
}

static void wrong_usage_is_status_2(void **state)
{
	(void)state;
	assert_int_equal(run("--nothing", NULL), 2);
	assert_int_equal(run("-c", NULL), 2);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(rules, sizeof(rules), "%s/r.yaml", directory);
	snprintf(config, sizeof(config), "%s/config", directory);
	snprintf(out_path, sizeof(out_path), "%s/out", directory);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(rules);
	unlink(config);
	unlink(out_path);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_rules_pass_with_a_summary), cmocka_unit_test(a_failed_test_or_a_mistake_is_status_1),
		cmocka_unit_test(a_configuration_is_checked_with_the_rules_it_names), cmocka_unit_test(remarks_fail_only_when_strict),
		cmocka_unit_test(wrong_usage_is_status_2),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
