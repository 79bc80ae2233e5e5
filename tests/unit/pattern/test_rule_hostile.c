/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "pattern/rule_why.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/test_rule_hostile_XXXXXX";

static bool hostile(const char *how)
{
	struct ruleset *set = NULL;
	struct rule_errors errors = {0};
	const char *paths[] = {path};
	FILE *f = fopen(path, "w");
	check(f && fprintf(f, "rules:\n  - name: r\n    %s\n", how) > 0);
	fclose(f);
	if (ruleset_load(paths, 1, &set, &errors))
		fail_msg("%s: %s", how, buf_cstr(&errors.text));
	struct rule_scratch *scratch = rule_scratch_new(set);
	bool found = rule_is_hostile(ruleset_at(set, 0), scratch);
	rule_scratch_free(scratch);
	ruleset_free(set);
	return found;
}

static void regexes_that_can_be_made_to_give_up_are_found(void **state)
{
	(void)state;
	static const char *const rules[] = {
		"regex: '^(a+)+$'", "regex: '^(\\w+\\s?)+$'", "regex: 'start ((#+)+)!$'", "regex: 'code=([a-z]+)*;$'", "regex: '(x+x+)+y'", "regex: 'took (.*)(.*)(.*)(.*)z$'",
		"regex: 'id (\\d+)*-\\1x'", "regex: 'list: (\\w+,?\\s*)*end'", "regex: '^(?:[^;]*;?)*!$'", "regex: '((?:%~)+)+?='", "regex: 'user ([A-Z]+|[A-Za-z]+)+@$'", "regex: 'k (é+)+ü'",
		"regex: '(?i)WARN ((z|Z)+)+!'",
		/* the way there is in the example only */
		"regex: '\\d\\d \\[[a-z]+\\] ([a-z]+ ?)+;$'\n    tests: [{message: '17 [main] a b c;', expect: match}]",
	};
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (!hostile(rules[i]))
			fail_msg("not found: %s", rules[i]);
}

static void regexes_that_cannot_are_left_in_peace(void **state)
{
	(void)state;
	static const char *const rules[] = {
		"regex: 'order (?<id>\\d+) failed after (?<t>[\\d.]+)s'", "match: 'payment <a:word> failed after <b:duration>: <c:rest>'", "regex: '^(a++)++$'", "regex: '^[a-z]+(?:\\.[a-z]+)*+ is down$'",
		"grok: '%{IP:client} %{WORD:method} %{URIPATHPARAM:path} %{NUMBER:status:int} %{NUMBER:took:float}'", "match: '<any>out of memory<any>'", "where: {service: x}",
	};
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (hostile(rules[i]))
			fail_msg("found: %s", rules[i]);
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
		cmocka_unit_test(regexes_that_can_be_made_to_give_up_are_found),
		cmocka_unit_test(regexes_that_cannot_are_left_in_peace),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
