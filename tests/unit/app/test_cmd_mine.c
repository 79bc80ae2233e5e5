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

static void a_stack_trace_belongs_to_the_line_before_it_and_a_header_to_no_message(void **state)
{
	(void)state;
	static const char log[] =
		"2024-05-01 10:00:00,123 ERROR [main] com.acme.Shop - Order 17 failed\n"
		"java.lang.IllegalStateException: none left\n\tat com.acme.Stock.take(Stock.java:71)\nCaused by: java.io.IOException: disk\n\t... 12 more\n"
		"2024-05-01 10:00:01,123 INFO [main] com.acme.Shop - Order 18 sold\n"
		"2024-05-01 10:00:02,123 ERROR [main] com.acme.Shop - Order 19 failed\n"
		"java.lang.IllegalStateException: none left\n\tat com.acme.Stock.take(Stock.java:75)\n"
		"2024-05-01 10:00:03,123 ERROR [main] jobs - Job 3 failed\n"
		"Traceback (most recent call last):\n  File \"/a.py\", line 1, in take\n    f()\nValueError: 17\n"
		"panic: no stock\n\ngoroutine 1 [running]:\nmain.take(0xc000)\n\t/app/main.go:12\n\n"
		"done\n  with it\n";
	write_input(log, false);
	check(run("--json", input_path) == 0);
	struct slice out = buf_slice(&output);
	check(slice_search(out, SLICE("\"count\":2,\"share\":0.285714,\"severity\":\"error\",\"service\":\"\",\"template\":\"Order <num> failed java.lang.IllegalStateException at "
		"com.acme.Stock.take()\"")) < out.len);
	check(slice_search(out, SLICE("\"template\":\"Order <num> sold\"")) < out.len);
	check(slice_search(out, SLICE("\"template\":\"Job <num> failed ValueError at take()\"")) < out.len);
	check(slice_search(out, SLICE("\"template\":\"panic: no stock at main.take()\"")) < out.len);
	check(slice_search(out, SLICE("\"template\":\"done\"")) < out.len);
	check(slice_search(out, SLICE("\"template\":\"with it\"")) < out.len);
	check(count_lines(out) == 6);
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
		cmocka_unit_test(a_stack_trace_belongs_to_the_line_before_it_and_a_header_to_no_message),
		cmocka_unit_test(json_is_one_object_a_pattern),
		cmocka_unit_test(assign_tells_the_ids_of_every_line),
		cmocka_unit_test(what_cannot_be_read_is_said),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	buf_done(&output);
	return failed;
}
