/* SPDX-License-Identifier: Apache-2.0 */
/* Both kinds; the topic against librdkafka's in-process cluster, or a real one: WINNOW_TEST_KAFKA=host:port. */
#include "../check.h"
#include "base/clock.h"
#include "journal/board.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static rd_kafka_t *host;
static rd_kafka_mock_cluster_t *cluster; /* NULL: a real one */
static const char *brokers;
static char folder[] = "/tmp/winnow-board-XXXXXX", path[64];

static struct board *open_topic(const char *topic)
{
	const struct journal_kafka_opts opts = {.brokers = brokers};
	struct board *b = NULL;
	struct err err = {0};
	if (board_open_kafka(&opts, topic, &b, &err) < 0)
		fail_msg("%s", err.text);
	return b;
}

static struct board *open_file(void)
{
	struct board *b = NULL;
	struct err err = {0};
	if (board_open_file(path, &b, &err) < 0)
		fail_msg("%s", err.text);
	return b;
}

static void put(struct board *b, const char *key, const char *text)
{
	struct err err = {0};
	if (board_put(b, slice_str(key), text ? slice_str(text) : slice_of(NULL, 0), &err) < 0)
		fail_msg("%s", err.text);
}

/* The next thing but nothing: "key=text", "key-", "end", or "" when 5 s bring none. */
static const char *next(struct board *b)
{
	static char text[256];
	struct board_notice n;
	struct err err = {0};
	for (int64_t until = clock_mono_ns() + 5 * NS_PER_S; clock_mono_ns() < until;) {
		int answer = board_read(b, 50 * NS_PER_MS, &n, &err);
		if (answer < 0)
			fail_msg("%s", err.text);
		if (answer == BOARD_END)
			return "end";
		if (answer == BOARD_NOTICE) {
			snprintf(text, sizeof(text), n.text.ptr ? "%.*s=%.*s" : "%.*s-", (int)n.key.len, n.key.ptr, (int)n.text.len, n.text.ptr);
			return text;
		}
	}
	return "";
}

static void a_notice_is_read_back_and_by_whoever_opens_later(struct board *first, struct board *(*again)(void))
{
	assert_string_equal(next(first), "end");
	put(first, "pay", "1");
	put(first, "cart", "2");
	assert_string_equal(next(first), "pay=1");
	assert_string_equal(next(first), "cart=2");
	put(first, "cart", NULL);
	assert_string_equal(next(first), "cart-");
	put(first, "pay", "3");
	assert_string_equal(next(first), "pay=3");
	board_close(first);
	struct board *later = again();
	char last[256] = "";
	for (const char *got; strcmp(got = next(later), "end") != 0;)
		if (strncmp(got, "pay", 3) == 0)
			snprintf(last, sizeof(last), "%s", got);
	assert_string_equal(last, "pay=3");
	board_close(later);
}

static struct board *topic_again(void)
{
	return open_topic("control");
}

static void a_topic_keeps_notices(void **state)
{
	(void)state;
	a_notice_is_read_back_and_by_whoever_opens_later(open_topic("control"), topic_again);
}

static void a_file_keeps_notices(void **state)
{
	(void)state;
	a_notice_is_read_back_and_by_whoever_opens_later(open_file(), open_file);
}

static void two_boards_on_one_topic_show_the_same(void **state)
{
	(void)state;
	struct board *a = open_topic("shared"), *b = open_topic("shared");
	assert_string_equal(next(a), "end");
	assert_string_equal(next(b), "end");
	put(a, "pay", "1");
	assert_string_equal(next(b), "pay=1");
	put(b, "pay", "2");
	assert_string_equal(next(a), "pay=1");
	assert_string_equal(next(a), "pay=2");
	board_close(a);
	board_close(b);
}

static void what_would_break_a_line_is_refused(void **state)
{
	(void)state;
	struct err err = {0};
	struct board *b = open_file();
	assert_int_equal(board_put(b, SLICE("a\tb"), SLICE("x"), &err), ERR_INPUT);
	assert_int_equal(board_put(b, SLICE("a"), SLICE("x\ny"), &err), ERR_INPUT);
	assert_int_equal(board_put(b, SLICE(""), SLICE("x"), &err), ERR_INPUT);
	board_close(b);
}

static void a_file_that_cannot_be_written_says_so(void **state)
{
	(void)state;
	struct board *b = NULL;
	struct err err = {0};
	assert_int_equal(board_open_file("/nonexistent/winnow/incidents", &b, &err), 0);
	assert_int_equal(board_put(b, SLICE("a"), SLICE("x"), &err), ERR_IO);
	assert_non_null(strstr(err.text, "/nonexistent/winnow/incidents"));
	board_close(b);
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/incidents", folder);
	brokers = getenv("WINNOW_TEST_KAFKA");
	if (brokers)
		return 0;
	char text[256];
	host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof(text));
	cluster = rd_kafka_mock_cluster_new(host, 1);
	rd_kafka_mock_topic_create(cluster, "control", 1, 1);
	rd_kafka_mock_topic_create(cluster, "shared", 1, 1);
	brokers = rd_kafka_mock_cluster_bootstraps(cluster);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	rmdir(folder);
	if (cluster)
		rd_kafka_mock_cluster_destroy(cluster);
	if (host)
		rd_kafka_destroy(host);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_topic_keeps_notices),
		cmocka_unit_test(a_file_keeps_notices),
		cmocka_unit_test(two_boards_on_one_topic_show_the_same),
		cmocka_unit_test(what_would_break_a_line_is_refused),
		cmocka_unit_test(a_file_that_cannot_be_written_says_so),
	};
#ifdef __SANITIZE_THREAD__
	(void)tests;
	puts("skipped: librdkafka starts its threads with thrd_create, which the thread sanitizer of GCC 12 does not know and dies of");
	return 0;
#endif
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
