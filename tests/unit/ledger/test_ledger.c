/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "desk.h"

/* ---- the chain ---- */

static void a_delta_is_posted_iff_every_range_starts_where_the_ledger_stands(void **state)
{
	(void)state;
	struct desk d;
	struct ledger_partition p;
	desk_open(&d, NULL);
	desk_range(&d, 0, 100, 110, AT(1), false); /* never seen: any start */
	desk_range(&d, 1, 7, 9, AT(1), false);
	desk_records(&d, "a", STEP_AT(1), 12);
	assert_int_equal(desk_post(&d, AT(2)), LEDGER_POSTED);
	assert_int_equal(desk_post_record(&d), LEDGER_REJECTED); /* the same bytes again */
	desk_range(&d, 0, 110, 120, AT(3), false);
	desk_range(&d, 1, 8, 12, AT(3), false); /* one of two breaks the chain */
	desk_records(&d, "a", STEP_AT(1), 1000);
	assert_int_equal(desk_post(&d, AT(300)), LEDGER_REJECTED);
	check(ledger_partition(d.l, SLICE("t"), 0, &p));
	assert_int_equal(p.absorbed, 110);
	assert_int_equal(ledger_journal_time(d.l), AT(2)); /* nothing of a rejected delta counts, its time neither */
	struct ledger_value v;
	check(ledger_series_at(d.l, 0, &v));
	assert_int_equal(v.count, 12);
	check(!ledger_partition(d.l, SLICE("t"), 2, &p));
	desk_done(&d);
}

static void an_unknown_partition_cannot_start_in_the_middle_of_a_pipeline(void **state)
{
	(void)state;
	struct desk d;
	struct ledger_partition p;
	desk_open(&d, NULL);
	d.seq = 1; /* the writer's first delta, 0 to 10, was lost */
	desk_range(&d, 0, 10, 20, AT(1), false);
	desk_records(&d, "a", STEP_AT(1), 10);
	assert_int_equal(desk_post(&d, AT(2)), LEDGER_REJECTED);
	check(!ledger_partition(d.l, SLICE("t"), 0, &p));
	desk_range(&d, 0, 10, 10, AT(1), false); /* a heartbeat behind it would hide the loss as well */
	assert_int_equal(desk_post(&d, AT(2)), LEDGER_REJECTED);
	d.seq = 0;
	desk_range(&d, 0, 0, 0, 0, false); /* announced by a writer of its own, it is known from then on */
	assert_int_equal(desk_post(&d, AT(2)), LEDGER_POSTED);
	desk_range(&d, 0, 0, 10, AT(1), false);
	assert_int_equal(desk_post(&d, AT(2)), LEDGER_POSTED);
	desk_done(&d);
}

static void a_position_that_was_folded_is_ignored(void **state)
{
	(void)state;
	struct desk d;
	struct ledger_event event;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 1, AT(1), false);
	desk_post(&d, AT(2));
	int64_t behind = ledger_position(d.l);
	check(behind > d.position);
	ledger_post(d.l, buf_slice(&d.record), d.position, &event);
	assert_int_equal(event.outcome, LEDGER_IGNORED);
	assert_int_equal(ledger_position(d.l), behind);
	desk_done(&d);
}

static void damaged_records_change_nothing(void **state)
{
	(void)state;
	struct desk d;
	struct ledger_stats stats;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 5, AT(1), false);
	desk_records(&d, "a", STEP_AT(1), 5);
	desk_post(&d, AT(2));
	struct buf good = {0};
	desk_range(&d, 0, 5, 9, AT(1), false);
	desk_records(&d, "a", STEP_AT(1), 4);
	struct desk other;
	desk_open(&other, NULL);
	other.ranges_len = 0;
	desk_post(&d, AT(2)); /* posted once, so that every later copy must be refused as a duplicate if it were readable */
	buf_add_slice(&good, buf_slice(&d.record));
	size_t refused = 0;
	for (size_t i = 0; i < good.len; i++) {
		struct ledger_event event;
		good.data[i] ^= 0x10;
		ledger_post(other.l, buf_slice(&good), (int64_t)i, &event);
		refused += event.outcome == LEDGER_CORRUPT;
		good.data[i] ^= 0x10;
	}
	assert_int_equal(refused, good.len);
	for (size_t len = 0; len < good.len; len++) {
		struct ledger_event event;
		ledger_post(other.l, slice_of(good.data, len), (int64_t)(good.len + len), &event);
		assert_int_equal(event.outcome, LEDGER_CORRUPT);
	}
	ledger_stats(other.l, &stats);
	assert_int_equal(stats.corrupt, 2 * good.len);
	assert_int_equal(ledger_series_len(other.l), 0);
	buf_done(&good);
	desk_done(&other);
	desk_done(&d);
}

static void ranges_that_contradict_themselves_are_corrupt(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 5, AT(1), false);
	desk_range(&d, 0, 5, 9, AT(1), false);
	assert_int_equal(desk_post(&d, AT(2)), LEDGER_CORRUPT);
	desk_range(&d, 0, 9, 5, AT(1), false);
	assert_int_equal(desk_post(&d, AT(2)), LEDGER_CORRUPT);
	desk_range(&d, 0, 5, 5, AT(1), false); /* increments without movement: a duplicate of it would pass the chain */
	desk_records(&d, "a", STEP_AT(1), 1);
	assert_int_equal(desk_post(&d, AT(2)), LEDGER_CORRUPT);
	desk_done(&d);
}

/* ---- time ---- */

static void the_watermark_is_the_least_of_the_partitions_in_play(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(57), false);
	desk_range(&d, 1, 0, 10, AT(25), false);
	desk_post(&d, AT(60));
	assert_int_equal(ledger_watermark(d.l), AT(20)); /* 25 less 2 s of lateness, rounded down to a step's end */
	desk_range(&d, 1, 10, 11, AT(58), false);
	desk_post(&d, AT(61));
	assert_int_equal(ledger_watermark(d.l), AT(50)); /* 57 - 2 */
	desk_range(&d, 0, 10, 11, AT(40), false);        /* newest never goes back */
	desk_post(&d, AT(62));
	assert_int_equal(ledger_watermark(d.l), AT(50));
	desk_done(&d);
}

static void a_partition_at_its_end_does_not_hold_time(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(10), true);
	desk_range(&d, 1, 0, 10, AT(45), false);
	desk_post(&d, AT(60));
	assert_int_equal(ledger_watermark(d.l), AT(40));
	desk_range(&d, 1, 10, 10, AT(45), true); /* now all are: journal time less lateness */
	desk_post(&d, AT(72));
	assert_int_equal(ledger_watermark(d.l), AT(70));
	desk_done(&d);
}

static void a_partition_that_does_not_move_leaves_play_after_30_s(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(5), false);
	desk_range(&d, 1, 0, 0, 0, false); /* announced only: its time is not known */
	desk_post(&d, AT(6));
	for (int i = 1; i <= 29; i++) {
		desk_range(&d, 0, 9 + i, 10 + i, AT(5 + i), false);
		desk_range(&d, 1, 0, 0, 0, false);
		desk_post(&d, AT(6 + i));
		assert_int_equal(ledger_watermark(d.l), 0);
	}
	desk_range(&d, 0, 39, 40, AT(35), false);
	desk_post(&d, AT(36));
	assert_int_equal(ledger_watermark(d.l), AT(30));
	desk_done(&d);
}

static void a_silence_of_the_journal_is_no_evidence_about_a_partition(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(5), true);
	desk_range(&d, 1, 0, 10, AT(5), true);
	desk_post(&d, AT(10)); /* all caught up, then nobody runs for an hour */
	desk_range(&d, 0, 10, 1000, AT(3000), false);
	desk_records(&d, "a", STEP_AT(3000), 990);
	desk_post(&d, AT(3600)); /* partition 0's backlog is read first: partition 1's must not become late */
	check(ledger_watermark(d.l) <= AT(10));
	desk_range(&d, 1, 10, 1000, AT(3000), false);
	desk_records(&d, "b", STEP_AT(600), 990);
	desk_post(&d, AT(3601));
	struct ledger_stats stats;
	ledger_stats(d.l, &stats);
	assert_int_equal(stats.late_records, 0);
	desk_done(&d);
}

static void a_partition_five_minutes_behind_leaves_play(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(301), false);
	desk_range(&d, 1, 0, 10, AT(1), false);
	desk_post(&d, AT(400));
	assert_int_equal(ledger_watermark(d.l), DESK_START - DESK_STEP); /* exactly 5 min: still in play; its lateness cuts into the step before the start */
	desk_range(&d, 0, 10, 20, AT(302), false);
	desk_post(&d, AT(401));
	assert_int_equal(ledger_watermark(d.l), AT(300));
	desk_done(&d);
}

static void time_never_runs_past_the_journal(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(5000), false);
	desk_records(&d, "a", STEP_AT(5000), 1); /* a producer's clock is ahead: the step 10 s ahead of journal time takes it */
	desk_post(&d, AT(35));
	assert_int_equal(ledger_watermark(d.l), AT(30));
	desk_range(&d, 0, 10, 11, AT(5000), false);
	desk_post(&d, AT(52));
	desk_check_cut(&d, "anchors\nlog_records_total{service_name=\"a\",severity=\"info\"} 0 @40\nvalues\nlog_records_total{service_name=\"a\",severity=\"info\"} 1 @50\n");
	desk_done(&d);
}

static void increments_for_a_closed_step_are_late_and_counted_once_a_record(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(39), false);
	desk_records(&d, "a", STEP_AT(35), 10);
	desk_post(&d, AT(40)); /* steps to 30 are closed */
	desk_range(&d, 0, 10, 13, AT(39), false);
	desk_records(&d, "a", STEP_AT(5), 3);
	desk_pattern_records(&d, "a", "00000000000000aa", STEP_AT(5), 3);
	desk_post(&d, AT(41));
	desk_range(&d, 0, 13, 13, AT(39), true);
	desk_post(&d, AT(42));
	desk_check_cut(&d,
		"anchors\n"
		"log_records_total{service_name=\"a\",severity=\"info\"} 0 @30\n"
		"winnow_late_records_total{service_name=\"a\"} 0 @30\n"
		"log_pattern_records_total{pattern_id=\"00000000000000aa\",service_name=\"a\",severity=\"error\"} 0 @30\n"
		"values\n"
		"log_records_total{service_name=\"a\",severity=\"info\"} 13 @40\n"
		"winnow_late_records_total{service_name=\"a\"} 3 @40\n"
		"log_pattern_records_total{pattern_id=\"00000000000000aa\",service_name=\"a\",severity=\"error\"} 3 @40\n");
	struct ledger_stats stats;
	ledger_stats(d.l, &stats);
	assert_int_equal(stats.late_records, 3);
	desk_done(&d);
}

static void what_is_older_than_the_window_lands_in_its_first_step_and_is_not_late(void **state)
{
	(void)state;
	struct desk d;
	struct ledger_stats stats;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(100), false);
	desk_records(&d, "a", STEP_AT(95), 10);
	desk_records(&d, "a", STEP_AT(2995), 1);
	desk_post(&d, AT(6303)); /* the window reaches back to 3003: its first step ends at 3010 */
	desk_range(&d, 0, 10, 10, AT(100), true);
	desk_post(&d, AT(6304));
	desk_check_cut(&d, "anchors\nlog_records_total{service_name=\"a\",severity=\"info\"} 0 @3000\nvalues\nlog_records_total{service_name=\"a\",severity=\"info\"} 11 @3010\n");
	ledger_stats(d.l, &stats);
	assert_int_equal(stats.late_records, 0);
	desk_done(&d);
}

static void a_jump_of_hours_makes_no_thousands_of_steps(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(5), true);
	desk_records(&d, "a", STEP_AT(5), 10);
	desk_post(&d, AT(20));
	desk_mark_all(&d);
	desk_range(&d, 0, 10, 10, AT(5), true);
	desk_post(&d, AT(100000));
	check(ledger_pending_steps(d.l) <= 1);
	desk_check_cut(&d, "values\nlog_records_total{service_name=\"a\",severity=\"info\"} stale @99990\n");
	desk_mark_all(&d);
	desk_range(&d, 0, 10, 10, AT(5), true);
	desk_post(&d, AT(100020));
	assert_int_equal(ledger_pending_steps(d.l), 0); /* nothing live: nothing to close */
	desk_done(&d);
}

static void a_close_record_closes_every_step_with_increments(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(39), false);
	desk_records(&d, "a", STEP_AT(35), 10);
	desk_post(&d, AT(39));
	assert_int_equal(ledger_pending_steps(d.l), 0);
	assert_int_equal(desk_close(&d, AT(39)), LEDGER_CLOSED);
	assert_int_equal(ledger_pending_first(d.l), STEP_AT(35));
	assert_int_equal(ledger_pending_steps(d.l), 1);
	desk_done(&d);
}

/* ---- the life of a series ---- */

/* Ten records of service a, in the first step. */
static void open_with_ten(struct desk *d)
{
	desk_open(d, NULL);
	desk_range(d, 0, 0, 10, AT(5), true);
	desk_records(d, "a", STEP_AT(5), 10);
	desk_post(d, AT(12));
}

static void a_series_begins_with_its_anchor_then_rises(void **state)
{
	(void)state;
	struct desk d;
	open_with_ten(&d);
	desk_check_cut(&d, "anchors\nlog_records_total{service_name=\"a\",severity=\"info\"} 0 @0\nvalues\nlog_records_total{service_name=\"a\",severity=\"info\"} 10 @10\n");
	assert_int_equal(desk_anchored(&d, STEP_AT(5), AT(12)), LEDGER_ANCHORED);
	desk_check_cut(&d, "values\nlog_records_total{service_name=\"a\",severity=\"info\"} 10 @10\n");
	assert_int_equal(desk_anchored(&d, STEP_AT(5), AT(12)), LEDGER_IGNORED);
	desk_mark_all(&d);
	assert_int_equal(desk_mark(&d, STEP_AT(5), false, AT(13)), LEDGER_IGNORED);
	desk_range(&d, 0, 10, 13, AT(15), true);
	desk_records(&d, "a", STEP_AT(15), 3);
	desk_post(&d, AT(22));
	desk_check_cut(&d, "values\nlog_records_total{service_name=\"a\",severity=\"info\"} 13 @20\n");
	desk_mark_all(&d);
	desk_range(&d, 0, 13, 13, AT(15), true);
	desk_post(&d, AT(32)); /* no increments: the graph goes on */
	desk_check_cut(&d, "values\nlog_records_total{service_name=\"a\",severity=\"info\"} 13 @30\n");
	desk_done(&d);
}

static void idle(struct desk *d, double from, double to)
{
	for (double t = from; t <= to; t += 5) {
		desk_range(d, 0, 10, 10, AT(5), true);
		desk_post(d, AT(t));
	}
}

static void a_series_without_increments_gets_a_stale_marker_and_wakes_with_its_old_value(void **state)
{
	(void)state;
	struct desk d;
	struct ledger_value v;
	open_with_ten(&d);
	idle(&d, 17, 72);
	while (ledger_pending_steps(d.l) > 1)
		desk_mark_first(&d);
	desk_check_cut(&d, "values\nlog_records_total{service_name=\"a\",severity=\"info\"} stale @70\n"); /* 60 s after the step of its last increment */
	desk_mark_all(&d);
	check(!ledger_series_at(d.l, 0, &v));
	idle(&d, 77, 92);
	assert_int_equal(ledger_pending_steps(d.l), 0);
	desk_range(&d, 0, 10, 12, AT(95), true);
	desk_records(&d, "a", STEP_AT(95), 2);
	desk_post(&d, AT(102));
	desk_check_cut(&d, "anchors\nlog_records_total{service_name=\"a\",severity=\"info\"} 10 @90\nvalues\nlog_records_total{service_name=\"a\",severity=\"info\"} 12 @100\n");
	desk_done(&d);
}

static void waking_right_behind_the_stale_marker_needs_no_anchor(void **state)
{
	(void)state;
	struct desk d;
	struct cut c;
	open_with_ten(&d);
	idle(&d, 17, 72);
	desk_mark_all(&d);
	desk_range(&d, 0, 10, 12, AT(75), true);
	desk_records(&d, "a", STEP_AT(75), 2);
	desk_post(&d, AT(82));
	desk_check_cut(&d, "values\nlog_records_total{service_name=\"a\",severity=\"info\"} 12 @80\n");
	ledger_cut(d.l, STEP_AT(75), REMOTE_WRITE_1, 100, 10000, &c);
	check(c.begins); /* all the same it begins here: the anchored record must come before its value */
	cut_done(&c);
	desk_done(&d);
}

static void a_series_dormant_for_long_is_forgotten_and_starts_at_zero(void **state)
{
	(void)state;
	struct desk d;
	open_with_ten(&d);
	idle(&d, 17, 90);
	desk_mark_all(&d);
	idle(&d, 95, 299);
	desk_range(&d, 0, 10, 11, AT(300), true);
	desk_records(&d, "b", STEP_AT(300), 1);
	desk_post(&d, AT(312)); /* 300 s are five expiry times */
	assert_int_equal(ledger_series_len(d.l), 2);
	desk_mark_all(&d);
	assert_int_equal(ledger_series_len(d.l), 1);
	desk_range(&d, 0, 11, 13, AT(315), true);
	desk_records(&d, "a", STEP_AT(315), 2);
	desk_post(&d, AT(322));
	desk_check_cut(&d,
		"anchors\nlog_records_total{service_name=\"a\",severity=\"info\"} 0 @310\n"
		"values\nlog_records_total{service_name=\"b\",severity=\"info\"} 1 @320\nlog_records_total{service_name=\"a\",severity=\"info\"} 2 @320\n");
	desk_done(&d);
}

static void a_series_whose_marker_waited_behind_skipped_steps_is_not_forgotten_with_it(void **state)
{
	(void)state;
	struct desk d;
	open_with_ten(&d);
	idle(&d, 17, 62);
	while (ledger_pending_steps(d.l))
		desk_mark_first(&d);
	for (double at = 67; at < 310; at += 5) { /* the receiver is away from the step of the marker on, for more than four expiry times */
		idle(&d, at, at);
		while (ledger_pending_steps(d.l))
			assert_int_equal(desk_mark(&d, ledger_pending_first(d.l), true, ledger_journal_time(d.l)), LEDGER_MARKED);
	}
	idle(&d, 312, 312);
	desk_check_cut(&d, "values\nlog_records_total{service_name=\"a\",severity=\"info\"} stale @310\n");
	desk_mark_all(&d);
	desk_range(&d, 0, 10, 12, AT(315), true);
	desk_records(&d, "a", STEP_AT(315), 2);
	desk_post(&d, AT(322));
	desk_check_cut(&d, "values\nlog_records_total{service_name=\"a\",severity=\"info\"} 12 @320\n"); /* no 0 at the marker's time, which a receiver would refuse */
	desk_done(&d);
}

static void winnows_own_books_are_shown_and_kept_while_they_are_dormant(void **state)
{
	(void)state;
	struct desk d;
	struct ledger_value value;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(5), true);
	desk_count(&d, FAMILY_RECORDS_CONSUMED, NULL, 0, STEP_AT(5), 10);
	desk_post(&d, AT(12));
	idle(&d, 17, 400); /* far past five expiry times */
	desk_mark_all(&d);
	check(ledger_series_len(d.l) == 1 && ledger_series_at(d.l, 0, &value));
	assert_int_equal(value.count, 10);
	desk_done(&d);
}

static void a_skipped_step_goes_with_the_next(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(15), true);
	desk_records(&d, "a", STEP_AT(5), 4);
	desk_records(&d, "a", STEP_AT(15), 6);
	desk_post(&d, AT(22));
	assert_int_equal(desk_mark(&d, STEP_AT(5), true, AT(23)), LEDGER_MARKED);
	desk_check_cut(&d, "anchors\nlog_records_total{service_name=\"a\",severity=\"info\"} 0 @10\nvalues\nlog_records_total{service_name=\"a\",severity=\"info\"} 10 @20\n");
	assert_int_equal(desk_mark(&d, STEP_AT(15), true, AT(23)), LEDGER_MARKED); /* none is pending behind it: into the earliest open one */
	assert_int_equal(ledger_pending_steps(d.l), 0);
	desk_close(&d, AT(24));
	desk_check_cut(&d, "anchors\nlog_records_total{service_name=\"a\",severity=\"info\"} 0 @20\nvalues\nlog_records_total{service_name=\"a\",severity=\"info\"} 10 @30\n");
	desk_done(&d);
}

static void a_skipped_step_whose_anchors_are_known_does_not_anchor_again(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(15), true);
	desk_records(&d, "a", STEP_AT(5), 4);
	desk_records(&d, "a", STEP_AT(15), 6);
	desk_post(&d, AT(22));
	desk_anchored(&d, STEP_AT(5), AT(22));
	/* its values may have been sent; a second 0 behind them would count them twice */
	desk_mark(&d, STEP_AT(5), true, AT(23));
	desk_check_cut(&d, "values\nlog_records_total{service_name=\"a\",severity=\"info\"} 10 @20\n");
	desk_done(&d);
}

static void a_histogram_is_cut_whole_with_its_exemplar_on_the_bucket_of_its_value(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	const struct family *f = family_get(FAMILY_LOG_PATTERN_DURATION);
	uint64_t buckets[BOUNDS_MAX + 1] = {0};
	const char *const pairs[][2] = {{"service_name", "a"}};
	desk_range(&d, 0, 0, 10, AT(5), true);
	struct tally_entry *e = desk_count(&d, FAMILY_LOG_PATTERN_DURATION, pairs, 1, STEP_AT(5), 3);
	buckets[0] = 1;
	buckets[f->bounds_len] = 2;
	e->buckets = buckets;
	e->sum = 1e6;
	e->exemplar = (struct exemplar){.time_ns = AT(1000), .value = f->bounds[0], .rank = 2, .trace_len = 4, .trace_id = "beef"};
	desk_post(&d, AT(12));
	struct cut c;
	ledger_cut(d.l, STEP_AT(5), REMOTE_WRITE_1, 5, 1 << 20, &c); /* smaller than one histogram: never split */
	assert_int_equal(c.len, 2);
	assert_int_equal(c.requests[1].samples, f->bounds_len + 3);
	assert_int_equal(c.requests[1].exemplars, 1);
	cut_done(&c);
	char *text = desk_cut(&d, 100);
	char *values = strstr(text, "values\n");
	check(strstr(values, "bucket") && strstr(values, " 1 @10 # beef"));
	check(strstr(values, "le=\"+Inf\",service_name=\"a\"} 3 @10\n"));
	check(strstr(values, "_sum{service_name=\"a\"} 1000000 @10\n"));
	check(strstr(values, "_count{service_name=\"a\"} 3 @10\n"));
	check(strstr(values, " @10\n") && !strstr(values, "@1000\n")); /* the exemplar's time was moved into the step */
	free(text);
	desk_done(&d);
}

static void requests_are_bounded_and_ranges_give_the_same_samples(void **state)
{
	(void)state;
	struct desk d;
	char name[8];
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(5), true);
	char names[20][8];
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "s%02d", i);
		memcpy(names[i], name, sizeof(name));
		desk_records(&d, names[i], STEP_AT(5), (uint64_t)i + 1);
	}
	desk_post(&d, AT(12));
	struct cut c, part;
	ledger_cut(d.l, STEP_AT(5), REMOTE_WRITE_1, 6, 1 << 20, &c);
	assert_int_equal(c.len, 8);
	struct buf whole = {0}, parts = {0};
	for (size_t i = 4; i < 8; i++) {
		check(!c.requests[i].anchors);
		assert_int_equal(c.requests[i].last - c.requests[i].first, i < 7 ? 6 : 2);
		for (uint32_t k = c.requests[i].first; k < c.requests[i].last; k++) {
			ledger_cut_range(d.l, STEP_AT(5), false, k, k + 1, &part);
			assert_int_equal(part.len, 1);
			buf_add_slice(&parts, part.requests[0].body);
			cut_done(&part);
		}
		/* without metadata, which ranges do not carry */
		ledger_cut_range(d.l, STEP_AT(5), false, c.requests[i].first, c.requests[i].last, &part);
		buf_add_slice(&whole, part.requests[0].body);
		check(slice_starts(c.requests[i].body, part.requests[0].body));
		cut_done(&part);
	}
	check(slice_eq(buf_slice(&whole), buf_slice(&parts)));
	buf_done(&whole);
	buf_done(&parts);
	cut_done(&c);
	struct buf label = {0};
	uint64_t key = ledger_place_name(d.l, STEP_AT(5), false, 3, &label);
	check_slice(buf_slice(&label), "log_records_total{service_name=\"s03\",severity=\"info\"}");
	ledger_set_aside(d.l, key, true);
	char *text = desk_cut(&d, 1000);
	check(strstr(text, "s02") && !strstr(text, "s03") && strstr(text, "s04"));
	free(text);
	ledger_set_aside(d.l, key, false);
	text = desk_cut(&d, 1000);
	check(strstr(text, "s03"));
	free(text);
	buf_done(&label);
	desk_done(&d);
}

static void metadata_goes_with_every_sixth_step(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	size_t with = 0, steps = 0;
	for (int i = 0; i < 18; i++) {
		desk_range(&d, 0, i, i + 1, AT(10 * i + 5), true);
		desk_records(&d, "a", STEP_AT(10 * i + 5), 1);
		desk_post(&d, AT(10 * i + 12));
		for (; ledger_pending_steps(d.l); desk_mark_first(&d), steps++) {
			char *text = desk_cut(&d, 1000);
			check((strstr(text, "meta log_records") != NULL) == (ledger_pending_first(d.l) % 6 == 0));
			with += strstr(text, "meta ") != NULL;
			free(text);
		}
	}
	assert_int_equal(steps, 18);
	assert_int_equal(with, 3);
	desk_done(&d);
}

/* ---- patterns ---- */

static void birth(struct desk *d, uint64_t id, const char *text, uint64_t alias)
{
	d->patterns[d->patterns_len++] = (struct delta_pattern){.id = id, .alias_id = alias, .origin = ORIGIN_MINED, .service = SLICE("a"), .template_text = slice_str(text)};
}

static void the_info_series_follows_its_patterns_text(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 1, AT(5), true);
	birth(&d, 0xaa, "x y", 0);
	desk_pattern_records(&d, "a", "00000000000000aa", STEP_AT(5), 1);
	desk_post(&d, AT(12));
	assert_int_equal(d.event.patterns_len, 1);
	desk_check_cut(&d,
		"anchors\nlog_pattern_records_total{pattern_id=\"00000000000000aa\",service_name=\"a\",severity=\"error\"} 0 @0\n"
		"values\nlog_pattern_records_total{pattern_id=\"00000000000000aa\",service_name=\"a\",severity=\"error\"} 1 @10\n"
		"log_pattern_info{origin=\"mined\",pattern_id=\"00000000000000aa\",service_name=\"a\",template=\"x y\"} 1 @10\n");
	desk_mark_all(&d);
	desk_range(&d, 0, 1, 2, AT(15), true);
	birth(&d, 0xaa, "x <*>", 0);
	desk_pattern_records(&d, "a", "00000000000000aa", STEP_AT(15), 1);
	desk_post(&d, AT(22));
	desk_check_cut(&d,
		"values\nlog_pattern_records_total{pattern_id=\"00000000000000aa\",service_name=\"a\",severity=\"error\"} 2 @20\n"
		"log_pattern_info{origin=\"mined\",pattern_id=\"00000000000000aa\",service_name=\"a\",template=\"x y\"} stale @20\n"
		"log_pattern_info{origin=\"mined\",pattern_id=\"00000000000000aa\",service_name=\"a\",template=\"x <*>\"} 1 @20\n");
	desk_done(&d);
}

static void a_templates_label_is_cut_between_characters(void **state)
{
	(void)state;
	struct desk d;
	char text[600];
	desk_open(&d, NULL);
	memset(text, 'x', sizeof(text));
	memcpy(text + 511, "\xc3\xa9 tail", 7);
	text[599] = 0;
	desk_range(&d, 0, 0, 1, AT(5), true);
	birth(&d, 0xaa, text, 0);
	desk_pattern_records(&d, "a", "00000000000000aa", STEP_AT(5), 1);
	desk_post(&d, AT(12));
	struct ledger_value v;
	check(ledger_series_at(d.l, 1, &v));
	assert_int_equal(v.family, FAMILY_LOG_PATTERN_INFO);
	assert_int_equal(v.labels[3].value.len, 511);
	desk_done(&d);
}

static void an_aliass_increments_go_to_the_survivor_and_its_past_stays(void **state)
{
	(void)state;
	struct desk d;
	struct ledger_pattern p;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 9, AT(5), true);
	birth(&d, 0xaa, "x <*>", 0);
	birth(&d, 0xbb, "x y", 0);
	desk_pattern_records(&d, "a", "00000000000000aa", STEP_AT(5), 2);
	desk_pattern_records(&d, "a", "00000000000000bb", STEP_AT(5), 7);
	desk_post(&d, AT(12));
	desk_mark_all(&d);
	desk_range(&d, 0, 9, 12, AT(15), true);
	birth(&d, 0xbb, "", 0xaa);
	desk_pattern_records(&d, "a", "00000000000000bb", STEP_AT(15), 3);
	desk_post(&d, AT(22));
	assert_int_equal(d.event.patterns_len, 1);
	assert_int_equal(d.event.patterns[0].alias_id, 0xaa);
	char *text = desk_cut(&d, 1000);
	check(strstr(text, "records_total{pattern_id=\"00000000000000aa\",service_name=\"a\",severity=\"error\"} 5 @20"));
	check(strstr(text, "records_total{pattern_id=\"00000000000000bb\",service_name=\"a\",severity=\"error\"} 7 @20"));
	check(strstr(text, "template=\"x y\"} stale @20"));
	free(text);
	check(ledger_pattern_find(d.l, 0xaa, &p));
	assert_int_equal(p.count, 12); /* its alias's included */
	check(ledger_pattern_find(d.l, 0xbb, &p));
	assert_int_equal(p.alias_id, 0xaa);
	assert_int_equal(p.count, 7);
	desk_range(&d, 0, 12, 13, AT(16), true);
	birth(&d, 0xaa, "", 0xbb); /* the opposite: the first in the journal stands, and the miner is told */
	desk_post(&d, AT(23));
	assert_int_equal(d.event.patterns_len, 1);
	assert_int_equal(d.event.patterns[0].id, 0xaa);
	assert_int_equal(d.event.patterns[0].alias_id, 0);
	desk_done(&d);
}

static void the_best_example_stays(void **state)
{
	(void)state;
	struct desk d;
	struct ledger_pattern p;
	desk_open(&d, NULL);
	static const struct { uint8_t rank; const char *text; } offers[] = {{1, "plain"}, {3, "error"}, {3, "another error"}, {2, "traced"}, {4, "error with trace"}};
	static const char *const best[] = {"plain", "error", "error", "error", "error with trace"};
	for (size_t i = 0; i < 5; i++) {
		desk_range(&d, 0, (int64_t)i, (int64_t)i + 1, AT(5), true);
		birth(&d, 0xaa, "x", 0);
		d.examples[d.examples_len++] = (struct delta_example){.pattern_id = 0xaa, .rank = offers[i].rank, .text = slice_str(offers[i].text), .topic = SLICE("t"), .offset = 9};
		desk_post(&d, AT(6));
		check(ledger_pattern_find(d.l, 0xaa, &p) && p.example);
		check_slice(p.example->text, best[i]);
	}
	desk_done(&d);
}

/* ---- budgets ---- */

static void past_the_limit_new_series_are_counted_as_other(void **state)
{
	(void)state;
	struct desk d;
	struct ledger_opts opts = desk_opts;
	opts.series_limit = 4; /* of which one service takes no more than it leaves: two */
	desk_open(&d, &opts);
	desk_range(&d, 0, 0, 40, AT(5), true);
	desk_pattern_records(&d, "a", "00000000000000a1", STEP_AT(5), 1);
	desk_pattern_records(&d, "a", "00000000000000a2", STEP_AT(5), 2);
	desk_pattern_records(&d, "a", "00000000000000a3", STEP_AT(5), 4);
	desk_pattern_records(&d, "a", "00000000000000a4", STEP_AT(5), 8);
	desk_records(&d, "a", STEP_AT(5), 15); /* service and severity only: is its own `other` */
	desk_post(&d, AT(12));
	desk_anchored(&d, STEP_AT(5), AT(12));
	desk_check_cut(&d,
		"values\n"
		"log_pattern_records_total{pattern_id=\"00000000000000a1\",service_name=\"a\",severity=\"error\"} 1 @10\n"
		"log_pattern_records_total{pattern_id=\"00000000000000a2\",service_name=\"a\",severity=\"error\"} 2 @10\n"
		"log_pattern_records_total{pattern_id=\"other\",service_name=\"a\",severity=\"error\"} 12 @10\n"
		"winnow_overflow_total{budget=\"series\"} 12 @10\n"
		"log_records_total{service_name=\"a\",severity=\"info\"} 15 @10\n");
	desk_done(&d);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_delta_is_posted_iff_every_range_starts_where_the_ledger_stands),
		T(an_unknown_partition_cannot_start_in_the_middle_of_a_pipeline),
		T(a_position_that_was_folded_is_ignored),
		T(damaged_records_change_nothing),
		T(ranges_that_contradict_themselves_are_corrupt),
		T(the_watermark_is_the_least_of_the_partitions_in_play),
		T(a_partition_at_its_end_does_not_hold_time),
		T(a_partition_that_does_not_move_leaves_play_after_30_s),
		T(a_silence_of_the_journal_is_no_evidence_about_a_partition),
		T(a_partition_five_minutes_behind_leaves_play),
		T(time_never_runs_past_the_journal),
		T(increments_for_a_closed_step_are_late_and_counted_once_a_record),
		T(what_is_older_than_the_window_lands_in_its_first_step_and_is_not_late),
		T(a_jump_of_hours_makes_no_thousands_of_steps),
		T(a_close_record_closes_every_step_with_increments),
		T(a_series_begins_with_its_anchor_then_rises),
		T(a_series_without_increments_gets_a_stale_marker_and_wakes_with_its_old_value),
		T(waking_right_behind_the_stale_marker_needs_no_anchor),
		T(a_series_dormant_for_long_is_forgotten_and_starts_at_zero),
		T(a_series_whose_marker_waited_behind_skipped_steps_is_not_forgotten_with_it),
		T(winnows_own_books_are_shown_and_kept_while_they_are_dormant),
		T(a_skipped_step_goes_with_the_next),
		T(a_skipped_step_whose_anchors_are_known_does_not_anchor_again),
		T(a_histogram_is_cut_whole_with_its_exemplar_on_the_bucket_of_its_value),
		T(requests_are_bounded_and_ranges_give_the_same_samples),
		T(metadata_goes_with_every_sixth_step),
		T(the_info_series_follows_its_patterns_text),
		T(a_templates_label_is_cut_between_characters),
		T(an_aliass_increments_go_to_the_survivor_and_its_past_stays),
		T(the_best_example_stays),
		T(past_the_limit_new_series_are_counted_as_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
