/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "slo/period.h"

static void check_reads(const char *text, const char *prints)
{
	struct buf out = {0};
	int64_t ns = 0;
	check(period_parse(slice_str(text), &ns));
	period_print(&out, ns);
	check_slice(buf_slice(&out), prints);
	buf_done(&out);
}

static void lengths_are_printed_as_promql_takes_them(void **state)
{
	(void)state;
	check_reads("30d", "30d");
	check_reads("4w", "28d");
	check_reads("1M", "30d");
	check_reads("90m", "1h30m");
	check_reads("280s", "4m40s");
	check_reads("300ms", "300ms");
	check_reads("1h30m", "1h30m");
}

static void what_is_no_length_is_refused(void **state)
{
	static const char *const bad[] = {"", "0d", "3", "d", "3 d", "-1d", "1x", "1d2", "99999999999d", "4000d"};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int64_t ns;
		assert_false(period_parse(slice_str(bad[i]), &ns));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_printed_as_promql_takes_them),
		cmocka_unit_test(what_is_no_length_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
