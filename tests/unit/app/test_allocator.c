/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not there under a sanitizer, which brings an allocator of its own. */
extern const char *malloc_conf __attribute__((weak));

enum { PIECES = 2048, PIECE_BYTES = 32 << 10, PATIENCE_S = 60 };

static size_t resident_bytes(void)
{
	unsigned long size, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &resident), 2);
	fclose(f);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void *fetch(void *arg)
{
	char **pieces = arg;
	for (size_t i = 0; i < PIECES; i++) {
		pieces[i] = malloc(PIECE_BYTES);
		assert_non_null(pieces[i]);
		memset(pieces[i], 1, PIECE_BYTES);
	}
	return NULL;
}

/* One piece stays, as the last message of a backlog may: an allocator that gives back only what lies at its end keeps everything before it. */
static void what_one_thread_allocated_and_another_freed_goes_back_to_the_system_within_seconds(void **state)
{
	static char *pieces[PIECES];
	pthread_t thread;
	(void)state;
	if (!&malloc_conf)
		skip();
	size_t before = resident_bytes();
	assert_int_equal(pthread_create(&thread, NULL, fetch, pieces), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(resident_bytes() > before + (size_t)PIECES * PIECE_BYTES / 2);
	for (size_t i = 0; i + 1 < PIECES; i++)
		free(pieces[i]);
	for (int tenths = 0; tenths < PATIENCE_S * 10 && resident_bytes() > before + (8 << 20); tenths++)
		usleep(100000);
	assert_true(resident_bytes() < before + (8 << 20));
	free(pieces[PIECES - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_one_thread_allocated_and_another_freed_goes_back_to_the_system_within_seconds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
