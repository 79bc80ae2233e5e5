/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/hash.h"

#include <stdlib.h>

/* XXH3_64bits of the empty input, as its specification's test vectors have it. */
static void the_value_is_the_published_one(void **state)
{
	(void)state;
	assert_true(hash_bytes(SLICE("")) == UINT64_C(0x2D06800538D394C2));
	assert_true(hash_bytes(slice_of(NULL, 0)) == hash_bytes(SLICE("")));
}

static void order_and_place_matter(void **state)
{
	(void)state;
	assert_true(hash_pair(1, 2) != hash_pair(2, 1));
	assert_true(hash_bytes(SLICE("ab")) != hash_bytes(SLICE("ba")));
	assert_true(hash_pair(0, 0) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_value_is_the_published_one),
		cmocka_unit_test(order_and_place_matter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
