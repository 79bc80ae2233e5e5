/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/map.h"
#include "base/mem.h"
#include "bench.h"
#include "engine/open.h"
#include "engine/sampler.h"

#define HOLD (30 * NS_PER_S)
#define GRACE (10 * NS_PER_S)

static const struct sampling policy = {.on = true, .errors = true, .slow_ns = 500 * NS_PER_MS, .hold_ns = HOLD, .quiet_ns = 5 * NS_PER_S, .grace_ns = GRACE, .memory = 64 << 20};

static char value[2048];

/* A message with one span. The trace's number makes its id; parent 0: a root. */
static const char *span_text(unsigned trace, unsigned span, unsigned parent, int64_t end_ns, int64_t took_ns, int status, const char *attributes)
{
	char parent_text[64] = "";
	if (parent)
		snprintf(parent_text, sizeof(parent_text), "\"parentSpanId\":\"%016x\",", parent);
	snprintf(value, sizeof(value),
		"{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"cart\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"lib\"},\"spans\":[{\"traceId\":"
		"\"aaaaaaaaaaaaaaaabbbbbbbb%08x\",\"spanId\":\"%016x\",%s\"name\":\"GET /x\",\"kind\":2,\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\",\"status\":{\"code\":%d},\"attributes\":[%s]}]}]}]}",
		trace, span, parent_text, (long long)(end_ns - took_ns), (long long)end_ns, status, attributes);
	return value;
}

static uint64_t number_of(unsigned trace)
{
	char id[40];
	snprintf(id, sizeof(id), "aaaaaaaaaaaaaaaabbbbbbbb%08x", trace);
	return sampling_hash(slice_str(id));
}

/* What came out: spans by trace. */
enum { TRACES = 4096 };
static struct {
	size_t spans, messages;
	unsigned reasons;
	uint64_t ids; /* of spans, those below 64 */
} out[TRACES];

static uint64_t ids_in(struct slice otlp)
{
	uint64_t ids = 0;
	for (unsigned id = 1; id < 64; id++) {
		const char field[] = {0x12, 8, 0, 0, 0, 0, 0, 0, 0, (char)id};
		ids |= (uint64_t)(memmem(otlp.ptr, otlp.len, field, sizeof(field)) != NULL) << id;
	}
	return ids;
}

static void take(void *arg, const struct shard_kept *kept)
{
	char text[9] = "";
	(void)arg;
	assert_int_equal(kept->trace_id.len, 32);
	memcpy(text, kept->trace_id.ptr + 24, 8);
	unsigned trace = (unsigned)strtoul(text, NULL, 16);
	assert_in_range(trace, 0, TRACES - 1);
	assert_true(kept->otlp.len > 0);
	out[trace].spans += kept->spans;
	out[trace].messages++;
	out[trace].reasons |= kept->reasons;
	out[trace].ids |= ids_in(kept->otlp);
}

static void decide(struct bench *b, int64_t settled_ns)
{
	shard_decide(b->shard, &b->partition, settled_ns, take, NULL);
}

static void open_bench(struct bench *b, const struct sampling *p)
{
	memset(out, 0, sizeof(out));
	bench_open(b, (struct shard_opts){.sampling = p}, NULL);
}

static void close_bench(struct bench *b)
{
	shard_partition_done(&b->partition);
	bench_done(b);
}

#define AT(s) (BENCH_NOW - 600 * NS_PER_S + (s) * NS_PER_S)

static void feed(struct bench *b, const char *text)
{
	bench_feed(b, text);
}

static void a_trace_with_an_error_goes_out_whole_and_one_without_does_not(void **state)
{
	struct bench b;
	(void)state;
	open_bench(&b, &policy);
	feed(&b, span_text(1, 11, 10, AT(0), 1000, 0, ""));
	feed(&b, span_text(2, 21, 20, AT(0), 1000, 0, ""));
	feed(&b, span_text(1, 12, 10, AT(1), 1000, 2, ""));
	feed(&b, span_text(1, 10, 0, AT(2), 1000, 0, ""));
	feed(&b, span_text(2, 20, 0, AT(2), 1000, 0, ""));
	decide(&b, INT64_MAX);
	assert_int_equal(out[1].messages, 0); /* five seconds of silence are not over */
	feed(&b, span_text(3, 30, 0, AT(7), 1000, 0, ""));
	decide(&b, AT(2));
	assert_int_equal(out[1].messages, 0); /* other partitions have not told yet */
	decide(&b, AT(7) + GRACE);
	assert_int_equal(out[1].spans, 3);
	assert_int_equal(out[1].reasons, SAMPLING_ERROR);
	assert_int_equal(out[2].messages, 0);
	assert_int_equal(shard_sampled(b.shard)->dropped, 1);
	close_bench(&b);
}

static void traces_that_share_a_message_go_each_with_its_own_spans(void **state)
{
	static const unsigned traces[] = {1, 1, 2, 1, 3, 2, 2, 3, 1};
	struct bench b;
	struct buf message = {0};
	(void)state;
	open_bench(&b, &policy);
	buf_add_str(&message, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[");
	for (unsigned i = 0; i < 9; i++)
		buf_printf(&message, "%s{\"traceId\":\"aaaaaaaaaaaaaaaabbbbbbbb%08x\",\"spanId\":\"%016x\",\"parentSpanId\":\"00000000000000ff\",\"name\":\"x\",\"endTimeUnixNano\":\"%lld\",\"status\":{\"code\":%d}}", i ? "," : "",
			traces[i], i + 1, (long long)AT(0), i == 5 || i == 8 ? 2 : 0);
	buf_add_str(&message, "]}]}]}");
	feed(&b, buf_cstr(&message));
	feed(&b, span_text(1, 40, 5, AT(1), 1000, 0, ""));
	feed(&b, span_text(4, 41, 5, AT(100), 1000, 0, ""));
	decide(&b, INT64_MAX);
	assert_int_equal(out[1].spans, 5);
	assert_int_equal(out[1].ids, 1ull << 1 | 1ull << 2 | 1ull << 4 | 1ull << 9 | 1ull << 40);
	assert_int_equal(out[2].spans, 3);
	assert_int_equal(out[2].ids, 1ull << 3 | 1ull << 6 | 1ull << 7);
	assert_int_equal(out[3].spans, 0);
	buf_done(&message);
	close_bench(&b);
}

static void what_the_journal_says_in_time_keeps_a_trace_and_what_it_says_later_does_not(void **state)
{
	struct bench b;
	(void)state;
	open_bench(&b, &policy);
	for (unsigned i = 1; i <= 2; i++)
		feed(&b, span_text(i, i, 0, AT(0), 1000, 0, ""));
	feed(&b, span_text(3, 30, 0, AT(20), 1000, 0, ""));
	shard_learn_trace(b.shard, &(struct shard_trace){.trace = number_of(1), .time_ns = AT(5) + GRACE - NS_PER_S, .reasons = SAMPLING_LOG_ERROR});
	shard_learn_trace(b.shard, &(struct shard_trace){.trace = number_of(2), .time_ns = AT(5) + GRACE, .reasons = SAMPLING_LOG_ERROR});
	decide(&b, AT(100));
	assert_int_equal(out[1].spans, 1);
	assert_int_equal(out[2].spans, 0);
	close_bench(&b);
}

static void each_reason_counts_by_its_own_time_whatever_else_was_said(void **state)
{
	static const struct {
		int64_t time_ns;
		unsigned reason;
	} said[][2] = {{{AT(5), SAMPLING_EXAMPLE}, {AT(5) + GRACE, SAMPLING_LOG_ERROR}}, {{AT(5) + GRACE, SAMPLING_LOG_ERROR}, {AT(5), SAMPLING_EXAMPLE}},
		{{AT(5) + GRACE, SAMPLING_LOG_ERROR}, {AT(4), SAMPLING_LOG_ERROR}}, {{AT(500), SAMPLING_EXAMPLE}, {AT(5) + GRACE, SAMPLING_LOG_ERROR}}, {{AT(2), SAMPLING_LOG_ERROR}, {AT(1000), SAMPLING_LOG_ERROR}}};
	static const unsigned kept_for[] = {SAMPLING_EXAMPLE, SAMPLING_EXAMPLE, SAMPLING_LOG_ERROR, 0, SAMPLING_LOG_ERROR};
	struct bench b;
	(void)state;
	open_bench(&b, &policy);
	for (unsigned i = 0; i < 5; i++)
		feed(&b, span_text(i, i + 1, 0, AT(0), 1000, 0, ""));
	feed(&b, span_text(9, 30, 0, AT(20), 1000, 0, ""));
	for (unsigned i = 0; i < 5; i++)
		for (unsigned k = 0; k < 2; k++)
			shard_learn_trace(b.shard, &(struct shard_trace){.trace = number_of(i), .time_ns = said[i][k].time_ns, .reasons = (uint8_t)said[i][k].reason});
	decide(&b, AT(100));
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(out[i].reasons, kept_for[i]);
	close_bench(&b);
}

static void a_late_span_follows_the_decision_that_is_remembered(void **state)
{
	struct bench b;
	size_t len;
	(void)state;
	open_bench(&b, &policy);
	feed(&b, span_text(1, 10, 0, AT(0), NS_PER_S, 0, "")); /* slow */
	feed(&b, span_text(2, 20, 0, AT(0), 1000, 0, ""));
	feed(&b, span_text(3, 30, 0, AT(10), 1000, 0, ""));
	const struct shard_trace *told = shard_traces(b.shard, &len);
	assert_int_equal(len, 1);
	assert_int_equal(told[0].trace, number_of(1));
	assert_int_equal(told[0].reasons, SAMPLING_SLOW);
	decide(&b, INT64_MAX);
	assert_int_equal(out[1].spans, 1);
	feed(&b, span_text(1, 11, 10, AT(40), 1000, 0, "")); /* long after */
	feed(&b, span_text(2, 21, 20, AT(40), 1000, 0, ""));
	feed(&b, span_text(3, 31, 0, AT(80), 1000, 0, ""));
	decide(&b, INT64_MAX);
	assert_int_equal(out[1].spans, 2);
	assert_int_equal(out[2].spans, 0);
	close_bench(&b);
}

static const char *const listed[] = {"{\"key\":\"tier\",\"value\":{\"stringValue\":\"gold\"}}", "{\"key\":\"tier\",\"value\":{\"stringValue\":\"tin\"}}"};

static void services_and_attributes_on_the_list_keep(void **state)
{
	struct bench b;
	const struct sampling_match keep[] = {{SLICE("tier"), SLICE("gold")}};
	struct sampling p = policy;
	(void)state;
	p.keep = keep;
	p.keep_len = 1;
	open_bench(&b, &p);
	feed(&b, span_text(1, 1, 0, AT(0), 1000, 0, listed[0]));
	feed(&b, span_text(2, 2, 0, AT(0), 1000, 0, listed[1]));
	feed(&b, span_text(3, 3, 0, AT(20), 1000, 0, ""));
	decide(&b, INT64_MAX);
	assert_int_equal(out[1].reasons, SAMPLING_LISTED);
	assert_int_equal(out[2].messages, 0);
	close_bench(&b);
}

static void a_bound_of_the_operations_own_wins(void **state)
{
	struct bench b;
	const struct sampling_bound bounds[] = {{SLICE("cart"), SLICE("GET /x"), 2 * NS_PER_S}};
	struct sampling p = policy;
	(void)state;
	p.bounds = bounds;
	p.bounds_len = 1;
	open_bench(&b, &p);
	feed(&b, span_text(1, 1, 0, AT(0), NS_PER_S, 0, ""));
	feed(&b, span_text(2, 2, 0, AT(0), 3 * NS_PER_S, 0, ""));
	feed(&b, span_text(3, 3, 0, AT(20), 1000, 0, ""));
	decide(&b, INT64_MAX);
	assert_int_equal(out[1].messages, 0);
	assert_int_equal(out[2].reasons, SAMPLING_SLOW);
	close_bench(&b);
}

static void a_share_of_the_rest_is_kept_by_the_id_alone_within_its_rate(void **state)
{
	struct sampling p = policy;
	size_t shared = 0, within = 0;
	(void)state;
	p.share = 0.1;
	for (int limited = 0; limited < 2; limited++) {
		struct bench b;
		p.per_second = limited ? 1 : 0;
		open_bench(&b, &p);
		for (unsigned i = 1; i <= 2000; i++)
			feed(&b, span_text(i, i, 0, AT(0) + i * NS_PER_MS, 1000, 0, ""));
		feed(&b, span_text(3000, 3, 0, AT(60), 1000, 0, ""));
		decide(&b, INT64_MAX);
		for (unsigned i = 1; i <= 2000; i++) {
			shared += !limited && out[i].messages;
			within += limited && out[i].messages;
			assert_true(!out[i].messages || sampling_shares(&p, SLICE("cart"), number_of(i)));
		}
		close_bench(&b);
	}
	assert_in_range(shared, 150, 250);
	assert_int_equal(within, 10);
}

static void memory_decides_the_oldest_early_and_a_long_trace_costs_itself(void **state)
{
	struct bench b;
	struct sampling p = policy;
	(void)state;
	p.memory = 200000;
	open_bench(&b, &p);
	for (unsigned i = 1; i <= 1000; i++)
		feed(&b, span_text(i, i, 5, AT(0), 1000, i == 1 ? 2 : 0, ""));
	decide(&b, AT(0));
	assert_int_equal(out[1].spans, 1); /* the first to go, and it had a reason */
	const struct shard_sampled *s = shard_sampled(b.shard);
	assert_in_range(s->early, 100, 900);
	assert_int_equal(s->kept, 1);
	close_bench(&b);

	p.memory = 512 << 20;
	open_bench(&b, &p);
	feed(&b, span_text(1, 1, 5, AT(0), 1000, 2, ""));
	for (unsigned i = 0; i < 120000; i++)
		feed(&b, span_text(2, i + 10, 5, AT(0), 1000, i == 100000 ? 2 : 0, ""));
	decide(&b, AT(0));
	assert_int_equal(shard_sampled(b.shard)->early, 2);
	assert_int_equal(out[1].messages, 0);
	feed(&b, span_text(3, 1, 5, AT(100), 1000, 0, ""));
	decide(&b, INT64_MAX);
	assert_int_equal(out[1].spans, 1);
	assert_int_equal(out[2].spans, 120000); /* decided in parts, by the same mark */
	close_bench(&b);
}

static void an_incident_keeps_the_traces_of_its_service_also_where_they_were_counted_elsewhere(void **state)
{
	(void)state;
	for (int rekeyed = 0; rekeyed < 2; rekeyed++) {
		struct bench b;
		const struct incident now = {.service = SLICE("cart"), .from_ns = AT(10), .until_ns = AT(20)};
		open_bench(&b, &policy);
		b.partition.keying = rekeyed ? SHARD_REKEYED : SHARD_KEYED;
		shard_set_incidents(b.shard, incidents_new(&now, 1), true);
		for (unsigned i = 0; i < 3; i++) /* before, during and after */
			feed(&b, span_text(i + 1, 10 + i, 0, AT(5 + 10 * i), 1000, 0, ""));
		feed(&b, span_text(4, 40, 0, AT(100), 1000, 0, ""));
		decide(&b, INT64_MAX);
		assert_int_equal(out[1].spans + out[3].spans, 0);
		assert_int_equal(out[2].spans, 1);
		assert_int_equal(out[2].reasons, SAMPLING_INCIDENT);
		assert_int_equal(shard_totals(b.shard)->incident, rekeyed ? 0 : 1); /* a record counts in one topic */
		assert_int_equal(SUM_ALL(&b, FAMILY_SPAN_CALLS), rekeyed ? 0 : 4);
		close_bench(&b);
	}
}

static void odd_spans_cost_themselves(void **state)
{
	struct bench b;
	(void)state;
	open_bench(&b, &policy);
	feed(&b, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"abc\",\"spanId\":\"1\",\"name\":\"x\",\"endTimeUnixNano\":\"1772615100000000000\",\"status\":{\"code\":2}}]}]}]}");
	feed(&b, span_text(1, 1, 0, AT(0), -5 * NS_PER_S, 0, "")); /* ended before it began */
	feed(&b, span_text(2, 2, 0, AT(0), 1000, 2, ""));
	bench_feed_at(&b, span_text(4, 4, 7, AT(3600), 1000, 2, ""), AT(1)); /* a clock an hour ahead: Kafka's counts */
	feed(&b, span_text(2, 3, 2, AT(1), 1000, 0, ""));
	decide(&b, INT64_MAX);
	assert_int_equal(shard_sampled(b.shard)->untraced, 1);
	assert_int_equal(out[1].messages, 0);
	assert_true(shard_flush_traces(&b.partition));
	decide(&b, INT64_MAX);
	assert_int_equal(out[2].spans, 2);
	close_bench(&b);
}

static void no_exemplar_leads_to_a_trace_that_may_be_dropped(void **state)
{
	struct bench b;
	(void)state;
	open_bench(&b, &policy);
	feed(&b, span_text(1, 1, 5, AT(0), 1000, 0, ""));
	assert_int_equal(bench_entry(shard_tally(b.shard), FAMILY_SPAN_CALLS, NULL, 0)->exemplar.rank, 0);
	feed(&b, span_text(2, 1, 5, AT(0), 1000, 2, ""));
	feed(&b, span_text(1, 2, 5, AT(0), 1000, 0, ""));
	for (size_t i = 0;; i++) {
		const struct tally_entry *e = bench_entry(shard_tally(b.shard), FAMILY_SPAN_CALLS, NULL, i);
		if (!e)
			break;
		assert_true(e->exemplar.rank == 0 || e->exemplar.trace_id[31] == '2');
	}
	close_bench(&b);
}

static void log_records_mark_traces_and_name_their_patterns(void **state)
{
	struct bench b;
	size_t len;
	bool marked = false, paired = false;
	(void)state;
	open_bench(&b, &policy);
	feed(&b, "{\"level\":\"info\",\"service\":\"cart\",\"message\":\"charging card\",\"trace_id\":\"aaaaaaaaaaaaaaaabbbbbbbb00000001\",\"span_id\":\"0000000000000001\"}");
	feed(&b, "{\"level\":\"error\",\"service\":\"cart\",\"message\":\"card refused\",\"trace_id\":\"aaaaaaaaaaaaaaaabbbbbbbb00000001\",\"span_id\":\"0000000000000001\"}");
	shard_examples(b.shard, &len);
	const struct shard_trace *told = shard_traces(b.shard, &len);
	for (size_t i = 0; i < len; i++) {
		marked |= told[i].trace == number_of(1) && told[i].reasons == SAMPLING_LOG_ERROR;
		paired |= told[i].trace == number_of(1) && told[i].pattern_id && told[i].span;
		shard_learn_trace(b.shard, &(struct shard_trace){.trace = told[i].trace, .time_ns = AT(0), .reasons = told[i].reasons, .pattern_id = told[i].pattern_id, .span = told[i].span});
	}
	assert_true(marked && paired);
	assert_in_range(len, 3, 4); /* two patterns: of the record before the error as well */
	feed(&b, span_text(1, 1, 0, AT(0), 1000, 0, ""));
	feed(&b, span_text(3, 3, 0, AT(50), 1000, 0, ""));
	decide(&b, INT64_MAX);
	assert_int_equal(out[1].spans, 1);
	assert_true(out[1].reasons & SAMPLING_LOG_ERROR);
	close_bench(&b);
}

static void what_others_found_later_is_told_again_with_the_earlier_time(void **state)
{
	struct bench b;
	size_t len;
	char text[300];
	(void)state;
	open_bench(&b, &policy);
	shard_learn_trace(b.shard, &(struct shard_trace){.trace = number_of(1), .time_ns = AT(50), .reasons = SAMPLING_LOG_ERROR});
	for (int i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "{\"ts\":%lld,\"level\":\"error\",\"service\":\"cart\",\"message\":\"card refused\",\"trace_id\":\"aaaaaaaaaaaaaaaabbbbbbbb00000001\"}", (long long)(AT(i) / NS_PER_S));
		feed(&b, text);
	}
	const struct shard_trace *told = shard_traces(b.shard, &len);
	size_t marks = 0;
	for (size_t i = 0; i < len; i++)
		if (told[i].reasons == SAMPLING_LOG_ERROR) {
			marks++;
			assert_int_equal(told[i].time_ns / NS_PER_S, AT(0) / NS_PER_S);
		}
	assert_int_equal(marks, 1);
	close_bench(&b);
}

static void a_successor_leaves_to_the_dead_what_it_sees_only_the_end_of(void **state)
{
	(void)state;
	for (int cut = 0; cut < 2; cut++) {
		struct bench b;
		open_bench(&b, &policy);
		/* it is fed from the second message on: whether the trace had begun before is the journal's to know */
		const struct shard_start at = {.offset = 4, .replay = 1, .replay_time_ns = cut ? -AT(0) : AT(0), .newest_ns = AT(200)};
		shard_partition_start(&b.partition, &at, &(struct shard_opts){.sampling = &policy});
		shard_learn_trace(b.shard, &(struct shard_trace){.trace = number_of(1), .time_ns = AT(25), .reasons = SAMPLING_LOG_ERROR}); /* too late for one whose root ended five seconds before */
		feed(&b, span_text(1, 12, 11, AT(1), 1000, 0, ""));
		feed(&b, span_text(2, 21, 0, AT(150), 1000, 2, ""));
		feed(&b, span_text(3, 31, 0, AT(200), 1000, 0, ""));
		decide(&b, INT64_MAX);
		assert_int_equal(out[1].spans, !cut);
		assert_int_equal(out[2].spans, 1);
		close_bench(&b);
	}
}

/* --- a log of spans, and processes that die --- */

enum { LOG_LEN = 4000, ROUNDS = 15 };

static uint64_t rolled;

static unsigned roll(unsigned n)
{
	rolled = rolled * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(rolled >> 33) % n;
}

static char *values[LOG_LEN];
static const struct sampling *lived; /* the policy of those who live */
static bool expected_any[TRACES];

/* Traces of up to twelve spans that begin together and end within a hold or two, with silences of a minute now and then. */
static void write_log(void)
{
	int64_t at = AT(0) - 20000 * NS_PER_S;
	unsigned next = 1, open[16], left[16], len = 0;
	memset(expected_any, 0, sizeof(expected_any));
	for (size_t i = 0; i < LOG_LEN; i++) {
		at += roll(100) == 0 ? roll(90) * NS_PER_S : roll(800) * NS_PER_MS;
		if (len == 0 || (len < 16 && roll(3) == 0)) {
			open[len] = next++ % TRACES;
			left[len++] = 1 + roll(12);
		}
		unsigned k = roll(len);
		bool root = left[k] == 1 && roll(4), failed = roll(40) == 0;
		expected_any[open[k]] |= failed;
		free(values[i]);
		values[i] = mem_strdup(slice_str(span_text(open[k], (unsigned)i + 1, root ? 0 : 99, at - roll(3) * NS_PER_S, roll(60) ? (1 + roll(1000)) * INT64_C(1000) : NS_PER_S, failed ? 2 : 0, "")));
		if (--left[k] == 0) {
			len--;
			open[k] = open[len];
			left[k] = left[len];
		}
	}
}

/* The journal as far as traces go: what posted deltas told, and where the successor begins. */
struct journal {
	struct shard_trace told[LOG_LEN];
	size_t len;
	struct shard_start at;
	int64_t settled_ns;
};

static void post(struct bench *b, struct journal *j)
{
	size_t len;
	const struct shard_trace *told = shard_traces(b->shard, &len);
	for (size_t i = 0; i < len; i++) {
		j->told[j->len] = told[i];
		j->told[j->len++].time_ns -= told[i].time_ns % NS_PER_S;
	}
	shard_clear(b->shard);
	shard_partition_successor(&b->partition, &j->at);
	j->settled_ns = b->partition.newest_ns;
}

/* One life: reads until it dies or the log ends; what was told behind the last delta is lost, what went out is out. */
static void live(struct journal *j, size_t lives)
{
	struct bench b;
	size_t heard = 0;
	bench_open(&b, (struct shard_opts){.sampling = lived}, NULL);
	struct shard_opts opts = {.sampling = lived};
	shard_partition_start(&b.partition, &j->at, &opts);
	for (size_t fed = 0; fed < lives && b.partition.expected < LOG_LEN;) {
		int64_t o = b.partition.expected;
		fed += o >= b.partition.count_from;
		assert_int_equal(shard_feed(b.shard, &b.partition, slice_str(values[o]), o, o + 1, BENCH_NOW, BENCH_NOW), SHARD_COUNTED);
		if (roll(7) == 0)
			post(&b, j);
		for (; heard < j->len; heard++)
			shard_learn_trace(b.shard, &j->told[heard]);
		if (roll(3) == 0)
			decide(&b, j->settled_ns);
	}
	if (b.partition.expected == LOG_LEN) {
		post(&b, j);
		for (; heard < j->len; heard++)
			shard_learn_trace(b.shard, &j->told[heard]);
		shard_flush_traces(&b.partition);
		decide(&b, INT64_MAX);
	}
	shard_partition_done(&b.partition);
	bench_done(&b);
}

static void read_log(bool kills)
{
	static struct journal j;
	memset(out, 0, sizeof(out));
	memset(&j, 0, sizeof(j));
	do
		live(&j, kills ? 1 + roll(300) : SIZE_MAX);
	while (j.at.offset < LOG_LEN);
}

static void check_lives(const struct sampling *p)
{
	static bool kept[TRACES];
	static size_t spans[TRACES];
	size_t some = 0;
	lived = p;
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		rolled = seed;
		write_log();
		read_log(false);
		for (unsigned i = 0; i < TRACES; i++) {
			kept[i] = out[i].messages > 0;
			spans[i] = out[i].spans;
			some += kept[i];
			if (p->errors && expected_any[i] && !kept[i])
				fail_msg("seed %llu: trace %u failed and is not kept", (unsigned long long)seed, i);
		}
		read_log(true);
		for (unsigned i = 0; i < TRACES; i++)
			if (kept[i] != (out[i].messages > 0) || out[i].spans < spans[i])
				fail_msg("seed %llu: trace %u: %s, %zu spans; with kills %s, %zu", (unsigned long long)seed, i, kept[i] ? "kept" : "dropped", spans[i], out[i].messages ? "kept" : "dropped", out[i].spans);
	}
	assert_true(some > 1000);
	for (size_t i = 0; i < LOG_LEN; i++) {
		free(values[i]);
		values[i] = NULL;
	}
}

static void processes_that_die_keep_the_same_traces_as_one_that_lives(void **state)
{
	(void)state;
	check_lives(&policy);
}

static void they_also_do_where_what_is_slow_is_told_by_what_came_before(void **state)
{
	struct sampling usual = policy;
	(void)state;
	usual.errors = false;
	usual.slow_quantile = 0.9;
	check_lives(&usual);
}

static void a_span_beyond_the_quantile_of_its_operation_keeps_its_trace(void **state)
{
	struct bench b;
	struct sampling p = policy;
	(void)state;
	p.slow_quantile = 0.9;
	open_bench(&b, &p);
	for (unsigned i = 0; i < 100; i++)
		feed(&b, span_text(100 + i, i + 1, 0, AT(i / 4), 40 * NS_PER_MS, 0, ""));
	feed(&b, span_text(1, 1, 0, AT(31), 41 * NS_PER_MS, 0, "")); /* of the same bucket */
	feed(&b, span_text(2, 1, 0, AT(32), 60 * NS_PER_MS, 0, ""));
	shard_flush_traces(&b.partition);
	decide(&b, INT64_MAX);
	assert_int_equal(out[1].messages, 0);
	assert_int_equal(out[2].reasons, SAMPLING_SLOW);
	assert_int_equal(shard_sampled(b.shard)->kept, 1);
	close_bench(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trace_with_an_error_goes_out_whole_and_one_without_does_not),
		cmocka_unit_test(traces_that_share_a_message_go_each_with_its_own_spans),
		cmocka_unit_test(what_the_journal_says_in_time_keeps_a_trace_and_what_it_says_later_does_not), cmocka_unit_test(each_reason_counts_by_its_own_time_whatever_else_was_said),
		cmocka_unit_test(a_late_span_follows_the_decision_that_is_remembered),
		cmocka_unit_test(services_and_attributes_on_the_list_keep),
		cmocka_unit_test(a_bound_of_the_operations_own_wins),
		cmocka_unit_test(a_share_of_the_rest_is_kept_by_the_id_alone_within_its_rate),
		cmocka_unit_test(memory_decides_the_oldest_early_and_a_long_trace_costs_itself),
		cmocka_unit_test(an_incident_keeps_the_traces_of_its_service_also_where_they_were_counted_elsewhere),
		cmocka_unit_test(odd_spans_cost_themselves),
		cmocka_unit_test(no_exemplar_leads_to_a_trace_that_may_be_dropped),
		cmocka_unit_test(log_records_mark_traces_and_name_their_patterns),
		cmocka_unit_test(what_others_found_later_is_told_again_with_the_earlier_time),
		cmocka_unit_test(a_successor_leaves_to_the_dead_what_it_sees_only_the_end_of),
		cmocka_unit_test(processes_that_die_keep_the_same_traces_as_one_that_lives),
		cmocka_unit_test(they_also_do_where_what_is_slow_is_told_by_what_came_before),
		cmocka_unit_test(a_span_beyond_the_quantile_of_its_operation_keeps_its_trace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
