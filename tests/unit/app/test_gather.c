/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "../engine/bench.h"
#include "app/gather.h"
#include "ledger/ledger.h"

static void a_body_holds_only_the_series_it_uses(void **state)
{
	(void)state;
	struct bench b;
	struct gather g = {0};
	struct delta_body body;
	bench_open(&b, (struct shard_opts){0}, NULL);
	for (int i = 0; i < 50; i++) {
		char service[20];
		snprintf(service, sizeof(service), "s%d", i);
		bench_log(&b, service, "info", "started");
	}
	gather(&g, b.shard, &body);
	assert_int_equal(body.patterns_len, 50);
	assert_int_equal(body.examples_len, 50);
	shard_clear(b.shard);
	gather(&g, b.shard, &body);
	assert_int_equal(body.entries_len + body.series_len + body.patterns_len + body.examples_len, 0);
	bench_log(&b, "s49", "info", "started");
	gather(&g, b.shard, &body);
	assert_int_equal(body.series_len, body.entries_len);
	bool found = false;
	for (size_t i = 0; i < body.entries_len; i++) {
		assert_true(body.entries[i].series < body.series_len);
		const struct tally_series *s = &body.series[body.entries[i].series];
		found |= s->family == FAMILY_LOG_RECORDS && bench_has_label(s, "service_name", "s49");
	}
	assert_true(found);
	assert_int_equal(body.patterns_len, 0);
	gather_done(&g);
	bench_done(&b);
}

static void what_is_gathered_can_be_encoded_and_read(void **state)
{
	(void)state;
	struct bench b;
	struct gather g = {0};
	struct delta_body body;
	struct delta read;
	struct arena arena = {0};
	struct buf record = {0}, scratch = {0};
	bench_open(&b, (struct shard_opts){0}, NULL);
	for (int i = 0; i < 500; i++)
		bench_log(&b, i % 2 ? "cart" : "billing", "error", i % 3 ? "stored item" : "took order");
	gather(&g, b.shard, &body);
	struct delta_range range = {.topic = b.partition.topic, .to = b.partition.expected, .replay = b.partition.expected, .newest_ns = b.partition.newest_ns};
	struct delta_header header = {.writer = 1, .seq = 1, .journal_time_ns = BENCH_NOW, .ranges = &range, .ranges_len = 1};
	delta_encode(&record, &header, &body);
	assert_int_equal(delta_decode(buf_slice(&record), &arena, &scratch, &read), 0);
	assert_int_equal(read.body.entries_len, body.entries_len);
	assert_int_equal(read.body.patterns_len, 4);
	assert_int_equal(read.body.examples_len, 4);
	for (size_t i = 0; i < body.entries_len; i++) {
		assert_int_equal(read.body.entries[i].count, body.entries[i].count);
		assert_int_equal(read.body.series[read.body.entries[i].series].family, body.series[body.entries[i].series].family);
	}
	arena_done(&arena);
	buf_done(&record);
	buf_done(&scratch);
	gather_done(&g);
	bench_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_holds_only_the_series_it_uses),
		cmocka_unit_test(what_is_gathered_can_be_encoded_and_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
