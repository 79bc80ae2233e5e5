/* SPDX-License-Identifier: Apache-2.0 */
/* Spans that come in a row are counted together, others one by one: both ways come to the same. What makes a shard count one by one is that some service, which sends nothing, is under incident. */
#include "../check.h"
#include "../random.h"
#include "base/buf.h"
#include "engine/incident.h"
#include "engine/shard.h"

enum { MESSAGES = 3000, SPANS = 30, CLEAR = 50, WAYS = 7 };

static const struct sampling sampled = {.on = true, .errors = true, .share = 0.1, .slow_ns = NS_PER_S, .hold_ns = 30 * NS_PER_S, .quiet_ns = 5 * NS_PER_S, .grace_ns = 10 * NS_PER_S, .memory = 64 << 20};
static const char *const dimensions[] = {"server.address"};
static const struct shard_opts ways[WAYS] = {
	{.step_ns = 10 * NS_PER_S, .hold_ns = 30 * NS_PER_S},
	{.step_ns = 10 * NS_PER_S},
	{.step_ns = NS_PER_S, .hold_ns = NS_PER_S, .window_ns = 20 * NS_PER_S, .label_values = 6, .native = true},
	{.step_ns = 10 * NS_PER_S, .hold_ns = 30 * NS_PER_S, .graph_of_services = true},
	{.step_ns = 10 * NS_PER_S, .hold_ns = 30 * NS_PER_S, .sampling = &sampled},
	{.step_ns = 10 * NS_PER_S, .hold_ns = 30 * NS_PER_S, .span_preset = 2},
	{.step_ns = 10 * NS_PER_S, .span_dimensions = dimensions, .span_dimensions_len = 1, .exceptions_are_errors = true},
};

static void add_text(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "\"%s\":\"%s\",", name, value);
}

/* Mostly a usual one; now and then something is missing, or more is there. */
static void add_span(struct buf *b, int64_t at_ns, unsigned trace)
{
	static const char *const names[] = {"GET /cart", "take", "a step that has a long name", "b", "", "GET /cart/7", "put", "c1", "c2", "c3"};
	static const int64_t off[] = {0, -NS_PER_S, 12 * NS_PER_S, -40 * NS_PER_S, 400 * NS_PER_S};
	int64_t end_ns = at_ns + (int64_t)below(2000) * NS_PER_MS + (below(30) ? 0 : off[below(5)]), took_ns = below(60) ? (int64_t)below(1500) * NS_PER_MS : -NS_PER_S;
	buf_add_char(b, '{');
	if (below(50))
		buf_printf(b, "\"traceId\":\"00000000000000aa%016x\",", trace);
	if (below(50))
		buf_printf(b, "\"spanId\":\"%016x\",", (unsigned)below(200));
	if (below(3))
		buf_printf(b, "\"parentSpanId\":\"%016x\",", (unsigned)below(200));
	add_text(b, "name", names[below(10)]);
	if (below(20) == 0)
		add_text(b, "traceState", "ot=th:8");
	if (below(10) == 0)
		buf_printf(b, "\"status\":{\"code\":%zu},", below(3));
	if (below(10) == 0)
		buf_add_str(b, "\"attributes\":[{\"key\":\"server.address\",\"value\":{\"stringValue\":\"db-1\"}},{\"key\":\"http.request.method\",\"value\":{\"stringValue\":\"GET\"}}],");
	if (below(20) == 0)
		buf_add_str(b, "\"attributes\":[{\"key\":\"db.system\",\"value\":{\"stringValue\":\"mysql\"}},{\"key\":\"sampling.probability\",\"value\":{\"doubleValue\":0.4}}],");
	if (below(60))
		buf_printf(b, "\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\",", (long long)(end_ns - took_ns), (long long)end_ns);
	buf_printf(b, "\"kind\":%zu}", below(8) ? 1 : below(6));
}

static void make_message(struct buf *b, int64_t at_ns)
{
	buf_reset(b);
	buf_add_str(b, "{\"resourceSpans\":[");
	for (size_t resource = 0, resources = 1 + below(2); resource < resources; resource++) {
		buf_printf(b, "%s{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"%s\"}}]},\"scopeSpans\":[{\"spans\":[", resource ? "," : "", below(20) ? (below(2) ? "cart" : "stock") : "");
		unsigned trace = (unsigned)below(1000);
		for (size_t i = 0, spans = 1 + below(SPANS); i < spans; i++) {
			if (i)
				buf_add_char(b, ',');
			add_span(b, at_ns, below(5) ? trace : (unsigned)below(1000));
		}
		buf_add_str(b, "]}]}");
	}
	buf_add_str(b, "]}");
}

static const struct tally_entry *find(struct shard *s, uint64_t hash, int64_t step)
{
	size_t len;
	const struct tally_entry *entries = tally_entries(shard_tally(s), &len);
	for (size_t i = 0; i < len; i++)
		if (entries[i].step == step && tally_series_at(shard_tally(s), entries[i].series)->hash == hash)
			return &entries[i];
	return NULL;
}

static void check_same_entry(const struct tally_entry *a, const struct tally_entry *b, size_t bounds)
{
	assert_non_null(b);
	assert_int_equal(a->count, b->count);
	assert_true(a->sum == b->sum);
	assert_int_equal(a->exemplar.rank, b->exemplar.rank);
	if (a->exemplar.rank)
		assert_memory_equal(&a->exemplar, &b->exemplar, offsetof(struct exemplar, rank));
	if (a->buckets)
		assert_memory_equal(a->buckets, b->buckets, (bounds + 1) * sizeof(*a->buckets));
}

static void check_same(struct shard *rows, struct shard *single)
{
	size_t len, other;
	const struct tally_entry *entries = tally_entries(shard_tally(rows), &len);
	tally_entries(shard_tally(single), &other);
	assert_int_equal(len, other);
	for (size_t i = 0; i < len; i++) {
		const struct tally_series *series = tally_series_at(shard_tally(rows), entries[i].series);
		check_same_entry(&entries[i], find(single, series->hash, entries[i].step), family_get(series->family)->bounds_len);
	}
	assert_int_equal(shard_totals(rows)->consumed, shard_totals(single)->consumed);
}

static void check_same_traces(struct shard *rows, struct shard *single)
{
	size_t len, other;
	const struct shard_trace *a = shard_traces(rows, &len), *b = shard_traces(single, &other);
	assert_int_equal(len, other);
	for (size_t i = 0; i < len; i++)
		assert_true(a[i].trace == b[i].trace && a[i].time_ns == b[i].time_ns && a[i].reasons == b[i].reasons);
}

static void each_way(const struct shard_opts *opts)
{
	const struct incident elsewhere = {.service = SLICE("nobody"), .from_ns = 0, .until_ns = INT64_MAX};
	struct shard *shards[2] = {shard_new(opts), shard_new(opts)};
	struct shard_partition partitions[2] = {{.topic = SLICE("t")}, {.topic = SLICE("t")}};
	struct buf message = {0};
	int64_t now_ns = RANDOM_NOW_NS, offset = 0;
	shard_set_incidents(shards[1], incidents_new(&elsewhere, 1), false);
	for (size_t i = 0; i < 2; i++)
		shard_partition_start(&partitions[i], &(struct shard_start){0}, opts);
	for (size_t n = 0; n < MESSAGES; n++, offset++) {
		now_ns += (int64_t)below(200) * NS_PER_MS;
		make_message(&message, now_ns - 3 * NS_PER_S);
		int64_t source_ns = below(10) ? now_ns : below(2) ? now_ns - 20 * NS_PER_S : 0;
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(shard_feed(shards[i], &partitions[i], buf_slice(&message), offset, offset + 1, source_ns, now_ns), SHARD_COUNTED);
		assert_true(partitions[0].newest_ns == partitions[1].newest_ns);
		if (n % CLEAR < CLEAR - 1)
			continue;
		check_same(shards[0], shards[1]);
		check_same_traces(shards[0], shards[1]);
		for (size_t i = 0; i < 2; i++)
			shard_clear(shards[i]);
	}
	for (size_t i = 0; i < 2; i++) {
		shard_partition_done(&partitions[i]);
		shard_free(shards[i]);
	}
	buf_done(&message);
}

static void a_row_comes_to_what_its_spans_come_to_one_by_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < WAYS; i++)
		each_way(&ways[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_row_comes_to_what_its_spans_come_to_one_by_one)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
