/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded queue of pointers between threads: the only lock in the program. Any number of producers and consumers. */
#ifndef WINNOW_BASE_QUEUE_H
#define WINNOW_BASE_QUEUE_H

#include "base/slice.h"

struct queue;

struct queue *queue_new(size_t cap);
/* Frees the queue; items still in it belong to the caller's protocol and must have been drained. */
void queue_free(struct queue *q);
/* Waits up to timeout_ns for room (0: not at all, negative: for ever); false if there was none or the queue is closed. */
bool queue_push(struct queue *q, void *item, int64_t timeout_ns);
/* Waits up to timeout_ns for an item (negative: for ever); NULL if none came, or it is closed and empty. */
void *queue_pop(struct queue *q, int64_t timeout_ns);
/* Wakes everyone; no more pushes succeed, pops drain what is there. */
void queue_close(struct queue *q);
size_t queue_len(struct queue *q);

#endif
