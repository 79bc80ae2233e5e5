/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command.h"
#include "base/buf.h"
#include "../check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

static const char input_path[] = "test_cmd_mine.in";
static const char output_path[] = "test_cmd_mine.out";
static struct buf output;

static void write_input(const char *text, bool gz)
{
	gzFile f = gzopen(input_path, gz ? "wb" : "wbT");
	check(f && gzwrite(f, text, (unsigned)strlen(text)) == (int)strlen(text));
	gzclose(f);
}

/* Runs the command with standard output in a file; its text is then in output. */
static int run(const char *option, const char *path)
{
	char *argv[] = {(char *)(uintptr_t)"mine", (char *)(uintptr_t)(option ? option : path), (char *)(uintptr_t)path, NULL};
	char block[4096];
	size_t n;
	fflush(stdout);
	int saved = dup(STDOUT_FILENO);
	check(freopen(output_path, "wb", stdout));
	int status = cmd_mine.run(option ? 3 : 2, argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	buf_reset(&output);
	FILE *f = fopen(output_path, "rb");
	check(f);
	while ((n = fread(block, 1, sizeof(block), f)))
		buf_add(&output, block, n);
	fclose(f);
	unlink(output_path);
	unlink(input_path);
	return status;
}

static size_t count_lines(struct slice text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == '\n';
	return n;
}

static void the_table_shows_count_share_template_and_example(void **state)
{
	(void)state;
	write_input("took 5 ms\ntook 17 ms\nworker started\ntook 6 ms\n", false);
	check(run(NULL, input_path) == 0);
	struct slice out = buf_slice(&output);
	check(slice_search(out, SLICE("3  75.00%")) < out.len);
	check(slice_search(out, SLICE("took <num> ms\n")) < slice_search(out, SLICE("took 5 ms\n")));
	check(slice_search(out, SLICE("worker started\n")) < out.len);
	check(slice_search(out, SLICE("4 lines, 4 records, 2 patterns")) < out.len);
}

static void json_is_one_object_a_pattern(void **state)
{
	(void)state;
	write_input("took 5 ms\nsay \"hi\"\ntook 17 ms", true);
	check(run("--json", input_path) == 0);
	struct slice out = buf_slice(&output);
	check(count_lines(out) == 2);
	check(slice_starts(out, SLICE("{\"id\":\"")));
	check(slice_search(out, SLICE("\"count\":2,\"share\":0.666667")) < out.len);
	check(slice_search(out, SLICE("\"example\":\"say \\\"hi\\\"\"")) < out.len);
}

static void assign_tells_the_ids_of_every_line(void **state)
{
	(void)state;
	write_input("loading skin blue for window 1\n\nloading skin red for window 1\r\nloading skin green for window 1\nloading skin teal for window 1\n{\"a\":1}\n", false);
	check(run("--assign", input_path) == 0);
	struct slice out = buf_slice(&output);
	check(count_lines(out) == 6);
	check(out.len > 34 && out.ptr[16] == '\t' && out.ptr[33] == '\t');
	check(memcmp(out.ptr, out.ptr + 17, 16) != 0); /* merged later */
	check(slice_search(out, SLICE("\tloading skin <*> for window <num>\n")) == 33);
}

static void what_cannot_be_read_is_said(void **state)
{
	(void)state;
	check(run(NULL, "no-such-file") == 1);
	check(run("--no-such-option", "x") == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_shows_count_share_template_and_example),
		cmocka_unit_test(json_is_one_object_a_pattern),
		cmocka_unit_test(assign_tells_the_ids_of_every_line),
		cmocka_unit_test(what_cannot_be_read_is_said),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	buf_done(&output);
	return failed;
}
