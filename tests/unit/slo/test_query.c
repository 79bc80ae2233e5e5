/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "slo/period.h"
#include "slo/query.h"

static void check_windowed(const char *query, bool counter, const char *expect)
{
	struct buf out = {0};
	slo_query_with_window(&out, slice_str(query), counter);
	check_slice(buf_slice(&out), expect);
	buf_done(&out);
}

static void placeholders_become_the_window(void **state)
{
	(void)state;
	struct buf out = {0};
	slo_query_print(&out, SLICE(" rate(a[{{.window}}]) / rate(b[{{ .window }}])\n"), 280 * PERIOD_SECOND);
	check_slice(buf_slice(&out), "rate(a[4m40s]) / rate(b[4m40s])");
	buf_done(&out);
}

static void other_placeholders_are_refused(void **state)
{
	(void)state;
	size_t windows;
	assert_non_null(slo_query_check(SLICE("rate(a[{{.windw}}])"), &windows));
	assert_non_null(slo_query_check(SLICE("rate(a[{{.window"), &windows));
	assert_non_null(slo_query_check(SLICE("  "), &windows));
	assert_null(slo_query_check(SLICE("rate(a[{{.window}}]) + rate(b[{{.window}}])"), &windows));
	assert_int_equal(windows, 2);
	assert_null(slo_query_check(SLICE("a"), &windows));
	assert_int_equal(windows, 0);
}

static void queries_without_a_window_get_one(void **state)
{
	(void)state;
	check_windowed("a_total{x=\"1\"}", true, "sum(rate(a_total{x=\"1\"}[{{.window}}]))");
	check_windowed("sum(a_total{x=\"}(\"})", true, "sum(rate(a_total{x=\"}(\"}[{{.window}}]))");
	check_windowed("sum(increase(a_total[5m]))", true, "sum(increase(a_total[{{.window}}]))");
	check_windowed("max_over_time(a{x=\"[5m]\"}[5m:10s])", false, "max_over_time(a{x=\"[5m]\"}[{{.window}}:10s])");
	check_windowed("a / b", true, "sum_over_time((a / b)[{{.window}}:])");
	check_windowed("queue_length", false, "sum_over_time((queue_length)[{{.window}}:])");
	check_windowed("rate(a[{{.window}}])", true, "rate(a[{{.window}}])");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(placeholders_become_the_window),
		cmocka_unit_test(other_placeholders_are_refused),
		cmocka_unit_test(queries_without_a_window_get_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
