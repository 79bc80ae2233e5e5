/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets of the ledger: what is refused goes to `other` and is counted; totals stay; services cannot starve each other; every instance decides alike. */
#include "../check.h"
#include "desk.h"

#include <stdio.h>

/* One delta of one partition, from a service, with `n` records each of many values. */
struct bench {
	struct desk d;
	int64_t offset;
	char texts[64][48];
	uint64_t posted;
};

static void bench_open(struct bench *b, struct ledger_opts opts)
{
	memset(b, 0, sizeof(*b));
	desk_open(&b->d, &opts);
}

static void bench_done(struct bench *b)
{
	desk_done(&b->d);
}

/* A record with the label `customer` of the rule with this pattern. */
static void order(struct bench *b, const char *service, const char *id, const char *customer, uint64_t n)
{
	char *text = b->texts[b->d.series_len];
	snprintf(text, sizeof(b->texts[0]), "%s", customer);
	const char *const pairs[][2] = {{"customer", text}, {"pattern_id", id}, {"service_name", service}};
	desk_count(&b->d, FAMILY_LOG_PATTERN_RECORDS, pairs, 3, STEP_AT(5), n);
	b->posted += n;
}

static void post(struct bench *b)
{
	desk_range(&b->d, 0, b->offset, b->offset + 100, AT(5), true);
	b->offset += 100;
	assert_int_equal(desk_post(&b->d, AT(6)), LEDGER_POSTED);
}

/* What the series of a family hold in all, and how many there are of a service; their `other`s apart. */
struct figures {
	uint64_t records, other;
	size_t series;
};

static struct figures figures(const struct bench *b, enum family_id family, const char *service)
{
	struct figures f = {0};
	struct ledger_value v;
	for (size_t i = 0; i < ledger_series_len(b->d.l); i++) {
		if (!ledger_series_at(b->d.l, i, &v) || v.family != family)
			continue;
		bool mine = !service, other = false;
		for (size_t k = 0; k < v.labels_len; k++) {
			mine |= service && slice_eq(v.labels[k].value, slice_str(service));
			other |= slice_eq(v.labels[k].value, SLICE("other"));
		}
		if (!mine)
			continue;
		f.records += v.count;
		f.other += other ? v.count : 0;
		f.series += !other;
	}
	return f;
}

static uint64_t overflow(const struct bench *b, const char *budget)
{
	struct ledger_value v;
	for (size_t i = 0; i < ledger_series_len(b->d.l); i++)
		if (ledger_series_at(b->d.l, i, &v) && v.family == FAMILY_OVERFLOW && slice_eq(v.labels[0].value, slice_str(budget)))
			return v.count;
	return 0;
}

static void a_label_has_as_many_values_as_its_budget_over_all_instances(void **state)
{
	(void)state;
	struct ledger_opts opts = desk_opts;
	struct bench b;
	opts.label_values = 20;
	bench_open(&b, opts);
	for (int delta = 0; delta < 4; delta++) { /* four writers, each with ten customers of its own */
		b.d.writer = (uint64_t)delta + 1;
		b.d.seq = 0;
		for (int i = 0; i < 10; i++) {
			char name[32];
			snprintf(name, sizeof(name), "customer-%c%c", 'a' + delta, 'a' + i);
			order(&b, "shop", "00000000000000a1", name, 3);
		}
		post(&b);
	}
	struct figures f = figures(&b, FAMILY_LOG_PATTERN_RECORDS, NULL);
	assert_int_equal(f.records, b.posted);
	assert_int_equal(f.series, 20);
	assert_int_equal(f.other, 60);
	assert_int_equal(overflow(&b, "label_values"), 60);
	const struct ledger_refusal *r;
	assert_true(ledger_refusal_at(b.d.l, 0, &r));
	check_slice(r->label, "customer");
	check_slice(r->value, "customer-ca");
	check_slice(r->service, "shop");
	assert_false(ledger_refusal_at(b.d.l, 1, &r));
	bench_done(&b);
}

static void ids_are_folded_long_before_the_budget_is_spent_and_other_values_are_not(void **state)
{
	(void)state;
	struct ledger_opts opts = desk_opts;
	struct bench b;
	char text[48];
	opts.label_values = 200;
	opts.id_values = 16;
	bench_open(&b, opts);
	order(&b, "shop", "00000000000000a1", "walk-in", 1);
	for (int i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "%08x-7d2a-4f33-9d0b-1a2b3c4d5e6f", (unsigned)i * 2654435761u);
		order(&b, "shop", "00000000000000a1", text, 2);
	}
	order(&b, "shop", "00000000000000a1", "kiosk", 1);
	post(&b);
	struct figures f = figures(&b, FAMILY_LOG_PATTERN_RECORDS, NULL);
	assert_int_equal(f.records, b.posted);
	assert_int_equal(f.series, 16 + 2);
	assert_int_equal(f.other, 24 * 2);
	assert_int_equal(overflow(&b, "id_values"), 24 * 2);
	bench_done(&b);
}

static void a_noisy_service_leaves_room_for_others(void **state)
{
	(void)state;
	struct ledger_opts opts = desk_opts;
	struct bench b;
	char text[48];
	opts.series_limit = 100;
	bench_open(&b, opts);
	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "n%d", i);
		order(&b, "noisy", "00000000000000a1", text, 1);
		if (i % 50 == 49)
			post(&b);
	}
	assert_int_equal(figures(&b, FAMILY_LOG_PATTERN_RECORDS, "noisy").series, 50); /* half */
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "m%d", i);
		order(&b, "second", "00000000000000b1", text, 1);
		if (i % 50 == 49)
			post(&b);
	}
	assert_in_range(figures(&b, FAMILY_LOG_PATTERN_RECORDS, "second").series, 23, 25); /* half of what is left */
	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "q%d", i);
		order(&b, "quiet", "00000000000000c1", text, 1);
	}
	post(&b);
	assert_int_equal(figures(&b, FAMILY_LOG_PATTERN_RECORDS, "quiet").series, 5);
	assert_int_equal(figures(&b, FAMILY_LOG_PATTERN_RECORDS, "quiet").other, 0);
	struct figures all = figures(&b, FAMILY_LOG_PATTERN_RECORDS, NULL);
	assert_int_equal(all.records, b.posted);
	assert_int_equal(overflow(&b, "series"), all.other);
	assert_in_range(all.series, 1, 100);
	bench_done(&b);
}

static void a_service_and_a_metric_have_budgets_of_their_own(void **state)
{
	(void)state;
	struct ledger_opts opts = desk_opts;
	struct bench b;
	char text[48];
	opts.service_limit = 8;
	opts.metric_limit = 40;
	bench_open(&b, opts);
	for (int s = 0; s < 6; s++) {
		char service[8];
		snprintf(service, sizeof(service), "s%d", s);
		for (int i = 0; i < 10; i++) {
			snprintf(text, sizeof(text), "c%d-%d", s, i);
			order(&b, service, "00000000000000a1", text, 1);
		}
		post(&b);
	}
	assert_int_equal(figures(&b, FAMILY_LOG_PATTERN_RECORDS, "s0").series, 8);
	assert_int_equal(figures(&b, FAMILY_LOG_PATTERN_RECORDS, "s1").series, 8);
	struct figures all = figures(&b, FAMILY_LOG_PATTERN_RECORDS, NULL);
	assert_in_range(all.series, 24, 40);
	assert_true(figures(&b, FAMILY_LOG_PATTERN_RECORDS, "s5").series > 0);
	assert_int_equal(all.records, b.posted);
	assert_int_equal(overflow(&b, "series_per_service") + overflow(&b, "series_per_metric"), all.other);
	assert_true(overflow(&b, "series_per_metric") > 0);
	bench_done(&b);
}

static void a_histogram_weighs_all_that_the_receiver_holds(void **state)
{
	(void)state;
	struct ledger_opts opts = desk_opts;
	struct bench b;
	static uint64_t buckets[8][BOUNDS_MAX + 1];
	static char services[8][8];
	opts.series_limit = 60; /* 17 buckets, sum and count: three */
	bench_open(&b, opts);
	for (size_t i = 0; i < 4; i++) {
		snprintf(services[i], sizeof(services[i]), "s%zu", i);
		const char *const pairs[][2] = {{"service_name", services[i]}, {"span_name", "load"}};
		struct tally_entry *e = desk_count(&b.d, FAMILY_SPAN_DURATION, pairs, 2, STEP_AT(5), 1);
		buckets[i][0] = 1;
		e->buckets = buckets[i];
		e->sum = 1;
	}
	post(&b);
	struct figures f = figures(&b, FAMILY_SPAN_DURATION, NULL);
	assert_int_equal(f.records, 4);
	assert_int_equal(f.series, 3);
	assert_int_equal(overflow(&b, "series"), 1);
	bench_done(&b);
}

static void services_without_end_become_other(void **state)
{
	(void)state;
	struct ledger_opts opts = desk_opts;
	struct bench b;
	static char names[64][16];
	opts.series_limit = 200; /* twenty services */
	bench_open(&b, opts);
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 10; i++) {
			snprintf(names[i], sizeof(names[i]), "svc%d-%d", round, i);
			desk_records(&b.d, names[i], STEP_AT(5), 2);
			b.posted += 2;
		}
		post(&b);
	}
	struct figures f = figures(&b, FAMILY_LOG_RECORDS, NULL);
	assert_int_equal(f.records, b.posted);
	assert_int_equal(f.series, 20);
	assert_int_equal(overflow(&b, "services"), 40);
	bench_done(&b);
}

static void others_are_bounded_too(void **state)
{
	(void)state;
	struct ledger_opts opts = desk_opts;
	struct bench b;
	static uint64_t bucket[BOUNDS_MAX + 1] = {1};
	static char names[20][8];
	static const char *const kinds[] = {"SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_INTERNAL"}, *const codes[] = {"STATUS_CODE_OK", "STATUS_CODE_ERROR"};
	opts.series_limit = 200;
	bench_open(&b, opts);
	for (int kind = 0; kind < 3; kind++)
		for (int code = 0; code < 2; code++) {
			for (int i = 0; i < 20; i++) {
				snprintf(names[i], sizeof(names[i]), "svc%d", i);
				const char *const pairs[][2] = {{"service_name", names[i]}, {"span_kind", kinds[kind]}, {"status_code", codes[code]}};
				struct tally_entry *e = desk_count(&b.d, FAMILY_SPAN_DURATION, pairs, 3, STEP_AT(5), 1);
				e->buckets = bucket;
				e->sum = 1;
				b.posted++;
			}
			post(&b);
		}
	assert_int_equal(figures(&b, FAMILY_SPAN_DURATION, NULL).records, b.posted); /* without the bound they would weigh 120 x 19 */
	assert_in_range(ledger_budget_used(b.d.l), 200, 200 + 256 + 19 + 6 * 19);
	assert_true(overflow(&b, "services") > 0);
	bench_done(&b);
}

static void the_books_are_never_folded(void **state)
{
	(void)state;
	struct ledger_opts opts = desk_opts;
	struct bench b;
	opts.series_limit = 1;
	bench_open(&b, opts);
	const char *const pairs[][2] = {{"outcome", "mined"}};
	order(&b, "shop", "00000000000000a1", "x", 1);
	order(&b, "shop", "00000000000000a2", "y", 1);
	desk_count(&b.d, FAMILY_RECORDS, pairs, 1, STEP_AT(5), 2);
	post(&b);
	assert_int_equal(figures(&b, FAMILY_RECORDS, "mined").records, 2);
	assert_int_equal(figures(&b, FAMILY_RECORDS, NULL).other, 0);
	bench_done(&b);
}

static void a_delta_of_an_incident_has_twice_the_room(void **state)
{
	(void)state;
	struct ledger_opts opts = desk_opts;
	opts.label_values = 2;
	for (int wide = 0; wide < 2; wide++) {
		struct bench b;
		bench_open(&b, opts);
		order(&b, "shop", "00000000000000a1", "a", 1);
		order(&b, "shop", "00000000000000a1", "b", 1);
		order(&b, "shop", "00000000000000a1", "c", 1);
		order(&b, "shop", "00000000000000a1", "d", 1);
		order(&b, "shop", "00000000000000a1", "e", 1);
		desk_range(&b.d, 0, 0, 100, AT(5), true);
		struct delta_header header = {.writer = 1, .seq = 1, .journal_time_ns = AT(6), .ranges = b.d.ranges, .ranges_len = 1};
		struct delta_body body = {.wide = wide, .series = b.d.series, .series_len = b.d.series_len, .entries = b.d.entries, .entries_len = b.d.entries_len};
		delta_encode(&b.d.record, &header, &body);
		assert_int_equal(desk_post_record(&b.d), LEDGER_POSTED);
		assert_int_equal(figures(&b, FAMILY_LOG_PATTERN_RECORDS, NULL).series, wide ? 4 : 2);
		assert_int_equal(figures(&b, FAMILY_LOG_PATTERN_RECORDS, NULL).records, 5);
		bench_done(&b);
	}
}

static void expired_series_give_their_room_back(void **state)
{
	(void)state;
	struct ledger_opts opts = desk_opts;
	struct bench b;
	opts.label_values = 1;
	opts.series_limit = 4;
	bench_open(&b, opts);
	order(&b, "shop", "00000000000000a1", "a", 1);
	order(&b, "shop", "00000000000000a1", "b", 1);
	post(&b);
	assert_int_equal(figures(&b, FAMILY_LOG_PATTERN_RECORDS, NULL).series, 1);
	for (int at = 20; at < 500; at += 10) { /* nobody counts shop any more */
		desk_range(&b.d, 0, b.offset, b.offset + 1, AT(at), true);
		b.offset++;
		const char *const pairs[][2] = {{"outcome", "mined"}};
		desk_count(&b.d, FAMILY_RECORDS, pairs, 1, STEP_AT(at), 1);
		desk_post(&b.d, AT(at + 5));
		desk_mark_all(&b.d);
	}
	assert_int_equal(figures(&b, FAMILY_LOG_PATTERN_RECORDS, NULL).series, 0);
	const char *const pairs[][2] = {{"customer", "c"}, {"pattern_id", "00000000000000a1"}, {"service_name", "shop"}};
	desk_range(&b.d, 0, b.offset, b.offset + 1, AT(505), true);
	desk_count(&b.d, FAMILY_LOG_PATTERN_RECORDS, pairs, 3, STEP_AT(505), 1);
	desk_post(&b.d, AT(506));
	assert_int_equal(figures(&b, FAMILY_LOG_PATTERN_RECORDS, NULL).series, 1);
	bench_done(&b);
}

static void a_ledger_from_a_snapshot_refuses_the_same(void **state)
{
	(void)state;
	struct ledger_opts opts = desk_opts;
	struct bench b;
	struct buf saved = {0}, one = {0}, two = {0};
	char text[48];
	opts.series_limit = 60;
	opts.metric_limit = 40;
	opts.service_limit = 14;
	opts.label_values = 5;
	opts.id_values = 3;
	bench_open(&b, opts);
	struct ledger *other = NULL;
	for (int delta = 0; delta < 20; delta++) {
		for (int i = 0; i < 10; i++) {
			uint64_t dice = (uint64_t)(delta * 10 + i) * UINT64_C(0x9E3779B97F4A7C15) >> 40;
			static const char *const services[] = {"a", "b", "c", "d", "e", "f"};
			static const char *const ids[] = {"00000000000000a1", "00000000000000b2"};
			snprintf(text, sizeof(text), dice / 100 % 2 ? "%d" : "%08x-7d2a-4f33-9d0b-1a2b3c4d5e6f", (int)(dice / 7 % 40));
			order(&b, services[dice % 4 == 3 ? dice / 64 % 6 : dice % 2], ids[dice / 100 % 2], text, 1);
		}
		post(&b);
		struct ledger_event event;
		if (other)
			ledger_post(other, buf_slice(&b.d.record), b.d.position, &event);
		if (delta == 7) {
			ledger_save(b.d.l, &saved);
			other = ledger_new(&opts);
			struct err err = {0};
			assert_int_equal(ledger_load(other, buf_slice(&saved), &err), 0);
		}
	}
	ledger_save(b.d.l, &one);
	ledger_save(other, &two);
	check(slice_eq(buf_slice(&one), buf_slice(&two)));
	struct figures f = figures(&b, FAMILY_LOG_PATTERN_RECORDS, NULL);
	assert_int_equal(f.records, b.posted);
	assert_true(overflow(&b, "label_values") > 0 && overflow(&b, "id_values") > 0);
	assert_int_equal(overflow(&b, "label_values") + overflow(&b, "id_values") + overflow(&b, "series") + overflow(&b, "series_per_metric") + overflow(&b, "series_per_service"), f.other);
	ledger_free(other);
	buf_done(&saved);
	buf_done(&one);
	buf_done(&two);
	bench_done(&b);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_label_has_as_many_values_as_its_budget_over_all_instances),
		T(ids_are_folded_long_before_the_budget_is_spent_and_other_values_are_not),
		T(a_noisy_service_leaves_room_for_others),
		T(a_service_and_a_metric_have_budgets_of_their_own),
		T(a_histogram_weighs_all_that_the_receiver_holds),
		T(services_without_end_become_other),
		T(others_are_bounded_too),
		T(the_books_are_never_folded),
		T(a_delta_of_an_incident_has_twice_the_room),
		T(expired_series_give_their_room_back),
		T(a_ledger_from_a_snapshot_refuses_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
