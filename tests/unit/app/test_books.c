/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

static struct books_writer *writer_new(struct books *books, uint64_t id)
{
	struct books_writer *w = calloc(1, sizeof(*w));
	w->id = id;
	w->notices = queue_new(100);
	books_add_writer(books, w);
	return w;
}

static void writer_free(struct books *books, struct books_writer *w)
{
	books_remove_writer(books, w);
	for (struct books_notice *n; (n = queue_pop(w->notices, 0));)
		free(n);
	queue_free(w->notices);
	free(w);
}

static void a_writer_hears_what_became_of_its_deltas(void **state)
{
	(void)state;
	struct books *books = house_open();
	struct books_writer *a = writer_new(books, 1), *b = writer_new(books, 2);
	int64_t now = clock_wall_ns();
	house_append(books, 1, 1, 0, 10, now);
	assert_int_equal(a->posted, 1);
	house_append(books, 2, 1, 0, 10, now);
	assert_int_equal(b->posted, 0);
	assert_int_equal(b->rejected, 1);
	house_append(books, 2, 2, 10, 5, now);
	assert_int_equal(b->posted, 2);
	assert_int_equal(house_total(books, FAMILY_LOG_RECORDS, NULL, NULL), 15);
	writer_free(books, a);
	writer_free(books, b);
	books_close(books);
}

static void writers_hear_of_the_others_patterns_only(void **state)
{
	(void)state;
	struct books *books = house_open();
	struct books_writer *a = writer_new(books, 1), *b = writer_new(books, 2);
	house_append(books, 1, 1, 0, 10, clock_wall_ns());
	assert_int_equal(queue_len(a->notices), 0);
	struct books_notice *n = queue_pop(b->notices, NS_PER_S);
	assert_non_null(n);
	assert_int_equal(n->id, 501);
	check_slice(n->service, "cart");
	check_slice(n->template_text, "stored item <num>");
	free(n);
	books_teach(books, a); /* as one that starts would be */
	assert_int_equal(queue_len(a->notices), 1);
	writer_free(books, a);
	writer_free(books, b);
	books_close(books);
}

static void a_step_goes_out_once_its_mark_is_in_the_journal_not_again(void **state)
{
	(void)state;
	struct books *books = house_open();
	bool newest;
	struct cut cut = {0};
	int64_t now = clock_wall_ns(), first = (now - 120 * NS_PER_S) / HOUSE_STEP, until = clock_mono_ns() + 10 * NS_PER_S, step;
	house_append(books, 1, 1, 0, 10, now - 120 * NS_PER_S);
	house_append(books, 1, 2, 10, 10, now);
	while ((step = books_step_to_send(books, 0, &newest)) == INT64_MIN && clock_mono_ns() < until)
		clock_sleep_ns(NS_PER_MS);
	assert_true(step == first);
	assert_true(books_cut(books, 0, step, REMOTE_WRITE_1, 100, 1 << 20, &cut));
	assert_true(cut.len > 0);
	cut_done(&cut);
	size_t pending = books_pending_steps(books);
	assert_int_equal(books_anchored(books, 0, step, NULL), 0);
	assert_int_equal(books_mark(books, 0, step, false, NULL), 0);
	assert_int_equal(books_pending_steps(books), pending - 1);
	assert_false(books_cut(books, 0, step, REMOTE_WRITE_1, 100, 1 << 20, &cut));
	books_close(books);
	books = house_open(); /* and not after a restart either */
	assert_int_equal(books_pending_steps(books), pending - 1);
	books_close(books);
}

static void lead(struct books *books)
{
	int64_t until = clock_mono_ns() + 10 * NS_PER_S;
	while (!books_leadership(books) && clock_mono_ns() < until)
		clock_sleep_ns(NS_PER_MS);
	assert_true(books_leadership(books) > 0);
}

/* What a dead leader sent last may still be under way, although it never marked it. */
static void who_leads_after_another_is_contested_for_a_while_though_the_other_never_spoke(void **state)
{
	(void)state;
	struct books *books = house_open();
	lead(books);
	assert_false(books_contested(books)); /* nobody was there before */
	house_append(books, 1, 1, 0, 10, clock_wall_ns());
	books_close(books); /* with a snapshot, behind the claim */
	books = house_open();
	lead(books);
	assert_true(books_contested(books));
	books_close(books);
}

static void books_open_again_where_they_were_closed_and_where_they_were_left(void **state)
{
	(void)state;
	int64_t now = clock_wall_ns();
	for (int i = 0; i < 5; i++) {
		struct ledger_partition at;
		struct books *books = house_open();
		assert_int_equal(house_total(books, FAMILY_LOG_RECORDS, NULL, NULL), i * 20);
		house_append(books, 1, 1, i * 20, 10, now);
		if (i % 2)
			clock_sleep_ns(150 * NS_PER_MS); /* a snapshot in between */
		house_append(books, 1, 2, i * 20 + 10, 10, now);
		assert_true(books_partition(books, SLICE("t"), 0, &at));
		assert_int_equal(at.absorbed, (i + 1) * 20);
		assert_false(books_partition(books, SLICE("t"), 1, &at));
		books_close(books);
	}
}

static void a_record_that_is_not_ours_is_skipped(void **state)
{
	(void)state;
	struct books *books = house_open();
	struct ledger_stats stats;
	assert_int_equal(books_append(books, SLICE("not a delta"), NULL), 0);
	house_append(books, 1, 1, 0, 10, clock_wall_ns());
	assert_int_equal(house_total(books, FAMILY_LOG_RECORDS, NULL, NULL), 10);
	ledger_stats(books_lock(books), &stats);
	books_unlock(books);
	assert_int_equal(stats.corrupt, 1);
	books_close(books);
}

#define HOUSE_TEST(f) cmocka_unit_test_setup_teardown(f, house_setup, house_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOUSE_TEST(a_writer_hears_what_became_of_its_deltas),
		HOUSE_TEST(writers_hear_of_the_others_patterns_only),
		HOUSE_TEST(a_step_goes_out_once_its_mark_is_in_the_journal_not_again),
		HOUSE_TEST(who_leads_after_another_is_contested_for_a_while_though_the_other_never_spoke),
		HOUSE_TEST(books_open_again_where_they_were_closed_and_where_they_were_left),
		HOUSE_TEST(a_record_that_is_not_ours_is_skipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
