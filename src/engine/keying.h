/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the spans of a topic are fit for a service graph: keyed by trace id, and of kinds that say something. Says so once where they are not. Private to the engine room. */
#ifndef WINNOW_ENGINE_KEYING_H
#define WINNOW_ENGINE_KEYING_H

#include "record/record.h"

enum { KEYING_TRACES = 1024 };

struct keying_trace {
	uint64_t trace, topic; /* topic: its name's hash */
	int32_t partition;
};

/* Zero-initialise. */
struct keying {
	struct keying_trace last[KEYING_TRACES]; /* where traces were met, a few to each */
	uint64_t latest;        /* the trace of the span before, of this topic and partition */
	int32_t latest_partition;
	const char *topic_text; /* whose hash is topic */
	uint64_t topic;
	uint64_t spans, calls, elsewhere;
	bool told_scattered, told_kinds;
};

/* A span of this partition came. by_services: edges hang on services, not on kinds. */
void keying_span(struct keying *k, const struct record *span, struct slice topic, int32_t partition, bool by_services);
/* How often a trace was met in another partition than before. */
uint64_t keying_elsewhere(const struct keying *k);

#endif
