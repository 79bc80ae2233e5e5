/* SPDX-License-Identifier: Apache-2.0 */
/* The rules in patterns/: their own tests pass, nothing is left to remark, and the reference lists the place types there are. */
#include "../check.h"
#include "base/buf.h"
#include "pattern/rule_key.h"
#include "pattern/ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct ruleset *shipped(void)
{
	static const char *const paths[] = {WINNOW_SOURCE_DIR "/patterns"};
	struct ruleset *set = NULL;
	struct rule_errors errors = {0};
	if (ruleset_load(paths, 1, &set, &errors))
		fail_msg("%s", buf_cstr(&errors.text));
	return set;
}

static void every_shipped_rule_passes_its_tests(void **state)
{
	(void)state;
	struct ruleset *set = shipped();
	struct buf out = {0};
	size_t run;
	if (ruleset_run_tests(set, &out, &run))
		fail_msg("%s", buf_cstr(&out));
	check(run >= 2 * ruleset_len(set));
	ruleset_free(set);
}

/* Among the remarks: a rule without a test that matches and one that does not, and examples that an earlier rule takes. */
static void the_shipped_rules_leave_nothing_to_remark(void **state)
{
	(void)state;
	struct ruleset *set = shipped();
	struct buf out = {0};
	if (ruleset_lint(set, &out))
		fail_msg("%s", buf_cstr(&out));
	ruleset_free(set);
}

static void read_reference(struct buf *text)
{
	FILE *f = fopen(WINNOW_SOURCE_DIR "/docs/rules.md", "r");
	assert_non_null(f);
	text->len = fread(buf_reserve(text, 1 << 20), 1, 1 << 20, f);
	fclose(f);
}

static void the_reference_has_the_keys_place_types_and_grok_names(void **state)
{
	(void)state;
	static void (*const printers[])(struct buf *out) = {rule_print_keys, rule_print_metric_keys, rule_print_places, rule_print_grok};
	struct buf text = {0};
	read_reference(&text);
	for (size_t i = 0; i < sizeof(printers) / sizeof(printers[0]); i++) {
		struct buf table = {0};
		printers[i](&table);
		if (slice_search(buf_slice(&text), buf_slice(&table)) == text.len)
			fail_msg("docs/rules.md lacks this:\n%s", buf_cstr(&table));
		buf_done(&table);
	}
	buf_done(&text);
}

static void check_example(struct slice example)
{
	char path[] = "/tmp/test_shipped_XXXXXX";
	const char *paths[] = {path};
	struct ruleset *set = NULL;
	struct rule_errors errors = {0};
	struct buf out = {0};
	size_t run;
	FILE *f = fdopen(mkstemp(path), "w");
	assert_non_null(f);
	fwrite(example.ptr, 1, example.len, f);
	fclose(f);
	if (ruleset_load(paths, 1, &set, &errors))
		fail_msg("%s", buf_cstr(&errors.text));
	if (ruleset_run_tests(set, &out, &run) || ruleset_lint(set, &out))
		fail_msg("%s", buf_cstr(&out));
	ruleset_free(set);
	unlink(path);
}

static void the_examples_of_the_reference_work(void **state)
{
	(void)state;
	struct buf text = {0};
	size_t examples = 0;
	read_reference(&text);
	struct slice rest = buf_slice(&text), mark = SLICE("```yaml\nrules:\n");
	for (size_t at; (at = slice_search(rest, mark)) < rest.len; examples++) {
		rest = slice_sub(rest, at + 8, rest.len);
		check_example(slice_sub(rest, 0, slice_search(rest, SLICE("```"))));
	}
	assert_int_equal(examples, 4);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shipped_rule_passes_its_tests), cmocka_unit_test(the_shipped_rules_leave_nothing_to_remark),
		cmocka_unit_test(the_reference_has_the_keys_place_types_and_grok_names), cmocka_unit_test(the_examples_of_the_reference_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
