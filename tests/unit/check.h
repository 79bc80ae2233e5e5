/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes: cmocka and a few shorthands. Test names are sentences. */
#ifndef WINNOW_TESTS_UNIT_CHECK_H
#define WINNOW_TESTS_UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"

static inline void check_slice_at(struct slice got, const char *expect, const char *file, int line)
{
	if (slice_eq(got, slice_str(expect)))
		return;
	print_error("got \"%.*s\", expected \"%s\"\n", (int)got.len, got.ptr ? got.ptr : "", expect);
	_fail(file, line);
}
#define check_slice(got, expect) check_slice_at(got, expect, __FILE__, __LINE__)
#define check(condition) assert_true(condition)

#endif
