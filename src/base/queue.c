/* SPDX-License-Identifier: Apache-2.0 */
#include "base/queue.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t not_empty;
	pthread_cond_t not_full;
	void **items; /* a ring of cap */
	size_t cap, head, len;
	bool closed;
};

struct queue *queue_new(size_t cap)
{
	struct queue *q = mem_zalloc(1, sizeof(*q));
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->not_empty, &attr);
	pthread_cond_init(&q->not_full, &attr);
	pthread_condattr_destroy(&attr);
	q->items = mem_zalloc(cap, sizeof(*q->items));
	q->cap = cap;
	return q;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->not_empty);
	pthread_cond_destroy(&q->not_full);
	free(q->items);
	free(q);
}

/* Waits on cond until deadline (negative: for ever); false when the time is over. */
static bool wait_until(struct queue *q, pthread_cond_t *cond, int64_t deadline_ns)
{
	if (deadline_ns < 0)
		return pthread_cond_wait(cond, &q->lock) == 0;
	struct timespec t = {.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S};
	return pthread_cond_timedwait(cond, &q->lock, &t) == 0;
}

static int64_t deadline(int64_t timeout_ns)
{
	return timeout_ns < 0 ? -1 : clock_mono_ns() + timeout_ns;
}

bool queue_push(struct queue *q, void *item, int64_t timeout_ns)
{
	int64_t until = deadline(timeout_ns);
	pthread_mutex_lock(&q->lock);
	while (q->len == q->cap && !q->closed && timeout_ns != 0 && wait_until(q, &q->not_full, until))
		;
	bool fits = q->len < q->cap && !q->closed;
	if (fits) {
		q->items[(q->head + q->len++) % q->cap] = item;
		pthread_cond_signal(&q->not_empty);
	}
	pthread_mutex_unlock(&q->lock);
	return fits;
}

void *queue_pop(struct queue *q, int64_t timeout_ns)
{
	void *item = NULL;
	int64_t until = deadline(timeout_ns);
	pthread_mutex_lock(&q->lock);
	while (q->len == 0 && !q->closed && timeout_ns != 0 && wait_until(q, &q->not_empty, until))
		;
	if (q->len > 0) {
		item = q->items[q->head];
		q->head = (q->head + 1) % q->cap;
		q->len--;
		pthread_cond_signal(&q->not_full);
	}
	pthread_mutex_unlock(&q->lock);
	return item;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->not_empty);
	pthread_cond_broadcast(&q->not_full);
	pthread_mutex_unlock(&q->lock);
}

size_t queue_len(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	size_t len = q->len;
	pthread_mutex_unlock(&q->lock);
	return len;
}
