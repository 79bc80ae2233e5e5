/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "metric/rule_family.h"
#include "metric/tally.h"

#include <math.h>
#include <stdio.h>

#define LABEL(n, v) ((struct label){SLICE(n), SLICE(v)})

static uint32_t series_of(struct tally *t, const char *service)
{
	struct label label = {SLICE("service_name"), slice_str(service)};
	return tally_series(t, FAMILY_LOG_RECORDS, &label, 1);
}

static void the_same_labels_in_any_order_are_one_series(void **state)
{
	(void)state;
	struct tally *t = tally_new();
	const struct label one[] = {LABEL("severity", "info"), LABEL("service_name", "a")}, other[] = {LABEL("service_name", "a"), LABEL("severity", "info")};
	uint32_t a = tally_series(t, FAMILY_LOG_RECORDS, one, 2);
	assert_int_equal(tally_series(t, FAMILY_LOG_RECORDS, other, 2), a);
	assert_int_not_equal(tally_series(t, FAMILY_LOG_PATTERN_RECORDS, other, 2), a);
	assert_int_not_equal(tally_series(t, FAMILY_LOG_RECORDS, other, 1), a);
	assert_int_equal(tally_series_len(t), 3);
	check_slice(tally_series_at(t, a)->labels[0].name, "service_name");
	check_slice(tally_series_at(t, a)->labels[1].name, "severity");
	assert_int_equal(tally_series_at(t, a)->hash, tally_hash(FAMILY_LOG_RECORDS, other, 2));
	tally_free(t);
}

static void labels_that_no_receiver_takes_are_left_out(void **state)
{
	(void)state;
	struct tally *t = tally_new();
	const struct label labels[] = {LABEL("a", ""), LABEL("le", "1"), LABEL("__name__", "x"), LABEL("", "x"), LABEL("1a", "x"), LABEL("a-b", "x"), LABEL("b", "1"), LABEL("b", "2")};
	const struct tally_series *s = tally_series_at(t, tally_series(t, FAMILY_LOG_RECORDS, labels, sizeof(labels) / sizeof(labels[0])));
	assert_int_equal(s->labels_len, 1);
	check_slice(s->labels[0].value, "1");
	tally_free(t);
}

static void values_are_made_valid_and_cut_between_characters(void **state)
{
	(void)state;
	struct tally *t = tally_new();
	char text[1100];
	memset(text, 'x', sizeof(text));
	memcpy(text + 1022, "\xE2\x82\xAC", 3); /* the euro sign straddles the limit */
	const struct label labels[] = {{SLICE("a"), slice_of(text, sizeof(text))}, {SLICE("b"), SLICE("x\0y\xFFz")}};
	const struct tally_series *s = tally_series_at(t, tally_series(t, FAMILY_LOG_RECORDS, labels, 2));
	assert_int_equal(s->labels[0].value.len, 1022);
	check_slice(s->labels[1].value, "x\xEF\xBF\xBDy\xEF\xBF\xBDz");
	char bad[LABEL_VALUE_MAX];
	memset(bad, 0xFF, sizeof(bad));
	struct label many[LABELS_MAX + 5];
	char names[LABELS_MAX + 5][4];
	for (size_t i = 0; i < LABELS_MAX + 5; i++) {
		snprintf(names[i], sizeof(names[i]), "l%02zu", i);
		many[i] = (struct label){slice_str(names[i]), slice_of(bad, sizeof(bad))};
	}
	s = tally_series_at(t, tally_series(t, FAMILY_LOG_RECORDS, many, LABELS_MAX + 5));
	assert_int_equal(s->labels_len, LABELS_MAX);
	for (size_t i = 0; i < LABELS_MAX; i++)
		check(s->labels[i].value.len == 1023 && slice_is_utf8(s->labels[i].value));
	tally_free(t);
}

static void counts_add_up_per_series_and_step_in_order_of_first_touch(void **state)
{
	(void)state;
	struct tally *t = tally_new();
	uint32_t a = series_of(t, "a"), b = series_of(t, "b");
	tally_count(t, b, 7, 1, NULL);
	tally_count(t, a, 7, 2, NULL);
	tally_count(t, b, 8, 4, NULL);
	tally_count(t, b, 7, 8, NULL); /* back to an older step */
	tally_count(t, b, -1, 16, NULL);
	size_t len;
	const struct tally_entry *e = tally_entries(t, &len);
	assert_int_equal(len, 4);
	check(e[0].series == b && e[0].step == 7 && e[0].count == 9);
	check(e[1].series == a && e[1].step == 7 && e[1].count == 2);
	check(e[2].series == b && e[2].step == 8 && e[2].count == 4);
	check(e[3].series == b && e[3].step == -1 && e[3].count == 16);
	tally_free(t);
}

static void a_value_on_a_bound_belongs_below_it(void **state)
{
	(void)state;
	struct tally *t = tally_new();
	struct label label = LABEL("service_name", "a");
	uint32_t s = tally_series(t, FAMILY_SPAN_DURATION, &label, 1);
	const double values[] = {2, 2.5, 4, 15000, 15000.5, -3, 0};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		tally_observe(t, s, 1, values[i], NULL);
	tally_observe(t, s, 1, (double)NAN, NULL);
	tally_observe(t, s, 1, (double)INFINITY, NULL);
	size_t len;
	const struct tally_entry *e = tally_entries(t, &len);
	assert_int_equal(e->count, 7);
	check(e->buckets[0] == 3 && e->buckets[1] == 2 && e->buckets[15] == 1 && e->buckets[16] == 1);
	check(e->sum == 2 + 2.5 + 4 + 15000 + 15000.5);
	tally_free(t);
}

static struct exemplar exemplar(uint8_t rank, const char *trace)
{
	struct exemplar e;
	exemplar_set(&e, 1, 1, rank, slice_str(trace), SLICE(""));
	return e;
}

static double bound_of_kind(unsigned kind, size_t i, size_t len)
{
	switch (kind) {
	case 0: return (double)(i * i) + 0.5;
	case 1: return ldexp(1, (int)i * 60 - 900);               /* further apart than there are cells */
	case 2: return 1000 + (double)i / 1024;                   /* all in one cell */
	case 3: return ((double)i - (double)len / 2) * 3;         /* negative ones and zero */
	default: return -(double)(len - i);                       /* nothing else */
	}
}

/* Of a value at, just below and just above each bound, and far from all: it lies behind as many as are below it. */
static void bounds_of_any_number_and_distance_sort_values_as_counting_does(void **state)
{
	(void)state;
	struct tally *t = tally_new();
	double bounds[BOUNDS_MAX], values[3 * BOUNDS_MAX + 6];
	for (size_t len = 1; len <= BOUNDS_MAX; len++)
		for (unsigned kind = 0; kind < 5; kind++) {
			size_t n = 0;
			for (size_t i = 0; i < len; i++) {
				bounds[i] = bound_of_kind(kind, i, len);
				values[n++] = bounds[i];
				values[n++] = nextafter(bounds[i], (double)INFINITY);
				values[n++] = nextafter(bounds[i], (double)-INFINITY);
			}
			const double far[] = {0, -0.0, 1e300, -1e300, 1e-310, 700};
			for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
				values[n++] = far[i];
			const struct family f = {.name = "shop_sorted", .help = "h", .unit = "", .type = METRIC_HISTOGRAM, .bounds = bounds, .bounds_len = len};
			uint32_t series = tally_series(t, rule_family_intern(&f), NULL, 0);
			uint64_t want[BOUNDS_MAX + 1] = {0};
			for (size_t i = 0; i < n; i++) {
				size_t bucket = 0;
				while (bucket < len && bounds[bucket] < values[i])
					bucket++;
				want[bucket]++;
				tally_observe(t, series, 1, values[i], NULL);
			}
			size_t entries;
			const struct tally_entry *e = tally_entries(t, &entries);
			assert_int_equal(entries, 1);
			assert_memory_equal(e->buckets, want, (len + 1) * sizeof(*want));
			tally_clear(t);
		}
	tally_free(t);
}

static void the_better_exemplar_stays_and_the_later_of_equals(void **state)
{
	(void)state;
	struct tally *t = tally_new();
	uint32_t s = series_of(t, "a");
	const struct exemplar all[] = {exemplar(1, "first"), exemplar(2, "slow"), exemplar(2, "slow later"), exemplar(1, "late"), exemplar(0, "none")};
	static const char *const expect[] = {"first", "slow", "slow later", "slow later", "slow later"};
	size_t len;
	for (size_t i = 0; i < 5; i++) {
		tally_count(t, s, 1, 1, &all[i]);
		const struct exemplar *e = &tally_entries(t, &len)[0].exemplar;
		check_slice(slice_of(e->trace_id, e->trace_len), expect[i]);
	}
	tally_free(t);
}

static void ids_that_do_not_fit_an_exemplar_are_left_out(void **state)
{
	(void)state;
	struct exemplar e;
	exemplar_set(&e, 1, 1, 1, SLICE("012345678901234567890123456789012"), SLICE("0123456789abcdef"));
	check(e.trace_len == 0 && e.span_len == 16);
	exemplar_set(&e, 1, 1, 1, SLICE("\xFF"), SLICE("0123456789abcdef0"));
	check(e.trace_len == 0 && e.span_len == 0);
}

static void clear_drops_increments_and_keeps_series(void **state)
{
	(void)state;
	struct tally *t = tally_new();
	struct label label = LABEL("service_name", "a");
	uint32_t a = series_of(t, "a"), h = tally_series(t, FAMILY_SPAN_DURATION, &label, 1);
	size_t len;
	for (int round = 0; round < 3; round++) {
		tally_count(t, a, 7, 1, NULL);
		tally_observe(t, h, 7, 3, NULL);
		check(tally_bytes(t) > 0);
		const struct tally_entry *e = tally_entries(t, &len);
		assert_int_equal(len, 2);
		check(e[0].count == 1 && e[1].count == 1 && e[1].buckets[1] == 1 && e[1].sum == 3);
		tally_clear(t);
		tally_entries(t, &len);
		check(len == 0 && tally_bytes(t) == 0 && tally_series_len(t) == 2);
		assert_int_equal(series_of(t, "a"), a);
	}
	tally_forget(t);
	assert_int_equal(tally_series_len(t), 0);
	assert_int_equal(series_of(t, "z"), 0);
	tally_free(t);
}

static void many_series_and_steps_agree_with_a_plain_table(void **state)
{
	(void)state;
	enum { SERIES = 700, STEPS = 9 };
	static uint64_t expect[SERIES][STEPS];
	struct tally *t = tally_new();
	uint32_t numbers[SERIES];
	for (int i = 0; i < SERIES; i++) {
		char name[16];
		snprintf(name, sizeof(name), "s%d", i);
		numbers[i] = series_of(t, name);
	}
	uint64_t random = 42;
	for (int i = 0; i < 200000; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		unsigned s = (unsigned)(random >> 33) % SERIES, step = (unsigned)(random >> 20) % STEPS;
		tally_count(t, numbers[s], step, random >> 60, NULL);
		expect[s][step] += random >> 60;
	}
	size_t len, seen = 0;
	const struct tally_entry *e = tally_entries(t, &len);
	for (size_t i = 0; i < len; i++, seen++)
		assert_int_equal(e[i].count, expect[e[i].series][e[i].step]);
	assert_int_equal(seen, (size_t)SERIES * STEPS);
	tally_free(t);
}

static void a_twin_counts_what_its_histogram_observes(void **state)
{
	(void)state;
	struct tally *t = tally_new();
	struct label label = LABEL("service_name", "a");
	uint32_t calls = tally_series(t, FAMILY_SPAN_CALLS, &label, 1), durations = tally_series(t, FAMILY_SPAN_DURATION, &label, 1);
	struct exemplar x;
	tally_twin(t, durations, calls);
	for (int clear = 0; clear < 2; clear++) {
		exemplar_set(&x, 7, 3, 1, SLICE("aa"), SLICE("b"));
		tally_observe_n(t, durations, 5, 3, 2, &x);
		tally_observe_n(t, durations, 6, 1, 1, NULL);
		exemplar_set(&x, 8, 4, 1, SLICE("cc"), SLICE("d"));
		tally_observe_n(t, durations, 5, 4, 1, &x);
		size_t len;
		for (int again = 0; again < 2; again++) {
			const struct tally_entry *e = tally_entries(t, &len);
			assert_int_equal(len, 4);
			assert_int_equal(tally_entries_len(t), 4);
			assert_int_equal(e[0].series, calls);
			assert_int_equal(e[0].step, 5);
			assert_int_equal(e[0].count, 3);
			assert_true(e[0].exemplar.value == 1 && e[0].exemplar.time_ns == 8 && !e[0].buckets);
			assert_memory_equal(e[0].exemplar.trace_id, "cc", 2);
			assert_int_equal(e[1].series, durations);
			assert_int_equal(e[1].count, 3);
			assert_true(e[1].sum == 10 && e[1].exemplar.value == 4);
			assert_int_equal(e[2].series, calls);
			assert_int_equal(e[2].count, 1);
			assert_int_equal(e[2].exemplar.rank, 0);
		}
		tally_clear(t);
	}
	tally_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_labels_in_any_order_are_one_series),
		cmocka_unit_test(labels_that_no_receiver_takes_are_left_out),
		cmocka_unit_test(values_are_made_valid_and_cut_between_characters),
		cmocka_unit_test(counts_add_up_per_series_and_step_in_order_of_first_touch),
		cmocka_unit_test(a_value_on_a_bound_belongs_below_it),
		cmocka_unit_test(bounds_of_any_number_and_distance_sort_values_as_counting_does),
		cmocka_unit_test(the_better_exemplar_stays_and_the_later_of_equals),
		cmocka_unit_test(ids_that_do_not_fit_an_exemplar_are_left_out),
		cmocka_unit_test(clear_drops_increments_and_keeps_series),
		cmocka_unit_test(many_series_and_steps_agree_with_a_plain_table),
		cmocka_unit_test(a_twin_counts_what_its_histogram_observes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
