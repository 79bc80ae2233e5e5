/* SPDX-License-Identifier: Apache-2.0 */
/* Event time across a silence in the logs. */
#include "../check.h"
#include "desk.h"

/* Partition p waits behind a gap: it was read to reached, and says less. */
static void waits(struct desk *d, int32_t p, int64_t from, int64_t to, int64_t says_ns, int64_t reached_ns)
{
	desk_range(d, p, from, to, says_ns, false);
	d->ranges[d->ranges_len - 1].reached_ns = reached_ns;
}

static uint64_t late_records(const struct desk *d)
{
	struct ledger_stats stats;
	ledger_stats(d->l, &stats);
	return stats.late_records;
}

/* Three partitions with nothing between AT(100) and AT(61300), 17 hours later, and a receiver that takes a day. */
static void nothing_is_late_behind_a_gap_that_partitions_cross_one_by_one(void **state)
{
	(void)state;
	struct ledger_opts opts = desk_opts;
	struct desk d;
	opts.receiver_window_ns = INT64_C(86400) * NS_PER_S;
	desk_open(&d, &opts);
	desk_range(&d, 0, 0, 10, AT(100), false);
	desk_range(&d, 1, 0, 10, AT(90), false);
	desk_range(&d, 2, 0, 10, AT(20), false);
	desk_post(&d, AT(61400));
	for (int i = 0; i < 40; i++) { /* 0 and 1 wait behind the gap for longer than a partition may stand still, 2 comes on */
		waits(&d, 0, i ? 11 : 10, 11, AT(260 + i), AT(61300));
		waits(&d, 1, i ? 11 : 10, 11, AT(260 + i), AT(61301));
		if (i == 0)
			desk_records(&d, "a", STEP_AT(61300), 2);
		desk_range(&d, 2, 10 + i, 11 + i, AT(20 + i), false);
		desk_post(&d, AT(61401 + i));
		check(ledger_watermark(d.l) <= AT(18 + i));
	}
	assert_int_equal(ledger_slowest(d.l), AT(59));
	desk_range(&d, 2, 50, 51, AT(61390), false); /* it crosses, further than the others, and may say so: all have */
	desk_records(&d, "c", STEP_AT(61390), 1);
	desk_post(&d, AT(61442));
	check(ledger_watermark(d.l) < AT(61300)); /* the others stay in play until they say how far they are */
	assert_int_equal(ledger_slowest(d.l), AT(61300));
	waits(&d, 0, 11, 20, AT(61312), AT(61312));
	desk_records(&d, "a", STEP_AT(61310), 9);
	waits(&d, 1, 11, 20, AT(61313), AT(61313));
	desk_records(&d, "b", STEP_AT(61301), 9);
	desk_post(&d, AT(61443));
	assert_int_equal(ledger_watermark(d.l), AT(61310));
	assert_int_equal(late_records(&d), 0);
	desk_done(&d);
}

static void a_partition_whose_writer_died_while_it_waited_leaves_play(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	waits(&d, 0, 0, 10, AT(100), AT(500));
	desk_range(&d, 1, 0, 10, AT(50), false);
	desk_post(&d, AT(600));
	for (int i = 1; i <= 30; i++) {
		desk_range(&d, 1, 9 + i, 10 + i, AT(500 + i), false);
		desk_post(&d, AT(600 + i));
	}
	assert_int_equal(ledger_watermark(d.l), AT(520));
	desk_done(&d);
}

static void a_partition_that_stands_still_is_waited_for_longer_by_what_cannot_be_taken_back(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 10, AT(100), false);
	desk_range(&d, 1, 0, 10, AT(90), false);
	desk_post(&d, AT(200));
	for (int i = 1; i <= 120; i++) {
		desk_range(&d, 0, 9 + i, 10 + i, AT(100 + i), false);
		desk_post(&d, AT(200 + i));
		assert_int_equal(ledger_slowest(d.l), i < 30 ? AT(90) : AT(100 + i));
		assert_int_equal(ledger_settled(d.l), i < 120 ? AT(90) : AT(100 + i));
	}
	desk_range(&d, 1, 10, 11, AT(91), false);
	desk_post(&d, AT(321));
	assert_int_equal(ledger_settled(d.l), AT(91));
	desk_range(&d, 1, 11, 11, AT(91), true); /* at its end it has nothing more to tell */
	desk_post(&d, AT(322));
	assert_int_equal(ledger_settled(d.l), AT(220));
	desk_done(&d);
}

/* A receiver is away, refused a step's request before, and may be told again only in steps that are sent. */
static void steps_that_are_skipped_do_not_make_a_series_old(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	desk_range(&d, 0, 0, 1, AT(5), true);
	desk_records(&d, "a", STEP_AT(5), 1);
	desk_post(&d, AT(12.5));
	desk_anchored(&d, STEP_AT(5), AT(12.5));
	desk_mark(&d, STEP_AT(5), false, AT(12.5));
	desk_range(&d, 0, 1, 1, AT(5), true);
	desk_post(&d, AT(200));
	for (int64_t step = STEP_AT(15); step <= STEP_AT(55); step++)
		assert_int_equal(desk_mark(&d, step, true, AT(200)), LEDGER_MARKED);
	struct cut c; /* 60 s behind its last increment, of which 50 were skipped: still there */
	struct buf text = {0};
	ledger_cut(d.l, ledger_pending_first(d.l), REMOTE_WRITE_1, 100, 1 << 20, &c);
	desk_samples(&c, &text);
	check_slice(buf_slice(&text), "log_records_total{service_name=\"a\",severity=\"info\"} 1 @70\n");
	cut_done(&c);
	buf_done(&text);
	desk_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_late_behind_a_gap_that_partitions_cross_one_by_one),
		cmocka_unit_test(steps_that_are_skipped_do_not_make_a_series_old),
		cmocka_unit_test(a_partition_whose_writer_died_while_it_waited_leaves_play),
		cmocka_unit_test(a_partition_that_stands_still_is_waited_for_longer_by_what_cannot_be_taken_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
