/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "record/trace_id.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static void trace_ids_of_every_notation_become_lower_hex(void **state)
{
	static const struct {
		const char *text, *id, *span;
	} rows[] = {
		{TRACE, TRACE, ""}, {"4BF92F3577B34DA6A3CE929D0E0E4736", TRACE, ""}, {"4bf92f35-77b3-4da6-a3ce-929d0e0e4736", TRACE, ""},
		{"00-" TRACE "-" SPAN "-01", TRACE, SPAN}, {"S/kvNXezTaajzpKdDg5HNg==", TRACE, ""}, {"S_kvNXezTaajzpKdDg5HNg", TRACE, ""},
		{"projects/shop/traces/" TRACE, TRACE, ""}, {"1-4bf92f35-77b34da6a3ce929d0e0e4736", TRACE, ""}, {"Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=53995c3f42cd8ad8", TRACE, "53995c3f42cd8ad8"},
		{"Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=53995c3f42cd8ad8;Sampled=1", TRACE, "53995c3f42cd8ad8"}, {TRACE ":53995c3f42cd8ad8:0:1", TRACE, "53995c3f42cd8ad8"},
		{"a3ce929d0e0e4736:53995c3f42cd8ad8:0:1", "a3ce929d0e0e4736", "53995c3f42cd8ad8"}, {TRACE "/6023947403358210776;o=1", TRACE, "53995c3f42cd8ad8"}, {TRACE "/", TRACE, ""},
		{SPAN, SPAN, ""}, {"APBnqgupArc=", SPAN, ""}, {"67667974448284343", SPAN, ""}, {"", "", ""}, {"0", "", ""}, {"00000000000000000000000000000000", "", ""},
		{"AAAAAAAAAAAAAAAAAAAAAA==", "", ""}, {"null", "", ""}, {"none", "", ""}, {"4bf92f3577b34da6a3ce929d0e0e473", "", ""}, {"not-a-trace-id-at-all-but-long-enough", "", ""},
		{"projects/shop/traces/", "", ""}, {"projects/shop", "", ""},
	};
	struct arena a = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice span = {NULL, 0};
		check_slice(trace_id_of(slice_str(rows[i].text), &a, &span), rows[i].id);
		check_slice(span, rows[i].span);
	}
	arena_done(&a);
}

static void span_ids_of_every_notation_become_lower_hex(void **state)
{
	static const struct {
		const char *text, *id;
	} rows[] = {
		{SPAN, SPAN}, {"00F067AA0BA902B7", SPAN}, {"APBnqgupArc=", SPAN}, {"67667974448284343", SPAN}, {"0000000000000000", ""}, {"0", ""}, {"", ""}, {"xyz", ""}, {TRACE, ""},
		{"99999999999999999999999", ""},
	};
	struct arena a = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_slice(span_id_of(slice_str(rows[i].text), &a), rows[i].id);
	arena_done(&a);
}

static void an_id_that_is_right_already_is_not_copied(void **state)
{
	struct arena a = {0};
	struct slice id = SLICE(TRACE);
	(void)state;
	assert_ptr_equal(trace_id_of(id, &a, NULL).ptr, id.ptr);
	assert_int_equal(a.used_bytes, 0);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trace_ids_of_every_notation_become_lower_hex),
		cmocka_unit_test(span_ids_of_every_notation_become_lower_hex),
		cmocka_unit_test(an_id_that_is_right_already_is_not_copied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
