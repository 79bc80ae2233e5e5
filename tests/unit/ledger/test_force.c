/* SPDX-License-Identifier: Apache-2.0 */
/* Series of rules end when no writer counts by such a rule any more, and not before. */
#include "../check.h"
#include "desk.h"

static const struct slice reason = {"reason", 6};
static const struct delta_rule both[] = {{.name = {"paid", 4}}, {.name = {"failed", 6}, .labels = &reason, .labels_len = 1}};
static const struct delta_rule one[] = {{.name = {"paid", 4}}};
static const struct delta_rule unlabelled[] = {{.name = {"paid", 4}}, {.name = {"failed", 6}}};
static const struct delta_rule elsewhere[] = {{.name = {"paid", 4}}, {.name = {"failed", 6}, .service = {"b", 1}, .labels = &reason, .labels_len = 1}};
static const struct delta_rule payments[] = {{.name = {"payment_seconds", 15}, .metric = true}};

/* The oldest pending step holds this line, or none like it. */
static void check_line(struct desk *d, const char *line, bool there)
{
	char *got = desk_cut(d, 10000);
	if ((strstr(got, line) != NULL) != there)
		fail_msg("%s\n%s in:\n%s", line, there ? "is not" : "is", got);
	free(got);
}

static void move(struct desk *d, int32_t partition, int64_t n, double at)
{
	struct ledger_partition p = {0};
	ledger_partition(d->l, SLICE("t"), partition, &p);
	desk_range(d, partition, p.absorbed, p.absorbed + n, AT(at), true);
}

/* A record of rule "paid" and one of "failed" at this time. */
static void post_both(struct desk *d, double at)
{
	const char *const failed[][2] = {{"pattern_id", "000000000000000f"}, {"reason", "x"}, {"service_name", "a"}};
	move(d, 0, 2, at);
	d->patterns[d->patterns_len++] = (struct delta_pattern){.id = 0xa, .origin = ORIGIN_RULE, .service = SLICE("a"), .template_text = SLICE("paid"), .rule = SLICE("paid")};
	d->patterns[d->patterns_len++] = (struct delta_pattern){.id = 0xf, .origin = ORIGIN_RULE, .service = SLICE("a"), .template_text = SLICE("no"), .rule = SLICE("failed")};
	desk_pattern_records(d, "a", "000000000000000a", STEP_AT(at), 1);
	desk_count(d, FAMILY_LOG_PATTERN_RECORDS, failed, 3, STEP_AT(at), 1);
	assert_int_equal(desk_post(d, AT(at + 2)), LEDGER_POSTED);
}

static void post_paid(struct desk *d, int32_t partition, double at)
{
	move(d, partition, 1, at);
	desk_pattern_records(d, "a", "000000000000000a", STEP_AT(at), 1);
	assert_int_equal(desk_post(d, AT(at + 2)), LEDGER_POSTED);
}

#define FAILED "log_pattern_records_total{pattern_id=\"000000000000000f\",reason=\"x\",service_name=\"a\"}"
#define FAILED_INFO "log_pattern_info{origin=\"rule\",pattern_id=\"000000000000000f\",rule=\"failed\",service_name=\"a\",template=\"no\"}"
#define PAID "log_pattern_records_total{pattern_id=\"000000000000000a\",service_name=\"a\",severity=\"error\"}"
#define PAID_INFO "log_pattern_info{origin=\"rule\",pattern_id=\"000000000000000a\",rule=\"paid\",service_name=\"a\",template=\"paid\"}"

/* One writer that counted both until step 0 was sent. */
static void open_with_both(struct desk *d)
{
	desk_open(d, NULL);
	assert_int_equal(desk_tell(d, 1, both, 2, AT(1)), LEDGER_RULES);
	post_both(d, 5);
	move(d, 0, 0, 5);
	desk_post(d, AT(12));
	desk_mark_all(d);
}

static void series_of_a_removed_rule_end_in_the_next_step(void **state)
{
	(void)state;
	struct desk d;
	open_with_both(&d);
	desk_tell(&d, 2, one, 1, AT(13));
	post_paid(&d, 0, 14);
	move(&d, 0, 0, 14);
	desk_post(&d, AT(22));
	desk_check_cut(&d, "anchors\n" FAILED " 1 @10\nvalues\n" PAID " 2 @20\n" PAID_INFO " 1 @20\n" FAILED " stale @20\n" FAILED_INFO " stale @20\n");
	desk_mark_all(&d);
	post_paid(&d, 0, 24);
	move(&d, 0, 0, 24);
	desk_post(&d, AT(32));
	desk_check_cut(&d, "values\n" PAID " 3 @30\n" PAID_INFO " 1 @30\n");
	desk_done(&d);
}

static void what_was_counted_leaves_before_its_series_ends(void **state)
{
	(void)state;
	struct desk d;
	open_with_both(&d);
	post_both(&d, 14); /* in an open step when the rules change */
	desk_tell(&d, 2, one, 1, AT(17));
	post_paid(&d, 0, 18);
	move(&d, 0, 0, 18);
	desk_post(&d, AT(32));
	check_line(&d, FAILED " 2 @20\n", true);
	check_line(&d, FAILED " stale", false);
	desk_mark_first(&d);
	check_line(&d, FAILED " stale @30\n" FAILED_INFO " stale @30\n", true);
	desk_done(&d);
}

static void nothing_ends_while_another_writer_has_the_rule(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_tell(&d, 1, both, 2, AT(1));
	post_both(&d, 5);
	d.writer = 2;
	desk_tell(&d, 1, both, 2, AT(8));
	d.seq = 0;
	d.told = 10;
	desk_tell(&d, 1, both, 2, AT(8)); /* as of its first delta */
	post_paid(&d, 1, 6);
	move(&d, 1, 0, 6);
	desk_post(&d, AT(12));
	desk_mark_all(&d);
	desk_tell(&d, 2, one, 1, AT(13)); /* the second writer has gone over */
	post_paid(&d, 1, 14);
	d.writer = 1;
	d.seq = 10;
	move(&d, 0, 0, 14);
	desk_post(&d, AT(23)); /* the first has not */
	check_line(&d, "stale", false);
	desk_mark_all(&d);
	desk_tell(&d, 2, one, 1, AT(24)); /* now it has */
	check_line(&d, "stale", false);
	move(&d, 0, 0, 24);
	desk_post(&d, AT(25));
	move(&d, 0, 0, 24);
	desk_post(&d, AT(33));
	check_line(&d, FAILED " stale @30\n", true);
	desk_done(&d);
}

static void a_restart_with_other_rules_ends_series_as_well(void **state)
{
	(void)state;
	struct desk d;
	open_with_both(&d);
	d.writer = 2;
	d.seq = 0;
	desk_tell(&d, 2, one, 1, AT(13));
	post_paid(&d, 0, 14);
	move(&d, 0, 0, 14);
	desk_post(&d, AT(22));
	check_line(&d, FAILED " stale @20\n", true);
	desk_done(&d);
}

static void a_writer_that_never_told_lets_nothing_end(void **state)
{
	(void)state;
	struct desk d;
	open_with_both(&d);
	d.writer = 2;
	d.seq = 0;
	post_paid(&d, 0, 14);
	move(&d, 0, 0, 14);
	desk_post(&d, AT(22));
	check_line(&d, "stale", false);
	desk_done(&d);
}

static void a_rule_that_comes_back_goes_on_counting_where_it_was(void **state)
{
	(void)state;
	struct desk d;
	open_with_both(&d);
	desk_tell(&d, 2, one, 1, AT(13));
	post_paid(&d, 0, 14);
	move(&d, 0, 0, 14);
	desk_post(&d, AT(32));
	desk_mark_all(&d);
	desk_tell(&d, 1, both, 2, AT(33));
	post_both(&d, 44);
	move(&d, 0, 0, 44);
	desk_post(&d, AT(52));
	desk_mark_first(&d);
	desk_check_cut(&d, "anchors\n" FAILED " 1 @40\nvalues\n" PAID " 3 @50\n" PAID_INFO " 1 @50\n" FAILED " 2 @50\n" FAILED_INFO " 1 @50\n");
	desk_done(&d);
}

static void a_rule_that_lost_a_label_or_went_to_another_service_leaves_no_ghosts(void **state)
{
	(void)state;
	static const struct delta_rule *const sets[] = {unlabelled, elsewhere};
	for (size_t i = 0; i < 2; i++) {
		struct desk d;
		open_with_both(&d);
		desk_tell(&d, 2, sets[i], 2, AT(13));
		post_paid(&d, 0, 14);
		move(&d, 0, 0, 14);
		desk_post(&d, AT(22));
		check_line(&d, FAILED " stale @20\n", true);
		check_line(&d, FAILED_INFO " stale @20\n", i == 1);
		check_line(&d, PAID " 2 @20\n", true);
		desk_done(&d);
	}
}

static void a_metric_that_no_rule_has_any_more_ends_whole(void **state)
{
	(void)state;
	struct desk d;
	uint64_t buckets[BOUNDS_MAX + 1] = {0};
	desk_open(&d, NULL);
	desk_tell(&d, 1, payments, 1, AT(1));
	move(&d, 0, 1, 5);
	desk_observe(&d, desk_histogram(0), buckets, 0, STEP_AT(5), 1, 0.05);
	desk_post(&d, AT(12));
	desk_mark_all(&d);
	desk_tell(&d, 2, one, 1, AT(13));
	post_paid(&d, 0, 14);
	move(&d, 0, 0, 14);
	desk_post(&d, AT(22));
	check_line(&d, "payment_seconds_sum{service_name=\"a\"} 0.050000000000000003 @10\n", true);
	check_line(&d, "values\npayment_seconds_bucket{le=\"0.1\",service_name=\"a\"} stale @20\npayment_seconds_bucket{le=\"1\",service_name=\"a\"} stale @20\n"
		"payment_seconds_bucket{le=\"+Inf\",service_name=\"a\"} stale @20\npayment_seconds_sum{service_name=\"a\"} stale @20\n"
		"payment_seconds_count{service_name=\"a\"} stale @20\n", true);
	desk_done(&d);
}

static void a_step_too_old_to_send_takes_its_counts_past_an_end(void **state)
{
	(void)state;
	struct desk d;
	open_with_both(&d);
	post_both(&d, 14);
	desk_tell(&d, 2, one, 1, AT(17));
	post_paid(&d, 0, 18);
	move(&d, 0, 0, 18);
	desk_post(&d, AT(32));
	assert_int_equal(desk_mark(&d, STEP_AT(14), true, AT(33)), LEDGER_MARKED); /* its end lies in the step behind it */
	check_line(&d, FAILED " 2 @30\n", true);
	desk_mark_all(&d);
	post_paid(&d, 0, 34);
	move(&d, 0, 0, 34);
	desk_post(&d, AT(42));
	check_line(&d, FAILED " stale @40\n", true);
	desk_done(&d);
}

/* The receiver may have its marker from a leader whose mark never came: a value at that very time would be refused, and the whole request with it. */
static void a_series_that_expired_in_a_skipped_step_ends_without_its_value(void **state)
{
	(void)state;
	struct desk d;
	open_with_both(&d);
	for (int at = 14; at <= 64; at += 10) {
		desk_mark_all(&d);
		post_paid(&d, 0, at);
		move(&d, 0, 0, at);
		desk_post(&d, AT(at + 8));
	}
	check_line(&d, FAILED " stale @70\n", true);
	desk_tell(&d, 2, one, 1, AT(73));
	post_paid(&d, 0, 74);
	assert_int_equal(desk_mark(&d, STEP_AT(64), true, AT(77)), LEDGER_MARKED);
	move(&d, 0, 0, 74);
	desk_post(&d, AT(82));
	check_line(&d, FAILED " 1 @70\n", false);
	check_line(&d, FAILED " stale @80\n", true);
	desk_done(&d);
}

/* Whatever is in a snapshot, a ledger that loads it goes on as the one that wrote it. */
static void it_is_all_in_the_snapshot(void **state)
{
	(void)state;
	struct desk d;
	struct buf saved = {0}, again = {0};
	struct err err = {0};
	open_with_both(&d);
	post_both(&d, 14);
	desk_tell(&d, 2, one, 1, AT(17));
	ledger_save(d.l, &saved);
	struct ledger *loaded = ledger_new(&desk_opts);
	assert_int_equal(ledger_load(loaded, buf_slice(&saved), &err), 0);
	ledger_save(loaded, &again);
	check(slice_eq(buf_slice(&again), buf_slice(&saved)));
	ledger_free(d.l);
	d.l = loaded;
	post_paid(&d, 0, 18);
	move(&d, 0, 0, 18);
	desk_post(&d, AT(32));
	desk_mark_first(&d);
	check_line(&d, FAILED " stale @30\n", true);
	buf_done(&saved);
	buf_done(&again);
	desk_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(series_of_a_removed_rule_end_in_the_next_step),
		cmocka_unit_test(what_was_counted_leaves_before_its_series_ends),
		cmocka_unit_test(nothing_ends_while_another_writer_has_the_rule),
		cmocka_unit_test(a_restart_with_other_rules_ends_series_as_well),
		cmocka_unit_test(a_writer_that_never_told_lets_nothing_end),
		cmocka_unit_test(a_rule_that_comes_back_goes_on_counting_where_it_was),
		cmocka_unit_test(a_rule_that_lost_a_label_or_went_to_another_service_leaves_no_ghosts),
		cmocka_unit_test(a_metric_that_no_rule_has_any_more_ends_whole),
		cmocka_unit_test(a_step_too_old_to_send_takes_its_counts_past_an_end),
		cmocka_unit_test(a_series_that_expired_in_a_skipped_step_ends_without_its_value),
		cmocka_unit_test(it_is_all_in_the_snapshot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
