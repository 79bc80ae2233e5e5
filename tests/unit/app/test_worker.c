/* SPDX-License-Identifier: Apache-2.0 */
/* Workers and books end to end: files in, a file journal between, totals out of the ledger. */
#include "house.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { LINES = 6000 };
static const char *const services[] = {"cart", "billing"};

static int64_t size_of(const char *name)
{
	struct stat st;
	assert_int_equal(stat(house_path(name), &st), 0);
	return st.st_size;
}

static void end(struct worker *w)
{
	worker_join(w);
	worker_free(w);
}

static void run_to_the_end(struct books *books, const char *const *files, size_t len)
{
	_Atomic int64_t low_ns[2];
	struct worker *w[2];
	for (size_t i = 0; i < len; i++)
		low_ns[i] = INT64_MAX;
	for (size_t i = 0; i < len; i++)
		w[i] = house_worker(books, low_ns, i, len);
	for (size_t i = 0; i < len; i++)
		house_take(books, w[i], files[i], false);
	for (size_t i = 0; i < len; i++)
		worker_stop(w[i], true);
	for (size_t i = 0; i < len; i++)
		end(w[i]);
}

static void a_file_is_counted_once_over_two_runs(void **state)
{
	(void)state;
	house_write("cart.log", "cart", 0, LINES, LINES);
	for (int run = 0; run < 2; run++) {
		struct books *books = house_open();
		run_to_the_end(books, (const char *const[]){"cart.log"}, 1);
		house_check_totals(books, services, 1, LINES);
		assert_int_equal(house_absorbed(books, "cart.log"), size_of("cart.log"));
		books_close(books);
	}
}

static void two_workers_share_the_books(void **state)
{
	(void)state;
	house_write("cart.log", "cart", 0, LINES, LINES);
	house_write("billing.log", "billing", 0, LINES, LINES);
	struct books *books = house_open();
	run_to_the_end(books, (const char *const[]){"cart.log", "billing.log"}, 2);
	house_check_totals(books, services, 2, LINES);
	books_close(books);
}

/* Reads on until the share-th seventh of the file is in the books, then dies without a word. */
static void work_and_die(int share)
{
	_Atomic int64_t low_ns[1] = {INT64_MAX};
	struct books *books = house_open();
	struct worker *w = house_worker(books, low_ns, 0, 1);
	house_take(books, w, "cart.log", false);
	house_wait_absorbed(books, "cart.log", size_of("cart.log") * share / 7);
	kill(getpid(), SIGKILL);
}

static void a_process_killed_at_any_time_leaves_exact_books(void **state)
{
	(void)state;
	house_write("cart.log", "cart", 0, LINES, LINES);
	for (int share = 1; share < 7; share++) {
		int status;
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			work_and_die(share);
			_exit(1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	struct books *books = house_open();
	int64_t absorbed = house_absorbed(books, "cart.log");
	assert_true(absorbed >= size_of("cart.log") * 6 / 7);
	run_to_the_end(books, (const char *const[]){"cart.log"}, 1);
	house_check_totals(books, services, 1, LINES);
	books_close(books);
}

/* What another instance would append that reads the file's lines from `from` on. */
static void append_as_another(struct books *books, const char *name, int64_t from)
{
	const struct shard_opts opts = {.step_ns = HOUSE_STEP};
	struct shard *shard = shard_new(&opts);
	struct source_reader *r;
	struct source_batch *batch = malloc(sizeof(*batch));
	struct gather g = {0};
	struct delta_body body;
	struct buf record = {0};
	assert_int_equal(file_source_open(house_path(name), false, &r, NULL), 0);
	assert_int_equal(r->ops->seek(r, from, NULL), 0);
	struct shard_partition p = {.topic = slice_str(r->topic), .expected = from, .gap_asked = -1};
	while (r->ops->poll(r, SOURCE_BATCH_MAX, batch, NULL) == 0 && batch->len)
		for (size_t i = 0; i < batch->len; i++)
			shard_feed(shard, &p, batch->messages[i].payload, batch->messages[i].offset, batch->messages[i].next_offset, 0, clock_wall_ns());
	gather(&g, shard, &body);
	struct delta_range range = {.topic = p.topic, .from = from, .to = p.expected, .replay = p.expected, .newest_ns = p.newest_ns};
	struct delta_header header = {.writer = 77, .seq = 1, .journal_time_ns = clock_wall_ns(), .ranges = &range, .ranges_len = 1};
	delta_encode(&record, &header, &body);
	assert_int_equal(books_append(books, buf_slice(&record), NULL), 0);
	assert_true(books_catch_up(books, 5 * NS_PER_S));
	assert_int_equal(house_absorbed(books, name), p.expected);
	buf_done(&record);
	gather_done(&g);
	r->ops->close(r);
	free(batch);
	shard_free(shard);
}

static void a_worker_whose_delta_is_rejected_rewinds_to_the_books(void **state)
{
	(void)state;
	_Atomic int64_t low_ns[1] = {INT64_MAX};
	struct source_reader *r;
	house_write("cart.log", "cart", 0, LINES / 2, LINES);
	struct books *books = house_open();
	append_as_another(books, "cart.log", 0);
	/* handed over from the beginning, as if it had been taken before the other one appended */
	struct worker *w = house_worker(books, low_ns, 0, 1);
	house_write("cart.log", "cart", LINES / 2, LINES, LINES);
	assert_int_equal(file_source_open(house_path("cart.log"), false, &r, NULL), 0);
	worker_take(w, r, FORMAT_AUTO, NULL, &(struct shard_start){0});
	worker_stop(w, true);
	while (!worker_stopped(w))
		clock_sleep_ns(NS_PER_MS);
	assert_int_equal(worker_status(w)->rewinds, 1);
	end(w);
	house_check_totals(books, services, 1, LINES);
	books_close(books);
}

/* Both read the same lines; whichever appends first is posted, and the other's count for nothing. */
static void two_instances_on_one_file_count_nothing_twice(void **state)
{
	(void)state;
	_Atomic int64_t low_ns[2] = {INT64_MAX, INT64_MAX};
	struct ledger_stats stats;
	struct books *books = house_open();
	struct worker *w[2] = {house_worker(books, low_ns, 0, 2), house_worker(books, low_ns, 1, 2)};
	house_write("cart.log", "cart", 0, LINES / 3, LINES);
	for (int i = 0; i < 2; i++)
		house_take(books, w[i], "cart.log", true);
	for (int part = 1; part < 3; part++) {
		house_wait_absorbed(books, "cart.log", size_of("cart.log"));
		house_write("cart.log", "cart", (unsigned)(LINES / 3 * part), (unsigned)(LINES / 3 * (part + 1)), LINES);
	}
	house_wait_absorbed(books, "cart.log", size_of("cart.log"));
	for (int i = 0; i < 2; i++)
		worker_stop(w[i], false);
	for (int i = 0; i < 2; i++)
		end(w[i]);
	house_check_totals(books, services, 1, LINES);
	ledger_stats(books_lock(books), &stats);
	books_unlock(books);
	assert_true(stats.rejected > 0);
	books_close(books);
}

static void a_partition_given_back_is_in_the_books_and_goes_on_elsewhere(void **state)
{
	(void)state;
	_Atomic int64_t low_ns[2] = {INT64_MAX, INT64_MAX};
	char topic[300];
	house_write("cart.log", "cart", 0, LINES, LINES);
	struct books *books = house_open();
	struct worker *first = house_worker(books, low_ns, 0, 2), *second = house_worker(books, low_ns, 1, 2);
	snprintf(topic, sizeof(topic), "file:%s", house_path("cart.log"));
	house_take(books, first, "cart.log", false);
	house_wait_absorbed(books, "cart.log", 1);
	worker_drop(first, topic, 0);
	worker_wait_dropped(first);
	assert_int_equal(house_total(books, FAMILY_RECORDS_CONSUMED, NULL, NULL), worker_status(first)->consumed);
	house_take(books, second, "cart.log", false);
	worker_stop(second, true);
	end(second);
	worker_stop(first, false);
	end(first);
	house_check_totals(books, services, 1, LINES);
	books_close(books);
}

static void a_worker_that_stops_appends_what_is_open(void **state)
{
	(void)state;
	_Atomic int64_t low_ns[1] = {INT64_MAX};
	house_write("cart.log", "cart", 0, LINES, LINES);
	struct books *books = house_open();
	struct worker *w = house_worker(books, low_ns, 0, 1);
	house_take(books, w, "cart.log", true);
	while (worker_status(w)->consumed == 0)
		clock_sleep_ns(NS_PER_MS);
	worker_stop(w, false);
	while (!worker_stopped(w))
		clock_sleep_ns(NS_PER_MS);
	assert_int_equal(house_total(books, FAMILY_RECORDS_CONSUMED, NULL, NULL), worker_status(w)->consumed);
	end(w);
	run_to_the_end(books, (const char *const[]){"cart.log"}, 1);
	house_check_totals(books, services, 1, LINES);
	books_close(books);
}

static const struct sampling sampling = {.on = true, .errors = true, .hold_ns = 30 * NS_PER_S, .quiet_ns = 5 * NS_PER_S, .grace_ns = 10 * NS_PER_S, .memory = 64 << 20};

static struct worker *sampling_worker(struct books *books, _Atomic int64_t *low_ns)
{
	const struct worker_opts opts = {.shard = {.step_ns = HOUSE_STEP, .sampling = &sampling}, .cut_interval_ns = 3 * NS_PER_MS, .window_ns = 3300 * NS_PER_S, .low_ns = low_ns, .count = 1};
	struct worker *w;
	struct err err = {0};
	if (worker_start(books, &opts, &w, &err) < 0)
		fail_msg("%s", err.text);
	return w;
}

static struct source_reader_ops slow_ops;
static int (*poll_now)(struct source_reader *r, size_t max, struct source_batch *ret, struct err *err);

/* Like a broker: what is asked for comes a little later. */
static int poll_slowly(struct source_reader *r, size_t max, struct source_batch *ret, struct err *err)
{
	static unsigned asked;
	return asked++ % 3 == 2 ? poll_now(r, max, ret, err) : 0;
}

/* As a source does that knows where its log ends. */
static void take_up_to_its_end(struct books *books, struct worker *w, const char *name)
{
	struct source_reader *r;
	struct ledger_partition at;
	struct err err = {0};
	assert_int_equal(file_source_open(house_path(name), false, &r, &err), 0);
	assert_true(books_partition(books, slice_str(r->topic), 0, &at));
	const struct shard_start start = {.offset = at.absorbed, .replay = at.replay, .replay_time_ns = at.replay_time_ns, .newest_ns = at.newest_ns};
	assert_int_equal(r->ops->seek(r, start.replay, &err), 0);
	r->end = size_of(name);
	slow_ops = *r->ops;
	poll_now = slow_ops.poll;
	slow_ops.poll = poll_slowly;
	r->ops = &slow_ops;
	worker_take(w, r, FORMAT_AUTO, NULL, &start);
}

static void a_run_until_the_end_decides_what_one_before_it_had_read_and_left_undecided(void **state)
{
	(void)state;
	_Atomic int64_t low_ns[1] = {INT64_MAX};
	int64_t now = clock_wall_ns();
	FILE *f = fopen(house_path("spans.json"), "w");
	assert_non_null(f);
	for (int i = 0; i < LINES; i++) /* more than are read at once */
		fprintf(f, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"aaaaaaaaaaaaaaaabbbbbbbb%08x\",\"spanId\":\"00000000000000aa\",\"name\":\"GET /x\",\"startTimeUnixNano\":\"%lld\","
			"\"endTimeUnixNano\":\"%lld\",\"status\":{\"code\":%d}}]}]}]}\n", i + 1, (long long)now - 2000, (long long)now - 1000, i == LINES - 1 ? 2 : 0);
	assert_int_equal(fclose(f), 0);
	struct books *books = house_open();
	struct worker *w = sampling_worker(books, low_ns);
	house_take(books, w, "spans.json", true);
	house_wait_absorbed(books, "spans.json", size_of("spans.json"));
	worker_stop(w, false);
	while (!worker_stopped(w))
		clock_sleep_ns(NS_PER_MS);
	assert_int_equal(worker_status(w)->traces_kept + worker_status(w)->traces_dropped, 0);
	end(w);
	w = sampling_worker(books, low_ns);
	take_up_to_its_end(books, w, "spans.json");
	worker_stop(w, true);
	while (!worker_stopped(w))
		clock_sleep_ns(NS_PER_MS);
	assert_int_equal(worker_status(w)->traces_kept, 1);
	assert_int_equal(worker_status(w)->traces_dropped, LINES - 1);
	assert_int_equal(house_total(books, FAMILY_SPAN_CALLS, NULL, NULL), LINES);
	end(w);
	books_close(books);
}

#define HOUSE_TEST(f) cmocka_unit_test_setup_teardown(f, house_setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(a_process_killed_at_any_time_leaves_exact_books),
		HOUSE_TEST(a_file_is_counted_once_over_two_runs),
		HOUSE_TEST(a_run_until_the_end_decides_what_one_before_it_had_read_and_left_undecided),
		HOUSE_TEST(two_workers_share_the_books),
		HOUSE_TEST(a_worker_whose_delta_is_rejected_rewinds_to_the_books),
		HOUSE_TEST(two_instances_on_one_file_count_nothing_twice),
		HOUSE_TEST(a_partition_given_back_is_in_the_books_and_goes_on_elsewhere),
		HOUSE_TEST(a_worker_that_stops_appends_what_is_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
