/* SPDX-License-Identifier: Apache-2.0 */
/* The values that labels of a rule may have: ids are noticed by shape and by growth, names of things are not taken for ids. */
#include "../check.h"
#include "bench.h"
#include "engine/red_parts.h"

static struct tally *tally;
static struct red *red;

static int open_red(void **state)
{
	(void)state;
	tally = tally_new();
	red = red_new(tally, BENCH_STEP, 200, 16, NULL);
	return 0;
}

static int close_red(void **state)
{
	(void)state;
	red_free(red);
	tally_free(tally);
	return 0;
}

/* One record of a rule with this label. */
static enum red_refusal count(const char *format, unsigned value)
{
	char text[80];
	struct record r = {.duration_ns = -1};
	struct pattern p = {.id = 1, .service = SLICE("shop"), .rule = SLICE("order_stored")};
	snprintf(text, sizeof(text), format, value);
	struct rule_label label = {.name = SLICE("customer"), .value = slice_str(text)};
	struct red_event e = {.record = &r, .service = SLICE("shop"), .time_ns = BENCH_NOW, .duration_ns = -1, .pattern = &p, .labels = &label, .labels_len = 1};
	return red_log(red, &e);
}

static void uuids_are_other_after_the_first_sixteen(void **state)
{
	(void)state;
	size_t folded = 0;
	for (unsigned i = 0; i < 1000; i++)
		folded += count("%08x-7d2a-4f33-9d0b-1a2b3c4d5e6f", i * 2654435761u) == RED_ID;
	assert_int_equal(folded, 984);
	assert_int_equal(bench_sum(tally, FAMILY_LOG_PATTERN_RECORDS, LABELS({"customer", "other"})), 984);
	assert_int_equal(bench_sum(tally, FAMILY_LOG_PATTERN_RECORDS, NULL), 1000);
	assert_int_equal(count("%u known", 1), RED_FITS); /* what is no id goes on */
}

static void a_few_ids_among_names_stay(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(count("shop in street %u", i), RED_FITS);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(count("%08x-7d2a-4f33-9d0b-1a2b3c4d5e6f", i * 2654435761u), RED_FITS);
}

static void numbers_that_never_come_again_are_ids_by_their_growth(void **state)
{
	(void)state;
	unsigned i = 0;
	while (i < 1000 && count("order-%05u", i) == RED_FITS)
		i++;
	assert_int_equal(i, 64);
	assert_int_equal(count("order-%05u", 3), RED_FITS);
	assert_int_equal(count("order-%05u", 5000), RED_ID);
}

static void numbers_that_come_again_are_values_like_others(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 60; i++)
			assert_int_equal(count("terminal-%04u", i), RED_FITS);
	for (unsigned i = 60; i < 200; i++)
		assert_int_equal(count("terminal-%04u", i), RED_FITS);
	assert_int_equal(count("terminal-%04u", 200), RED_FULL);
}

static void names_that_come_in_turn_are_no_ids(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(count("warehouse of town %u", i), RED_FITS);
	assert_int_equal(count("warehouse of town %u", 200), RED_FULL);
}

static void an_incident_makes_room_for_twice_as_many(void **state)
{
	(void)state;
	red_widen(red, true);
	for (unsigned i = 0; i < 400; i++)
		assert_int_equal(count("warehouse of town %u", i), RED_FITS);
	assert_int_equal(count("warehouse of town %u", 400), RED_FULL);
}

static void count_named(const char *name)
{
	struct record r = {.kind = RECORD_SPAN, .duration_ns = 1, .span_kind = SPAN_SERVER, .name = slice_str(name), .trace_id = SLICE("4bf92f3577b34da6a3ce929d0e0e4736"), .span_id = SLICE("00f067aa0ba902b7")};
	struct red_event e = {.record = &r, .service = SLICE("shop"), .time_ns = BENCH_NOW, .duration_ns = 1};
	red_span(red, &e, WEIGHT_UNIT, WEIGHT_ONE);
}

/* What a span that did not fit remembers of where it counts is void then. */
static void a_span_that_was_other_has_its_own_series_once_there_is_room(void **state)
{
	(void)state;
	red_free(red);
	red = red_new(tally, BENCH_STEP, 1, 0, NULL);
	count_named("GET /a");
	for (size_t round = 1; round <= 3; round++) {
		count_named("GET /b");
		count_named("GET /b");
		assert_int_equal(bench_sum(tally, FAMILY_SPAN_CALLS, LABELS({"span_name", "other"})), 2 * round);
	}
	red_widen(red, true);
	for (size_t round = 1; round <= 3; round++) {
		count_named("GET /b");
		assert_int_equal(bench_sum(tally, FAMILY_SPAN_CALLS, LABELS({"span_name", "GET /b"})), round);
	}
	red_widen(red, false);
	count_named("GET /b");
	assert_int_equal(bench_sum(tally, FAMILY_SPAN_CALLS, LABELS({"span_name", "GET /b"})), 4);
	assert_int_equal(bench_sum(tally, FAMILY_SPAN_CALLS, NULL), 11);
}

static void ids_are_welcome_where_that_is_said(void **state)
{
	(void)state;
	red_free(red);
	red = red_new(tally, BENCH_STEP, 200, 0, NULL);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(count("%08x-7d2a-4f33-9d0b-1a2b3c4d5e6f", i * 2654435761u), RED_FITS);
	assert_int_equal(count("%08x-7d2a-4f33-9d0b-1a2b3c4d5e6f", 7), RED_FULL);
}

/* A fresh instance id with every payload: nothing of those past the budget is remembered. */
static void targets_past_the_budget_take_no_memory(void **state)
{
	(void)state;
	size_t shown = 0;
	for (unsigned i = 0; i < 5000; i++) {
		char id[64];
		snprintf(id, sizeof(id), "%08x-7d2a-4f33-9d0b-1a2b3c4d5e6f", i * 2654435761u);
		struct record r = {.kind = RECORD_SPAN, .service = SLICE("shop"), .service_instance = slice_str(id)};
		struct red_event e = {.record = &r, .service = SLICE("shop"), .time_ns = BENCH_NOW};
		shown += red_target(red, &e);
	}
	assert_int_equal(shown, 200);
	assert_int_equal(red->targets.len, 200);
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_red, close_red)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(uuids_are_other_after_the_first_sixteen),
		T(a_few_ids_among_names_stay),
		T(numbers_that_never_come_again_are_ids_by_their_growth),
		T(numbers_that_come_again_are_values_like_others),
		T(names_that_come_in_turn_are_no_ids),
		T(an_incident_makes_room_for_twice_as_many),
		T(a_span_that_was_other_has_its_own_series_once_there_is_room),
		T(ids_are_welcome_where_that_is_said),
		T(targets_past_the_budget_take_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
