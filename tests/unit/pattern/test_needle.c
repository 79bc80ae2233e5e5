/* SPDX-License-Identifier: Apache-2.0 */
/* A few texts found by their rare bytes against looking for each of them: random messages of few letters, in memory that ends where they end. The seed is printed. */
#include "../check.h"
#include "random.h"
#include "pattern/needle.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct slice random_text(char *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = "ab\xFFz"[rnd(4)];
	return slice_of(out, len);
}

static void note(void *arg, uint32_t number)
{
	((unsigned *)arg)[number]++;
}

static void what_needles_find_is_what_is_there(void **state)
{
	(void)state;
	const char *given = getenv("WINNOW_SEED");
	seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
	print_message("WINNOW_SEED=%llu\n", (unsigned long long)seed);
	unsigned there = 0, absent = 0;
	for (unsigned round = 0; round < 20000; round++) {
		char texts[NEEDLES_MAX][16];
		struct slice slices[NEEDLES_MAX];
		size_t len = 1 + rnd(NEEDLES_MAX), size = rnd(4) ? rnd(40) : rnd(200);
		unsigned got[NEEDLES_MAX] = {0};
		for (size_t i = 0; i < len; i++)
			slices[i] = random_text(texts[i], NEEDLE_MIN + rnd(10));
		char *memory = malloc(size ? size : 1);
		struct slice message = random_text(memory, size);
		struct needles *n = needles_new(slices, len);
		needles_scan(n, message, note, got);
		for (size_t i = 0; i < len; i++) {
			bool stands = size >= slices[i].len && memmem(memory, size, slices[i].ptr, slices[i].len);
			assert_int_equal(got[i], stands);
			*(stands ? &there : &absent) += 1;
		}
		needles_free(n);
		free(memory);
	}
	check(there > 10000 && absent > 10000);
}

static void a_text_stands_at_either_end_of_a_message_of_any_length(void **state)
{
	(void)state;
	struct slice text = SLICE("OutOfMemoryError: ");
	struct needles *n = needles_new(&text, 1);
	for (size_t size = text.len; size < 150; size++) {
		char *memory = malloc(size);
		for (size_t at = 0; at + text.len <= size; at++) {
			unsigned got = 0;
			memset(memory, 'M', size);
			memcpy(memory + at, text.ptr, text.len);
			needles_scan(n, slice_of(memory, size), note, &got);
			assert_int_equal(got, 1);
			memory[at + 3]++;
			needles_scan(n, slice_of(memory, size), note, &got);
			assert_int_equal(got, 1);
		}
		free(memory);
	}
	needles_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_needles_find_is_what_is_there), cmocka_unit_test(a_text_stands_at_either_end_of_a_message_of_any_length)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
