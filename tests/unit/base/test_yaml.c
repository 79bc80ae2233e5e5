/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/buf.h"
#include "base/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void refused(struct slice text, const char *expect)
{
	struct yaml_doc *doc = NULL;
	struct err err = {0};
	int code = yaml_load_text(text, "f.yaml", &doc, &err);
	if (code != ERR_INPUT || strcmp(err.text, expect) != 0)
		print_error("got %d \"%s\"\n", code, err.text);
	assert_int_equal(code, ERR_INPUT);
	assert_string_equal(err.text, expect);
	assert_null(doc);
}

static struct yaml_doc *accepted(struct slice text)
{
	struct yaml_doc *doc = NULL;
	struct err err = {0};
	if (yaml_load_text(text, "f.yaml", &doc, &err) != 0)
		fail_msg("%s", err.text);
	return doc;
}

static void values_keep_their_place_kind_and_quotes(void **state)
{
	(void)state;
	struct yaml_doc *doc = accepted(SLICE("a: 1\nb:\n  - \"x\"\n  - {c: 'true', d: true}\n"));
	const struct yaml *root = yaml_root(doc), *list = yaml_get(root, "b");
	assert_int_equal(root->len, 2);
	check_slice(yaml_get(root, "a")->text, "1");
	assert_int_equal(list->kind, YAML_LIST);
	assert_int_equal(list->len, 2);
	check(list->items[0].quoted);
	assert_int_equal(list->items[0].line, 3);
	assert_int_equal(list->items[0].column, 5);
	check(yaml_get(&list->items[1], "c")->quoted);
	check(!yaml_get(&list->items[1], "d")->quoted);
	assert_int_equal(list->items[1].key_lines[1], 4);
	assert_int_equal(list->items[1].key_columns[1], 17);
	assert_null(yaml_get(root, "e"));
	assert_null(yaml_get(list, "e"));
	assert_string_equal(yaml_name(doc), "f.yaml");
	yaml_doc_free(doc);
}

static void an_empty_file_is_an_empty_map(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "\n", "# only a comment\n"};
	for (size_t i = 0; i < 3; i++) {
		struct yaml_doc *doc = accepted(slice_str(texts[i]));
		assert_int_equal(yaml_root(doc)->kind, YAML_MAP);
		assert_int_equal(yaml_root(doc)->len, 0);
		yaml_doc_free(doc);
	}
}

static void an_alias_repeats_its_anchor(void **state)
{
	(void)state;
	struct yaml_doc *doc = accepted(SLICE("a: &x {k: v}\nb: *x\n"));
	check_slice(yaml_get(yaml_get(yaml_root(doc), "b"), "k")->text, "v");
	yaml_doc_free(doc);
}

static void mistakes_name_their_line_and_column(void **state)
{
	(void)state;
	refused(SLICE("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: duplicate key \"a\" (first on line 1)");
	refused(SLICE("a:\n\t- 1\n"), "f.yaml:2:1: a tab; indent with spaces");
	refused(SLICE("a: 1\n---\nb: 2\n"), "f.yaml:2:1: a second document; one file holds one");
	refused(SLICE("a: &x [1, *x]\n"), "f.yaml:1:4: an anchor holds an alias of itself");
	refused(SLICE("a: 1\nb: !foo\n"), "f.yaml:2:4: a value that starts with ! must be quoted: !foo");
	refused(SLICE("a: 1\nb: \xff\n"), "f.yaml:2:4: not UTF-8 text: invalid leading UTF-8 octet");
	refused(SLICE("a: 1\nb: [1, 2\nc: 3\n"), "f.yaml:3:2: not YAML: did not find expected ',' or ']' (while parsing a flow sequence from line 2)");
	refused(SLICE("a: 1\nbcd\nc: 3\n"), "f.yaml:2:1: a key without \":\" behind it");
	refused(SLICE("? [a]\n: 1\n"), "f.yaml:1:3: a key must be a plain word");
	refused(SLICE("a: *nowhere\n"), "f.yaml:1:4: not YAML: found undefined alias");
	refused(SLICE("a: 'open\n"), "f.yaml:2:1: not YAML: found unexpected end of stream (while scanning a quoted scalar from line 1)");
}

static void a_report_is_a_line_with_the_nearest_name(void **state)
{
	(void)state;
	static const char *const names[] = {"brokers", "topics", NULL};
	struct yaml_doc *doc = accepted(SLICE("a: 1\nbrokres: x\nzzzzzz: y\n"));
	struct buf out = {0};
	yaml_report(&out, doc, 1, 4, "%s", "bad");
	yaml_report_unknown(&out, doc, yaml_root(doc), 1, names);
	yaml_report_unknown(&out, doc, yaml_root(doc), 2, names);
	assert_string_equal(buf_cstr(&out), "f.yaml:1:4: bad\nf.yaml:2:1: unknown key \"brokres\"; did you mean \"brokers\"?\n"
		"f.yaml:3:1: unknown key \"zzzzzz\"; known here: brokers, topics\n");
	buf_done(&out);
	yaml_doc_free(doc);
}

static void an_alias_bomb_and_deep_nesting_are_refused(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_add_str(&b, "a0: &a0 [x]\n");
	for (int i = 1; i < 30; i++)
		buf_printf(&b, "a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1, i - 1);
	struct yaml_doc *doc = NULL;
	struct err err = {0};
	assert_int_equal(yaml_load_text(buf_slice(&b), "f.yaml", &doc, &err), ERR_INPUT);
	assert_non_null(strstr(err.text, "too large once its aliases are expanded"));
	buf_reset(&b);
	for (int i = 0; i < 200; i++)
		buf_add_char(&b, '[');
	for (int i = 0; i < 200; i++)
		buf_add_char(&b, ']');
	assert_int_equal(yaml_load_text(buf_slice(&b), "f.yaml", &doc, &err), ERR_INPUT);
	assert_non_null(strstr(err.text, "nested too deep"));
	buf_done(&b);
}

static void a_file_is_read_whole_and_a_missing_one_is_named(void **state)
{
	(void)state;
	char path[] = "/tmp/test_yaml_XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "k: v\n", 5), 5);
	close(fd);
	struct yaml_doc *doc = NULL;
	struct err err = {0};
	assert_int_equal(yaml_load_file(path, &doc, &err), 0);
	check_slice(yaml_get(yaml_root(doc), "k")->text, "v");
	yaml_doc_free(doc);
	unlink(path);
	doc = NULL;
	assert_int_equal(yaml_load_file("/nowhere/x.yaml", &doc, &err), ERR_INPUT);
	assert_string_equal(err.text, "/nowhere/x.yaml: No such file or directory");
	assert_int_equal(yaml_load_file("/tmp", &doc, &err), ERR_INPUT);
	assert_string_equal(err.text, "/tmp: Is a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_keep_their_place_kind_and_quotes), cmocka_unit_test(an_empty_file_is_an_empty_map),
		cmocka_unit_test(an_alias_repeats_its_anchor), cmocka_unit_test(mistakes_name_their_line_and_column),
		cmocka_unit_test(a_report_is_a_line_with_the_nearest_name),
		cmocka_unit_test(an_alias_bomb_and_deep_nesting_are_refused), cmocka_unit_test(a_file_is_read_whole_and_a_missing_one_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
