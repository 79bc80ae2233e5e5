/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: a pure function of the journal. Every instance folds the same records into the same cumulative series, catalog and offsets. One thread. */
#ifndef WINNOW_LEDGER_LEDGER_H
#define WINNOW_LEDGER_LEDGER_H

#include "ledger/delta.h"
#include "metric/remote_write.h"

struct ledger;

/* How histograms are sent: one that no instance has counted as a native one is always classic. */
enum ledger_histograms { LEDGER_CLASSIC, LEDGER_NATIVE, LEDGER_BOTH };

struct ledger_opts {
	int64_t step_ns;            /* 10 s */
	int64_t lateness_ns;        /* 2 s */
	int64_t expire_ns;          /* 15 min without increments: stale marker */
	int64_t receiver_window_ns; /* 55 min: older steps are folded into the first one inside */
	size_t series_limit;        /* 200,000, as the receiver counts them: a histogram is all its buckets, its sum and its count */
	size_t metric_limit;        /* of one metric; 0: none */
	size_t service_limit;       /* of one service; 0: none */
	size_t label_values;        /* of one label of a metric and service; 0: any */
	size_t id_values;           /* of them, that look like ids; 0: as many */
	enum ledger_histograms histograms;
	uint64_t endpoint;          /* 0: the only one, or the first; of others' marks nothing is heard */
};

enum ledger_outcome {
	LEDGER_POSTED,   /* a delta whose ranges all started where the ledger stood */
	LEDGER_REJECTED, /* a delta that broke the chain: nothing of it counts */
	LEDGER_MARKED,   /* a mark: steps up to it are acknowledged */
	LEDGER_ANCHORED, /* an anchored record: the anchors of a step are acknowledged, its values may go out */
	LEDGER_CLOSED,   /* a close record: every step with increments is closed */
	LEDGER_CLAIMED,  /* someone begins to send; no effect on the state */
	LEDGER_RULES,    /* a writer told its rules */
	LEDGER_BEGUN,    /* an endpoint begins here; no effect on the state */
	LEDGER_FOREIGN,  /* the word of a leader about another endpoint; no effect on the state */
	LEDGER_IGNORED,  /* understood, no effect (a mark already there) */
	LEDGER_CORRUPT,  /* not a record of ours; counted */
};

/* The first time that a budget refused a label's values, or series of a service in a metric. */
struct ledger_refusal {
	const char *budget;         /* as in winnow_overflow_total{budget} */
	enum family_id family;
	struct slice service;
	struct slice label, value;  /* empty: series as a whole */
	struct slice rule;          /* of log_pattern_*: whose label it is */
};

struct ledger_event {
	enum ledger_outcome outcome;
	uint64_t writer, seq; /* of a delta; writer: also who marked, noted anchors, or claimed to lead (0: not said) */
	uint64_t endpoint, base; /* LEDGER_BEGUN: which one, and after which one's ledger */
	bool skipped;         /* LEDGER_MARKED: it was not sent */
	/* catalog changes as the ledger decided them, for the miners of this process; valid until the next post */
	const struct delta_pattern *patterns;
	size_t patterns_len;
	const struct ledger_refusal *const *refusals; /* new ones, at most 256 in a ledger's life; they live as long as it does */
	size_t refusals_len;
};

struct ledger *ledger_new(const struct ledger_opts *opts);
void ledger_free(struct ledger *l);
const struct ledger_opts *ledger_options(const struct ledger *l);

/* Folds the journal record at position. Positions rise. */
void ledger_post(struct ledger *l, struct slice record, int64_t position, struct ledger_event *ret);
/* Position after the last record folded: where reading goes on. */
int64_t ledger_position(const struct ledger *l);
/* Greatest journal time folded. */
int64_t ledger_journal_time(const struct ledger *l);

struct ledger_partition {
	struct slice topic;
	int32_t partition;
	int64_t absorbed;       /* offset up to which records are counted */
	int64_t replay, replay_time_ns;
	int64_t newest_ns;      /* newest event time that posted deltas say, 0: none */
	int64_t reached_ns;     /* newest event time of what they count; past newest_ns while the partition waits for others */
	int64_t moved_ns;       /* journal time of the last posted delta with to > from */
	bool at_end;
	bool in_play;           /* the watermark waits for it */
	int64_t gaps;
	uint32_t life;          /* how often its log was found shorter than what was counted of it, and begun anew */
};

/* False if the journal does not know the partition. */
bool ledger_partition(const struct ledger *l, struct slice topic, int32_t partition, struct ledger_partition *ret);
/* The index-th partition in order of first appearance; false past the end. */
bool ledger_partition_at(const struct ledger *l, size_t index, struct ledger_partition *ret);
/* End of the last closed step, 0 before the first. */
int64_t ledger_watermark(const struct ledger *l);

/* How far in event time the partition in play that is furthest behind has been read: 0 if one has not said a time yet, INT64_MAX if none is in play. */
int64_t ledger_slowest(const struct ledger *l);
/* Up to which event time all partitions have told of their records: the same, where one has to stand still for two minutes to be passed over. */
int64_t ledger_settled(const struct ledger *l);
/* From which event time on traces may still be asked about: that, or where a successor begins to feed what is open. */
int64_t ledger_asked_from(const struct ledger *l);

/* Steps that are closed and not yet marked. */
size_t ledger_pending_steps(const struct ledger *l);
size_t ledger_pending_bytes(const struct ledger *l);
/* Steps with increments that are not closed yet. */
size_t ledger_open_steps(const struct ledger *l);
/* The journal no longer has what came before the next record: counted in the figures. */
void ledger_lost(struct ledger *l);
/* Number of the oldest of them, or INT64_MIN. */
int64_t ledger_pending_first(const struct ledger *l);
/* Of the index-th of them. */
int64_t ledger_pending_at(const struct ledger *l, size_t index);

/* Whether the step is the oldest pending one and an anchored record was folded for it. */
bool ledger_anchored(const struct ledger *l, int64_t step);

/* One request of a step: uncompressed remote-write bodies, cut deterministically. */
struct cut_request {
	struct slice body;
	uint32_t first, last;   /* half open range of sample places in the step, for halving; see ledger_cut_range */
	bool anchors;           /* first values (0) of new series, one step earlier, and last ones of those that end: must be acknowledged before the others go out */
	size_t samples, exemplars;
};

struct cut {
	enum remote_write_version version;
	int64_t step;
	int64_t end_ns;         /* end of the step: timestamp of its samples */
	struct cut_request *requests; /* anchors first */
	size_t len;
	bool begins;            /* Series begin, wake or are ended in this step and no anchored record was folded for it yet. Send the anchor requests, if any, until they
	                         * are acknowledged; append anchored_encode(step); when it comes back as LEDGER_ANCHORED cut again: the values are in that cut.
	                         * Sending values in the same go is exact too, unless the step is later skipped as too old (docs/decisions/0002). */
	bool more;              /* of ledger_cut_part: requests follow these */
	/* private */
	struct buf bytes, array;
	struct write2 *writer;
	struct {
		bool values;
		size_t series, increment;
		uint32_t place;
	} next;
	uint64_t families;      /* with values in this step */
	struct buf rule_families;
};

/* The requests of the oldest pending step, which must be `step`: nothing that is said of the ledger changes; the same bytes on every instance and every call.
 * Free with cut_done. max_samples and max_bytes bound a request (a series with its buckets is never split). */
void ledger_cut(struct ledger *l, int64_t step, enum remote_write_version version, size_t max_samples, size_t max_bytes, struct cut *ret);
/* The same a part at a time, so that a step of millions of samples takes little memory, and others get at the ledger in between: c is zero at first, then as the last call
 * left it; its requests are replaced by the next ones, of about part_bytes together. Requests are those of ledger_cut, if the version does not change in between; the step
 * must still be the oldest pending one. c->begins is complete when the first request of values comes, or none follow. */
void ledger_cut_part(struct ledger *l, int64_t step, enum remote_write_version version, size_t max_samples, size_t max_bytes, size_t part_bytes, struct cut *c);
/* The same step's places [first, last) as one 1.0 request: for halving after a 400. */
void ledger_cut_range(struct ledger *l, int64_t step, bool anchors, uint32_t first, uint32_t last, struct cut *ret);
/* Zero again but for its memory, which the next step of the same ledger uses. */
void cut_again(struct cut *c);
void cut_done(struct cut *c);
/* Human name of the series at a place: log_records_total{...}; for setting a refused one aside. Returns a stable key (hash) of the series. */
uint64_t ledger_place_name(const struct ledger *l, int64_t step, bool anchors, uint32_t place, struct buf *out);
/* Leaves the series with this key out of cuts from now on (true) or takes it back in (false); this instance only. */
void ledger_set_aside(struct ledger *l, uint64_t key, bool aside);

/* Journal records other than deltas. */
void mark_encode(struct buf *out, uint64_t endpoint, int64_t step, bool skipped /* too old for the receiver: not sent, its values go with the next step */, int64_t journal_time_ns, uint64_t leader /* who says so; 0: nobody in particular */);
void anchored_encode(struct buf *out, uint64_t endpoint, int64_t step, int64_t journal_time_ns, uint64_t leader); /* the anchors of the oldest pending step are acknowledged */
void begin_encode(struct buf *out, uint64_t endpoint, uint64_t base, int64_t journal_time_ns, uint64_t leader); /* the endpoint's ledger is ledger_begin of the base's, as it is here */
void claim_encode(struct buf *out, int64_t journal_time_ns, uint64_t leader); /* this leader begins to send: said before it sends anything */
void close_encode(struct buf *out, int64_t journal_time_ns);
void delta_encode(struct buf *out, const struct delta_header *header, const struct delta_body *body);
void rules_encode(struct buf *out, const struct delta_rules *rules, int64_t journal_time_ns); /* goes before the writer's first delta under these rules */

/* The whole state with its position, as a snapshot (format version, msgpack, zlib, checksum), and back. */
void ledger_save(const struct ledger *l, struct buf *out);
int ledger_load(struct ledger *l /* fresh */, struct slice snapshot, struct err *err);
/* Of several ledgers saved one behind the other: takes the first off *all and says whose it is. False: nothing is left, or no whole one (*all is not empty then). */
bool ledger_next_saved(struct slice *all, struct slice *ret, uint64_t *ret_endpoint);

/* The ledger of a receiver that has been sent nothing: what is counted so far is the value from which each series begins there, with its next increments. */
struct ledger *ledger_begin(const struct ledger *base, uint64_t endpoint);

/* For /metrics, status and the patterns API; everything is a view valid until the next post. */
struct ledger_pattern {
	uint64_t id, alias_id;
	enum pattern_origin origin;
	struct slice service, template_text, rule;
	uint64_t count;                    /* records in posted deltas, over all severities, its aliases' included */
	uint64_t by_severity[8];
	int64_t first_seen_ns, last_seen_ns; /* event time of steps */
	const struct delta_example *example; /* NULL if none */
};
size_t ledger_patterns_len(const struct ledger *l); /* aliases included */
void ledger_pattern_at(const struct ledger *l, size_t index, struct ledger_pattern *ret);
/* Examples kept of it besides the best one, newest first; how many. */
enum { LEDGER_FURTHER_MAX = 8 };
size_t ledger_further(const struct ledger *l, uint64_t id, const struct delta_example *ret[LEDGER_FURTHER_MAX]);
bool ledger_pattern_find(const struct ledger *l, uint64_t id, struct ledger_pattern *ret);

/* What posted deltas said of traces, in journal order: fills out with at most max from sequence *from on (what is forgotten is left out) and moves *from behind them. */
size_t ledger_traces(const struct ledger *l, uint64_t *from, struct delta_trace *out, size_t max);

struct ledger_value {
	enum family_id family;
	const struct label *labels;
	size_t labels_len;
	uint64_t count;          /* counter value, gauge value, histogram count: everything posted, closed or not */
	uint64_t sent;           /* of it, what marks say that the receiver has */
	bool live;               /* the receiver has it, and it has not ended there */
	double sum;
	const uint64_t *buckets; /* as many as family_buckets(), not cumulative */
	const struct exemplar *exemplar; /* latest, or NULL */
	int64_t begun_ns;        /* when it began at the receiver; 0: not yet */
	struct slice rule;       /* of log_pattern_*: the pattern's; empty: none */
};
size_t ledger_series_len(const struct ledger *l);
/* What counts against the series limit: all series, as the receiver counts them. */
size_t ledger_budget_used(const struct ledger *l);
/* The refusals since the ledger was made, in order; false past the end. */
bool ledger_refusal_at(const struct ledger *l, size_t index, const struct ledger_refusal **ret);
/* False for a place whose series has left. */
bool ledger_series_at(const struct ledger *l, size_t index, struct ledger_value *ret);

struct ledger_stats {
	uint64_t posted, rejected, corrupt, marks;
	uint64_t late_records, overflow_records, expired_series, state_lost, lives;
};
void ledger_stats(const struct ledger *l, struct ledger_stats *ret);

#endif
