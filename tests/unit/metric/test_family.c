/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "metric/family.h"

#include <stdio.h>
#include <stdlib.h>

static void check_family(const struct family *f)
{
	check(f->name && f->help && f->unit && f->labels);
	struct slice name = slice_str(f->name);
	check((f->type == METRIC_COUNTER) == slice_ends(name, SLICE("_total")) || f->help[0] == 0);
	check((f->type == METRIC_HISTOGRAM) == (f->bounds_len > 0));
	check(f->bounds_len <= BOUNDS_MAX);
	for (size_t i = 1; i < f->bounds_len; i++)
		check(f->bounds[i - 1] < f->bounds[i]);
	for (size_t i = 0; i < name.len; i++)
		check((name.ptr[i] >= 'a' && name.ptr[i] <= 'z') || name.ptr[i] == '_');
}

static void every_family_is_whole_and_its_bounds_rise(void **state)
{
	(void)state;
	for (int i = 0; i < FAMILY_COUNT; i++)
		check_family(family_get((enum family_id)i));
	for (int i = 0; i < OWN_COUNT; i++)
		check_family(family_own((enum own_metric)i));
}

static void no_name_is_there_twice(void **state)
{
	(void)state;
	const char *names[FAMILY_COUNT + OWN_COUNT];
	for (int i = 0; i < FAMILY_COUNT + OWN_COUNT; i++) {
		names[i] = i < FAMILY_COUNT ? family_get((enum family_id)i)->name : family_own((enum own_metric)(i - FAMILY_COUNT))->name;
		for (int k = 0; k < i; k++)
			assert_string_not_equal(names[i], names[k]);
	}
}

/* To write it anew: WINNOW_WRITE_DOCS=1 build/debug/tests/unit/unit_metric_family */
static void the_documentation_says_what_the_table_says(void **state)
{
	(void)state;
	static const char path[] = WINNOW_SOURCE_DIR "/docs/metrics.md";
	struct buf expect = {0}, got = {0};
	family_print_docs(&expect);
	if (getenv("WINNOW_WRITE_DOCS")) {
		FILE *out = fopen(path, "w");
		assert_non_null(out);
		assert_int_equal(fwrite(expect.data, 1, expect.len, out), expect.len);
		fclose(out);
	}
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	got.len = fread(buf_reserve(&got, expect.len + 4096), 1, expect.len + 4096, in);
	fclose(in);
	check_slice(buf_slice(&got), buf_cstr(&expect));
	buf_done(&expect);
	buf_done(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_family_is_whole_and_its_bounds_rise),
		cmocka_unit_test(no_name_is_there_twice),
		cmocka_unit_test(the_documentation_says_what_the_table_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
