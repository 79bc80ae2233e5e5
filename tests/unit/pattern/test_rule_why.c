/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "pattern/rule_why.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/test_rule_why_XXXXXX";

static struct ruleset *rule_of(const char *how)
{
	struct ruleset *set = NULL;
	struct rule_errors errors = {0};
	const char *paths[] = {path};
	FILE *f = fopen(path, "w");
	check(f && fprintf(f, "rules:\n  - name: r\n    %s\n", how) > 0);
	fclose(f);
	if (ruleset_load(paths, 1, &set, &errors))
		fail_msg("%s", buf_cstr(&errors.text));
	return set;
}

/* The rule stops at `at` of the message and expects that; expected NULL: nothing can be said. */
static void stops_at(const char *how, const char *message, size_t at, const char *expected, int line)
{
	struct ruleset *set = rule_of(how);
	struct rule_scratch *scratch = rule_scratch_new(set);
	struct rule_stop stop;
	bool known = rule_stop_find(ruleset_at(set, 0), scratch, slice_str(message), &stop);
	if (known != (expected != NULL) || (known && (stop.at != at || strcmp(buf_cstr(&stop.expected), expected) != 0))) {
		print_error("%s\n  %s\n  stops at %zu, expecting %s\n", how, message, stop.at, known ? buf_cstr(&stop.expected) : "(not known)");
		_fail(__FILE__, line);
	}
	buf_done(&stop.expected);
	rule_scratch_free(scratch);
	ruleset_free(set);
}
#define STOPS(how, message, at, expected) stops_at(how, message, at, expected, __LINE__)

static void a_template_says_which_place_or_text_is_missing(void **state)
{
	(void)state;
	STOPS("match: 'paid <n:int> euros'", "paid ten euros", 5, "<n:int>");
	STOPS("match: 'paid <n:int> euros'", "paid 10 dollars", 8, "\"euros\"");
	STOPS("match: 'paid <n:int> euros'", "refunded", 0, "\"paid \"");
	STOPS("match: 'paid <n:int> euros'", "paid 10 euros or so", 14, "the end of the message");
	STOPS("match: 'paid <int> euros'", "paid ten", 5, "<int>");
	STOPS("match: 'paid by <word> at <ip>'", "paid by ann at home", 15, "<ip>");
	STOPS("match: '<any>took <t:duration>, ok'", "it took 5 parsecs, ok", 9, "\", ok\"");
	STOPS("match: 'a (b) [c] <n:int>'", "a (b) [d] 5", 7, "\"c] \"");
	STOPS("match: '用户 <u:word> 耗时<t:duration>'", "用户 ann 耗时long", 17, "<t:duration>");
}

static void a_place_that_waits_for_a_text_that_never_comes_is_where_it_stops(void **state)
{
	(void)state;
	STOPS("match: 'pool <p:word>; <n:int>'", "pool main, 5", 5, "<p:word> and then \"; \"");
	STOPS("match: 'failed: <reason:any>; pool'", "failed: no idea", 8, "<reason:any> and then \"; pool\"");
}

static void a_regex_says_it_in_its_own_words(void **state)
{
	(void)state;
	STOPS("regex: 'order (?<id>\\d+) (?:failed|died) after (?<t>[\\d.]+)s'", "the order 17 lived", 13, "(?:failed|died)");
	STOPS("regex: 'order (?<id>\\d+) (?:failed|died) after (?<t>[\\d.]+)s'", "the order 17 died after 5ms", 25, "\"s\"");
	STOPS("regex: 'a{2,3}[]x[:alpha:]]+\\.\\x41$'", "aaab.B", 5, "\\x41");
	STOPS("regex: 'one|two'", "three", 0, NULL);
	STOPS("regex: '\\Qone\\E two'", "three", 0, NULL);
	STOPS("regex: '(?i)ERROR (?<code>\\d{3})'", "an error of x", 9, "(?<code>\\d{3})");
}

static void grok_says_which_reference_is_missing(void **state)
{
	(void)state;
	STOPS("grok: '%{IP:client} %{WORD:method} %{NUMBER:took:float}'", "10.0.0.1 GET soon", 13, "%{NUMBER:took:float}");
}

static void hostile_regexes_and_messages_take_bounded_time(void **state)
{
	(void)state;
	char message[3001];
	memset(message, 'a', 3000);
	message[3000] = 0;
	struct ruleset *set = rule_of("regex: '(a+)+(a+)+(a+)+b(?<x>c)'");
	struct rule_scratch *scratch = rule_scratch_new(set);
	struct rule_stop stop;
	rule_stop_find(ruleset_at(set, 0), scratch, slice_str(message), &stop);
	buf_done(&stop.expected);
	rule_scratch_free(scratch);
	ruleset_free(set);
}

static void the_message_is_shown_around_the_place_on_one_line_with_a_mark_under_it(void **state)
{
	(void)state;
	struct ruleset *set = rule_of("match: '<any>end of line <n:int> here'");
	struct rule_scratch *scratch = rule_scratch_new(set);
	struct buf out = {0};
	check(rule_show_stop(ruleset_at(set, 0), scratch, SLICE("the first\tline is long enough to be cut before the end of line x here"), &out));
	assert_string_equal(buf_cstr(&out), "the message fits up to byte 63\n  ... first line is long enough to be cut before the end of line x here\n"
					    "                                                                 ^ here <n:int> is expected\n");
	buf_done(&out);
	rule_scratch_free(scratch);
	ruleset_free(set);
}

static int set_up(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_template_says_which_place_or_text_is_missing),
		cmocka_unit_test(a_place_that_waits_for_a_text_that_never_comes_is_where_it_stops),
		cmocka_unit_test(a_regex_says_it_in_its_own_words),
		cmocka_unit_test(grok_says_which_reference_is_missing),
		cmocka_unit_test(hostile_regexes_and_messages_take_bounded_time),
		cmocka_unit_test(the_message_is_shown_around_the_place_on_one_line_with_a_mark_under_it),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
