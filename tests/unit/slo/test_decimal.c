/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "slo/decimal.h"

static void check_prints(struct decimal d, const char *expect)
{
	struct buf out = {0};
	decimal_print(&out, d);
	check_slice(buf_slice(&out), expect);
	buf_done(&out);
}

static struct decimal parsed(const char *text)
{
	struct decimal d = {0};
	check(decimal_parse(slice_str(text), &d));
	return d;
}

static void what_is_read_is_printed_without_needless_zeros(void **state)
{
	(void)state;
	check_prints(parsed("99.9"), "99.9");
	check_prints(parsed("099.900"), "99.9");
	check_prints(parsed("0.0005"), "0.0005");
	check_prints(parsed("100"), "100");
	check_prints(parsed(".5"), "0.5");
	check_prints(parsed("7."), "7");
}

static void a_budget_is_exact(void **state)
{
	(void)state;
	struct decimal objective = decimal_divide_10(parsed("99.9"), 2);
	check_prints(objective, "0.999");
	check_prints(decimal_complement(objective), "0.001");
	check_prints(decimal_mul(decimal_complement(objective), parsed("14.4")), "0.0144");
	check_prints(decimal_complement(decimal_divide_10(parsed("99.95"), 2)), "0.0005");
	check_prints(decimal_mul(objective, parsed("100")), "99.9");
	assert_true(decimal_double(objective) == 0.999);
	assert_int_equal(decimal_unit(objective), 1000);
}

static void what_is_no_decimal_is_refused(void **state)
{
	static const char *const bad[] = {"", ".", "-1", "1e3", "1.2.3", "99,9", "12345678901234", "0.12345678901234", " 1"};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct decimal d;
		assert_false(decimal_parse(slice_str(bad[i]), &d));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_is_printed_without_needless_zeros),
		cmocka_unit_test(a_budget_is_exact),
		cmocka_unit_test(what_is_no_decimal_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
