/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "winnow/winnow.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW INT64_C(1772615700000000000)

static size_t feed(struct winnow_engine *e, const char *value, int64_t now_ns)
{
	return winnow_feed(e, value, strlen(value), now_ns);
}

static struct slice slice_from(struct winnow_text t)
{
	return slice_of(t.ptr, t.len);
}

static bool find(struct winnow_engine *e, const char *template_text, struct winnow_pattern *ret)
{
	for (size_t i = 0; winnow_pattern_at(e, i, ret); i++)
		if (slice_eq(slice_from(ret->template_text), slice_str(template_text)))
			return true;
	return false;
}

/* Of the series with this label value (NULL: all). */
static double total(struct winnow_engine *e, const char *name, const char *value)
{
	struct winnow_sample s;
	double sum = 0;
	for (size_t i = 0; winnow_sample_at(e, i, &s); i++) {
		bool fits = value == NULL;
		for (size_t k = 0; k < s.labels_len; k++)
			fits |= value && slice_eq(slice_from(s.label_values[k]), slice_str(value));
		if (fits && slice_eq(slice_from(s.name), slice_str(name)))
			sum += s.value;
	}
	return sum;
}

static void patterns_come_with_count_origin_and_example(void **state)
{
	(void)state;
	struct winnow_engine *e = winnow_open(NULL, 0, 0, NULL);
	struct winnow_pattern p;
	assert_int_equal(winnow_pattern_at(e, 0, &p), 0);
	assert_int_equal(feed(e, "{\"level\":\"info\",\"service\":\"cart\",\"message\":\"stored item 17\"}", NOW), 0);
	assert_int_equal(feed(e, "{\"level\":\"error\",\"service\":\"cart\",\"message\":\"stored item 18\",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\"}", NOW), 0);
	assert_true(find(e, "stored item <num>", &p));
	assert_int_equal(p.count, 2);
	check_slice(slice_from(p.service), "cart");
	check_slice(slice_from(p.origin), "mined");
	check_slice(slice_from(p.example), "stored item 18");
	check_slice(slice_from(p.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
	winnow_close(e);
}

static void samples_are_cumulative_over_steps_and_posts(void **state)
{
	(void)state;
	enum { RECORDS = 10000 };
	struct winnow_engine *e = winnow_open(NULL, 0, 0, NULL);
	struct winnow_pattern p;
	for (int i = 0; i < RECORDS; i++)
		assert_int_equal(feed(e, i % 4 ? "{\"level\":\"info\",\"service\":\"cart\",\"message\":\"stored item 17\"}" : "{\"level\":\"warn\",\"service\":\"billing\",\"message\":\"slow\",\"duration_ms\":12}", NOW + i * INT64_C(50000000)), 0);
	assert_true(total(e, "log_records_total", "cart") == RECORDS / 4 * 3);
	assert_true(total(e, "log_records_total", "billing") == RECORDS / 4);
	assert_true(total(e, "winnow_records_consumed_total", NULL) == RECORDS);
	assert_true(find(e, "stored item <num>", &p));
	assert_int_equal(p.count, RECORDS / 4 * 3);
	feed(e, "{\"level\":\"info\",\"service\":\"cart\",\"message\":\"stored item 19\"}", NOW);
	assert_true(total(e, "log_records_total", "cart") == RECORDS / 4 * 3 + 1);
	winnow_close(e);
}

static void what_cannot_be_decoded_is_counted_and_said(void **state)
{
	(void)state;
	struct winnow_engine *e = winnow_open(NULL, 0, 0, NULL);
	assert_int_equal(feed(e, "{\"level\":", NOW), 1);
	assert_int_equal(winnow_feed(e, NULL, 0, NOW), 1);
	assert_int_equal(feed(e, "{\"message\":\"fine\"}", NOW), 0);
	assert_true(total(e, "winnow_undecodable_total", NULL) == 2);
	assert_true(total(e, "winnow_records_consumed_total", NULL) == 3);
	winnow_close(e);
}

static void rules_name_records_and_mistakes_in_them_are_said(void **state)
{
	(void)state;
	char good[] = "/tmp/winnow-api-XXXXXX.yaml", bad[] = "/tmp/winnow-api-XXXXXX.yaml";
	const char *paths[] = {good}, *bad_paths[] = {bad};
	static const char rule[] = "rules: [{name: paid, match: \"paid <id:word>\"}]\n", wrong[] = "rules: [{name: paid, macth: \"paid <id:word>\"}]\n";
	int fd = mkstemps(good, 5), bad_fd = mkstemps(bad, 5);
	char *error = NULL;
	struct winnow_pattern p;
	assert_int_equal(write(fd, rule, strlen(rule)), strlen(rule));
	assert_int_equal(write(bad_fd, wrong, strlen(wrong)), strlen(wrong));
	close(fd);
	close(bad_fd);
	struct winnow_engine *e = winnow_open(paths, 1, 0, NULL);
	assert_non_null(e);
	feed(e, "{\"service\":\"cart\",\"message\":\"paid o-17\"}", NOW);
	assert_true(winnow_pattern_at(e, 0, &p));
	check_slice(slice_from(p.rule), "paid");
	check_slice(slice_from(p.origin), "rule");
	winnow_close(e);
	assert_null(winnow_open(bad_paths, 1, 0, &error));
	assert_non_null(strstr(error, "macth"));
	free(error);
	assert_null(winnow_open(bad_paths, 1, 0, NULL));
	unlink(good);
	unlink(bad);
}

static void two_engines_give_a_pattern_the_same_id(void **state)
{
	(void)state;
	uint64_t ids[2];
	for (int i = 0; i < 2; i++) {
		struct winnow_engine *e = winnow_open(NULL, 0, 0, NULL);
		struct winnow_pattern p;
		if (i)
			feed(e, "{\"service\":\"cart\",\"message\":\"something else came first\"}", NOW);
		feed(e, i ? "{\"service\":\"cart\",\"message\":\"stored item 5\"}" : "{\"service\":\"cart\",\"message\":\"stored item 17\"}", NOW);
		assert_true(find(e, "stored item <num>", &p));
		ids[i] = p.id;
		winnow_close(e);
	}
	assert_true(ids[0] == ids[1] && ids[0] != 0);
}

static void the_version_is_the_projects(void **state)
{
	(void)state;
	unsigned major, minor, patch;
	assert_int_equal(sscanf(winnow_version(), "%u.%u.%u", &major, &minor, &patch), 3);
	winnow_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_come_with_count_origin_and_example),
		cmocka_unit_test(samples_are_cumulative_over_steps_and_posts),
		cmocka_unit_test(what_cannot_be_decoded_is_counted_and_said),
		cmocka_unit_test(rules_name_records_and_mistakes_in_them_are_said),
		cmocka_unit_test(two_engines_give_a_pattern_the_same_id),
		cmocka_unit_test(the_version_is_the_projects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
