/* SPDX-License-Identifier: Apache-2.0 */
/* Books with several endpoints: each has its own progress, and one that takes nothing does not stop the others. */
#include "house.h"

static const struct books_endpoint both[] = {{0, "default"}, {7, "other"}}, three[] = {{0, "default"}, {7, "other"}, {9, "third"}};

static size_t max_bytes = SIZE_MAX;

static struct books *open_books(const struct books_endpoint *endpoints, size_t len, size_t max_steps, int64_t stuck_ns)
{
	struct books_opts opts = house_books_opts();
	opts.endpoints = endpoints;
	opts.endpoints_len = len;
	opts.snapshot_interval_ns = 3600 * NS_PER_S;
	opts.max_pending_steps = max_steps;
	opts.max_pending_bytes = max_bytes;
	opts.stuck_ns = stuck_ns;
	return house_open_with(&opts);
}

/* One record in each of n steps, the first of them step `first`; all but the last are closed by it. */
static void fill_steps(struct books *books, uint64_t writer, int64_t from, size_t n, int64_t first)
{
	for (size_t i = 0; i < n; i++)
		house_append(books, writer, i + 1, from + (int64_t)i, 1, (first + (int64_t)i) * HOUSE_STEP + 5 * NS_PER_S);
}

static int64_t wait_step(struct books *books, size_t endpoint)
{
	int64_t until = clock_mono_ns() + 10 * NS_PER_S, step;
	bool newest;
	while ((step = books_step_to_send(books, endpoint, &newest)) == INT64_MIN && clock_mono_ns() < until)
		clock_sleep_ns(NS_PER_MS);
	return step;
}

static size_t waiting(struct books *books, size_t endpoint)
{
	struct books_waiting w;
	books_waiting(books, endpoint, &w);
	return w.steps;
}

static uint64_t posted(struct books *books)
{
	return house_total(books, FAMILY_LOG_RECORDS, NULL, NULL);
}

static void each_endpoint_has_its_own_progress_over_restarts_too(void **state)
{
	(void)state;
	struct books *books = open_books(both, 2, SIZE_MAX, NS_PER_S);
	int64_t first = clock_wall_ns() / HOUSE_STEP - 20;
	fill_steps(books, 1, 0, 6, first);
	assert_true(wait_step(books, 0) == first && wait_step(books, 1) == first);
	size_t before = waiting(books, 1);
	for (int64_t step = first; step < first + 3; step++) {
		assert_int_equal(books_anchored(books, 0, step, NULL) && step == first, 0);
		assert_int_equal(books_mark(books, 0, step, false, NULL), 0);
	}
	assert_true(wait_step(books, 0) == first + 3 && wait_step(books, 1) == first);
	assert_int_equal(waiting(books, 1), before);
	assert_int_equal(books_pending_steps(books), 2 * before - 3);
	books_close(books); /* a snapshot with both */
	books = open_books(both, 2, SIZE_MAX, NS_PER_S);
	assert_true(wait_step(books, 0) == first + 3 && wait_step(books, 1) == first);
	assert_int_equal(books_mark(books, 1, first, false, NULL), 0);
	assert_true(wait_step(books, 0) == first + 3 && wait_step(books, 1) == first + 1);
	assert_int_equal(posted(books), 6);
	books_close(books);
	books = open_books(both, 1, SIZE_MAX, NS_PER_S); /* one is given up */
	assert_true(wait_step(books, 0) == first + 3);
	books_close(books);
}

static void an_endpoint_that_is_new_begins_with_what_comes(void **state)
{
	(void)state;
	struct books *books = open_books(both, 1, SIZE_MAX, NS_PER_S);
	int64_t first = clock_wall_ns() / HOUSE_STEP - 20;
	struct cut cut = {0};
	fill_steps(books, 1, 0, 6, first);
	books_close(books);
	books = open_books(three, 3, SIZE_MAX, NS_PER_S);
	assert_int_equal(waiting(books, 1), 0);
	assert_int_equal(waiting(books, 2), 0);
	fill_steps(books, 2, 6, 3, first + 6);
	int64_t step = wait_step(books, 1);
	while (step < first + 6) { /* begun, but with nothing of its own */
		assert_int_equal(books_mark(books, 1, step, false, NULL), 0);
		step = wait_step(books, 1);
	}
	assert_true(books_cut(books, 1, step, REMOTE_WRITE_1, 100, 1 << 20, &cut));
	assert_true(cut.len == 2 && cut.requests[0].anchors);
	cut_done(&cut);
	uint64_t generation = books_generation(books, 1);
	books_close(books);
	books = open_books(three, 3, SIZE_MAX, NS_PER_S); /* it has begun: it does not again */
	assert_true(wait_step(books, 1) == step);
	assert_true(books_generation(books, 1) <= generation);
	assert_true(wait_step(books, 0) == first);
	books_close(books);
	books = open_books(three + 2, 1, SIZE_MAX, NS_PER_S); /* any of them alone */
	assert_int_equal(posted(books), 9);
	books_close(books);
	static const struct books_endpoint fourth = {11, "fourth"}; /* and one that nobody knows, with none of those that are known */
	struct ledger_partition at;
	books = open_books(&fourth, 1, SIZE_MAX, NS_PER_S);
	assert_true(books_partition(books, SLICE("t"), 0, &at));
	assert_int_equal(at.absorbed, 9);
	assert_int_equal(waiting(books, 0), 0);
	books_close(books);
}

static void one_that_takes_nothing_is_folded_while_another_has_room(void **state)
{
	(void)state;
	enum { MOST = 16 };
	struct books *books = open_books(both, 2, MOST, 1);
	struct books_waiting w;
	int64_t first = clock_wall_ns() / HOUSE_STEP - 100, until = clock_mono_ns() + 20 * NS_PER_S;
	for (uint64_t i = 0; i < 60; i++) {
		house_append(books, 1, i + 1, (int64_t)i, 1, (first + (int64_t)i) * HOUSE_STEP + 5 * NS_PER_S);
		for (int64_t step; waiting(books, 0) > 0 && (step = wait_step(books, 0)) != INT64_MIN;)
			assert_int_equal(books_mark(books, 0, step, false, NULL), 0);
		while (waiting(books, 1) > MOST && clock_mono_ns() < until)
			clock_sleep_ns(NS_PER_MS);
		assert_false(books_full(books));
	}
	books_waiting(books, 1, &w);
	assert_true(w.steps <= MOST && w.folded > 0 && w.steps + w.folded == 59);
	books_waiting(books, 0, &w);
	assert_true(w.steps == 0 && w.folded == 0);
	struct cut cut = {0};
	int64_t oldest = wait_step(books, 1);
	assert_true(oldest > first && books_cut(books, 1, oldest, REMOTE_WRITE_1, 100, 1 << 20, &cut));
	assert_true(cut.len > 0 && cut.requests[0].anchors); /* nothing was sent yet, so it begins at its 0 */
	cut_done(&cut);
	books_close(books);
}

/* Even if the steps that are left take more than may wait: they cannot take less. */
static void a_bound_that_folding_cannot_reach_does_not_stop_the_intake(void **state)
{
	(void)state;
	max_bytes = 1;
	struct books *books = open_books(both, 2, SIZE_MAX, 1);
	max_bytes = SIZE_MAX;
	struct books_waiting w = {.steps = 99};
	int64_t first = clock_wall_ns() / HOUSE_STEP - 100, until = clock_mono_ns() + 20 * NS_PER_S;
	fill_steps(books, 1, 0, 20, first);
	for (int64_t step; waiting(books, 0) > 0 && (step = wait_step(books, 0)) != INT64_MIN;)
		assert_int_equal(books_mark(books, 0, step, false, NULL), 0);
	for (; w.steps > 2 && clock_mono_ns() < until; clock_sleep_ns(NS_PER_MS))
		books_waiting(books, 1, &w);
	assert_true(w.steps <= 2 && w.bytes > 1);
	assert_false(books_full(books));
	books_close(books);
}

static void the_intake_stops_when_all_are_full_or_one_that_moves_is(void **state)
{
	(void)state;
	enum { MOST = 4 };
	struct books *books = open_books(both, 2, MOST, 1);
	int64_t first = clock_wall_ns() / HOUSE_STEP - 100;
	fill_steps(books, 1, 0, 8, first); /* all take nothing: none is folded */
	assert_true(books_full(books));
	assert_true(waiting(books, 0) == 7 && waiting(books, 1) == 7);
	books_close(books);
	books = open_books(both, 2, MOST, 3600 * NS_PER_S); /* now who is full may be slow, not dead */
	for (int64_t step; waiting(books, 0) > 0 && (step = wait_step(books, 0)) != INT64_MIN;)
		assert_int_equal(books_mark(books, 0, step, false, NULL), 0);
	assert_true(books_full(books));
	assert_int_equal(waiting(books, 1), 7);
	books_close(books);
}

#define HOUSE_TEST(f) cmocka_unit_test_setup_teardown(f, house_setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(each_endpoint_has_its_own_progress_over_restarts_too),
		HOUSE_TEST(an_endpoint_that_is_new_begins_with_what_comes),
		HOUSE_TEST(one_that_takes_nothing_is_folded_while_another_has_room),
		HOUSE_TEST(a_bound_that_folding_cannot_reach_does_not_stop_the_intake),
		HOUSE_TEST(the_intake_stops_when_all_are_full_or_one_that_moves_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
