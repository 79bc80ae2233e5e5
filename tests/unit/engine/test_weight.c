/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/hash.h"
#include "engine/weight.h"

static uint64_t of(const char *trace_state, double sampling, enum weight_source *source)
{
	const struct record r = {.trace_state = slice_str(trace_state), .sampling = sampling};
	return weight_of(&r, source);
}

static void thresholds_of_the_specification(void **state)
{
	static const struct {
		const char *trace_state;
		double weight;
		enum weight_source source;
	} rows[] = {
		{"", 1, WEIGHT_ONE},
		{"ot=th:0", 1, WEIGHT_ONE},
		{"ot=th:8", 2, WEIGHT_TRACESTATE},
		{"ot=th:c", 4, WEIGHT_TRACESTATE},
		{"ot=th:e6666666666666", 10, WEIGHT_TRACESTATE},
		{"ot=th:fd70a3d70a3d7", 100, WEIGHT_TRACESTATE},
		{"ot=th:4", 4.0 / 3, WEIGHT_TRACESTATE},
		{"a=b, ot=rv:0123456789abcd;th:c;x:y ,c=d", 4, WEIGHT_TRACESTATE},
		{"ot=rv:0123456789abcd", 1, WEIGHT_ONE},
		{"hot=th:8", 1, WEIGHT_ONE},
		{"ot=th:", 1, WEIGHT_UNUSABLE},
		{"ot=th:C", 1, WEIGHT_UNUSABLE},
		{"ot=th:123456789abcdef", 1, WEIGHT_UNUSABLE},
		{"ot=th:ffffffffffffff", 1, WEIGHT_UNUSABLE}, /* one in 2^56: no one samples so */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum weight_source source;
		double got = (double)of(rows[i].trace_state, 0, &source) / (double)WEIGHT_UNIT;
		if (got < rows[i].weight * 0.999999 || got > rows[i].weight * 1.000001 || source != rows[i].source)
			fail_msg("%s: %f from %s", rows[i].trace_state, got, weight_source_name(source));
	}
}

static void probabilities(void **state)
{
	static const struct {
		double p, weight;
		enum weight_source source;
	} rows[] = {{0.1, 10, WEIGHT_ATTRIBUTE}, {1, 1, WEIGHT_ONE}, {0.3, 1 / 0.3, WEIGHT_ATTRIBUTE}, {1.5, 1, WEIGHT_UNUSABLE}, {-1, 1, WEIGHT_UNUSABLE}, {1e-300, 1, WEIGHT_UNUSABLE}, {1.0 / WEIGHT_MAX, WEIGHT_MAX, WEIGHT_ATTRIBUTE}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum weight_source source;
		double got = (double)of("", rows[i].p, &source) / (double)WEIGHT_UNIT;
		if (got < rows[i].weight * 0.999999 || got > rows[i].weight * 1.000001 || source != rows[i].source)
			fail_msg("%g: %f from %s", rows[i].p, got, weight_source_name(source));
	}
}

static void whole_weights_are_not_rounded_and_others_come_out_right_on_average(void **state)
{
	enum weight_source source;
	uint64_t ten = of("ot=th:e6666666666666", 0, &source), third = of("", 0.3, &source), sum = 0;
	(void)state;
	for (uint64_t i = 0; i < 1000000; i++) {
		uint64_t hash = hash_pair(i, 7);
		assert_int_equal(weight_round(ten, hash), 10);
		uint32_t n = weight_round(third, hash);
		assert_in_range(n, 3, 4);
		assert_int_equal(n, weight_round(third, hash));
		sum += n;
	}
	assert_in_range(sum, 3331000, 3336000); /* 3,333,333 with a deviation of 471: five of them */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thresholds_of_the_specification),
		cmocka_unit_test(probabilities),
		cmocka_unit_test(whole_weights_are_not_rounded_and_others_come_out_right_on_average),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
