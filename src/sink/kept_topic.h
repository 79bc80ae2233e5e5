/* SPDX-License-Identifier: Apache-2.0 */
/* A Kafka topic for the spans of kept traces: OTLP in protobuf, keyed by trace id. One producer for the process; each thread that sends has a lane of its own. */
#ifndef WINNOW_SINK_KEPT_TOPIC_H
#define WINNOW_SINK_KEPT_TOPIC_H

#include "base/err.h"
#include "base/slice.h"

#include <stdatomic.h>

struct kept_topic;

struct kept_property {
	const char *key, *value;
};

struct kept_topic_opts {
	const char *brokers, *topic;
	const struct kept_property *properties; /* anything librdkafka knows */
	size_t properties_len;
};

/* What a thread has on its way. Zero-initialise. */
struct kept_lane {
	_Atomic size_t open; /* not acknowledged yet */
	_Atomic size_t lost; /* refused for good: too large, not allowed */
};

int kept_topic_new(const struct kept_topic_opts *opts, struct kept_topic **ret, struct err *err);
/* Waits a while for what is on its way. */
void kept_topic_free(struct kept_topic *t);
/* Sends a message; waits while the queue is full. reasons: why the trace is kept, as text. Any thread. */
void kept_topic_send(struct kept_topic *t, struct kept_lane *lane, struct slice trace_id, struct slice otlp, const char *reasons);
/* Waits until all that the lane sent is stored; false if it is not after timeout_ns. */
bool kept_topic_settle(struct kept_topic *t, struct kept_lane *lane, int64_t timeout_ns);

#endif
