/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/mem.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_growing_array_keeps_its_items(void **state)
{
	(void)state;
	int *items = NULL;
	size_t cap = 0;
	for (size_t i = 0; i < 1000; i++) {
		items = mem_grow(items, i, &cap, sizeof(*items));
		items[i] = (int)i;
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
	free(items);
}

static void copies_and_nothing_are_on_the_heap(void **state)
{
	(void)state;
	char *copy = mem_strdup(SLICE("text")), *nothing = mem_strdup(slice_of(NULL, 0));
	int *zero = mem_zalloc(0, 8);
	assert_string_equal(copy, "text");
	assert_string_equal(nothing, "");
	assert_non_null(zero);
	free(copy);
	free(nothing);
	free(zero);
}

static void what_cannot_be_had_ends_the_process(void **state)
{
	(void)state;
	int status;
	pid_t child = fork();
	if (child == 0) {
		close(2);
		mem_realloc(NULL, SIZE_MAX / 2, 16); /* the product overflows: no allocator is even asked */
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_growing_array_keeps_its_items),
		cmocka_unit_test(copies_and_nothing_are_on_the_heap),
		cmocka_unit_test(what_cannot_be_had_ends_the_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
