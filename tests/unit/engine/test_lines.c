/* SPDX-License-Identifier: Apache-2.0 */
/* Lines in pieces and traces line by line: one record of each, every message with one outcome, whoever dies when. */
#include "../check.h"
#include "bench.h"
#include "engine/lines.h"

static void check_books(struct bench *b, uint64_t consumed, uint64_t joined)
{
	assert_int_equal(SUM_ALL(b, FAMILY_RECORDS_CONSUMED), consumed);
	assert_int_equal(SUM_ALL(b, FAMILY_RECORDS), consumed);
	assert_int_equal(SUM(b, FAMILY_RECORDS, {"outcome", "joined"}), joined);
	assert_int_equal(SUM_ALL(b, FAMILY_LOG_RECORDS), consumed - joined);
}

/* The text of the only example of a pattern that holds the word. */
static void check_example(struct bench *b, const char *text)
{
	size_t len;
	const struct shard_example *examples = shard_examples(b->shard, &len);
	for (size_t i = 0; i < len; i++)
		if (slice_eq(examples[i].text, slice_str(text)))
			return;
	fail_msg("no example is \"%s\", the first of %zu is \"%.*s\"", text, len, len ? (int)examples[0].text.len : 0, len ? examples[0].text.ptr : "");
}

#define CHECK_LINES(rows, joined, text) check_lines(rows, sizeof(rows) / sizeof(rows[0]), joined, text)

static void check_lines(const char *const *rows, size_t len, uint64_t joined, const char *text)
{
	struct bench b;
	bench_open(&b, (struct shard_opts){0}, NULL);
	for (size_t i = 0; i < len; i++)
		bench_feed(&b, rows[i]);
	check_books(&b, len, joined);
	check_example(&b, text);
	shard_partition_done(&b.partition);
	bench_done(&b);
}

static void pieces_that_cri_tagged_become_one_record(void **state)
{
	static const char *const plain[] = {"2026-03-04T09:15:00.1Z stdout P order 7 ", "2026-03-04T09:15:00.2Z stdout P was", "2026-03-04T09:15:00.3Z stdout F  accepted"};
	static const char *const json[] = {"2026-03-04T09:15:00.1Z stderr P {\"level\":\"error\",\"msg\":\"redis", "2026-03-04T09:15:00.2Z stderr F  is gone\"}"};
	static const char *const tagged[] = {"{\"time\":\"2026-03-04T09:15:00Z\",\"stream\":\"stdout\",\"logtag\":\"P\",\"log\":\"order 8 \"}",
		"{\"time\":\"2026-03-04T09:15:00Z\",\"stream\":\"stdout\",\"logtag\":\"F\",\"log\":\"accepted\"}"};
	static const char *const inside[] = {"{\"log\":\"2026-03-04T09:15:00.1Z stdout P order 9 \",\"kubernetes\":{\"pod_name\":\"a\"}}", "{\"log\":\"2026-03-04T09:15:00.1Z stdout F done\",\"kubernetes\":{\"pod_name\":\"a\"}}"};
	(void)state;
	CHECK_LINES(plain, 2, "order 7 was accepted");
	CHECK_LINES(json, 1, "redis is gone");
	CHECK_LINES(tagged, 1, "order 8 accepted");
	CHECK_LINES(inside, 1, "order 9 done");
}

static void documents_that_docker_cut_become_one_record(void **state)
{
	static const char *const two[] = {"{\"log\":\"{\\\"level\\\":\\\"error\\\",\\\"msg\\\":\\\"redis is \",\"stream\":\"stderr\",\"time\":\"2026-03-04T09:15:00.1Z\"}",
		"{\"log\":\"gone\\\"}\\n\",\"stream\":\"stderr\",\"time\":\"2026-03-04T09:15:00.1Z\"}"};
	static const char *const three[] = {"{\"log\":\"{\\\"level\\\":\\\"error\\\",\\\"msg\\\":\\\"redis \",\"stream\":\"stderr\",\"time\":\"2026-03-04T09:15:00.1Z\"}",
		"{\"log\":\"is \",\"stream\":\"stderr\",\"time\":\"2026-03-04T09:15:00.1Z\"}", "{\"log\":\"gone\\\"}\\n\",\"stream\":\"stderr\",\"time\":\"2026-03-04T09:15:00.1Z\"}"};
	static const char *const driver[] = {"{\"log\":\"redis is \",\"source\":\"stderr\",\"container_id\":\"a1\",\"partial_message\":\"true\",\"partial_id\":\"p\",\"partial_ordinal\":\"1\",\"partial_last\":\"false\"}",
		"{\"log\":\"gone\",\"source\":\"stderr\",\"container_id\":\"a1\",\"partial_message\":\"true\",\"partial_id\":\"p\",\"partial_ordinal\":\"2\",\"partial_last\":\"true\"}"};
	(void)state;
	CHECK_LINES(two, 1, "redis is gone");
	CHECK_LINES(three, 2, "redis is gone");
	CHECK_LINES(driver, 1, "redis is gone");
}

static void text_without_an_end_of_line_is_whole_all_the_same(void **state)
{
	static const char *const rows[] = {"{\"log\":\"order 1 accepted\",\"stream\":\"stdout\",\"time\":\"2026-03-04T09:15:00.1Z\"}", "{\"log\":\"order 2 accepted\",\"stream\":\"stdout\",\"time\":\"2026-03-04T09:15:00.1Z\"}",
		"{\"log\":\"{no json\",\"stream\":\"stdout\",\"time\":\"2026-03-04T09:15:00.1Z\"}"};
	(void)state;
	CHECK_LINES(rows, 0, "order 1 accepted");
}

static void containers_and_streams_are_kept_apart(void **state)
{
	struct bench b;
	(void)state;
	bench_open(&b, (struct shard_opts){0}, NULL);
	bench_feed(&b, "{\"stream\":\"stdout\",\"logtag\":\"P\",\"log\":\"cart \",\"kubernetes\":{\"pod_name\":\"cart-1\"}}");
	bench_feed(&b, "{\"stream\":\"stdout\",\"logtag\":\"P\",\"log\":\"mail \",\"kubernetes\":{\"pod_name\":\"mail-1\"}}");
	bench_feed(&b, "{\"stream\":\"stderr\",\"logtag\":\"F\",\"log\":\"alone\",\"kubernetes\":{\"pod_name\":\"cart-1\"}}");
	bench_feed(&b, "{\"stream\":\"stdout\",\"logtag\":\"F\",\"log\":\"sent\",\"kubernetes\":{\"pod_name\":\"mail-1\"}}");
	bench_feed(&b, "{\"stream\":\"stdout\",\"logtag\":\"F\",\"log\":\"filled\",\"kubernetes\":{\"pod_name\":\"cart-1\"}}");
	check_books(&b, 5, 2);
	check_example(&b, "cart filled");
	check_example(&b, "mail sent");
	check_example(&b, "alone");
	shard_partition_done(&b.partition);
	bench_done(&b);
}

static void a_line_is_bounded_in_pieces_bytes_and_time(void **state)
{
	struct bench b;
	char value[17000];
	struct shard_start next;
	(void)state;
	bench_open(&b, (struct shard_opts){0}, NULL);
	memset(value, 'x', sizeof(value));
	memcpy(value, "2026-03-04T09:15:00.1Z stdout P ", 32);
	value[32 + 16384] = 0;
	for (int i = 0; i < 20; i++)
		bench_feed(&b, value);
	check_books(&b, 20, 19);
	shard_partition_successor(&b.partition, &next);
	assert_true(next.replay < next.offset);
	/* the last three still wait; five seconds later nobody waits for them */
	bench_feed(&b, "2026-03-04T09:15:06Z stdout F late");
	check_example(&b, "late");
	shard_partition_successor(&b.partition, &next);
	assert_int_equal(next.replay, next.offset);
	shard_partition_done(&b.partition);
	bench_done(&b);
}

static void a_line_that_fills_the_buffer_goes_on_only_if_the_configuration_says_so(void **state)
{
	static const char head[] = "{\"stream\":\"stdout\",\"log\":\"";
	char full[17000];
	(void)state;
	memset(full, 'x', sizeof(full));
	memcpy(full, head, sizeof(head) - 1);
	memcpy(full + sizeof(head) - 1 + 16384, "\"}", 3);
	for (int join = 0; join < 2; join++) {
		struct bench b;
		bench_open(&b, (struct shard_opts){.join_full = join}, NULL);
		bench_feed(&b, full);
		bench_feed(&b, "{\"stream\":\"stdout\",\"log\":\"the rest\\n\"}");
		check_books(&b, 2, join ? 1 : 0);
		shard_partition_done(&b.partition);
		bench_done(&b);
	}
}

static void traces_belong_to_the_record_before_them(void **state)
{
	static const char *const java[] = {"{\"log\":\"2026-03-04 09:15:00,481 ERROR shop.Cart - no stock\\n\",\"stream\":\"stdout\"}", "{\"log\":\"\\tat com.shop.Cart.fill(Cart.java:41)\\n\",\"stream\":\"stdout\"}",
		"{\"log\":\"Caused by: java.io.IOException: gone\\n\",\"stream\":\"stdout\"}", "{\"log\":\"\\t... 23 more\\n\",\"stream\":\"stdout\"}"};
	static const char *const python[] = {"2026-03-04T09:15:00.1Z stderr F 2026-03-04 09:15:00,481 - pay - ERROR - charge declined", "2026-03-04T09:15:00.1Z stderr F Traceback (most recent call last):",
		"2026-03-04T09:15:00.1Z stderr F   File \"a.py\", line 1, in <module>", "2026-03-04T09:15:00.1Z stderr F     charge()", "2026-03-04T09:15:00.1Z stderr F ValueError: no"};
	static const char *const plain[] = {"2026-03-04 09:15:00.481 ERROR shop - panic", "goroutine 1 [running]:", "main.(*Server).handle(0xc000010000, 0x1)", "\t/app/main.go:41 +0x1d", "   at Shop.Cart.Fill() in Cart.cs:line 4"};
	static const char *const head[] = {"{\"log\":\"2026-03-04 09:15:00,481 ERROR shop.Cart - no stock\\n\",\"stream\":\"stdout\"}", "{\"log\":\"java.lang.IllegalStateException: none left\\n\",\"stream\":\"stdout\"}",
		"{\"log\":\"\\tat com.shop.Cart.fill(Cart.java:41)\\n\",\"stream\":\"stdout\"}", "{\"log\":\"Caused by: java.io.IOException: gone\\n\",\"stream\":\"stdout\"}"};
	static const char *const bare[] = {"2026-03-04 09:15:00,481 ERROR shop.Cart - no stock", "java.lang.IllegalStateException: none left", "\tat com.shop.Cart.fill(Cart.java:41)"};
	static const char *const rust[] = {"2026-03-04T09:15:00.1Z stderr F thread 'main' panicked at src/main.rs:4:5:", "2026-03-04T09:15:00.1Z stderr F stack backtrace:", "2026-03-04T09:15:00.1Z stderr F    0: rust_begin_unwind",
		"2026-03-04T09:15:00.1Z stderr F              at /rustc/library/std/src/panicking.rs:645:5", "2026-03-04T09:15:00.1Z stderr F   10: main", "2026-03-04T09:15:00.1Z stderr F note: run with `RUST_BACKTRACE=1`"};
	(void)state;
	CHECK_LINES(head, 3, "no stock");
	CHECK_LINES(bare, 2, "no stock");
	CHECK_LINES(rust, 5, "thread 'main' panicked at src/main.rs:4:5:");
	CHECK_LINES(java, 3, "no stock");
	CHECK_LINES(python, 4, "charge declined");
	CHECK_LINES(plain, 4, "panic");
}

static void an_exception_without_a_trace_is_a_record(void **state)
{
	static const char *const rows[] = {"{\"log\":\"ConnectionError: refused\\n\",\"stream\":\"stderr\"}", "{\"log\":\"order 7 accepted\\n\",\"stream\":\"stdout\"}"};
	static const char *const others[] = {"{\"log\":\"2026-03-04 09:15:00,481 ERROR shop - no\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-04T09:15:00.481Z\"}",
		"{\"log\":\"ConnectionError: refused\\n\",\"stream\":\"stderr\",\"time\":\"2026-03-04T09:15:00.481Z\"}", "{\"log\":\"ConnectionError: late\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-04T09:15:02Z\"}"};
	(void)state;
	CHECK_LINES(others, 0, "ConnectionError: refused");
	CHECK_LINES(rows, 0, "ConnectionError: refused");
}

/* --- a log of pieces, and processes that die --- */

enum { LOG_LEN = 2000, ROUNDS = 40, PODS = 5 };

static uint64_t rolled;

static unsigned roll(unsigned n)
{
	rolled = rolled * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(rolled >> 33) % n;
}

static char values[LOG_LEN][256];

/* Lines of some pieces, some of which never end, of several pods at once; traces; time runs on unevenly. */
static void write_log(void)
{
	static const char *const texts[] = {"order taken by the clerk ", "parcel ", "refund of money ", "stock is low "};
	int64_t at = BENCH_NOW - 40000 * NS_PER_S;
	for (size_t i = 0; i < LOG_LEN; i++) {
		at += roll(40) == 0 ? roll(20) * NS_PER_S : roll(600) * NS_PER_MS;
		unsigned kind = roll(10), pod = roll(PODS);
		const char *text = kind == 3 ? "2026-03-04 09:15:00 ERROR shop - no stock" : kind == 0 ? "Traceback (most recent call last):" : kind == 1 ? "ValueError: no" : kind == 2 ? "    charge()" : texts[roll(4)];
		snprintf(values[i], sizeof(values[i]), "{\"log\":\"%s\",\"stream\":\"stdout\",\"logtag\":\"%s\",\"time\":\"%lld\",\"kubernetes\":{\"pod_name\":\"p%u\",\"labels\":{\"app\":\"shop\"}}}", text,
			kind > 5 ? "P" : "F", (long long)at, pod);
	}
}

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
		if (series->family != FAMILY_RECORDS && series->family != FAMILY_LOG_RECORDS)
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

/* As in test_replay.c: each process but the last dies after so many records, and what it counted behind its last delta is lost. */
static size_t run_log(bool kills, struct total *totals)
{
	struct shard_start at = {0};
	size_t len = 0;
	while (at.offset < LOG_LEN) {
		struct shard_opts opts = {.step_ns = BENCH_STEP};
		struct shard *s = shard_new(&opts);
		struct shard_partition p = {.topic = SLICE("t")};
		shard_partition_start(&p, &at, &opts);
		size_t lives = kills ? 1 + roll(100) : SIZE_MAX, posted = lives - (kills ? roll(20) % lives : 0);
		for (size_t fed = 0; fed < lives && p.expected < LOG_LEN;) {
			int64_t o = p.expected;
			bool counts = o >= p.count_from;
			assert_int_equal(shard_feed(s, &p, slice_str(values[o]), o, o + 1, BENCH_NOW, BENCH_NOW), SHARD_COUNTED);
			fed += counts;
			if (fed == posted || p.expected == LOG_LEN) {
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

static void processes_that_die_count_the_same_lines_as_one_that_lives(void **state)
{
	static struct total one[512], many[512];
	(void)state;
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		rolled = seed;
		write_log();
		size_t len = run_log(false, one), got = run_log(true, many);
		assert_in_range(len, 3, 512);
		if (got != len || memcmp(one, many, len * sizeof(one[0])) != 0)
			fail_msg("seed %llu: %zu series, %zu with kills, or other counts", (unsigned long long)seed, len, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_that_cri_tagged_become_one_record),
		cmocka_unit_test(documents_that_docker_cut_become_one_record),
		cmocka_unit_test(text_without_an_end_of_line_is_whole_all_the_same),
		cmocka_unit_test(containers_and_streams_are_kept_apart),
		cmocka_unit_test(a_line_is_bounded_in_pieces_bytes_and_time),
		cmocka_unit_test(a_line_that_fills_the_buffer_goes_on_only_if_the_configuration_says_so),
		cmocka_unit_test(traces_belong_to_the_record_before_them),
		cmocka_unit_test(an_exception_without_a_trace_is_a_record),
		cmocka_unit_test(processes_that_die_count_the_same_lines_as_one_that_lives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
