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

void keying_look(struct keying *k, const struct record *span, struct slice topic, int32_t partition, bool by_services);
static inline void keying_note(struct keying *k, const struct record *span)
{
	k->spans++;
	k->calls += span->span_kind > SPAN_INTERNAL && (span->span_kind != SPAN_SERVER || span->parent_span_id.len);
}

/* Whether a span that follows another of its trace in one partition has nothing more to say. */
static inline bool keying_settled(const struct keying *k, bool by_services)
{
	return k->calls || k->told_kinds || by_services;
}

/* A span of this partition came. by_services: edges hang on services, not on kinds. */
static inline void keying_span(struct keying *k, const struct record *span, struct slice topic, int32_t partition, bool by_services)
{
	uint64_t id = 0; /* the random half of the trace's */
	if (span->trace_id.len >= sizeof(id))
		memcpy(&id, span->trace_id.ptr + span->trace_id.len - sizeof(id), sizeof(id));
	keying_note(k, span);
	if (id == k->latest && partition == k->latest_partition && topic.ptr == k->topic_text && keying_settled(k, by_services))
		return; /* as most spans are: those of a trace follow each other */
	k->latest = id;
	k->latest_partition = partition;
	keying_look(k, span, topic, partition, by_services);
}
/* How often a trace was met in another partition than before. */
uint64_t keying_elsewhere(const struct keying *k);

#endif
