/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/clock.h"
#include "ledger/kept.h"
#include "ledger/ledger.h"

#define NOW (INT64_C(1772615700) * NS_PER_S)

static const struct delta_trace said[] = {
	{.trace = 0xFEDCBA9876543210u, .time_ns = NOW, .reasons = 8},
	{.trace = 7, .time_ns = NOW - 5 * NS_PER_S, .pattern_id = 0xAB, .span = 9, .id = {1, 2}},
	{.trace = 8, .time_ns = NOW + NS_PER_S, .reasons = 1},
};

static void a_delta_and_a_snapshot_carry_what_is_said_of_traces(void **state)
{
	const struct ledger_opts opts = {.step_ns = 10 * NS_PER_S, .lateness_ns = 2 * NS_PER_S, .expire_ns = 900 * NS_PER_S, .receiver_window_ns = 3300 * NS_PER_S, .series_limit = 1000};
	struct delta_range range = {.topic = SLICE("t"), .from = 0, .to = 5, .replay = 5, .newest_ns = NOW};
	struct delta_header header = {.writer = 1, .seq = 1, .journal_time_ns = NOW, .ranges = &range, .ranges_len = 1};
	struct delta_body body = {.traces = said, .traces_len = 3};
	struct ledger *l = ledger_new(&opts), *loaded = ledger_new(&opts);
	struct buf record = {0}, snapshot = {0};
	struct ledger_event event;
	struct delta_trace got[4];
	struct err err = {0};
	(void)state;
	delta_encode(&record, &header, &body);
	ledger_post(l, buf_slice(&record), 0, &event);
	assert_int_equal(event.outcome, LEDGER_POSTED);
	ledger_post(l, buf_slice(&record), 1, &event);
	assert_int_equal(event.outcome, LEDGER_REJECTED); /* and says nothing */
	ledger_save(l, &snapshot);
	assert_int_equal(ledger_load(loaded, buf_slice(&snapshot), &err), 0);
	for (const struct ledger *one = l;; one = loaded) {
		uint64_t from = 0;
		assert_int_equal(ledger_traces(one, &from, got, 2), 2);
		assert_int_equal(ledger_traces(one, &from, got + 2, 2), 1);
		assert_int_equal(from, 3);
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(got[i].trace, said[i].trace);
			assert_int_equal(got[i].time_ns, said[i].time_ns);
			assert_int_equal(got[i].reasons, said[i].reasons);
			assert_int_equal(got[i].pattern_id, said[i].pattern_id);
			assert_int_equal(got[i].span, said[i].span);
			assert_int_equal(got[i].id[1], said[i].id[1]);
		}
		if (one == loaded)
			break;
	}
	buf_done(&record);
	buf_done(&snapshot);
	ledger_free(l);
	ledger_free(loaded);
}

static void post(struct ledger *l, struct delta_range range, const struct delta_trace *said_now)
{
	static uint64_t seq;
	const struct delta_header header = {.writer = 1, .seq = ++seq, .journal_time_ns = range.newest_ns, .ranges = &range, .ranges_len = 1};
	const struct delta_body body = {.traces = said_now, .traces_len = 1};
	struct buf record = {0};
	struct ledger_event event;
	delta_encode(&record, &header, &body);
	ledger_post(l, buf_slice(&record), (int64_t)seq, &event);
	assert_int_equal(event.outcome, LEDGER_POSTED);
	buf_done(&record);
}

static void behind_a_silence_what_a_successor_may_ask_about_is_kept_until_nobody_would_feed_it_again(void **state)
{
	enum { LATER = 3000 };
	const struct ledger_opts opts = {.step_ns = 10 * NS_PER_S, .lateness_ns = 2 * NS_PER_S, .expire_ns = 900 * NS_PER_S, .receiver_window_ns = 9000 * NS_PER_S, .series_limit = 1000};
	struct ledger *l = ledger_new(&opts);
	struct delta_trace later = said[0], got[4];
	uint64_t from = 0;
	(void)state;
	post(l, (struct delta_range){.topic = SLICE("t"), .from = 0, .to = 5, .replay = 2, .replay_time_ns = -(NOW - 90 * NS_PER_S), .newest_ns = NOW + LATER * NS_PER_S}, &said[0]);
	later.time_ns += LATER * NS_PER_S;
	later.trace++;
	assert_int_equal(ledger_asked_from(l), NOW - 90 * NS_PER_S);
	post(l, (struct delta_range){.topic = SLICE("t"), .from = 5, .to = 6, .replay = 6, .newest_ns = NOW + LATER * NS_PER_S}, &later);
	assert_int_equal(ledger_traces(l, &from, got, 4), 2); /* who takes over after the first delta feeds from 2 on, with what was said then */
	later.trace++;
	post(l, (struct delta_range){.topic = SLICE("t"), .from = 6, .to = 7, .replay = 7, .newest_ns = NOW + LATER * NS_PER_S}, &later);
	from = 0;
	assert_int_equal(ledger_traces(l, &from, got, 4), 2);
	assert_int_equal(got[0].trace, said[0].trace + 1);
	ledger_free(l);
}

static void a_mark_takes_eight_bytes_and_a_few(void **state)
{
	struct buf out = {0};
	int64_t seconds = NOW / NS_PER_S;
	(void)state;
	trace_pack(&out, &said[0], &seconds);
	assert_int_equal(out.len, 9 + 1 + 1); /* with the byte that says how long the number is */
	buf_done(&out);
}

static void what_is_older_than_ten_minutes_is_forgotten_and_readers_go_on(void **state)
{
	struct kept k = {0};
	struct delta_trace got[16];
	uint64_t from = 0;
	(void)state;
	for (int64_t i = 0; i < 5000; i++)
		kept_add(&k, &(struct delta_trace){.trace = (uint64_t)i, .time_ns = NOW + i * NS_PER_S, .reasons = 1}, INT64_MAX);
	assert_in_range(k.len, 600, 602);
	assert_int_equal(kept_read(&k, &from, got, 16), 16);
	assert_int_equal(got[0].trace, 5000 - k.len);
	kept_add(&k, &(struct delta_trace){.trace = 5000, .time_ns = NOW + 9000 * NS_PER_S, .reasons = 1}, NOW + 5000 * NS_PER_S); /* a partition behind a silence */
	assert_in_range(k.len, 600, 603);
	from = k.sequence + k.len;
	assert_int_equal(kept_read(&k, &from, got, 16), 0);
	kept_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delta_and_a_snapshot_carry_what_is_said_of_traces),
		cmocka_unit_test(behind_a_silence_what_a_successor_may_ask_about_is_kept_until_nobody_would_feed_it_again),
		cmocka_unit_test(a_mark_takes_eight_bytes_and_a_few),
		cmocka_unit_test(what_is_older_than_ten_minutes_is_forgotten_and_readers_go_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
