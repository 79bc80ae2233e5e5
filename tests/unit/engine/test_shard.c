/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "bench.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"

static const struct shard_opts plain;

/* consumed == sum of outcomes, and every record that is a log and not dropped has one pattern. */
static void check_identity(struct bench *b, uint64_t consumed)
{
	assert_int_equal(SUM_ALL(b, FAMILY_RECORDS_CONSUMED), consumed);
	assert_int_equal(SUM_ALL(b, FAMILY_RECORDS), consumed);
	assert_int_equal(SUM_ALL(b, FAMILY_LOG_PATTERN_RECORDS), SUM_ALL(b, FAMILY_LOG_RECORDS));
}

static void offsets_below_the_expected_one_are_not_counted_again(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, plain, NULL);
	b.partition.expected = 10;
	assert_int_equal(shard_feed(b.shard, &b.partition, SLICE("{\"message\":\"a\"}"), 9, 10, 0, BENCH_NOW), SHARD_BEHIND);
	check_identity(&b, 0);
	bench_log(&b, "cart", "info", "a");
	assert_int_equal(shard_feed(b.shard, &b.partition, SLICE("{\"message\":\"a\"}"), 10, 11, 0, BENCH_NOW), SHARD_BEHIND);
	check_identity(&b, 1);
	assert_int_equal(shard_totals(b.shard)->behind, 2);
	bench_done(&b);
}

static void a_gap_is_asked_for_once_and_counted_if_it_is_real(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, plain, NULL);
	bench_log(&b, "cart", "info", "a");
	assert_int_equal(shard_feed(b.shard, &b.partition, SLICE("{\"message\":\"a\"}"), 5, 6, 0, BENCH_NOW), SHARD_GAP);
	assert_int_equal(b.partition.expected, 1);
	check_identity(&b, 1);
	assert_int_equal(shard_feed(b.shard, &b.partition, SLICE("{\"message\":\"a\"}"), 5, 6, 0, BENCH_NOW), SHARD_COUNTED);
	assert_int_equal(b.partition.expected, 6);
	assert_int_equal(b.partition.gap, 4);
	assert_int_equal(SUM_ALL(&b, FAMILY_OFFSET_GAPS), 4);
	check_identity(&b, 2);
	assert_int_equal(shard_feed(b.shard, &b.partition, SLICE("{\"message\":\"a\"}"), 7, 8, 0, BENCH_NOW), SHARD_GAP);
	bench_log(&b, "cart", "info", "it was there after all");
	bench_log(&b, "cart", "info", "and so was this");
	assert_int_equal(b.partition.gap, 4);
	bench_done(&b);
}

static void every_record_has_exactly_one_outcome(void **state)
{
	(void)state;
	struct bench b;
	struct shard_opts small = {.limits = {.patterns_per_service = 2}};
	bench_open(&b, small, "rules:\n  - {name: health, match: \"health <any>\", drop: true}\n  - {name: paid, match: \"paid <id:word>\"}\n");
	bench_log(&b, "cart", "info", "health ok");
	bench_log(&b, "cart", "info", "paid o-1");
	bench_feed(&b, "{\"@t\":\"2026-03-04T09:14:59Z\",\"@mt\":\"Ordered {Count}\",\"Count\":3,\"service\":\"cart\"}");
	bench_log(&b, "cart", "info", "one thing happened");
	bench_log(&b, "cart", "info", "something else altogether took place");
	bench_feed(&b, "not { json");
	bench_feed(&b, "{\"broken\":");
	check_identity(&b, 7);
	assert_int_equal(SUM(&b, FAMILY_RECORDS, {"outcome", "filtered"}), 1);
	assert_int_equal(SUM(&b, FAMILY_RECORDS, {"outcome", "rule"}), 1);
	assert_int_equal(SUM(&b, FAMILY_RECORDS, {"outcome", "carried"}), 1);
	assert_int_equal(SUM(&b, FAMILY_RECORDS, {"outcome", "overflow"}), SUM(&b, FAMILY_LOG_PATTERN_RECORDS, {"pattern_id", "other"}));
	assert_true(SUM(&b, FAMILY_RECORDS, {"outcome", "undecodable"}) >= 1);
	assert_int_equal(SUM(&b, FAMILY_RECORDS, {"outcome", "undecodable"}), SUM_ALL(&b, FAMILY_UNDECODABLE));
	assert_int_equal(shard_totals(b.shard)->consumed, 7);
	bench_done(&b);
}

static void a_tombstone_is_consumed_and_undecodable(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, plain, NULL);
	assert_int_equal(shard_feed(b.shard, &b.partition, slice_of(NULL, 0), 0, 1, 0, BENCH_NOW), SHARD_COUNTED);
	assert_int_equal(shard_feed(b.shard, &b.partition, SLICE(""), 1, 2, 0, BENCH_NOW), SHARD_COUNTED);
	check_identity(&b, 2);
	assert_int_equal(SUM_ALL(&b, FAMILY_UNDECODABLE), 2);
	bench_done(&b);
}

static void records_count_by_service_and_severity(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, plain, NULL);
	for (int i = 0; i < 5; i++)
		bench_log(&b, "cart", "info", "started");
	bench_log(&b, "cart", "error", "started");
	bench_log(&b, "billing", "WARN", "started");
	bench_feed(&b, "{\"level\":\"info\",\"message\":\"started\"}");
	assert_int_equal(SUM(&b, FAMILY_LOG_RECORDS, {"service_name", "cart"}, {"severity", "info"}), 5);
	assert_int_equal(SUM(&b, FAMILY_LOG_RECORDS, {"service_name", "cart"}, {"severity", "error"}), 1);
	assert_int_equal(SUM(&b, FAMILY_LOG_RECORDS, {"service_name", "billing"}, {"severity", "warn"}), 1);
	assert_int_equal(SUM(&b, FAMILY_LOG_RECORDS, {"service_name", "unknown_service"}), 1);
	check_identity(&b, 8);
	bench_done(&b);
}

static void a_patterns_series_carries_the_trace_of_a_record_as_exemplar(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, plain, NULL);
	bench_feed(&b, "{\"level\":\"error\",\"service\":\"cart\",\"message\":\"card refused\",\"trace_id\":\"" TRACE "\",\"span_id\":\"00f067aa0ba902b7\"}");
	bench_log(&b, "cart", "error", "card refused");
	const struct tally_entry *e = bench_entry(shard_tally(b.shard), FAMILY_LOG_PATTERN_RECORDS, NULL, 0);
	assert_int_equal(e->count, 2);
	assert_int_equal(e->exemplar.rank, 3);
	check_slice(slice_of(e->exemplar.trace_id, e->exemplar.trace_len), TRACE);
	bench_done(&b);
}

static const char rules[] =
	"rules:\n"
	"  - name: answered\n"
	"    match: \"answered <status:int> in <took:duration> for <tenant:word>\"\n"
	"    duration: {from: took}\n"
	"    error: {status: \">= 500\"}\n"
	"    service: front\n"
	"    severity: warn\n"
	"    labels: {tenant: \"{tenant}\"}\n"
	"    allow_unbounded_label: true\n"
	"  - name: access\n"
	"    match: \"<method:word> <path:word> gave <status:int> after <took:duration>\"\n"
	"    duration: {from: took}\n"
	"  - {name: noise, match: \"noise<any>\", drop: true}\n";

static void a_rule_says_service_severity_labels_and_duration(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, plain, rules);
	bench_log(&b, "cart", "info", "answered 200 in 250ms for acme");
	bench_log(&b, "cart", "info", "answered 200 in 50ms for other-corp");
	assert_int_equal(SUM(&b, FAMILY_LOG_PATTERN_RECORDS, {"service_name", "front"}, {"tenant", "acme"}, {"severity", "warn"}), 1);
	assert_int_equal(SUM(&b, FAMILY_LOG_PATTERN_RECORDS, {"tenant", "other-corp"}), 1);
	assert_int_equal(SUM(&b, FAMILY_LOG_RECORDS, {"service_name", "front"}, {"severity", "warn"}), 2);
	const struct tally_entry *e = bench_entry(shard_tally(b.shard), FAMILY_LOG_PATTERN_DURATION, LABELS({"tenant", "acme"}), 0);
	assert_int_equal(e->count, 1);
	assert_true(e->sum == 0.25);
	size_t len;
	struct pattern *const *news = shard_news(b.shard, &len);
	assert_int_equal(len, 1);
	check_slice(news[0]->rule, "answered");
	assert_int_equal(news[0]->origin, ORIGIN_RULE);
	check_identity(&b, 2);
	bench_done(&b);
}

static enum family_id family_named(const struct bench *b, const char *name)
{
	for (uint32_t i = 0; i < tally_series_len(shard_tally(b->shard)); i++) {
		enum family_id family = tally_series_at(shard_tally(b->shard), i)->family;
		if (strcmp(family_get(family)->name, name) == 0)
			return family;
	}
	return FAMILY_COUNT;
}

static void a_rule_counts_in_metrics_of_its_own(void **state)
{
	(void)state;
	struct bench b;
	struct shard_opts opts = {.label_values = 2};
	bench_open(&b, opts, "rules:\n"
		"  - name: paid\n"
		"    match: \"paid <amount:num> by <method:word> in <took:num>\"\n"
		"    counters:\n"
		"      - {name: payments_total, help: Payments., labels: {method: \"{method}\"}}\n"
		"      - {name: paid_euros_total, value: amount}\n"
		"    histograms:\n"
		"      - {name: payment_duration_seconds, from: took, unit: ms, buckets: [0.01, 0.1, 1]}\n");
	bench_feed(&b, "{\"level\":\"error\",\"service\":\"cart\",\"message\":\"paid 12.5 by card in 30\",\"trace_id\":\"" TRACE "\"}");
	bench_log(&b, "cart", "info", "paid 7.25 by cash in 2000");
	bench_log(&b, "cart", "info", "paid 1 by card in 5");
	bench_log(&b, "cart", "info", "paid 1 by cheque in 5"); /* a third value: past the budget */
	const struct tally *t = shard_tally(b.shard);
	const struct tally_entry *card = bench_entry(t, family_named(&b, "payments_total"), LABELS({"service_name", "cart"}, {"method", "card"}), 0);
	assert_int_equal(card->count, 2);
	assert_int_equal(card->exemplar.rank, 3);
	check_slice(slice_of(card->exemplar.trace_id, card->exemplar.trace_len), TRACE);
	assert_int_equal(bench_entry(t, family_named(&b, "payments_total"), LABELS({"method", "other"}), 0)->count, 1);
	assert_null(bench_entry(t, family_named(&b, "payments_total"), LABELS({"method", "cheque"}), 0));
	assert_int_equal(SUM(&b, FAMILY_OVERFLOW, {"budget", "label_values"}), 1);
	assert_true(bench_entry(t, family_named(&b, "paid_euros_total"), LABELS({"service_name", "cart"}), 0)->sum == 21.75);
	const struct tally_entry *took = bench_entry(t, family_named(&b, "payment_duration_seconds"), NULL, 0);
	assert_int_equal(took->count, 4);
	assert_true(took->buckets[0] == 2 && took->buckets[1] == 1 && took->buckets[2] == 0 && took->buckets[3] == 1);
	assert_true(took->sum > 2.0399 && took->sum < 2.0401);
	check_slice(slice_str(family_get(family_named(&b, "payments_total"))->help), "Payments.");
	check_identity(&b, 4);
	bench_done(&b);
}

static void a_rules_label_past_its_budget_is_other(void **state)
{
	(void)state;
	struct bench b;
	struct shard_opts opts = {.label_values = 2};
	bench_open(&b, opts, rules);
	bench_log(&b, "cart", "info", "answered 200 in 250ms for acme");
	bench_log(&b, "cart", "info", "answered 200 in 50ms for b");
	bench_log(&b, "cart", "info", "answered 200 in 50ms for c");
	bench_log(&b, "cart", "info", "answered 200 in 50ms for acme");
	assert_int_equal(SUM(&b, FAMILY_LOG_PATTERN_RECORDS, {"tenant", "acme"}), 2);
	assert_int_equal(SUM(&b, FAMILY_LOG_PATTERN_RECORDS, {"tenant", "other"}), 1);
	assert_int_equal(SUM(&b, FAMILY_OVERFLOW, {"budget", "label_values"}), 1);
	check_identity(&b, 4);
	bench_done(&b);
}

static void a_rule_that_is_given_up_is_counted_by_name(void **state)
{
	(void)state;
	struct bench b;
	char text[300] = "";
	bench_open(&b, plain, "rules:\n  - {name: bad, regex: '^(a+)+$'}\n  - {name: worse, regex: '^(a|aa)+$'}\n  - {name: good, match: \"aaaa<any>\"}\n");
	memset(text, 'a', 60);
	text[60] = '!';
	bench_log(&b, "cart", "info", text);
	bench_log(&b, "cart", "info", "aa");
	bench_log(&b, "cart", "info", text);
	assert_int_equal(SUM(&b, FAMILY_RULE_GAVE_UP, {"rule", "bad"}), 2);
	assert_int_equal(SUM(&b, FAMILY_RULE_GAVE_UP, {"rule", "worse"}), 2);
	assert_int_equal(SUM(&b, FAMILY_RULE_GAVE_UP, {"rule", "good"}), 0);
	assert_int_equal(SUM(&b, FAMILY_RECORDS, {"outcome", "rule"}), 3); /* later rules are tried all the same, and the bad one again */
	check_identity(&b, 3);
	bench_done(&b);
}

static void a_rules_condition_decides_what_is_an_error(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, plain, rules);
	bench_feed(&b, "{\"level\":\"info\",\"service\":\"cart\",\"message\":\"answered 503 in 250ms for acme\",\"trace_id\":\"" TRACE "\"}");
	bench_feed(&b, "{\"level\":\"error\",\"service\":\"cart\",\"message\":\"answered 200 in 250ms for b\",\"trace_id\":\"" TRACE "\"}");
	assert_int_equal(bench_entry(shard_tally(b.shard), FAMILY_LOG_PATTERN_RECORDS, LABELS({"tenant", "acme"}), 0)->exemplar.rank, 3);
	assert_int_equal(bench_entry(shard_tally(b.shard), FAMILY_LOG_PATTERN_RECORDS, LABELS({"tenant", "b"}), 0)->exemplar.rank, 1);
	bench_done(&b);
}

static void captures_of_an_access_log_make_red_of_requests(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, plain, rules);
	bench_log(&b, "cart", "info", "GET /orders/17 gave 200 after 5ms");
	bench_log(&b, "cart", "info", "GET /orders/18 gave 503 after 5ms");
	assert_int_equal(SUM(&b, FAMILY_LOG_REQUESTS, {"http_route", "/orders/<id>"}, {"http_request_method", "GET"}, {"http_response_status_code", "200"}), 1);
	assert_int_equal(SUM(&b, FAMILY_LOG_REQUEST_DURATION, {"http_route", "/orders/<id>"}), 2);
	bench_done(&b);
}

static void a_dropped_record_is_counted_as_filtered_and_nothing_else(void **state)
{
	(void)state;
	struct bench b;
	size_t len;
	bench_open(&b, plain, rules);
	bench_log(&b, "cart", "info", "noise!");
	check_identity(&b, 1);
	assert_int_equal(SUM_ALL(&b, FAMILY_LOG_RECORDS), 0);
	shard_news(b.shard, &len);
	assert_int_equal(len, 0);
	shard_examples(b.shard, &len);
	assert_int_equal(len, 0);
	bench_done(&b);
}

static void rules_change_between_two_records(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, plain, rules);
	bench_log(&b, "cart", "info", "noise!");
	shard_set_rules(b.shard, NULL);
	bench_log(&b, "cart", "info", "noise!");
	assert_int_equal(SUM(&b, FAMILY_RECORDS, {"outcome", "filtered"}), 1);
	assert_int_equal(SUM(&b, FAMILY_RECORDS, {"outcome", "mined"}), 1);
	bench_done(&b);
}

static void a_template_the_logger_sent_names_the_record(void **state)
{
	(void)state;
	struct bench b;
	size_t len;
	bench_open(&b, plain, NULL);
	for (int i = 0; i < 3; i++) {
		char value[200];
		snprintf(value, sizeof(value), "{\"@t\":\"2026-03-04T09:14:59Z\",\"@mt\":\"Ordered {Count} of {Item}\",\"Count\":%d,\"Item\":\"tea\",\"service\":\"cart\"}", i);
		bench_feed(&b, value);
	}
	assert_int_equal(SUM(&b, FAMILY_RECORDS, {"outcome", "carried"}), 3);
	struct pattern *const *news = shard_news(b.shard, &len);
	assert_int_equal(len, 1);
	check_slice(news[0]->template_text, "Ordered {Count} of {Item}");
	assert_int_equal(news[0]->origin, ORIGIN_CARRIED);
	check_slice(shard_examples(b.shard, &len)->text, "Ordered 0 of tea");
	bench_done(&b);
}

/* The example of the only pattern after these. */
static void check_example(enum examples_kept kept, const char *yaml, const char *value, const char *expect)
{
	struct shard_opts opts = plain;
	struct bench b;
	size_t len;
	opts.examples = kept;
	bench_open(&b, opts, yaml);
	bench_feed(&b, value);
	const struct shard_example *x = shard_examples(b.shard, &len);
	assert_int_equal(len, expect ? 1 : 0);
	if (expect)
		check_slice(x->text, expect);
	bench_done(&b);
}

static void examples_are_kept_in_full_masked_or_not_at_all(void **state)
{
	(void)state;
	static const char mined[] = "{\"message\":\"login of user ann from 10.0.0.1 took 17ms\"}";
	static const char carried[] = "{\"@t\":\"2026-03-04T09:14:59Z\",\"@mt\":\"Ordered {Count} of {Item}\",\"Count\":3,\"Item\":\"tea\"}";
	static const char painting[] = "rules:\n  - name: painted\n    match: \"painted <what:word> <colour:word> in <took:duration>\"\n";
	static const char ruled[] = "{\"message\":\"painted walls blue in 3ms\"}";
	check_example(EXAMPLES_FULL, NULL, mined, "login of user ann from 10.0.0.1 took 17ms");
	check_example(EXAMPLES_MASKED, NULL, mined, "login of user <*> from <ip> took <duration>");
	check_example(EXAMPLES_MASKED, NULL, carried, "Ordered {Count} of {Item}");
	check_example(EXAMPLES_FULL, painting, ruled, "painted walls blue in 3ms");
	check_example(EXAMPLES_MASKED, painting, ruled, "painted <*> <*> in <*>");
	check_example(EXAMPLES_NONE, NULL, mined, NULL);
	check_example(EXAMPLES_NONE, painting, ruled, NULL);
}

static void a_masked_example_shows_no_word_in_a_learned_place(void **state)
{
	(void)state;
	static const char *const skins[] = {"blue", "green", "amber", "white"};
	struct shard_opts opts = plain;
	struct bench b;
	size_t len;
	opts.examples = EXAMPLES_MASKED;
	bench_open(&b, opts, NULL);
	for (size_t i = 0; i < 4; i++) {
		char message[64];
		snprintf(message, sizeof(message), "loading skin %s for window %zu", skins[i], i);
		bench_log(&b, "a", "info", message);
	}
	const struct shard_example *x = shard_examples(b.shard, &len);
	check_slice(x[len - 1].text, "loading skin <*> for window <num>");
	bench_done(&b);
}

static void shape_of_words(char *out, size_t size, unsigned n)
{
	static const char *const words[] = {"alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"};
	snprintf(out, size, "%s %s %s %.*s", words[n % 8], words[n / 8 % 8], words[n / 64 % 8], (int)(n % 5) * 2, "z z z z z z");
}

static void patterns_past_the_budget_count_in_other(void **state)
{
	(void)state;
	struct bench b;
	struct shard_opts small = {.limits = {.patterns_per_service = 3}};
	size_t len;
	bench_open(&b, small, NULL);
	for (unsigned i = 0; i < 300; i++) {
		char message[100];
		shape_of_words(message, sizeof(message), i);
		bench_log(&b, "cart", "info", message);
	}
	check_identity(&b, 300);
	uint64_t other = SUM(&b, FAMILY_LOG_PATTERN_RECORDS, {"pattern_id", "other"});
	assert_true(other > 0);
	assert_int_equal(SUM(&b, FAMILY_RECORDS, {"outcome", "overflow"}), other);
	assert_int_equal(SUM(&b, FAMILY_OVERFLOW, {"budget", "patterns_per_service"}), other);
	struct pattern *const *news = shard_news(b.shard, &len);
	for (size_t i = 0; i < len; i++)
		assert_false(news[i]->overflow);
	bench_done(&b);
}

static void services_past_the_budget_share_their_patterns_series(void **state)
{
	(void)state;
	struct bench b;
	struct shard_opts small = {.limits = {.services = 1}};
	bench_open(&b, small, NULL);
	bench_log(&b, "first", "info", "started");
	bench_log(&b, "second", "info", "started");
	bench_log(&b, "third", "info", "started");
	assert_int_equal(SUM(&b, FAMILY_LOG_PATTERN_RECORDS, {"service_name", "first"}), 1);
	assert_int_equal(SUM(&b, FAMILY_LOG_PATTERN_RECORDS, {"service_name", "other"}), 2);
	assert_int_equal(SUM(&b, FAMILY_LOG_PATTERN_RECORDS, {"service_name", "second"}), 0);
	assert_int_equal(SUM(&b, FAMILY_LOG_RECORDS, {"service_name", "third"}), 1);
	bench_done(&b);
}

static void a_delta_tells_each_pattern_and_example_once_and_again_after_a_rewind(void **state)
{
	(void)state;
	struct bench b;
	size_t news, examples;
	bench_open(&b, plain, NULL);
	bench_log(&b, "cart", "info", "one thing happened");
	bench_log(&b, "cart", "info", "something else altogether took place");
	shard_news(b.shard, &news);
	shard_examples(b.shard, &examples);
	assert_int_equal(news, 2);
	assert_int_equal(examples, 2);
	shard_clear(b.shard);
	assert_int_equal(SUM_ALL(&b, FAMILY_RECORDS_CONSUMED), 0);
	bench_log(&b, "cart", "info", "one thing happened");
	shard_news(b.shard, &news);
	shard_examples(b.shard, &examples);
	assert_int_equal(news, 0);
	assert_int_equal(examples, 0);
	shard_rewind(b.shard);
	assert_int_equal(SUM_ALL(&b, FAMILY_RECORDS_CONSUMED), 0);
	bench_log(&b, "cart", "info", "one thing happened");
	shard_news(b.shard, &news);
	shard_examples(b.shard, &examples);
	assert_int_equal(news, 1);
	assert_int_equal(examples, 1);
	check_identity(&b, 1);
	bench_done(&b);
}

static void an_imported_pattern_names_the_same_records_under_the_same_id(void **state)
{
	(void)state;
	struct bench a, b;
	size_t len;
	bench_open(&a, plain, NULL);
	bench_open(&b, plain, NULL);
	bench_log(&a, "cart", "info", "took 17 of 20 for user 99");
	const struct pattern *p = shard_news(a.shard, &len)[0];
	shard_import(b.shard, p->id, p->origin, p->service, p->template_text, p->rule, 0);
	bench_log(&b, "cart", "info", "took 3 of 4 for user 5");
	const struct tally_entry *x = bench_entry(shard_tally(a.shard), FAMILY_LOG_PATTERN_RECORDS, NULL, 0);
	const struct tally_entry *y = bench_entry(shard_tally(b.shard), FAMILY_LOG_PATTERN_RECORDS, NULL, 0);
	assert_true(tally_series_at(shard_tally(a.shard), x->series)->hash == tally_series_at(shard_tally(b.shard), y->series)->hash);
	bench_done(&a);
	bench_done(&b);
}

static void counting_goes_on_right_after_the_series_were_forgotten(void **state)
{
	(void)state;
	struct bench b;
	struct shard_opts small = {.series_limit = 10};
	uint64_t records = 0, patterns = 0, consumed = 0;
	bench_open(&b, small, NULL);
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 8; i++) {
			char service[20];
			snprintf(service, sizeof(service), "s%u", (round + i) % 12);
			bench_log(&b, service, i % 2 ? "info" : "error", "started");
			assert_int_equal(SUM(&b, FAMILY_LOG_RECORDS, {"service_name", service}), 1);
		}
		records += SUM_ALL(&b, FAMILY_LOG_RECORDS);
		patterns += SUM_ALL(&b, FAMILY_LOG_PATTERN_RECORDS);
		consumed += SUM_ALL(&b, FAMILY_RECORDS_CONSUMED);
		check_identity(&b, 8);
		shard_clear(b.shard);
		assert_true(tally_series_len(shard_tally(b.shard)) <= 10);
	}
	assert_int_equal(records, 160);
	assert_int_equal(patterns, 160);
	assert_int_equal(consumed, 160);
	bench_done(&b);
}

static void a_clock_ahead_is_set_back_and_counted(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, plain, NULL);
	bench_feed(&b, "{\"time\":\"2026-03-04T09:15:09Z\",\"service\":\"cart\",\"message\":\"nine seconds ahead\"}");
	assert_int_equal(SUM_ALL(&b, FAMILY_CLOCK_AHEAD), 0);
	assert_true(b.partition.newest_ns == BENCH_NOW + 9 * NS_PER_S);
	bench_feed(&b, "{\"time\":\"2026-03-04T10:15:00Z\",\"service\":\"cart\",\"message\":\"an hour ahead\"}");
	assert_int_equal(SUM(&b, FAMILY_CLOCK_AHEAD, {"service_name", "cart"}), 1);
	assert_true(b.partition.newest_ns == BENCH_NOW + 9 * NS_PER_S);
	const struct tally_entry *e = bench_entry(shard_tally(b.shard), FAMILY_LOG_RECORDS, NULL, 0);
	assert_int_equal(e->step, BENCH_NOW / BENCH_STEP);
	assert_int_equal(e->count, 2);
	bench_done(&b);
}

static void a_record_without_a_time_takes_the_sources(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, plain, NULL);
	assert_int_equal(shard_feed(b.shard, &b.partition, SLICE("{\"message\":\"a\"}"), 0, 1, BENCH_NOW - 60 * NS_PER_S, BENCH_NOW), SHARD_COUNTED);
	assert_int_equal(bench_entry(shard_tally(b.shard), FAMILY_LOG_RECORDS, NULL, 0)->step, BENCH_NOW / BENCH_STEP - 6);
	bench_done(&b);
}

static void records_older_than_the_window_count_where_it_begins(void **state)
{
	(void)state;
	struct bench b;
	struct shard_opts opts = {.window_ns = 3300 * NS_PER_S};
	bench_open(&b, opts, NULL);
	bench_feed(&b, "{\"time\":\"2026-03-01T00:00:00Z\",\"service\":\"cart\",\"message\":\"old\"}");
	bench_feed(&b, "{\"time\":\"2026-03-02T00:00:00Z\",\"service\":\"cart\",\"message\":\"old\"}");
	const struct tally_entry *e = bench_entry(shard_tally(b.shard), FAMILY_LOG_RECORDS, NULL, 0);
	assert_int_equal(e->count, 2);
	assert_int_equal(e->step, (BENCH_NOW - 3300 * NS_PER_S) / BENCH_STEP);
	check_identity(&b, 2);
	bench_done(&b);
}

static void spans_and_logs_of_one_payload_are_all_counted(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, plain, NULL);
	bench_feed(&b, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"billing\"}}]},\"scopeSpans\":[{\"spans\":["
		"{\"traceId\":\"" TRACE "\",\"spanId\":\"00f067aa0ba902b7\",\"name\":\"POST /charge/1234\",\"kind\":2,\"startTimeUnixNano\":\"1772615690000000000\",\"endTimeUnixNano\":\"1772615690040000000\",\"status\":{\"code\":2}},"
		"{\"traceId\":\"" TRACE "\",\"spanId\":\"00f067aa0ba902b8\",\"name\":\"POST /charge/99\",\"kind\":2,\"startTimeUnixNano\":\"1772615690000000000\",\"endTimeUnixNano\":\"1772615690040000000\"}]}]}]}");
	assert_int_equal(SUM(&b, FAMILY_SPAN_CALLS, {"service_name", "billing"}, {"span_name", "POST /charge/<id>"}), 2);
	assert_int_equal(SUM(&b, FAMILY_SPAN_CALLS, {"status_code", "STATUS_CODE_ERROR"}), 1);
	check_identity(&b, 2);
	bench_done(&b);
}

/* Mined patterns that have their own line, of seven different messages of a service. */
static uint64_t own_patterns(struct bench *b, const char *service)
{
	static const char *const words[] = {"red sky", "blue ink over paper", "green", "grey and old and cold", "white noise of the sea at night", "black", "brown bread with butter", NULL};
	uint64_t before = shard_totals(b->shard)->consumed, other = SUM_ALL(b, FAMILY_OVERFLOW);
	for (size_t i = 0; words[i]; i++)
		bench_log(b, service, "info", words[i]);
	return shard_totals(b->shard)->consumed - before - (SUM_ALL(b, FAMILY_OVERFLOW) - other);
}

static void an_incident_doubles_the_budgets_of_its_service_for_its_time(void **state)
{
	(void)state;
	struct bench b;
	const struct incident now = {.service = SLICE("pay"), .from_ns = BENCH_NOW - NS_PER_S, .until_ns = BENCH_NOW + NS_PER_S};
	const struct incident past = {.service = SLICE("pay"), .from_ns = BENCH_NOW - 2 * NS_PER_S, .until_ns = BENCH_NOW};
	bench_open(&b, (struct shard_opts){.limits = {.patterns_per_service = 2}}, NULL);
	shard_set_incidents(b.shard, incidents_new(&past, 1), true);
	assert_int_equal(own_patterns(&b, "mail"), 2);
	shard_set_incidents(b.shard, incidents_new(&now, 1), true);
	assert_int_equal(own_patterns(&b, "pay"), 4);
	assert_int_equal(own_patterns(&b, "cart"), 2);
	assert_int_equal(shard_totals(b.shard)->incident, 7);
	shard_set_incidents(b.shard, NULL, true);
	bench_log(&b, "pay", "info", "yellow submarine under water");
	assert_int_equal(shard_totals(b.shard)->incident, 7);
	assert_int_equal(own_patterns(&b, "ship"), 2);
	bench_done(&b);
}

static void an_incident_keeps_examples_in_full_where_they_are_masked(void **state)
{
	(void)state;
	struct bench b;
	size_t len;
	const struct incident now = {.service = SLICE("pay"), .from_ns = BENCH_NOW - NS_PER_S, .until_ns = BENCH_NOW + NS_PER_S};
	for (int unmask = 0; unmask < 2; unmask++) {
		bench_open(&b, (struct shard_opts){.examples = EXAMPLES_MASKED}, NULL);
		shard_set_incidents(b.shard, incidents_new(&now, 1), unmask);
		bench_log(&b, "pay", "error", "charge 4711 refused");
		bench_log(&b, "cart", "error", "item 4712 is gone");
		const struct shard_example *x = shard_examples(b.shard, &len);
		assert_int_equal(len, 3);
		check_slice(x[0].text, unmask ? "charge 4711 refused" : "charge <num> refused");
		check_slice(x[1].text, unmask ? "charge 4711 refused" : "charge <num> refused");
		check_slice(x[2].text, "item <num> is gone");
		bench_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_are_kept_in_full_masked_or_not_at_all),
		cmocka_unit_test(a_masked_example_shows_no_word_in_a_learned_place),
		cmocka_unit_test(offsets_below_the_expected_one_are_not_counted_again),
		cmocka_unit_test(a_gap_is_asked_for_once_and_counted_if_it_is_real),
		cmocka_unit_test(every_record_has_exactly_one_outcome),
		cmocka_unit_test(a_tombstone_is_consumed_and_undecodable),
		cmocka_unit_test(records_count_by_service_and_severity),
		cmocka_unit_test(a_patterns_series_carries_the_trace_of_a_record_as_exemplar),
		cmocka_unit_test(a_rule_says_service_severity_labels_and_duration),
		cmocka_unit_test(a_rule_counts_in_metrics_of_its_own),
		cmocka_unit_test(a_rules_label_past_its_budget_is_other),
		cmocka_unit_test(a_rule_that_is_given_up_is_counted_by_name),
		cmocka_unit_test(a_rules_condition_decides_what_is_an_error),
		cmocka_unit_test(captures_of_an_access_log_make_red_of_requests),
		cmocka_unit_test(a_dropped_record_is_counted_as_filtered_and_nothing_else),
		cmocka_unit_test(rules_change_between_two_records),
		cmocka_unit_test(a_template_the_logger_sent_names_the_record),
		cmocka_unit_test(patterns_past_the_budget_count_in_other),
		cmocka_unit_test(services_past_the_budget_share_their_patterns_series),
		cmocka_unit_test(a_delta_tells_each_pattern_and_example_once_and_again_after_a_rewind),
		cmocka_unit_test(an_imported_pattern_names_the_same_records_under_the_same_id),
		cmocka_unit_test(counting_goes_on_right_after_the_series_were_forgotten),
		cmocka_unit_test(a_clock_ahead_is_set_back_and_counted),
		cmocka_unit_test(a_record_without_a_time_takes_the_sources),
		cmocka_unit_test(records_older_than_the_window_count_where_it_begins),
		cmocka_unit_test(spans_and_logs_of_one_payload_are_all_counted),
		cmocka_unit_test(an_incident_doubles_the_budgets_of_its_service_for_its_time),
		cmocka_unit_test(an_incident_keeps_examples_in_full_where_they_are_masked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
