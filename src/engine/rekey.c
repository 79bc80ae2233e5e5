/* SPDX-License-Identifier: Apache-2.0 */
/* A topic that is not keyed by trace id has the two ends of a call in different partitions. Its spans are counted where they are, at their offsets; then they go, one message for each trace
 * of a payload, to a topic that is keyed, where the same group reads them once more for what spans records: the graph, and the sampling of traces. That topic counts nothing else.
 *
 * Delivery there is at least once: what is read again after a crash is sent again. So a graph that is fed from there remembers every span for the hold (graph_opts.once). */
#include "engine/rekey.h"

#include "base/mem.h"
#include "record/span_write.h"

#include <stdlib.h>

struct rekey {
	shard_rekey_sink *sink;
	void *arg;
	struct span_writer writer;
	const struct record **spans;
	size_t cap;
};

struct rekey *rekey_new(shard_rekey_sink *sink, void *arg)
{
	struct rekey *r = mem_zalloc(1, sizeof(*r));
	r->sink = sink;
	r->arg = arg;
	return r;
}

void rekey_free(struct rekey *r)
{
	if (!r)
		return;
	span_writer_done(&r->writer);
	free(r->spans);
	free(r);
}

/* By trace, and within a trace as they came. */
static int by_trace(const void *a, const void *b)
{
	const struct record *x = *(const struct record *const *)a, *y = *(const struct record *const *)b;
	int order = slice_cmp(x->trace_id, y->trace_id);
	return order ? order : (x > y) - (x < y);
}

void rekey_payload(struct rekey *r, const struct decoded *decoded)
{
	size_t len = 0;
	if (decoded->len > r->cap) {
		r->cap = decoded->len * 2;
		r->spans = mem_realloc(r->spans, r->cap, sizeof(*r->spans));
	}
	for (size_t i = 0; i < decoded->len; i++)
		if (decoded->records[i].kind == RECORD_SPAN && decoded->records[i].trace_id.len)
			r->spans[len++] = &decoded->records[i];
	if (len > 1)
		qsort(r->spans, len, sizeof(*r->spans), by_trace);
	for (size_t i = 0, next; i < len; i = next) {
		span_writer_reset(&r->writer);
		for (next = i; next < len && slice_eq(r->spans[next]->trace_id, r->spans[i]->trace_id); next++)
			span_write(&r->writer, r->spans[next], NULL);
		r->sink(r->arg, r->spans[i]->trace_id, span_writer_finish(&r->writer));
	}
}
