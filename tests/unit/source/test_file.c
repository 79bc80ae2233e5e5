/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/buf.h"
#include "source/source.h"
#include "source/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[256], aside[300];

static int make_path(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/winnow-file-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	int fd = mkstemp(path);
	snprintf(aside, sizeof(aside), "%s.1", path);
	return fd < 0 || close(fd);
}

static int remove_path(void **state)
{
	(void)state;
	unlink(path);
	unlink(aside);
	return 0;
}

static void append(const char *text)
{
	FILE *f = fopen(path, "a");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static struct source_reader *open_file(bool follow)
{
	struct source_reader *r = NULL;
	struct err err = {0};
	if (file_source_open(path, follow, &r, &err) < 0)
		fail_msg("%s", err.text);
	return r;
}

static struct source_batch batch;

static size_t poll_max(struct source_reader *r, size_t max)
{
	struct err err = {0};
	if (r->ops->poll(r, max, &batch, &err) < 0)
		fail_msg("%s", err.text);
	return batch.len;
}

/* Polls until the end and joins what came with '|', checking that each message begins where the one before it said. */
static void expect_lines(struct source_reader *r, int64_t *offset, const char *expect)
{
	struct buf got = {0};
	while (poll_max(r, SOURCE_BATCH_MAX) > 0 || !batch.at_end)
		for (size_t i = 0; i < batch.len; i++) {
			assert_int_equal(batch.messages[i].offset, *offset);
			*offset = batch.messages[i].next_offset;
			buf_add_slice(&got, batch.messages[i].payload);
			buf_add_char(&got, '|');
		}
	check_slice(buf_slice(&got), expect);
	buf_done(&got);
}

static void the_offset_of_a_line_is_the_position_of_its_first_byte(void **state)
{
	(void)state;
	append("one\n\nthree\n");
	struct source_reader *r = open_file(false);
	assert_int_equal(r->end, 11);
	assert_int_equal(poll_max(r, 100), 3);
	check_slice(batch.messages[0].payload, "one");
	check_slice(batch.messages[1].payload, "");
	check_slice(batch.messages[2].payload, "three");
	assert_int_equal(batch.messages[1].offset, 4);
	assert_int_equal(batch.messages[2].offset, 5);
	assert_int_equal(batch.messages[2].next_offset, 11);
	assert_false(batch.at_end);
	assert_int_equal(poll_max(r, 100), 0);
	assert_true(batch.at_end);
	r->ops->close(r);
}

static void a_carriage_return_before_the_newline_is_no_part_of_the_line(void **state)
{
	(void)state;
	int64_t at = 0;
	append("one\r\nt\rwo\r\n\r\n");
	struct source_reader *r = open_file(false);
	expect_lines(r, &at, "one|t\rwo||");
	assert_int_equal(at, r->end);
	r->ops->close(r);
}

static void a_last_line_without_newline_counts_only_when_no_more_can_come(void **state)
{
	(void)state;
	int64_t at = 0, followed = 0;
	append("one\ntwo");
	struct source_reader *r = open_file(false), *f = open_file(true);
	expect_lines(r, &at, "one|two|");
	assert_int_equal(at, 7);
	expect_lines(f, &followed, "one|");
	append(" and a half\n");
	expect_lines(f, &followed, "two and a half|");
	r->ops->close(r);
	f->ops->close(f);
}

static void a_batch_holds_no_more_than_asked_for_and_the_next_goes_on(void **state)
{
	(void)state;
	append("1\n2\n3\n4\n5\n");
	struct source_reader *r = open_file(false);
	assert_int_equal(poll_max(r, 2), 2);
	assert_int_equal(poll_max(r, 2), 2);
	check_slice(batch.messages[0].payload, "3");
	assert_int_equal(poll_max(r, 2), 1);
	check_slice(batch.messages[0].payload, "5");
	r->ops->close(r);
}

static void seeking_reads_again_from_there(void **state)
{
	(void)state;
	int64_t at = 0;
	append("one\ntwo\nthree\n");
	struct source_reader *r = open_file(false);
	expect_lines(r, &at, "one|two|three|");
	assert_int_equal(r->ops->seek(r, 4, NULL), 0);
	at = 4;
	expect_lines(r, &at, "two|three|");
	r->ops->close(r);
}

static void a_followed_file_yields_what_is_appended(void **state)
{
	(void)state;
	int64_t at = 0;
	struct source_reader *r = open_file(true);
	expect_lines(r, &at, "");
	append("one\n");
	expect_lines(r, &at, "one|");
	append("two\nthree\n");
	expect_lines(r, &at, "two|three|");
	r->ops->close(r);
}

static void a_rotation_loses_no_line_and_repeats_none(void **state)
{
	(void)state;
	int64_t at = 0;
	append("old one\nold two\nold three\n");
	struct source_reader *r = open_file(true);
	expect_lines(r, &at, "old one|old two|old three|");
	append("written late\nunfinished");
	assert_int_equal(rename(path, aside), 0);
	append("new\n"); /* shorter than what was read so far */
	expect_lines(r, &at, "written late|unfinished|new|");
	for (int i = 0; i < 3; i++)
		expect_lines(r, &at, "");
	append("newer\n");
	expect_lines(r, &at, "newer|");
	r->ops->close(r);
}

static void a_file_cut_to_nothing_is_read_from_its_start(void **state)
{
	(void)state;
	int64_t at = 0;
	append("one\ntwo\n");
	struct source_reader *r = open_file(true);
	expect_lines(r, &at, "one|two|");
	assert_int_equal(truncate(path, 0), 0);
	append("a\n");
	expect_lines(r, &at, "a|");
	expect_lines(r, &at, "");
	r->ops->close(r);
}

static void seeking_after_a_rotation_finds_the_new_files_lines(void **state)
{
	(void)state;
	int64_t at = 0, again;
	append("old\n");
	struct source_reader *r = open_file(true);
	expect_lines(r, &at, "old|");
	assert_int_equal(rename(path, aside), 0);
	append("a\nb\n");
	again = at + 2;
	expect_lines(r, &at, "a|b|");
	assert_int_equal(r->ops->seek(r, again, NULL), 0);
	expect_lines(r, &again, "b|");
	/* the old file is gone: what is left begins with the new one */
	assert_int_equal(r->ops->seek(r, 0, NULL), 0);
	again = 4;
	expect_lines(r, &again, "a|b|");
	r->ops->close(r);
}

static void a_line_longer_than_the_limit_is_one_message_cut_at_it(void **state)
{
	(void)state;
	enum { LIMIT = 32 << 20, EXTRA = 3 << 20 };
	FILE *f = fopen(path, "w");
	char *piece = malloc(1 << 20);
	memset(piece, 'x', 1 << 20);
	fputs("before\n", f);
	for (size_t n = 0; n < LIMIT + EXTRA; n += 1 << 20)
		fwrite(piece, 1, 1 << 20, f);
	fputs("\nbehind\n", f);
	fclose(f);
	free(piece);
	struct source_reader *r = open_file(false);
	assert_int_equal(poll_max(r, 1), 1);
	assert_int_equal(poll_max(r, 10), 2);
	assert_int_equal(batch.messages[0].payload.len, LIMIT);
	assert_int_equal(batch.messages[0].offset, 7);
	assert_int_equal(batch.messages[0].next_offset, 7 + LIMIT + EXTRA + 1);
	check_slice(batch.messages[1].payload, "behind");
	assert_int_equal(batch.messages[1].offset, batch.messages[0].next_offset);
	r->ops->close(r);
}

static void standard_input_from_a_pipe_is_read_to_its_end_without_waiting(void **state)
{
	(void)state;
	int pipe_of[2], kept = dup(0);
	int64_t at = 0;
	struct source_reader *r;
	assert_int_equal(pipe(pipe_of), 0);
	assert_true(dup2(pipe_of[0], 0) == 0 && close(pipe_of[0]) == 0);
	assert_int_equal(file_source_open("-", true, &r, NULL), 0);
	assert_int_equal(r->end, -1);
	assert_int_equal(poll_max(r, 10), 0); /* would hang here if it waited */
	assert_false(batch.at_end);
	assert_int_equal(write(pipe_of[1], "one\ntw", 6), 6);
	assert_int_equal(poll_max(r, 10), 1);
	check_slice(batch.messages[0].payload, "one");
	at = batch.messages[0].next_offset;
	assert_int_equal(poll_max(r, 10), 0);
	assert_int_equal(write(pipe_of[1], "o\nlast", 6), 6);
	close(pipe_of[1]);
	expect_lines(r, &at, "two|last|");
	assert_true(r->ops->seek(r, 0, &(struct err){0}) < 0);
	r->ops->close(r);
	assert_int_equal(dup2(kept, 0), 0);
	close(kept);
}

static void a_file_redirected_to_standard_input_is_a_log_of_its_own_each_run(void **state)
{
	(void)state;
	int kept = dup(0), fd = open(path, O_RDONLY);
	int64_t at = 0;
	struct source_reader *first, *second;
	append("skipped\none\ntwo\n");
	assert_int_equal(lseek(fd, 8, SEEK_SET), 8); /* what stood before us took a line */
	assert_int_equal(dup2(fd, 0), 0);
	assert_int_equal(file_source_open("-", false, &first, NULL), 0);
	expect_lines(first, &at, "one|two|");
	assert_int_equal(at, first->end);
	assert_int_equal(first->ops->seek(first, 4, NULL), 0);
	at = 4;
	expect_lines(first, &at, "two|");
	assert_int_equal(file_source_open("-", false, &second, NULL), 0);
	assert_string_not_equal(first->topic, second->topic);
	second->ops->close(second);
	first->ops->close(first);
	assert_int_equal(dup2(kept, 0), 0);
	close(kept);
	close(fd);
}

static void what_is_no_file_is_refused_with_its_name(void **state)
{
	(void)state;
	struct source_reader *r;
	struct err err = {0};
	assert_int_equal(file_source_open("/nowhere/app.log", false, &r, &err), ERR_INPUT);
	assert_non_null(strstr(err.text, "/nowhere/app.log"));
	assert_int_equal(file_source_open("/tmp", false, &r, &err), ERR_INPUT);
	assert_non_null(strstr(err.text, "directory"));
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, make_path, remove_path)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(the_offset_of_a_line_is_the_position_of_its_first_byte),
		FILE_TEST(a_carriage_return_before_the_newline_is_no_part_of_the_line),
		FILE_TEST(a_last_line_without_newline_counts_only_when_no_more_can_come),
		FILE_TEST(a_batch_holds_no_more_than_asked_for_and_the_next_goes_on),
		FILE_TEST(seeking_reads_again_from_there),
		FILE_TEST(a_followed_file_yields_what_is_appended),
		FILE_TEST(a_rotation_loses_no_line_and_repeats_none),
		FILE_TEST(a_file_cut_to_nothing_is_read_from_its_start),
		FILE_TEST(seeking_after_a_rotation_finds_the_new_files_lines),
		FILE_TEST(a_line_longer_than_the_limit_is_one_message_cut_at_it),
		FILE_TEST(standard_input_from_a_pipe_is_read_to_its_end_without_waiting),
		FILE_TEST(a_file_redirected_to_standard_input_is_a_log_of_its_own_each_run),
		FILE_TEST(what_is_no_file_is_refused_with_its_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
