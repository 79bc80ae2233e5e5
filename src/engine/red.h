/* SPDX-License-Identifier: Apache-2.0 */
/* Record and pattern in, increments out: the RED series of metrics.md. Private to the engine room. */
#ifndef WINNOW_ENGINE_RED_H
#define WINNOW_ENGINE_RED_H

#include "engine/graph.h"
#include "metric/tally.h"
#include "pattern/pattern.h"
#include "pattern/ruleset.h"
#include "record/record.h"

/* How a record ended; the label value of winnow_records_total is outcome_name(). */
enum outcome { OUTCOME_RULE, OUTCOME_CARRIED, OUTCOME_MINED, OUTCOME_OVERFLOW, OUTCOME_UNDECODABLE, OUTCOME_FILTERED, OUTCOME_JOINED, OUTCOME_COUNT };
const char *outcome_name(enum outcome outcome);

/* The names and labels of the metrics of spans. */
enum span_preset { SPANS_OTEL, SPANS_TEMPO, SPANS_SEMCONV, SPANS_PRESETS };

enum { SPAN_DIMENSIONS_MAX = 16 };

struct red_span_opts {
	enum span_preset preset;
	const char *const *dimensions; /* attributes that become labels as well; outlive the red */
	size_t dimensions_len;         /* at most SPAN_DIMENSIONS_MAX */
};

struct red;

/* Why a value of a label became `other`. */
enum red_refusal {
	RED_FITS, /* it did not */
	RED_FULL, /* the label has as many values as it may */
	RED_ID,   /* it looks like an id, and the label has had enough of those */
	RED_REFUSALS
};
/* The budget of winnow_overflow_total{budget}. */
const char *red_refusal_name(enum red_refusal refusal);

/* names: most span names, most routes, most values of each label of a rule and of each further dimension of spans, of one service; past it they are counted as `other`. ids: most values of them
 * that look like ids, 0: as many as others. spans may be NULL: SPANS_OTEL. */
struct red *red_new(struct tally *tally, int64_t step_ns, size_t names, size_t ids, const struct red_span_opts *spans);
void red_free(struct red *r);
/* All series numbers are void: the tally was told to forget. */
void red_forget(struct red *r);

/* Whether every budget of names is twice as wide from now on. */
void red_widen(struct red *r, bool wide);

/* Steps before this one are counted in it: the receiver takes nothing older. */
void red_set_oldest(struct red *r, int64_t oldest_step);

/* A record with what is known of it after naming. */
struct red_event {
	const struct record *record;
	const struct pattern *pattern;      /* logs only */
	enum severity severity;             /* after a rule's override */
	struct slice service;               /* never empty */
	int64_t time_ns;                    /* clamped */
	int64_t duration_ns;                /* -1: unknown */
	bool error;
	bool unsure;                        /* its trace may be dropped: no exemplar */
	const struct rule_label *labels;    /* of a rule */
	size_t labels_len;
	struct rule_http http;              /* of an access log: from the record, or from a rule's captures */
};

/* Not RED_FITS if the service has too many routes, or a rule's label too many values: those were counted as `other`. */
enum red_refusal red_log(struct red *r, const struct red_event *e);
/* One count in a metric of a rule's own; as above. */
enum red_refusal red_measure(struct red *r, const struct red_event *e, enum family_id family, const struct rule_measure *measure);
/* Counts a span as often as its weight says (weight.h). Its outcome is `overflow` if the service has too many span names, or a dimension too many values, and so
 * became `other`; else `carried`. */
void red_span(struct red *r, const struct red_event *e, uint64_t weight, enum weight_source source);
/* The end of a payload, whose bytes count at this time. */
void red_payload(struct red *r, int64_t time_ns, size_t bytes);
/* Writes the books of the spans and payloads so far: consumed, outcomes, weights, bytes. They are kept back while what comes lies in one step: to be called before anyone looks at the tally. */
void red_books(struct red *r);
/* What is not written is void, as is what is in the tally. */
void red_drop_books(struct red *r);
/* What sends this span is there: target_info. To be called once for each resource of a payload. False if its service has too many targets: it is not shown then. */
bool red_target(struct red *r, const struct red_event *e);
/* An edge of the service graph, completed by e. Not RED_FITS if the client calls too many servers: it was counted under server="other". */
enum red_refusal red_edge(struct red *r, const struct red_event *e, const struct graph_edge *edge);
/* How many keys of spans and edges are remembered. */
size_t red_memos(const struct red *r);
/* The books' own counters. */
void red_outcome(struct red *r, int64_t time_ns, enum outcome outcome, uint64_t n);
void red_consumed(struct red *r, int64_t time_ns, uint64_t records, uint64_t bytes);
void red_undecodable(struct red *r, int64_t time_ns, const char *reason, uint64_t n);
void red_clock_ahead(struct red *r, int64_t time_ns, struct slice service);
void red_gap(struct red *r, int64_t time_ns, uint64_t n);
void red_gave_up(struct red *r, int64_t time_ns, struct slice rule);
void red_overflow(struct red *r, int64_t time_ns, const char *budget, uint64_t n);

#endif
