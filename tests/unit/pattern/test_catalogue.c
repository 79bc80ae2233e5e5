/* SPDX-License-Identifier: Apache-2.0 */
/* docs/patterns.md says what the files in patterns/ say: each rule, what it is for, which metric to watch, its labels.
 * To write it anew: WINNOW_WRITE_DOCS=1 build/debug/tests/unit/unit_pattern_catalogue */
#include "../check.h"
#include "base/buf.h"
#include "base/yaml.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER WINNOW_SOURCE_DIR "/patterns"
#define PAGE WINNOW_SOURCE_DIR "/docs/patterns.md"

static void read_file(const char *path, struct buf *text)
{
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	text->len = fread(buf_reserve(text, 1 << 20), 1, 1 << 20, f);
	fclose(f);
}

static void add_cell(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '|' || text.ptr[i] == '<')
			buf_add_char(out, '\\');
		buf_add_char(out, text.ptr[i]);
	}
}

/* What the title says before its colon. */
static struct slice technology(struct slice title)
{
	size_t colon = slice_search(title, SLICE(": "));
	return colon < title.len ? slice_sub(title, 0, colon) : slice_trim(slice_sub(title, 0, title.len - slice_ends(title, SLICE("."))));
}

/* The comment at the head of the file, behind the licence: what it is about, then "Watch: ". */
static void print_head(struct buf *out, struct buf *index, const char *name, struct slice text)
{
	struct buf head = {0};
	struct slice rest = slice_sub(text, slice_find(text, '\n', 0) + 1, text.len);
	while (slice_starts(rest, SLICE("# "))) {
		size_t end = slice_find(rest, '\n', 0);
		if (head.len)
			buf_add_char(&head, ' ');
		buf_add_slice(&head, slice_sub(rest, 2, end - 2));
		rest = slice_sub(rest, end + 1, rest.len);
	}
	struct slice all = buf_slice(&head);
	size_t watch = slice_search(all, SLICE(" Watch: "));
	if (watch == all.len || watch == 0)
		fail_msg("%s: the comment at its head does not say what it is about and what to watch", name);
	struct slice title = technology(slice_sub(all, 0, watch));
	buf_printf(index, "| %.*s | [`%s`](../patterns/%s) |", (int)title.len, title.ptr, name, name);
	buf_printf(out, "## %.*s\n\n`%s`. ", (int)title.len, title.ptr, name);
	buf_add_slice(out, slice_sub(all, 0, watch));
	buf_add_str(out, "\n\n**Watch:** ");
	buf_add_slice(out, slice_sub(all, watch + strlen(" Watch: "), all.len));
	buf_add_str(out, "\n\n| rule | what it is | watch | labels |\n|---|---|---|---|\n");
	buf_done(&head);
}

static void print_rule(struct buf *out, const char *file, const struct yaml *rule)
{
	const struct yaml *name = yaml_get(rule, "name"), *description = yaml_get(rule, "description"), *labels = yaml_get(rule, "labels");
	assert_non_null(name);
	size_t watch = description ? slice_search(description->text, SLICE(" Watch: ")) : 0;
	if (!description || watch == description->text.len)
		fail_msg("%s: the description of %.*s does not say what to watch", file, (int)name->text.len, name->text.ptr);
	buf_printf(out, "| `%.*s` | ", (int)name->text.len, name->text.ptr);
	add_cell(out, slice_sub(description->text, 0, watch));
	buf_add_str(out, " | ");
	add_cell(out, slice_sub(description->text, watch + strlen(" Watch: "), description->text.len));
	buf_add_str(out, " | ");
	for (size_t i = 0; labels && i < labels->len; i++)
		buf_printf(out, "%s`%.*s`", i ? ", " : "", (int)labels->keys[i].len, labels->keys[i].ptr);
	buf_add_str(out, " |\n");
}

/* Returns how many tests the file has. */
static size_t print_file(struct buf *out, struct buf *index, const char *name, size_t *rules_len)
{
	struct buf path = {0}, text = {0};
	struct yaml_doc *doc = NULL;
	struct err err = {0};
	size_t tests = 0;
	buf_printf(&path, FOLDER "/%s", name);
	read_file(buf_cstr(&path), &text);
	if (yaml_load_text(buf_slice(&text), name, &doc, &err))
		fail_msg("%s", err.text);
	print_head(out, index, name, buf_slice(&text));
	const struct yaml *rules = yaml_get(yaml_root(doc), "rules");
	for (size_t i = 0; i < rules->len; i++) {
		print_rule(out, name, &rules->items[i]);
		tests += yaml_get(&rules->items[i], "tests")->len;
	}
	buf_add_char(out, '\n');
	*rules_len += rules->len;
	buf_printf(index, " %zu | %zu |\n", rules->len, tests);
	yaml_doc_free(doc);
	buf_done(&path);
	buf_done(&text);
	return tests;
}

static int is_yaml(const struct dirent *entry)
{
	return slice_ends(slice_str(entry->d_name), SLICE(".yaml"));
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void print_page(struct buf *out)
{
	struct dirent **entries;
	struct buf body = {0}, index = {0};
	size_t rules = 0, tests = 0;
	int files = scandir(FOLDER, &entries, is_yaml, by_bytes);
	check(files > 20);
	for (int i = 0; i < files; i++) {
		tests += print_file(&body, &index, entries[i]->d_name, &rules);
		free(entries[i]);
	}
	free(entries);
	check(rules >= 250 && tests >= 700);
	buf_printf(out, "# Shipped rules\n\n<!-- Generated from patterns/; the unit test pattern.catalogue compares the two. -->\n\n"
			"%zu rules in %d files, with %zu tests. `rules: [patterns]` in `winnow.yaml` uses them all; a file alone does as well. How rules are written:\n"
			"[rules.md](rules.md). A rule's pattern is found by its name: `log_pattern_info{rule=\"NAME\"}` has the `pattern_id` that the other metrics carry, as in\n\n"
			"```promql\nsum by (service_name) (rate(log_pattern_records_total[5m]) * on (service_name, pattern_id) group_left (rule) log_pattern_info{rule=\"linux_oom_kill\"})\n```\n\n"
			"Files are read in name order and the first rule that matches wins, so `universal.yaml`, the last one, sees only what no product's own rule took.\n\n", rules, files, tests);
	buf_add_str(out, "| technology | file | rules | tests |\n|---|---|---|---|\n");
	buf_add_slice(out, buf_slice(&index));
	buf_add_char(out, '\n');
	buf_add_slice(out, buf_slice(&body));
	out->len--; /* one newline at the end */
	buf_done(&index);
	buf_done(&body);
}

static void the_page_says_what_the_files_say(void **state)
{
	(void)state;
	struct buf expect = {0}, got = {0};
	print_page(&expect);
	if (getenv("WINNOW_WRITE_DOCS")) {
		FILE *f = fopen(PAGE, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(expect.data, 1, expect.len, f), expect.len);
		fclose(f);
	}
	read_file(PAGE, &got);
	if (!slice_eq(buf_slice(&got), buf_slice(&expect)))
		fail_msg("docs/patterns.md is not what patterns/ says: write it anew with WINNOW_WRITE_DOCS=1 build/debug/tests/unit/unit_pattern_catalogue");
	buf_done(&expect);
	buf_done(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_page_says_what_the_files_say)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
