/* SPDX-License-Identifier: Apache-2.0 */
/* Several endpoints of one journal: whose marks a ledger heeds, and how one more begins. */
#include "../check.h"
#include "desk.h"

enum { OTHER = 77 };

/* What the oldest pending step would send, as text. */
static struct slice cut_text(struct ledger *l, struct buf *out)
{
	struct cut c;
	buf_reset(out);
	ledger_cut(l, ledger_pending_first(l), REMOTE_WRITE_1, 1000, 1 << 20, &c);
	desk_read_cut(&c, out);
	cut_done(&c);
	return slice_str(buf_cstr(out));
}

static void count_to(struct desk *d, int64_t from, int64_t to, double seconds)
{
	desk_range(d, 0, from, to, AT(seconds), false);
	desk_records(d, "a", STEP_AT(seconds), (uint64_t)(to - from));
	assert_int_equal(desk_post(d, AT(seconds + 3)), LEDGER_POSTED);
}

static enum ledger_outcome foreign(struct desk *d, int64_t step, bool anchored)
{
	buf_reset(&d->record);
	if (anchored)
		anchored_encode(&d->record, OTHER, step, AT(1000), 5);
	else
		mark_encode(&d->record, OTHER, step, false, AT(1000), 5);
	return desk_post_record(d);
}

static void marks_of_another_endpoint_are_passed_over(void **state)
{
	(void)state;
	struct desk d;
	struct buf before = {0}, after = {0};
	desk_open(&d, NULL);
	count_to(&d, 0, 5, 5);
	count_to(&d, 5, 8, 25);
	assert_int_equal(ledger_pending_first(d.l), STEP_AT(5));
	ledger_save(d.l, &before);
	assert_int_equal(foreign(&d, STEP_AT(5), true), LEDGER_FOREIGN);
	assert_int_equal(d.event.writer, 5);
	assert_int_equal(foreign(&d, STEP_AT(5), false), LEDGER_FOREIGN);
	assert_int_equal(ledger_pending_first(d.l), STEP_AT(5));
	check(!ledger_anchored(d.l, STEP_AT(5)) && ledger_journal_time(d.l) == AT(28));
	assert_int_equal(desk_mark(&d, STEP_AT(5), false, AT(29)), LEDGER_MARKED);
	buf_done(&before);
	buf_done(&after);
	desk_done(&d);
}

static void a_ledger_of_another_endpoint_heeds_its_own_marks_only(void **state)
{
	(void)state;
	struct desk d;
	struct ledger_opts opts = desk_opts;
	opts.endpoint = OTHER;
	desk_open(&d, &opts);
	count_to(&d, 0, 5, 5);
	count_to(&d, 5, 8, 25);
	assert_int_equal(desk_mark(&d, STEP_AT(5), false, AT(29)), LEDGER_FOREIGN);
	assert_int_equal(foreign(&d, STEP_AT(5), true), LEDGER_ANCHORED);
	assert_int_equal(foreign(&d, STEP_AT(5), false), LEDGER_MARKED);
	desk_done(&d);
}

static void the_first_endpoints_records_are_what_they_always_were(void **state)
{
	(void)state;
	struct buf first = {0}, other = {0};
	mark_encode(&first, 0, 7, false, 9, 3);
	mark_encode(&other, OTHER, 7, false, 9, 3);
	/* time, step, skipped and leader are a byte each; the frame is 20 */
	assert_int_equal(first.len, 24);
	assert_int_equal(other.len, 25);
	buf_done(&first);
	buf_done(&other);
}

static void one_more_endpoint_begins_with_what_is_counted_from_then_on(void **state)
{
	(void)state;
	struct desk d;
	struct ledger_event event;
	struct buf text = {0};
	desk_open(&d, NULL);
	count_to(&d, 0, 5, 5);
	count_to(&d, 5, 8, 25);
	assert_int_equal(desk_mark(&d, STEP_AT(5), false, AT(29)), LEDGER_MARKED);
	buf_reset(&d.record);
	begin_encode(&d.record, OTHER, 0, AT(30), 5);
	assert_int_equal(desk_post_record(&d), LEDGER_BEGUN);
	check(d.event.endpoint == OTHER && d.event.base == 0);
	struct ledger *other = ledger_begin(d.l, OTHER);
	check(ledger_pending_steps(other) == 0 && ledger_open_steps(other) == 0);
	count_to(&d, 8, 18, 35);
	ledger_post(other, buf_slice(&d.record), d.position, &event);
	assert_int_equal(event.outcome, LEDGER_POSTED);
	count_to(&d, 18, 19, 55);
	ledger_post(other, buf_slice(&d.record), d.position, &event);
	assert_int_equal(event.outcome, LEDGER_POSTED);
	assert_int_equal(ledger_pending_first(other), STEP_AT(25)); /* what was counted in it so far is the beginning: nothing to send */
	assert_int_equal(cut_text(other, &text).len, 0);
	assert_int_equal(foreign(&d, STEP_AT(25), false), LEDGER_FOREIGN);
	ledger_post(other, buf_slice(&d.record), d.position, &event);
	assert_int_equal(event.outcome, LEDGER_MARKED);
	assert_int_equal(ledger_pending_first(other), STEP_AT(35));
	struct slice cut = cut_text(other, &text);
	assert_non_null(strstr(cut.ptr, "anchors\nlog_records_total{service_name=\"a\",severity=\"info\"} 8 @30\n"));
	assert_non_null(strstr(cut.ptr, "values\nlog_records_total{service_name=\"a\",severity=\"info\"} 18 @40\n"));
	buf_done(&text);
	ledger_free(other);
	desk_done(&d);
}

static void ledgers_of_several_endpoints_are_saved_one_behind_the_other(void **state)
{
	(void)state;
	struct desk d;
	struct buf all = {0}, again = {0};
	struct slice rest, one;
	struct err err;
	uint64_t endpoint;
	desk_open(&d, NULL);
	count_to(&d, 0, 5, 5);
	count_to(&d, 5, 8, 25);
	struct ledger *other = ledger_begin(d.l, OTHER);
	ledger_save(d.l, &all);
	size_t first = all.len;
	ledger_save(other, &all);
	rest = buf_slice(&all);
	assert_true(ledger_next_saved(&rest, &one, &endpoint));
	check(endpoint == 0 && one.len == first);
	assert_true(ledger_next_saved(&rest, &one, &endpoint));
	check(endpoint == OTHER && rest.len == 0);
	assert_false(ledger_next_saved(&rest, &one, &endpoint));
	struct ledger_opts opts = desk_opts;
	struct ledger *wrong = ledger_new(&opts);
	assert_int_equal(ledger_load(wrong, one, &err), ERR_CORRUPT);
	opts.endpoint = OTHER;
	struct ledger *right = ledger_new(&opts);
	assert_int_equal(ledger_load(right, one, &err), 0);
	ledger_save(right, &again);
	assert_true(slice_eq(buf_slice(&again), one));
	rest = slice_sub(buf_slice(&all), 0, all.len - 1); /* its end is lost */
	assert_true(ledger_next_saved(&rest, &one, &endpoint));
	assert_false(ledger_next_saved(&rest, &one, &endpoint));
	check(rest.len > 0);
	ledger_free(wrong);
	ledger_free(right);
	ledger_free(other);
	buf_done(&all);
	buf_done(&again);
	desk_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_of_another_endpoint_are_passed_over),
		cmocka_unit_test(a_ledger_of_another_endpoint_heeds_its_own_marks_only),
		cmocka_unit_test(the_first_endpoints_records_are_what_they_always_were),
		cmocka_unit_test(one_more_endpoint_begins_with_what_is_counted_from_then_on),
		cmocka_unit_test(ledgers_of_several_endpoints_are_saved_one_behind_the_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
