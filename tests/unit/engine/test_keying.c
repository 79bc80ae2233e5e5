/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "engine/keying.h"

#include <stdio.h>

static void feed(struct keying *k, unsigned trace, int32_t partition, enum span_kind kind)
{
	static char names[4][8] = {"spans", "spans", "spans", "spans"}; /* each partition has a copy of its own */
	char id[33];
	snprintf(id, sizeof(id), "%032x", trace);
	struct record r = {.trace_id = slice_of(id, 32), .parent_span_id = SLICE("00000000000000aa"), .span_kind = kind};
	keying_span(k, &r, slice_str(names[partition]), partition, false);
}

static void a_topic_that_is_keyed_by_trace_is_not_blamed(void **state)
{
	static struct keying k;
	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		feed(&k, i / 7, (int32_t)(i / 7 % 4), SPAN_CLIENT);
	assert_int_equal(keying_elsewhere(&k), 0);
	assert_false(k.told_scattered);
	assert_false(k.told_kinds);
}

static void traces_in_several_partitions_are_found_and_told_of_once(void **state)
{
	static struct keying k;
	(void)state;
	for (unsigned i = 0; i < 30000; i++)
		feed(&k, i / 10, (int32_t)(i % 4), SPAN_CLIENT);
	assert_in_range(keying_elsewhere(&k), 20000, 27000);
	assert_true(k.told_scattered);
}

static void spans_without_kinds_are_told_of(void **state)
{
	static struct keying k;
	(void)state;
	for (unsigned i = 0; i < 19999; i++)
		feed(&k, i, 0, SPAN_INTERNAL);
	assert_false(k.told_kinds);
	feed(&k, 1, 0, SPAN_INTERNAL);
	assert_true(k.told_kinds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_topic_that_is_keyed_by_trace_is_not_blamed),
		cmocka_unit_test(traces_in_several_partitions_are_found_and_told_of_once),
		cmocka_unit_test(spans_without_kinds_are_told_of),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
