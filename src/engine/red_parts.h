/* SPDX-License-Identifier: Apache-2.0 */
/* What red.c (logs, books), red_label.c (budgets) and what counts spans (red_memo.h) share. Private to the engine room. */
#ifndef WINNOW_ENGINE_RED_PARTS_H
#define WINNOW_ENGINE_RED_PARTS_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/map.h"
#include "engine/red.h"

enum { NONE = -1, RED_NEAR = 4096, RED_NEAR_TARGETS = 256 };

struct memo;
struct target;

struct service {
	char *name;
	size_t len;
	int64_t records[SEVERITY_COUNT];
	int64_t clock_ahead;
	size_t routes;
};

/* Spans and payloads of one step that came one after the other: their books are written once. */
struct span_run {
	int64_t step;
	uint64_t bytes;
	uint64_t weights[WEIGHT_SOURCES], other[RED_REFUSALS];
};

/* Series of one pattern (labels of rules are looked up each time). */
struct pattern_series {
	int64_t records[SEVERITY_COUNT];
	int64_t duration;
};

/* Series of one route of a service (method, status code). */
struct pair {
	struct service *service;
	char *name;
	size_t len;
	uint32_t a, b;
	int64_t calls, duration;
};

struct red {
	struct tally *tally;
	int64_t step_ns, oldest_step;
	int64_t near_step, near_step_ns; /* a step and where it begins: records come close together */
	size_t names, usual_names, ids;
	struct red_span_opts spans;
	double unit_ns;  /* how many nanoseconds one of their durations has */
	bool names_only; /* of most spans' texts, these options ask for the name alone */
	struct map services;
	struct service *last_service;
	const char *near_text;   /* where the service of the payload's last span stands; NULL: no payload is open */
	struct service *near_service;
	struct map pairs;
	struct map label_values;  /* by pattern or metric, label name and value: the scope */
	struct map label_scopes;  /* by pattern or metric and label name */
	struct arena label_arena;
	struct pattern_series *patterns;
	size_t patterns_cap;
	int64_t outcomes[OUTCOME_COUNT], consumed, bytes, gaps, weights[WEIGHT_SOURCES];
	struct map memos; /* of spans and edges, by what their series hang on (red_span.c) */
	struct arena memo_texts;
	struct memo *near[RED_NEAR]; /* the memos of spans met last, by a cheap mix of their keys */
	struct map targets;
	struct near_target {
		uint64_t key;
		struct target *target;
	} near_targets[RED_NEAR_TARGETS]; /* by the resources' bytes as they stand */
	struct buf key;
	struct span_run run;
};

static inline int64_t red_step(struct red *r, int64_t time_ns)
{
	if ((uint64_t)time_ns - (uint64_t)r->near_step_ns >= (uint64_t)r->step_ns) {
		r->near_step = time_ns / r->step_ns - (time_ns % r->step_ns < 0);
		r->near_step_ns = r->near_step * r->step_ns;
	}
	return r->near_step < r->oldest_step ? r->oldest_step : r->near_step;
}

static inline uint32_t red_series(struct red *r, int64_t *cache, enum family_id family, const struct label *labels, size_t len)
{
	if (*cache == NONE)
		*cache = tally_series(r->tally, family, labels, len);
	return (uint32_t)*cache;
}

static inline struct label red_label(const char *name, struct slice value)
{
	return (struct label){.name = slice_str(name), .value = value};
}

/* Ids mostly have all their digits: a copy of a size that the compiler knows. */
static inline void red_copy_id(char *to, struct slice id, size_t most)
{
	if (id.len == most)
		memcpy(to, id.ptr, most);
	else if (id.len)
		memcpy(to, id.ptr, id.len);
}

/* 0 if the record has no ids that fit. */
static inline uint8_t red_rank(const struct red_event *e)
{
	const struct record *record = e->record;
	if (e->unsure || record->trace_id.len == 0 || record->trace_id.len > EXEMPLAR_TRACE_MAX || record->span_id.len > EXEMPLAR_SPAN_MAX)
		return 0;
	return e->error ? 3 : 1;
}

/* Time and ids of a record that has a rank. */
static inline void red_exemplar_fill(struct exemplar *x, const struct red_event *e)
{
	const struct record *record = e->record;
	x->time_ns = e->time_ns;
	x->trace_len = (uint8_t)record->trace_id.len;
	x->span_len = (uint8_t)record->span_id.len;
	red_copy_id(x->trace_id, record->trace_id, EXEMPLAR_TRACE_MAX);
	red_copy_id(x->span_id, record->span_id, EXEMPLAR_SPAN_MAX);
}

static inline void red_exemplar(struct exemplar *x, const struct red_event *e, double value)
{
	x->rank = red_rank(e);
	x->value = value;
	if (x->rank)
		red_exemplar_fill(x, e);
}

static inline const struct exemplar *red_candidate(const struct exemplar *x)
{
	return x->rank ? x : NULL;
}

/* --- red_label.c --- */
/* What a label's ids are told by; not at all where they are welcome. */
enum red_ids { IDS_WELCOME, IDS_BY_SHAPE, IDS_BY_GROWTH };
/* Whether a label may have this value within its scope. *ret_first: it is the first one that may not for this reason. */
enum red_refusal red_value(struct red *r, uint64_t scope, struct slice value, enum red_ids ids, bool *ret_first);
/* The warning for that. what: "rule" or "service"; whose: its name. */
void red_warn(const struct red *r, enum red_refusal refusal, const char *what, struct slice whose, struct slice label, struct slice value);
void red_labels_forget(struct red *r);
void red_labels_done(struct red *r);

/* The number of an HTTP method; UINT32_MAX: none that we know. */
uint32_t red_method(struct slice method);
struct service *red_service(struct red *r, struct slice name);
/* All series numbers are void. */
void red_spans_forget(struct red *r);

#endif
