/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics that rules define: how they leave, and what happens to their series when a rule gets other buckets. */
#include "../check.h"
#include "desk.h"

static void post_payments(struct desk *d, int64_t rules_ns, size_t layout, size_t bucket, double at, uint64_t n)
{
	struct ledger_partition p = {0};
	uint64_t buckets[BOUNDS_MAX + 1] = {0};
	ledger_partition(d->l, SLICE("t"), 0, &p);
	d->rules_ns = rules_ns;
	desk_range(d, 0, p.absorbed, p.absorbed + (int64_t)n, AT(at), true);
	desk_observe(d, desk_histogram(layout), buckets, bucket, STEP_AT(at), n, 0.25 * (double)n);
	assert_int_equal(desk_post(d, AT(at + 7)), LEDGER_POSTED);
}

static void a_counter_that_sums_leaves_as_one_series_and_keeps_its_fraction(void **state)
{
	(void)state;
	struct desk d;
	uint64_t one[1] = {0};
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(5), true);
	struct tally_entry *e = desk_observe(&d, desk_sum(), one, 0, STEP_AT(5), 3, 12.75);
	e->exemplar = (struct exemplar){.time_ns = AT(6), .value = 4.5, .rank = 1, .trace_len = 4, .trace_id = "beef"};
	desk_post(&d, AT(12));
	desk_check_cut(&d, "anchors\npaid_euros_total{service_name=\"a\"} 0 @0\nvalues\npaid_euros_total{service_name=\"a\"} 12.75 @10 # beef 4.5 @6\n");
	struct ledger_value v;
	check(ledger_series_at(d.l, 0, &v));
	check(v.sum == 12.75 && v.count == 3);
	desk_done(&d);
}

static void other_buckets_take_over_with_the_newer_rules_and_nothing_shrinks(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	post_payments(&d, 100, 0, 0, 5, 2);  /* le 0.1 */
	post_payments(&d, 100, 0, 1, 5, 3);  /* le 1 */
	desk_mark_all(&d);
	post_payments(&d, 100, 0, 2, 12, 1); /* above; its step is open while the buckets change */
	post_payments(&d, 200, 1, 1, 16, 4); /* le 0.5, which the new rules have */
	desk_check_cut(&d, "values\npayment_seconds_bucket{le=\"0.1\",service_name=\"a\"} 2 @20\npayment_seconds_bucket{le=\"0.5\",service_name=\"a\"} 6 @20\n"
		"payment_seconds_bucket{le=\"1\",service_name=\"a\"} 9 @20\npayment_seconds_bucket{le=\"+Inf\",service_name=\"a\"} 10 @20\n"
		"payment_seconds_sum{service_name=\"a\"} 2.5 @20\npayment_seconds_count{service_name=\"a\"} 10 @20\n");
	desk_mark_all(&d);
	/* an instance that still has the old rules: what it counts is fitted in, and the new buckets stay */
	post_payments(&d, 100, 0, 1, 25, 1);
	desk_check_cut(&d, "values\npayment_seconds_bucket{le=\"0.1\",service_name=\"a\"} 2 @30\npayment_seconds_bucket{le=\"0.5\",service_name=\"a\"} 6 @30\n"
		"payment_seconds_bucket{le=\"1\",service_name=\"a\"} 10 @30\npayment_seconds_bucket{le=\"+Inf\",service_name=\"a\"} 11 @30\n"
		"payment_seconds_sum{service_name=\"a\"} 2.75 @30\npayment_seconds_count{service_name=\"a\"} 11 @30\n");
	desk_done(&d);
}

static void buckets_that_are_no_more_get_a_stale_marker_once(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	post_payments(&d, 100, 0, 0, 5, 2); /* le 0.1 of 0.1, 1 */
	desk_mark_all(&d);
	post_payments(&d, 200, 2, 0, 16, 3); /* le 0.5 of 0.5 */
	desk_check_cut(&d, "values\npayment_seconds_bucket{le=\"0.5\",service_name=\"a\"} 5 @20\npayment_seconds_bucket{le=\"+Inf\",service_name=\"a\"} 5 @20\n"
		"payment_seconds_sum{service_name=\"a\"} 1.25 @20\npayment_seconds_count{service_name=\"a\"} 5 @20\n"
		"payment_seconds_bucket{le=\"0.1\",service_name=\"a\"} stale @20\npayment_seconds_bucket{le=\"1\",service_name=\"a\"} stale @20\n");
	desk_mark_all(&d);
	post_payments(&d, 200, 2, 0, 26, 1);
	desk_check_cut(&d, "values\npayment_seconds_bucket{le=\"0.5\",service_name=\"a\"} 6 @30\npayment_seconds_bucket{le=\"+Inf\",service_name=\"a\"} 6 @30\n"
		"payment_seconds_sum{service_name=\"a\"} 1.5 @30\npayment_seconds_count{service_name=\"a\"} 6 @30\n");
	desk_mark_all(&d);
	/* to and fro before a step leaves: what is there again does not end */
	post_payments(&d, 300, 0, 0, 31, 1);
	post_payments(&d, 400, 2, 0, 36, 1);
	char *got = desk_cut(&d, 10000);
	check(strstr(got, "le=\"0.1\",service_name=\"a\"} stale @40") && strstr(got, "le=\"1\",service_name=\"a\"} stale @40"));
	check(!strstr(got, "le=\"0.5\",service_name=\"a\"} stale"));
	free(got);
	desk_done(&d);
}

static void a_definition_that_no_rule_could_have_made_is_corrupt(void **state)
{
	(void)state;
	static const double falling[] = {1, 0.5};
	static const struct family bad[] = {
		{.name = "no name_total", .type = METRIC_COUNTER, .sums = true, .unit = "", .help = ""},
		{.name = "x_total", .type = METRIC_HISTOGRAM, .unit = "", .help = ""},
		{.name = "x", .type = METRIC_COUNTER, .sums = true, .unit = "", .help = ""},
		{.name = "x_seconds", .type = METRIC_HISTOGRAM, .unit = "", .help = "", .bounds = falling, .bounds_len = 2},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct desk d;
		uint64_t buckets[BOUNDS_MAX + 1] = {0};
		desk_open(&d, NULL);
		desk_range(&d, 0, 0, 1, AT(5), true);
		desk_observe(&d, rule_family_intern(&bad[i]), buckets, 0, STEP_AT(5), 1, 1);
		assert_int_equal(desk_post(&d, AT(12)), LEDGER_CORRUPT);
		desk_done(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_counter_that_sums_leaves_as_one_series_and_keeps_its_fraction),
		cmocka_unit_test(other_buckets_take_over_with_the_newer_rules_and_nothing_shrinks),
		cmocka_unit_test(buckets_that_are_no_more_get_a_stale_marker_once),
		cmocka_unit_test(a_definition_that_no_rule_could_have_made_is_corrupt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
