/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/clock.h"
#include "engine/example.h"

static struct pattern patterns[200];

static bool incident;

static void offer(struct examples *x, unsigned pattern, const char *text, const char *trace, bool error, int64_t time_ns)
{
	struct record r = {.message = slice_str(text), .trace_id = slice_str(trace)};
	struct shard_example where = {.time_ns = time_ns, .topic = SLICE("t"), .offset = 7};
	patterns[pattern].index = pattern;
	examples_offer(x, &patterns[pattern], &r, &where, error, incident);
}

static const char trace[] = "4bf92f3577b34da6a3ce929d0e0e4736";

static void the_better_example_of_a_delta_stays(void **state)
{
	(void)state;
	struct examples *x = examples_new();
	size_t len;
	offer(x, 3, "plain", "", false, 1);
	offer(x, 3, "plain too", "", false, 2);
	offer(x, 3, "traced", trace, false, 3);
	offer(x, 3, "error", "", true, 4);
	offer(x, 3, "traced again", trace, false, 5);
	offer(x, 3, "traced error", trace, true, 6);
	offer(x, 3, "another", trace, true, 7);
	const struct shard_example *open = examples_open(x, &len);
	assert_int_equal(len, 1);
	check_slice(open->text, "traced error");
	check_slice(open->trace_id, trace);
	assert_int_equal(open->rank, EXAMPLE_ERROR_TRACED);
	assert_int_equal(open->offset, 7);
	examples_free(x);
}

static void what_the_journal_was_told_is_not_told_again_for_ten_minutes(void **state)
{
	(void)state;
	struct examples *x = examples_new();
	size_t len;
	for (unsigned i = 0; i < 200; i++)
		offer(x, i, "first", "", false, NS_PER_S);
	examples_open(x, &len);
	assert_int_equal(len, 200);
	examples_clear(x);
	offer(x, 100, "second", "", false, 600 * NS_PER_S);
	examples_open(x, &len);
	assert_int_equal(len, 0);
	offer(x, 100, "better", "", true, 600 * NS_PER_S);
	examples_open(x, &len);
	assert_int_equal(len, 1);
	examples_clear(x);
	offer(x, 100, "fresh", "", false, 1200 * NS_PER_S);
	const struct shard_example *open = examples_open(x, &len);
	assert_int_equal(len, 1);
	check_slice(open->text, "fresh");
	examples_free(x);
}

static void after_a_rewind_nothing_counts_as_told(void **state)
{
	(void)state;
	struct examples *x = examples_new();
	size_t len;
	offer(x, 0, "told", trace, true, 1);
	examples_clear(x);
	offer(x, 1, "open", "", false, 1);
	examples_rewind(x);
	examples_open(x, &len);
	assert_int_equal(len, 0);
	offer(x, 0, "again", "", false, 1);
	offer(x, 1, "again", "", false, 1);
	examples_open(x, &len);
	assert_int_equal(len, 2);
	examples_free(x);
}

static void a_long_text_is_cut(void **state)
{
	(void)state;
	static char text[5001];
	struct examples *x = examples_new();
	size_t len;
	memset(text, 'x', 5000);
	offer(x, 0, text, "", false, 1);
	assert_int_equal(examples_open(x, &len)->text.len, 4096);
	examples_free(x);
}

static void in_an_incident_one_a_second_is_kept_besides_and_four_times_as_much_of_it(void **state)
{
	(void)state;
	static char text[20001];
	struct examples *x = examples_new();
	size_t len;
	memset(text, 'x', sizeof(text) - 1);
	incident = true;
	offer(x, 5, text, trace, true, 1000 * NS_PER_S);
	offer(x, 5, "too soon", trace, true, 1000 * NS_PER_S + NS_PER_S / 2);
	offer(x, 5, "a second later", "", false, 1001 * NS_PER_S);
	incident = false;
	offer(x, 5, "it is over", trace, true, 1003 * NS_PER_S);
	const struct shard_example *open = examples_open(x, &len);
	assert_int_equal(len, 3);
	assert_false(open[0].further);
	assert_int_equal(open[0].text.len, 16384);
	assert_true(open[1].further);
	assert_int_equal(open[1].text.len, 16384);
	assert_true(open[2].further);
	check_slice(open[2].text, "a second later");
	assert_int_equal(open[2].rank, EXAMPLE_PLAIN);
	examples_free(x);
}

static void an_incident_keeps_no_more_than_fits_a_delta(void **state)
{
	(void)state;
	struct examples *x = examples_new();
	size_t len;
	incident = true;
	for (int64_t i = 0; i < 300; i++)
		offer(x, 7, "again", trace, true, (1000 + i) * NS_PER_S);
	examples_open(x, &len);
	assert_int_equal(len, 1 + 128);
	examples_clear(x);
	offer(x, 7, "again", trace, true, 2000 * NS_PER_S);
	examples_open(x, &len);
	assert_int_equal(len, 2);
	incident = false;
	examples_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_better_example_of_a_delta_stays),
		cmocka_unit_test(what_the_journal_was_told_is_not_told_again_for_ten_minutes),
		cmocka_unit_test(after_a_rewind_nothing_counts_as_told),
		cmocka_unit_test(a_long_text_is_cut),
		cmocka_unit_test(in_an_incident_one_a_second_is_kept_besides_and_four_times_as_much_of_it),
		cmocka_unit_test(an_incident_keeps_no_more_than_fits_a_delta),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
