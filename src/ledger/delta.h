/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's records: deltas (increments with the offset ranges they cover) and marks (a step was acknowledged by the receiver). */
#ifndef WINNOW_LEDGER_DELTA_H
#define WINNOW_LEDGER_DELTA_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "metric/tally.h"
#include "pattern/pattern.h"

struct delta_range {
	struct slice topic;
	int32_t partition;
	bool at_end;          /* the partition was read to its end when the delta was cut */
	bool joined;          /* the writer has just taken the partition, or resumed it after standing still: counts as movement for the watermark */
	int64_t from, to;     /* offsets, half open */
	int64_t replay;       /* where a successor starts feeding open state; == to when nothing is open */
	int64_t replay_time_ns;
	int64_t newest_ns;    /* newest event time in this partition so far that the watermark may go by; 0: none yet */
	int64_t reached_ns;   /* newest event time read: past newest_ns while the writer waits for partitions that lag behind; what is below newest_ns counts as equal */
	int64_t gap;          /* offsets in [from, to) that the log no longer has */
	uint32_t life;        /* of the log: the same offsets in another life are other records */
	bool anew;            /* the log is shorter than what is counted of it: life begins with this range, and the one before ended at `before` */
	int64_t before;
};

struct delta_header {
	uint64_t writer; /* random per shard start */
	uint64_t seq;    /* from 1; a partition that the journal does not know yet is accepted in a writer's first delta only: announce it by one of its own */
	int64_t journal_time_ns;
	struct delta_range *ranges;
	size_t ranges_len;
};

/* The best example a shard saw of a pattern since its last delta. */
struct delta_example {
	uint64_t pattern_id;
	int64_t time_ns;
	uint8_t severity;       /* enum severity of the record room, as a number */
	bool further;           /* one of several that are kept besides the best, in an incident */
	uint8_t rank;           /* error with trace 4, error 3, with trace 2, else 1: higher wins; at equal rank the first, until one is ten minutes younger */
	struct slice text;      /* the log line (cut at 4 KiB; in an incident at 16) */
	struct slice trace_id, span_id;
	struct slice topic;     /* where it came from */
	int32_t partition;
	int64_t offset;
};

/* What a shard learned about a pattern: birth, a more general text, or that it became an alias. */
struct delta_pattern {
	uint64_t id;
	uint64_t alias_id; /* 0, or the id of the survivor */
	enum pattern_origin origin;
	struct slice service, template_text, rule;
};

/* A family that a rule defines, with the time its rules came into force. */
struct delta_family {
	enum family_id family;
	int64_t since_ns;
};

/* What a shard found out about a trace: a reason to keep it, or that it had a log record of this pattern. */
struct delta_trace {
	uint64_t trace;      /* its number: a hash of the id */
	int64_t time_ns;     /* event time of the partition that found it; whole seconds */
	uint64_t pattern_id; /* 0: a mark */
	uint64_t span;       /* hash of the span's id; 0: none */
	uint64_t id[2];      /* of a pattern: the trace id's bits */
	uint8_t reasons;     /* enum sampling_reason of the engine room, as a number; 0: a pattern */
};

struct delta_body {
	bool wide;                         /* something of it was counted in an incident: budgets are twice as wide for it */
	const struct tally_series *series;
	size_t series_len;
	int64_t rules_ns;                  /* to be written: when the writer's rules came into force */
	const struct delta_family *families; /* as read: of the series above, in their order */
	size_t families_len;
	const struct tally_entry *entries; /* .series indexes series above */
	size_t entries_len;
	const struct delta_pattern *patterns;
	size_t patterns_len;
	const struct delta_example *examples;
	size_t examples_len;
	const struct delta_trace *traces;
	size_t traces_len;
};

/* What a rule, or a metric of a rule, may count: series of this rule (metric) with no labels but these and those of the family. */
struct delta_rule {
	struct slice name;
	struct slice service;   /* empty: of any */
	bool metric;            /* name is a metric's */
	const struct slice *labels;
	size_t labels_len;
};

/* The rules by which a writer counts from its delta `from_seq` on. */
struct delta_rules {
	uint64_t writer;
	uint64_t number;        /* rises with what the writer tells; an older word does not count */
	uint64_t from_seq;
	uint64_t hash;          /* of the set */
	const struct delta_rule *at;
	size_t len;
};

enum delta_kind { DELTA_INCREMENTS = 'd', DELTA_MARK = 'm', DELTA_ANCHORED = 'a', DELTA_CLOSE = 'c', DELTA_CLAIM = 'l', DELTA_RULES = 'r', DELTA_BEGIN = 'b' };

/* Any journal record, read. */
struct delta {
	enum delta_kind kind;
	struct delta_header header; /* of other kinds than DELTA_INCREMENTS only journal_time_ns and writer */
	struct delta_body body;     /* empty but for DELTA_INCREMENTS */
	int64_t step;               /* DELTA_MARK, DELTA_ANCHORED */
	bool skipped;               /* DELTA_MARK */
	uint64_t endpoint;          /* DELTA_MARK, DELTA_ANCHORED, DELTA_BEGIN */
	uint64_t base;              /* DELTA_BEGIN */
	struct delta_rules rules;   /* DELTA_RULES */
};

/* Reads a record; arrays come from the arena, texts are views into record and scratch. ERR_CORRUPT for anything that delta_encode and its like would not
 * write: bad seal, unknown family, labels out of order, a partition twice, from > to, buckets that do not add up to the count, increments without a range
 * that moves (its duplicate would pass the chain rule). */
int delta_decode(struct slice record, struct arena *arena, struct buf *scratch, struct delta *ret);

#endif
