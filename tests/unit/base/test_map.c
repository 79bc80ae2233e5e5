/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/map.h"

#include <stdlib.h>

static bool same_number(const void *item, const void *key)
{
	return *(const int *)item == *(const int *)key;
}

static void removal_keeps_every_other_item_reachable(void **state)
{
	(void)state;
	struct map m = {0};
	static int numbers[2000];
	for (int i = 0; i < 2000; i++) {
		numbers[i] = i;
		map_put(&m, (uint64_t)i % 37, &numbers[i]); /* many collisions */
	}
	for (int i = 0; i < 2000; i += 3)
		assert_ptr_equal(map_remove(&m, (uint64_t)i % 37, same_number, &i), &numbers[i]);
	for (int i = 0; i < 2000; i++)
		assert_ptr_equal(map_get(&m, (uint64_t)i % 37, same_number, &i), i % 3 ? &numbers[i] : NULL);
	size_t cursor = 0, seen = 0;
	while (map_next(&m, &cursor))
		seen++;
	assert_int_equal(seen, m.len);
	map_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(removal_keeps_every_other_item_reachable)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
