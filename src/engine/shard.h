/* SPDX-License-Identifier: Apache-2.0 */
/* One shard's work: bytes and time in, increments out. No I/O, no thread, no clock. One thread owns it. */
#ifndef WINNOW_ENGINE_SHARD_H
#define WINNOW_ENGINE_SHARD_H

#include "engine/incident.h"
#include "engine/sampling.h"
#include "metric/tally.h"
#include "pattern/miner.h"
#include "pattern/ruleset.h"
#include "record/decoder.h"

struct shard;

/* What is kept of a pattern's best record: its text, the text with its values masked, or nothing. */
enum examples_kept { EXAMPLES_FULL, EXAMPLES_MASKED, EXAMPLES_NONE };

#define SHARD_IDS_WELCOME SIZE_MAX

struct shard_opts {
	int64_t step_ns;
	int64_t window_ns;          /* the receiver's: what is older is counted in the step where it begins, as the ledger would; 0: no limit */
	struct pattern_limits limits;
	size_t miner_bytes;
	bool native;                /* histograms are counted as native ones as well */
	size_t label_values;        /* most span names, and most routes, of one service, and values of a label of a rule; 0: 200 */
	size_t id_values;           /* of them, most that look like ids; 0: 16, SHARD_IDS_WELCOME: as many as others */
	enum examples_kept examples;
	int64_t hold_ns;            /* for how long a span waits for its other end, in event time; 0: no service graph */
	const struct sampling *sampling; /* which traces are kept; outlives the shard; NULL or not on: none, nobody asks */
	bool join_full;             /* a line that fills Docker's buffer and has no end goes on in the next message */
	bool graph_of_services;     /* a span and its parent in another service are an edge, whatever their kinds say */
	bool exceptions_are_errors; /* a span whose status is unset failed if one of its events is an exception */
	int span_preset;            /* enum span_preset of engine/red.h: the metrics that spans count in */
	const char *const *span_dimensions; /* attributes of spans that become labels; outlive the shard */
	size_t span_dimensions_len; /* at most 16 */
	size_t series_limit;        /* most series the shard interns before it starts afresh; 0: 400,000 */
	const struct decoder_field *fields; /* where the configuration says that members are; outlive the shard */
	size_t fields_len;
	const struct zone *zone;    /* for shard_explain: of times that name none; NULL: UTC */
	const struct message_headers *headers; /* for shard_explain: those of its payloads; NULL: none */
	const struct ruleset *rules; /* may be NULL; outlives the shard or the next shard_set_rules */
};

/* Where a partition goes on, as the journal has it. */
struct shard_start {
	int64_t offset;         /* counting goes on here */
	int64_t replay;         /* feeding of what spans records begins here: <= offset, and nothing below offset counts again */
	int64_t replay_time_ns; /* the event time that goes with it; negative: its negative, and something was held open there (replay.c) */
	int64_t newest_ns;
};

/* How the spans of a partition are keyed. */
enum shard_keying {
	SHARD_KEYED,    /* by trace id, for all we know: what spans records is fed from here */
	SHARD_TO_REKEY, /* they are sent to a topic that is */
	SHARD_REKEYED,  /* this is that topic: its spans are counted already, and only feed what spans records */
};
typedef void shard_rekey_sink(void *arg, struct slice trace_id, struct slice otlp);

struct shard_open;

/* One input partition as the shard sees it; shard_partition_start comes first. */
struct shard_partition {
	struct slice topic;     /* the caller's, outlives the assignment */
	int32_t partition;
	enum format format;
	const struct zone *zone; /* of times that name none; NULL: UTC */
	const struct message_headers *headers; /* of the message that is fed next; NULL: it has none */
	enum shard_keying keying;
	int64_t expected;       /* offset of the next record to feed */
	int64_t count_from;     /* records below only feed what spans records: they are counted already */
	int64_t cut_from;       /* the `from` of the open delta */
	int64_t newest_ns;      /* newest event time so far */
	int64_t gap;            /* offsets skipped in the open delta */
	int64_t gap_asked;      /* offset at which a re-read was asked for, -1: none */
	bool at_end;
	struct shard_open *open; /* what spans records; NULL while nothing does */
};

enum shard_verdict {
	SHARD_COUNTED,
	SHARD_BEHIND, /* offset below the expected one: dropped, it is counted already */
	SHARD_GAP,    /* offset above the expected one: seek the source back to ->expected once */
};

/* Best example of a pattern since the last delta; views into the shard's arena until shard_clear. */
struct shard_example {
	const struct pattern *pattern;
	int64_t time_ns;
	enum severity severity;
	uint8_t rank;
	bool further;           /* kept besides the best one, in an incident */
	struct slice text, trace_id, span_id, topic;
	int32_t partition;
	int64_t offset;
	bool traceless;         /* its trace may have been dropped already: it goes without */
	bool unsure;            /* its trace is not known to be kept: by going out it becomes so */
	int64_t newest_ns;      /* of its partition */
};

/* What a shard and the journal tell each other of traces: a mark (reasons), or the pattern of a log record of one. */
struct shard_trace {
	uint64_t trace;         /* sampling_hash */
	int64_t time_ns;        /* event time of the partition that found it */
	uint64_t pattern_id;    /* 0: a mark */
	uint64_t span;          /* hash of the span id; 0: none */
	uint64_t id[2];         /* of a pair: the trace id's bits */
	uint8_t reasons;        /* enum sampling_reason */
};

/* Spans of a trace that is kept; a long trace comes in several. */
struct shard_kept {
	struct slice trace_id;  /* hex */
	struct slice otlp;      /* a TracesData message */
	size_t spans;
	unsigned reasons;
};
typedef void shard_kept_sink(void *arg, const struct shard_kept *kept);

/* What became of traces in this process; never reset. early: before they were complete; untraced: spans without a trace id of the right length. */
struct shard_sampled {
	uint64_t kept, dropped, early, kept_spans, dropped_spans, kept_bytes, untraced;
};

/* Running totals of this process, for its own status page; never reset. */
struct shard_totals {
	uint64_t consumed, undecodable, bytes, behind, gaps, incident;
};

/* Sets where the partition goes on and forgets what it held open. topic, partition and format stay. */
void shard_partition_start(struct shard_partition *p, const struct shard_start *at, const struct shard_opts *opts);
/* Frees what it holds open. */
void shard_partition_done(struct shard_partition *p);
/* The `to` of the open delta. */
int64_t shard_partition_to(const struct shard_partition *p);
/* Where a successor that counts from `to` on has to begin: start->offset is `to`. */
void shard_partition_successor(const struct shard_partition *p, struct shard_start *ret);

struct shard *shard_new(const struct shard_opts *opts);
void shard_free(struct shard *s);
/* Takes other rules from the next record on. */
void shard_set_rules(struct shard *s, const struct ruleset *rules);
/* Takes over who is under incident, from the next record on; NULL: nobody. unmask: their examples are kept as they are, whatever opts.examples says but EXAMPLES_NONE. */
void shard_set_incidents(struct shard *s, struct incidents *incidents, bool unmask);
/* Where the spans of partitions that are SHARD_TO_REKEY go, a message for each trace of a payload. */
void shard_set_rekey(struct shard *s, shard_rekey_sink *sink, void *arg);
/* When they counted their first record, by now_ns; 0: not yet. */
int64_t shard_rules_ns(const struct shard *s);

/* Counts one message of a partition; next_offset is where the one behind it starts. now_ns: wall time, no earlier than at the last call. */
enum shard_verdict shard_feed(struct shard *s, struct shard_partition *p, struct slice payload, int64_t offset, int64_t next_offset, int64_t source_time_ns, int64_t now_ns);

/* How many records of the message fed last could not be read, and why. */
size_t shard_lost(const struct shard *s, const char **ret_reason);

/* What is open since the last shard_clear. */
struct tally *shard_tally(struct shard *s);
/* Whether something of it was counted in an incident, under budgets of twice the width. */
bool shard_wide(const struct shard *s);
/* What the open delta must tell of patterns: each one it touches that the journal may not know yet, or with a newer text, and new aliases. Oldest first. */
struct pattern *const *shard_news(struct shard *s, size_t *ret_len);
const struct shard_example *shard_examples(const struct shard *s, size_t *ret_len);
/* What the open delta tells of traces; call it behind shard_examples, whose traces are kept from now on. */
const struct shard_trace *shard_traces(struct shard *s, size_t *ret_len);
/* Learns what the journal tells of one. */
void shard_learn_trace(struct shard *s, const struct shard_trace *t);
/* From which event time on traces may still be asked about, here or by a successor: marks that are a life older may go. */
void shard_asked_from(struct shard *s, int64_t from_ns);
/* Decides what traces of the partition are complete and of which every partition has told: all have, up to settled_ns of event time. Kept ones go to the sink. */
void shard_decide(struct shard *s, struct shard_partition *p, int64_t settled_ns, shard_kept_sink *sink, void *arg);
/* Nothing more will come in the partition: its traces are complete. True if some are undecided. */
bool shard_flush_traces(struct shard_partition *p);
/* Up to which event time the partition may be read before its traces have to be decided; 0: what they may take in memory is taken. */
int64_t shard_read_up_to(const struct shard_partition *p);
/* Adds how many of the partition's traces are undecided, and what they take in memory. */
void shard_undecided(const struct shard_partition *p, uint64_t *traces, uint64_t *bytes);
/* NULL: there is no sampling. */
const struct shard_sampled *shard_sampled(const struct shard *s);
/* The open increments are in a delta now: start the next one. */
void shard_clear(struct shard *s);
/* A delta was rejected: the open increments are thrown away, and everything said of patterns and examples since the start counts as never said. */
void shard_rewind(struct shard *s);
/* Learns a pattern from the ledger's catalog. */
void shard_import(struct shard *s, uint64_t id, enum pattern_origin origin, struct slice service, struct slice template_text, struct slice rule, uint64_t alias_id);
const struct shard_totals *shard_totals(const struct shard *s);

/* What became of one payload, for explain: calls visit for each of its records. */
struct shard_view {
	const struct record *record;
	const struct pattern *pattern;  /* NULL: dropped by a rule */
	const struct rule_match *match; /* NULL: no rule */
	const struct tally *tally;      /* increments of this record alone */
};
typedef void shard_visit(void *arg, const struct shard_view *view);
/* Shows each log record that is counted from now on; NULL: no more. */
void shard_set_tap(struct shard *s, shard_visit *tap, void *arg);
/* Takes the payload apart without counting it anywhere; ret gets the decoder's result. */
void shard_explain(struct shard *s, enum format format, struct slice payload, int64_t now_ns, shard_visit *visit, void *arg, struct decoded *ret);

#endif
