/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of a call meet only where a trace stays in one partition. A trace that was met in one and is met again in another shows that the topic is not keyed by trace id; a
 * shard sees that as soon as it owns two partitions of it. A table of the traces met last, a few to each place, finds nearly all: a scattered trace comes again and again. */
#include "engine/keying.h"

#include "base/hash.h"
#include "base/log.h"

enum { TELL_SCATTERED = 100, TELL_KINDS = 20000 };

static void look_for_trace(struct keying *k, struct slice trace, struct slice topic, int32_t partition)
{
	uint64_t id;
	if (trace.len < sizeof(id))
		return;
	memcpy(&id, trace.ptr + trace.len - sizeof(id), sizeof(id)); /* the random half of it */
	if (k->topic_text != topic.ptr) {
		k->topic_text = topic.ptr;
		k->topic = hash_bytes(topic);
	}
	struct keying_trace *t = &k->last[(id * UINT64_C(0x9E3779B97F4A7C15) >> 32) % KEYING_TRACES];
	k->elsewhere += t->trace == id && t->topic == k->topic && t->partition != partition;
	*t = (struct keying_trace){.trace = id, .topic = k->topic, .partition = partition};
	if (k->told_scattered || k->elsewhere < TELL_SCATTERED)
		return;
	k->told_scattered = true;
	log_line(LOG_WARN, "spans", "topic %.*s: spans of one trace lie in several partitions, so the two ends of a call do not meet and the service graph misses edges; key the topic by trace id (partition_traces_by_id of the "
		"OpenTelemetry collector's Kafka exporter), or have its spans re-keyed (rekey.topic)", (int)topic.len, topic.ptr);
}

void keying_look(struct keying *k, const struct record *span, struct slice topic, int32_t partition, bool by_services)
{
	look_for_trace(k, span->trace_id, topic, partition);
	if (by_services || k->told_kinds || k->calls || k->spans < TELL_KINDS)
		return;
	k->told_kinds = true;
	log_line(LOG_WARN, "spans", "topic %.*s: of %llu spans none says that it is a CLIENT, a PRODUCER, a CONSUMER or a SERVER with a parent, so the service graph has no edges; metrics.service_graph_edges: services makes them "
		"of spans and their parents in other services", (int)topic.len, topic.ptr, (unsigned long long)k->spans);
}

uint64_t keying_elsewhere(const struct keying *k)
{
	return k->elsewhere;
}
