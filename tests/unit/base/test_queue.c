/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/clock.h"
#include "base/queue.h"

#include <pthread.h>
#include <stdlib.h>

enum { ITEMS = 20000, THREADS = 3 };

static void items_come_out_in_order_and_no_more_than_fit_go_in(void **state)
{
	(void)state;
	struct queue *q = queue_new(2);
	int items[3];
	assert_null(queue_pop(q, 0));
	assert_true(queue_push(q, &items[0], 0));
	assert_true(queue_push(q, &items[1], -1));
	assert_false(queue_push(q, &items[2], 0));
	assert_int_equal(queue_len(q), 2);
	assert_ptr_equal(queue_pop(q, 0), &items[0]);
	assert_true(queue_push(q, &items[2], 0));
	assert_ptr_equal(queue_pop(q, -1), &items[1]);
	assert_ptr_equal(queue_pop(q, -1), &items[2]);
	queue_free(q);
}

static void waiting_ends_with_the_time_given(void **state)
{
	(void)state;
	struct queue *q = queue_new(1);
	int64_t start = clock_mono_ns();
	assert_null(queue_pop(q, 5 * NS_PER_MS));
	assert_true(queue_push(q, q, 0));
	assert_false(queue_push(q, q, 5 * NS_PER_MS));
	assert_true(clock_mono_ns() - start >= 10 * NS_PER_MS);
	queue_pop(q, 0);
	queue_free(q);
}

static void a_closed_queue_takes_nothing_and_gives_what_it_has(void **state)
{
	(void)state;
	struct queue *q = queue_new(2);
	queue_push(q, q, 0);
	queue_close(q);
	assert_false(queue_push(q, q, -1));
	assert_ptr_equal(queue_pop(q, -1), q);
	assert_null(queue_pop(q, -1));
	queue_free(q);
}

static void *produce(void *arg)
{
	static int item;
	for (int i = 0; i < ITEMS; i++)
		queue_push(arg, &item, -1);
	return NULL;
}

static void *consume(void *arg)
{
	uintptr_t n = 0;
	while (queue_pop(arg, -1))
		n++;
	return (void *)n;
}

static void many_threads_lose_and_double_nothing(void **state)
{
	(void)state;
	struct queue *q = queue_new(7);
	pthread_t producers[THREADS], consumers[THREADS];
	uintptr_t sum = 0;
	for (int i = 0; i < THREADS; i++) {
		pthread_create(&producers[i], NULL, produce, q);
		pthread_create(&consumers[i], NULL, consume, q);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(producers[i], NULL);
	queue_close(q);
	for (int i = 0; i < THREADS; i++) {
		void *n;
		pthread_join(consumers[i], &n);
		sum += (uintptr_t)n;
	}
	assert_int_equal(sum, ITEMS * THREADS);
	queue_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_come_out_in_order_and_no_more_than_fit_go_in),
		cmocka_unit_test(waiting_ends_with_the_time_given),
		cmocka_unit_test(a_closed_queue_takes_nothing_and_gives_what_it_has),
		cmocka_unit_test(many_threads_lose_and_double_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
