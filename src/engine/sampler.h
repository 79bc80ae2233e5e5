/* SPDX-License-Identifier: Apache-2.0 */
/* A shard's part in tail sampling: what it tells the journal of traces and what it hears from it. Private to the engine room; one thread. */
#ifndef WINNOW_ENGINE_SAMPLER_H
#define WINNOW_ENGINE_SAMPLER_H

#include "engine/pairs.h"
#include "engine/shard.h"
#include "engine/tail.h"
#include "record/span_write.h"

struct sampler;

struct sampler *sampler_new(const struct sampling *policy);
void sampler_free(struct sampler *s);
struct tail *sampler_tail(struct sampler *s, int64_t judged_ns);
/* Takes a span into its partition's tail; true if its trace is surely kept. counts: it was not counted before, so what it finds is for the journal. */
bool sampler_span(struct sampler *s, struct tail *tail, const struct record *span, struct slice service, struct tail_message *m, size_t index, int64_t newest_ns, bool counts);
/* What a log record says of its trace: it is surely kept; it may be dropped, but would not be if this record says so; it may have been dropped already. */
enum sampler_says { SAMPLER_SURE, SAMPLER_UNSURE, SAMPLER_TOO_LATE };
/* A named log record. error: after a rule's override. newest_ns: its partition's. */
enum sampler_says sampler_log(struct sampler *s, const struct record *record, const struct pattern *pattern, bool error, int64_t newest_ns);
/* A span or log record of a service under incident: its trace is kept. Behind sampler_span, before sampler_log. newest_ns: its partition's. */
void sampler_incident(struct sampler *s, const struct record *record, int64_t newest_ns);
/* Whether a trace is known to be kept by its id or by what the journal told. */
bool sampler_is_sure(const struct sampler *s, struct slice trace_id, int64_t now_ns);
/* A pattern that others know: it is not new here. */
void sampler_knows(struct sampler *s, const struct pattern *pattern);
/* These examples go out: their traces are kept. */
void sampler_examples(struct sampler *s, const struct shard_example *examples, size_t len);
/* What the next delta tells. */
const struct shard_trace *sampler_news(const struct sampler *s, size_t *ret_len);
void sampler_clear(struct sampler *s);
/* A delta was rejected: what was told counts as never said, and the journal tells all of it again. */
void sampler_rewind(struct sampler *s);
/* What the journal told. */
void sampler_learn(struct sampler *s, const struct shard_trace *t);
/* Marks that are a life older than this may go. */
void sampler_asked_from(struct sampler *s, int64_t from_ns);
/* Decides the traces of a partition. */
void sampler_decide(struct sampler *s, struct tail *tail, int64_t settled_ns, struct decoder *const *decoders, int64_t now_ns, shard_kept_sink *sink, void *arg);
const struct shard_sampled *sampler_totals(const struct sampler *s);

#endif
