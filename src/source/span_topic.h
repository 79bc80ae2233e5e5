/* SPDX-License-Identifier: Apache-2.0 */
/* A Kafka topic for spans, of kept traces or re-keyed: OTLP in protobuf, keyed by trace id. One producer for the process; each thread that sends has a lane of its own. */
#ifndef WINNOW_SOURCE_SPAN_TOPIC_H
#define WINNOW_SOURCE_SPAN_TOPIC_H

#include "source/kafka.h"

#include <stdatomic.h>

struct span_topic;

struct span_topic_opts {
	const char *brokers, *topic;
	const struct kafka_property *properties; /* anything librdkafka knows */
	size_t properties_len;
};

/* What a thread has on its way. Zero-initialise. */
struct span_lane {
	_Atomic size_t open; /* not acknowledged yet */
	_Atomic size_t lost; /* refused for good: too large, not allowed */
};

int span_topic_new(const struct span_topic_opts *opts, struct span_topic **ret, struct err *err);
/* Waits a while for what is on its way. */
void span_topic_free(struct span_topic *t);
/* Sends a message; waits while the queue is full. reasons: why the trace is kept, as text. Any thread. */
void span_topic_send(struct span_topic *t, struct span_lane *lane, struct slice trace_id, struct slice otlp, const char *reasons);
/* Waits until all that the lane sent is stored; false if it is not after timeout_ns. */
bool span_topic_settle(struct span_topic *t, struct span_lane *lane, int64_t timeout_ns);

#endif
