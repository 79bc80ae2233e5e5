/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "app/quarantine.h"
#include "metric/remote_write.h"

#include <stdio.h>

/* A request of series a, b, c, ... (one letter each in names), value 1. */
static void add(struct buf *body, const char *names)
{
	for (; *names; names++) {
		struct buf block = {0};
		struct label label = {SLICE("s"), slice_of(names, 1)};
		remote_write_label_block(&block, SLICE("m"), &label, 1, NULL);
		remote_write_add(body, buf_slice(&block), 1, 1000, NULL);
		buf_done(&block);
	}
}

static void add_histogram(struct buf *body, const char *name, const char *service)
{
	static const struct {
		const char *suffix, *le;
	} parts[] = {{"_bucket", "1"}, {"_bucket", "+Inf"}, {"_sum", NULL}, {"_count", NULL}};
	for (size_t i = 0; i < 4; i++) {
		struct buf block = {0}, whole = {0};
		struct label label = {SLICE("s"), slice_str(service)}, le = {SLICE("le"), slice_str(parts[i].le)};
		buf_printf(&whole, "%s%s", name, parts[i].suffix);
		remote_write_label_block(&block, buf_slice(&whole), &label, 1, parts[i].le ? &le : NULL);
		remote_write_add(body, buf_slice(&block), 1, 1000, NULL);
		buf_done(&block);
		buf_done(&whole);
	}
}

/* One step in which groups that hold `poison` are refused; returns how many groups were sent. */
static size_t step(struct quarantine *q, const char *names, const char *poison, bool something_passed)
{
	struct buf body = {0}, ordinary = {0}, bad = {0};
	struct quarantine_group *g;
	size_t sent = 0;
	add(&body, names);
	add(&bad, poison);
	quarantine_begin(q, 0);
	quarantine_take(q, buf_slice(&body), false, 500, &ordinary);
	for (; (g = quarantine_group_at(q, sent)); sent++)
		if (bad.len && slice_search(buf_slice(&g->values), buf_slice(&bad)) < g->values.len)
			quarantine_group_refused(g, "no");
	quarantine_end(q, 0, something_passed);
	buf_done(&body);
	buf_done(&ordinary);
	buf_done(&bad);
	return sent;
}

static struct quarantine *suspects(const char *names, bool anchors)
{
	struct quarantine *q = quarantine_new(1000);
	struct buf body = {0};
	add(&body, names);
	quarantine_refuse(q, buf_slice(&body), anchors, "no");
	quarantine_end(q, 0, true);
	buf_done(&body);
	return q;
}

static void the_bad_one_of_eight_is_alone_after_three_halvings(void **state)
{
	(void)state;
	struct quarantine *q = suspects("abcdefgh", false);
	assert_int_equal(step(q, "abcdefgh", "f", true), 2);
	assert_int_equal(quarantine_len(q), 4);
	assert_int_equal(step(q, "abcdefgh", "f", true), 2);
	assert_int_equal(quarantine_len(q), 2);
	assert_int_equal(step(q, "abcdefgh", "f", true), 2);
	assert_int_equal(quarantine_len(q), 1);
	assert_int_equal(quarantine_aside_len(q), 1);
	struct quarantine_aside aside;
	quarantine_aside_at(q, 0, &aside);
	check_slice(aside.name, "m{s=\"f\"}");
	check_slice(aside.reason, "no");
	assert_int_equal(step(q, "abcdefgh", "f", true), 0);
	quarantine_free(q);
}

static void nobody_is_set_aside_when_nothing_passes(void **state)
{
	(void)state;
	struct quarantine *q = suspects("a", false);
	assert_int_equal(quarantine_aside_len(q), 1); /* refused alone, while others passed */
	quarantine_free(q);
	q = suspects("ab", false);
	for (int i = 0; i < 5; i++)
		assert_int_equal(step(q, "ab", "a", false), i == 0 ? 2 : 1); /* b passes and is free; a stays a suspect */
	assert_int_equal(quarantine_aside_len(q), 0);
	assert_int_equal(quarantine_len(q), 1);
	quarantine_free(q);
}

static void suspects_whose_series_left_are_forgotten(void **state)
{
	(void)state;
	struct quarantine *q = suspects("abcd", false);
	step(q, "x", "", true);
	assert_int_equal(quarantine_len(q), 0);
	quarantine_free(q);
}

static void refused_anchors_go_again_before_the_values(void **state)
{
	(void)state;
	struct quarantine *q = suspects("ab", true);
	struct buf body = {0}, ordinary = {0}, expect = {0}, block = {0};
	struct label a = {SLICE("s"), SLICE("a")};
	remote_write_label_block(&block, SLICE("m"), &a, 1, NULL);
	remote_write_add(&expect, buf_slice(&block), 1, 500, NULL); /* what was refused, at a new time */
	for (int round = 0; round < 2; round++) { /* again, as long as they are not acknowledged */
		buf_reset(&body);
		buf_reset(&ordinary);
		add(&body, "abc");
		quarantine_begin(q, 0);
		assert_int_equal(quarantine_take(q, buf_slice(&body), false, 500, &ordinary), 1);
		struct quarantine_group *g = quarantine_group_at(q, 0);
		check(slice_eq(buf_slice(&g->anchors), buf_slice(&expect)));
		check(g->values.len > 0);
	}
	quarantine_group_anchored(quarantine_group_at(q, 0));
	quarantine_begin(q, 0);
	quarantine_take(q, buf_slice(&body), false, 500, &ordinary);
	assert_int_equal(quarantine_group_at(q, 0)->anchors.len, 0);
	check(quarantine_group_at(q, 1)->anchors.len > 0);
	buf_done(&body);
	buf_done(&ordinary);
	buf_done(&expect);
	buf_done(&block);
	quarantine_free(q);
}

static void a_histogram_stays_together(void **state)
{
	(void)state;
	struct buf body = {0};
	add_histogram(&body, "wait_seconds", "x");
	add_histogram(&body, "wait_seconds", "y");
	add_histogram(&body, "go_seconds", "x");
	struct quarantine *q = quarantine_new(1000);
	quarantine_refuse(q, buf_slice(&body), false, "no");
	assert_int_equal(quarantine_len(q), 3);
	quarantine_end(q, 0, true);
	buf_done(&body);
	quarantine_free(q);
}

static void one_series_of_a_request_can_be_picked(void **state)
{
	(void)state;
	struct buf body = {0}, b = {0};
	add(&body, "abc");
	add(&b, "b");
	check(slice_eq(quarantine_pick(buf_slice(&body), 4), buf_slice(&b)));
	check(quarantine_pick(buf_slice(&b), 0).len == 0);
	buf_done(&body);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bad_one_of_eight_is_alone_after_three_halvings),
		cmocka_unit_test(nobody_is_set_aside_when_nothing_passes),
		cmocka_unit_test(suspects_whose_series_left_are_forgotten),
		cmocka_unit_test(refused_anchors_go_again_before_the_values),
		cmocka_unit_test(a_histogram_stays_together),
		cmocka_unit_test(one_series_of_a_request_can_be_picked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
