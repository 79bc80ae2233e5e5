/* SPDX-License-Identifier: Apache-2.0 */
/* A topic that is deleted and made again, or a log that lost its end: other records at offsets that are counted. */
#include "../check.h"
#include "desk.h"

static void range_of(struct desk *d, uint32_t life, int64_t from, int64_t to)
{
	desk_range(d, 0, from, to, AT(5), false);
	d->ranges[d->ranges_len - 1].life = life;
	desk_records(d, "a", STEP_AT(5), (uint64_t)(to - from));
}

static void anew(struct desk *d, uint32_t life, int64_t before, int64_t from, int64_t to)
{
	range_of(d, life, from, to);
	d->ranges[d->ranges_len - 1].anew = true;
	d->ranges[d->ranges_len - 1].before = before;
}

static uint64_t counted(const struct desk *d)
{
	struct ledger_value value;
	assert_true(ledger_series_at(d->l, 0, &value));
	return value.count;
}

static void a_new_life_begins_once_and_where_the_one_before_was_left(void **state)
{
	(void)state;
	struct desk d;
	struct ledger_partition p;
	struct ledger_stats stats;
	desk_open(&d, NULL);
	range_of(&d, 0, 0, 100);
	assert_int_equal(desk_post(&d, AT(10)), LEDGER_POSTED);
	anew(&d, 1, 90, 0, 7); /* someone who has not read to the end of the journal */
	assert_int_equal(desk_post(&d, AT(10)), LEDGER_REJECTED);
	anew(&d, 2, 100, 0, 7);
	assert_int_equal(desk_post(&d, AT(10)), LEDGER_REJECTED);
	anew(&d, 1, 100, 0, 100);
	assert_int_equal(desk_post(&d, AT(11)), LEDGER_POSTED);
	anew(&d, 1, 100, 0, 100); /* its second copy: the offsets are the same again, the life is not */
	assert_int_equal(desk_post(&d, AT(11)), LEDGER_REJECTED);
	range_of(&d, 0, 100, 110); /* a zombie of the life before, at the very offset */
	assert_int_equal(desk_post(&d, AT(11)), LEDGER_REJECTED);
	range_of(&d, 1, 100, 103);
	assert_int_equal(desk_post(&d, AT(12)), LEDGER_POSTED);
	assert_true(ledger_partition(d.l, SLICE("t"), 0, &p));
	ledger_stats(d.l, &stats);
	check(p.absorbed == 103 && p.life == 1 && stats.lives == 1);
	assert_int_equal(counted(&d), 203);
	desk_done(&d);
}

static void lives_are_in_a_snapshot(void **state)
{
	(void)state;
	struct desk d, loaded;
	struct buf snapshot = {0};
	struct err err;
	desk_open(&d, NULL);
	desk_open(&loaded, NULL);
	range_of(&d, 0, 0, 100);
	desk_post(&d, AT(10));
	anew(&d, 1, 100, 40, 50);
	d.ranges[0].reached_ns = AT(77);
	desk_post(&d, AT(11));
	ledger_save(d.l, &snapshot);
	assert_int_equal(ledger_load(loaded.l, buf_slice(&snapshot), &err), 0);
	struct ledger_partition p;
	assert_true(ledger_partition(loaded.l, SLICE("t"), 0, &p));
	check(p.life == 1 && p.absorbed == 50 && p.reached_ns == AT(77) && p.newest_ns == AT(5));
	buf_done(&snapshot);
	desk_done(&d);
	desk_done(&loaded);
}

static void a_partition_nobody_knows_has_no_life_to_end(void **state)
{
	(void)state;
	struct desk d;
	desk_open(&d, NULL);
	anew(&d, 1, 0, 0, 7);
	assert_int_equal(desk_post(&d, AT(10)), LEDGER_REJECTED);
	desk_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_life_begins_once_and_where_the_one_before_was_left),
		cmocka_unit_test(lives_are_in_a_snapshot),
		cmocka_unit_test(a_partition_nobody_knows_has_no_life_to_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
