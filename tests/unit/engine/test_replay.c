/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "bench.h"
#include "engine/replay.h"

#define HOLD (30 * NS_PER_S)

static void a_point_lies_three_holds_behind(void **state)
{
	struct replay r;
	(void)state;
	replay_start(&r, HOLD, (struct replay_point){.offset = 5, .time_ns = 0});
	for (int64_t i = 0; i < 1000; i++) {
		replay_note(&r, 10 + i);
		replay_advance(&r, BENCH_NOW + i * NS_PER_S);
		struct replay_point at = replay_point(&r);
		if (i < 90)
			assert_int_equal(at.offset, 5);
		else
			assert_true(at.time_ns <= r.newest_ns - 3 * HOLD && at.time_ns > r.newest_ns - 3 * HOLD - HOLD / 3);
		if (i > 120) /* the time of a point is that before its record */
			assert_int_equal(at.time_ns, BENCH_NOW + (at.offset - 10 - 1) * NS_PER_S);
	}
}

static void a_leap_in_time_leaves_the_last_point_before_it(void **state)
{
	struct replay r;
	(void)state;
	replay_start(&r, HOLD, (struct replay_point){.offset = 0, .time_ns = BENCH_NOW});
	replay_note(&r, 1);
	replay_advance(&r, BENCH_NOW + 3600 * NS_PER_S);
	assert_int_equal(replay_point(&r).offset, 0);
	replay_note(&r, 2);
	assert_int_equal(replay_point(&r).offset, 0);
	replay_advance(&r, BENCH_NOW + 3600 * NS_PER_S + 3 * HOLD);
	assert_int_equal(replay_point(&r).offset, 2);
}

/* --- a log of spans, and processes that die --- */

enum { LOG_LEN = 3000, ROUNDS = 40 };

static uint64_t rolled;

static unsigned roll(unsigned n)
{
	rolled = rolled * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(rolled >> 33) % n;
}

static char values[LOG_LEN][640];

/* Calls whose two ends lie up to two holds apart, in any order, some without another end; time runs on unevenly. */
static void write_log(void)
{
	static const char *const services[] = {"cart", "billing", "stock", "mail"};
	int64_t at = BENCH_NOW - 40000 * NS_PER_S;
	struct {
		unsigned id;
		bool client;
	} waiting[64];
	size_t len = 0;
	unsigned next = 1;
	for (size_t i = 0; i < LOG_LEN; i++) {
		at += roll(50) == 0 ? roll(100) * NS_PER_S : roll(2000) * NS_PER_MS;
		bool second = len > 0 && (len == 64 || roll(2));
		size_t k = second ? roll((unsigned)len) : len++;
		if (!second) {
			waiting[k].id = next++;
			waiting[k].client = roll(2);
		}
		bool client = second ? !waiting[k].client : waiting[k].client;
		unsigned id = waiting[k].id;
		int64_t end = at - roll(20) * NS_PER_S;
		snprintf(values[i], sizeof(values[i]),
			"{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"%s\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\","
			"\"spanId\":\"%016x\",\"parentSpanId\":\"%016x\",\"name\":\"x\",\"kind\":%d,\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\",\"attributes\":[%s]}]}]}]}",
			services[roll(4)], client ? id : id + 1000000, client ? 7777777 : id, client ? 3 : 2, (long long)end, (long long)end,
			roll(3) ? "" : "{\"key\":\"peer.service\",\"value\":{\"stringValue\":\"bank\"}}");
		if (second)
			waiting[k] = waiting[--len];
	}
}

/* Adds the open increments of the graph's families to totals, by series. */
struct total {
	uint64_t hash, count;
};

static void collect(struct shard *s, struct total *totals, size_t *len)
{
	size_t entries_len;
	const struct tally_entry *entries = tally_entries(shard_tally(s), &entries_len);
	for (size_t i = 0; i < entries_len; i++) {
		const struct tally_series *series = tally_series_at(shard_tally(s), entries[i].series);
		size_t k = 0;
		if (series->family < FAMILY_GRAPH_REQUESTS || series->family > FAMILY_GRAPH_UNPAIRED)
			continue;
		while (k < *len && totals[k].hash != series->hash)
			k++;
		if (k == *len)
			totals[(*len)++] = (struct total){.hash = series->hash};
		totals[k].count += entries[i].count;
	}
	shard_clear(s);
}

static int by_hash(const void *a, const void *b)
{
	const struct total *x = a, *y = b;
	return (x->hash > y->hash) - (x->hash < y->hash);
}

/* Reads the log with processes that die after so many records each (0: one that lives), the last delta of each having said where to go on. */
static size_t run_log(bool kills, struct total *totals)
{
	struct shard_start at = {0};
	size_t len = 0;
	while (at.offset < LOG_LEN) {
		struct shard_opts opts = {.step_ns = BENCH_STEP, .hold_ns = HOLD};
		struct shard *s = shard_new(&opts);
		struct shard_partition p = {.topic = SLICE("t")};
		shard_partition_start(&p, &at, &opts);
		size_t lives = kills ? 1 + roll(400) : SIZE_MAX, posted = lives - (kills ? roll(20) % lives : 0);
		for (size_t fed = 0; fed < lives && p.expected < LOG_LEN;) {
			int64_t o = p.expected;
			bool counts = o >= p.count_from;
			assert_int_equal(shard_feed(s, &p, slice_str(values[o]), o, o + 1, BENCH_NOW, BENCH_NOW), SHARD_COUNTED);
			fed += counts;
			if (fed == posted || p.expected == LOG_LEN) { /* the last delta in the journal; what comes behind it is lost */
				collect(s, totals, &len);
				shard_partition_successor(&p, &at);
				posted = SIZE_MAX;
			}
		}
		shard_partition_done(&p);
		shard_free(s);
	}
	qsort(totals, len, sizeof(*totals), by_hash);
	return len;
}

static void processes_that_die_come_to_the_same_graph_as_one_that_lives(void **state)
{
	static struct total one[4096], many[4096];
	(void)state;
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		rolled = seed;
		write_log();
		size_t len = run_log(false, one);
		assert_in_range(len, 20, 4096);
		size_t got = run_log(true, many);
		if (got != len || memcmp(one, many, len * sizeof(one[0])) != 0)
			fail_msg("seed %llu: %zu series, %zu with kills, or other counts", (unsigned long long)seed, len, got);
	}
}

static void a_partition_without_spans_is_not_replayed(void **state)
{
	struct bench b;
	struct shard_start next;
	(void)state;
	bench_open(&b, (struct shard_opts){.hold_ns = HOLD}, NULL);
	for (int i = 0; i < 100; i++)
		bench_log(&b, "cart", "info", "hello");
	shard_partition_successor(&b.partition, &next);
	assert_int_equal(next.offset, 100);
	assert_int_equal(next.replay, 100);
	bench_done(&b);
}

static void records_below_the_count_are_fed_and_not_counted(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, (struct shard_opts){.hold_ns = HOLD}, NULL);
	shard_partition_start(&b.partition, &(struct shard_start){.offset = 3, .replay = 1, .replay_time_ns = BENCH_NOW}, &(struct shard_opts){.hold_ns = HOLD});
	assert_int_equal(shard_partition_to(&b.partition), 3);
	bench_feed(&b, "{\"message\":\"counted already\"}");
	bench_feed(&b, "{\"message\":\"counted already\"}");
	assert_int_equal(SUM_ALL(&b, FAMILY_LOG_RECORDS), 0);
	bench_feed(&b, "{\"message\":\"new\"}");
	assert_int_equal(SUM_ALL(&b, FAMILY_LOG_RECORDS), 1);
	assert_int_equal(shard_partition_to(&b.partition), 4);
	shard_partition_done(&b.partition);
	bench_done(&b);
}

static void offsets_that_were_counted_before_they_went_are_no_gap(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, (struct shard_opts){.hold_ns = HOLD}, NULL);
	shard_partition_start(&b.partition, &(struct shard_start){.offset = 30, .replay = 10, .replay_time_ns = BENCH_NOW}, &(struct shard_opts){.hold_ns = HOLD});
	assert_int_equal(shard_feed(b.shard, &b.partition, SLICE("{\"message\":\"a\"}"), 20, 21, 0, BENCH_NOW), SHARD_GAP);
	assert_int_equal(shard_feed(b.shard, &b.partition, SLICE("{\"message\":\"a\"}"), 20, 21, 0, BENCH_NOW), SHARD_COUNTED);
	assert_int_equal(b.partition.gap, 0);
	assert_int_equal(shard_feed(b.shard, &b.partition, SLICE("{\"message\":\"a\"}"), 32, 33, 0, BENCH_NOW), SHARD_GAP);
	assert_int_equal(shard_feed(b.shard, &b.partition, SLICE("{\"message\":\"a\"}"), 32, 33, 0, BENCH_NOW), SHARD_COUNTED);
	assert_int_equal(b.partition.gap, 2);
	shard_partition_done(&b.partition);
	bench_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_point_lies_three_holds_behind),
		cmocka_unit_test(a_leap_in_time_leaves_the_last_point_before_it),
		cmocka_unit_test(processes_that_die_come_to_the_same_graph_as_one_that_lives),
		cmocka_unit_test(a_partition_without_spans_is_not_replayed),
		cmocka_unit_test(records_below_the_count_are_fed_and_not_counted),
		cmocka_unit_test(offsets_that_were_counted_before_they_went_are_no_gap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
