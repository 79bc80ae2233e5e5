/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/clock.h"
#include "metric/openmetrics.h"

#include <math.h>

#define LABEL(n, v) ((struct label){SLICE(n), SLICE(v)})

static void counters_gauges_and_histograms_are_written_as_the_specification_has_them(void **state)
{
	(void)state;
	static const double bounds[] = {0.5, 10};
	static const struct family requests = {.name = "requests_total", .type = METRIC_COUNTER, .unit = "", .help = "Say \"hi\"\nto \\."};
	static const struct family bytes = {.name = "in_bytes_total", .type = METRIC_COUNTER, .unit = "bytes", .help = "B."};
	static const struct family temperature = {.name = "temperature", .type = METRIC_GAUGE, .unit = "celsius", .help = "T."};
	static const struct family duration = {.name = "wait_seconds", .type = METRIC_HISTOGRAM, .unit = "seconds", .help = "W.", .bounds = bounds, .bounds_len = 2};
	struct buf out = {0};
	struct openmetrics o = {.out = &out};
	struct exemplar e;
	exemplar_set(&e, 1700000000 * NS_PER_S + 42 * NS_PER_MS, 10, 1, SLICE("abc"), SLICE("de"));
	const struct label labels[] = {LABEL("a", "x\"y\\z\n"), LABEL("b", "1")};
	openmetrics_family(&o, &requests);
	openmetrics_count(&o, labels, 2, 18446744073709551615u, &e);
	openmetrics_family(&o, &bytes);
	openmetrics_count(&o, NULL, 0, 0, NULL);
	openmetrics_family(&o, &temperature);
	openmetrics_value(&o, NULL, 0, -0.1);
	openmetrics_value(&o, labels + 1, 1, (double)INFINITY);
	openmetrics_count(&o, labels + 1, 1, 1, &e);
	openmetrics_family(&o, &duration);
	const uint64_t buckets[] = {2, 3, 4};
	openmetrics_histogram(&o, labels + 1, 1, buckets, 99.25, &e);
	openmetrics_histogram(&o, NULL, 0, buckets, 0, NULL);
	openmetrics_end(&o);
	check_slice(buf_slice(&out),
		"# TYPE requests counter\n# HELP requests Say \\\"hi\\\"\\nto \\\\.\n"
		"requests_total{a=\"x\\\"y\\\\z\\n\",b=\"1\"} 18446744073709551615 # {trace_id=\"abc\",span_id=\"de\"} 10 1700000000.042\n"
		"# TYPE in_bytes counter\n# UNIT in_bytes bytes\n# HELP in_bytes B.\nin_bytes_total 0\n"
		"# TYPE temperature gauge\n# HELP temperature T.\ntemperature -0.1\ntemperature{b=\"1\"} +Inf\ntemperature{b=\"1\"} 1\n"
		"# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\n# HELP wait_seconds W.\n"
		"wait_seconds_bucket{b=\"1\",le=\"0.5\"} 2\n"
		"wait_seconds_bucket{b=\"1\",le=\"10\"} 5 # {trace_id=\"abc\",span_id=\"de\"} 10 1700000000.042\n"
		"wait_seconds_bucket{b=\"1\",le=\"+Inf\"} 9\nwait_seconds_sum{b=\"1\"} 99.25\nwait_seconds_count{b=\"1\"} 9\n"
		"wait_seconds_bucket{le=\"0.5\"} 2\nwait_seconds_bucket{le=\"10\"} 5\nwait_seconds_bucket{le=\"+Inf\"} 9\nwait_seconds_sum 0\nwait_seconds_count 9\n"
		"# EOF\n");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_gauges_and_histograms_are_written_as_the_specification_has_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
