/* SPDX-License-Identifier: Apache-2.0 */
/* What a ledger is made of; private to the room. */
#ifndef WINNOW_LEDGER_STATE_H
#define WINNOW_LEDGER_STATE_H

#include "ledger/catalog.h"
#include "ledger/kept.h"
#include "ledger/ledger.h"
#include "metric/pair.h"
#include "ledger/pack.h"

struct value {
	uint64_t count;
	double sum;
	uint64_t *buckets; /* of families with any: family_buckets() */
};

/* The definition in force of a rule's metric: see layout.c. */
struct layout {
	enum family_id family;
	int64_t since_ns; /* when the rules that brought it came into force, by the writer's clock */
	size_t series;
};

/* What every step asks of every series comes last, and lies together: what requests wait for is memory. */
struct series {
	uint64_t number;        /* order of creation: order of samples in a step */
	uint64_t hash;
	struct label *labels;   /* sorted; their texts belong to the pairs */
	struct catalog_entry *pattern; /* log_pattern_records_total, log_pattern_info: whose */
	struct value posted;    /* now and everything in steps */
	struct exemplar *exemplar;
	int64_t touched_step;   /* log_pattern_info: newest step it was counted in */
	uint32_t pending;       /* steps that hold increments of it */
	struct native *native;  /* the value as a native histogram, since one was counted first; NULL: none yet */
	int64_t stale_step;     /* step of its last stale marker, INT64_MIN: none */
	enum family_id family;
	uint8_t labels_len, buckets_room;
	bool live;              /* the receiver has it and it has not been marked stale */
	bool aside;
	struct pair_order order;
	int64_t last_step;      /* newest applied step with increments */
	int64_t first_step;     /* the step it began in at the receiver, INT64_MIN: not yet, or before that was noted */
	struct value now;       /* what marks have applied: the receiver's value */
	struct pair *pairs[];   /* its labels, by order; behind them room for buckets_room buckets, where now has them unless it got others since */
};

/* A step's increments of one series: hist and exemplar are places in the step's arrays + 1, 0: none. */
struct increment {
	struct series *series;
	uint64_t count;
	uint32_t hist;
	uint32_t exemplar;      /* INCREMENT_ENDS: the series (log_pattern_info) ends in this step */
	uint32_t native;
};

#define INCREMENT_ENDS UINT32_MAX
/* The count of an end: a step that was skipped may have said it already, so that a stale marker may stand at the beginning of this one. */
#define END_SAID 1

struct step {
	int64_t number;
	bool closed;            /* nothing is added but by skipping the step before it; increments are sorted by series */
	bool anchored;          /* the receiver has acknowledged the anchors of its new series */
	struct increment *increments;
	size_t len, cap;
	uint32_t *slots;        /* while open: hash index by series, place + 1 */
	size_t slots_cap;
	uint64_t *words;        /* histograms: bits of the sum, then the buckets */
	size_t words_len, words_cap;
	struct exemplar *exemplars;
	size_t exemplars_len, exemplars_cap;
	struct native *natives;
	size_t natives_len, natives_cap;
	enum family_id *retired; /* definitions that were replaced before this step: buckets that only they have end in it */
	size_t retired_len, retired_cap;
};

struct partition {
	struct slice topic;     /* owned */
	struct ledger_partition view; /* its topic is the same slice */
	int64_t moved_alive_ns; /* when it appeared or last moved, by the alive clock */
	bool placed;            /* it moved since the journal was last silent: its newest event time tells where it stands */
	uint64_t writer, seq;   /* of the last delta posted that had it */
	int64_t heard_alive_ns; /* when that was, by the alive clock */
};

/* The rules in force: see force.c. */
struct force {
	struct rules **told;    /* by writer, in order of telling */
	size_t len, cap;
	uint64_t hash;          /* of the sets in force when it was last looked at what they cover */
	bool unsettled;         /* something changed that may change what is in force */
};

/* See budget.c. */
struct budgets {
	size_t series;          /* weight of all */
	size_t services;        /* that have any */
	struct map counts;
	struct map refused;
	struct ledger_refusal **refusals; /* since the process began; not part of the state */
	size_t refusals_len, refusals_cap, refusals_told;
};

struct ledger {
	struct ledger_opts opts;
	int64_t expire_steps;
	int64_t position;
	int64_t journal_time_ns;
	int64_t alive_ns;       /* journal time without its silences: see ledger.c */
	struct partition **partitions;
	size_t partitions_len, partitions_cap;
	struct map partitions_by_name;
	struct series **series; /* by number */
	size_t series_len, series_cap, live_len;
	struct map series_by_labels;
	struct map layouts;     /* by family_key() */
	struct pool pool;       /* of series */
	struct label_pairs pairs;     /* all labels of all series */
	struct map names;       /* struct family_pairs by family */
	struct force force;
	struct budgets budgets;
	uint64_t next_number;
	struct step **steps;    /* by number: closed ones first, then open ones */
	size_t steps_len, steps_cap, closed_len;
	int64_t last_closed;    /* INT64_MIN: none yet */
	int64_t newest_step;    /* newest closed step with increments; INT64_MIN: none */
	struct catalog catalog;
	struct kept kept;
	struct ledger_stats stats;
	struct map aside;       /* keys set aside in this instance; not part of the state */
	uint64_t **aside_keys;
	size_t aside_len, aside_cap;
	/* of the post going on */
	struct arena arena;
	struct buf scratch;
	struct delta_pattern *changes;
	size_t changes_len, changes_cap;
};

static inline int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* series.c */
uint64_t series_hash(enum family_id family, const struct label *labels, size_t len);
struct series *series_find(const struct ledger *l, uint64_t hash, enum family_id family, const struct label *labels, size_t len);
/* Adds a series that is not there. labels are sorted; copied. */
struct series *series_add(struct ledger *l, uint64_t hash, enum family_id family, const struct label *labels, size_t len);
void series_free(struct ledger *l, struct series *s);
/* Gives now or posted other buckets, which come from mem_zalloc. */
void series_set_buckets(struct series *s, struct value *v, uint64_t *buckets);
void names_done(struct ledger *l);
struct slice series_label(const struct series *s, struct slice name);
/* Those of a family, made when they are first asked for. Pairs are written into by requests: under the lock of the ledger. */
const struct family_pairs *series_names(struct ledger *l, const struct family *family);
size_t series_samples(const struct series *s);
/* winnow's own books (winnow_records_total, ...): few, and shown even while they are dormant, or the identity would seem broken after a quiet quarter of an hour. */
static inline bool series_is_book(const struct series *s)
{
	return family_is_book(s->family);
}
/* Drops series that have been dormant for long by the time of this step. */
void series_forget(struct ledger *l, int64_t step);
/* Number of its buckets, 0 for plain counters and gauges. */
size_t series_buckets(const struct series *s);
/* {"16 hex digits"} of a pattern id label; false if it is none. */
bool series_pattern_id(const struct label *labels, size_t len, uint64_t *ret_id);
/* Adds to the series' native histogram. */
void series_add_native(struct series *s, const struct native *native);
void value_add(struct value *v, uint64_t count, double sum, const uint64_t *buckets, size_t buckets_len);

/* budget.c */
enum budget { BUDGET_KEPT, BUDGET_LABEL_VALUES, BUDGET_ID_VALUES, BUDGET_SERVICES, BUDGET_SERVICE, BUDGET_METRIC, BUDGET_SERIES };
/* As winnow_overflow_total{budget} says it. */
const char *budget_name(enum budget budget);
void budget_enter(struct ledger *l, const struct series *s);
void budget_leave(struct ledger *l, const struct series *s);
/* Of a series that is not there: puts `other` for values that have no room. */
enum budget budget_labels(struct ledger *l, enum family_id family, struct label *labels, size_t len, bool wide);
/* Whether there is room for it as a whole. */
enum budget budget_room(struct ledger *l, enum family_id family, const struct label *labels, size_t len);
/* The `other` of a series, which needs no room; false if it is one. */
bool budget_other(struct label *labels, size_t len);
/* Of an `other` that is not there: where `other`s themselves have become too many, the service becomes `other` as well; false if it need not, or is. */
bool budget_nobody(struct ledger *l, enum family_id family, struct label *labels, size_t len);
void budget_done(struct ledger *l);

/* layout.c */
/* The definition in force of this family's name: the family itself for those that no rule defines. */
enum family_id layout_family(const struct ledger *l, enum family_id family);
int64_t layout_since(const struct ledger *l, enum family_id family);
/* A delta, or a snapshot, says that it counts by this definition. */
void layout_take(struct ledger *l, enum family_id family, int64_t since_ns);
/* The counts of one layout's buckets by another's. */
void layout_fit(enum family_id from, const uint64_t *counts, enum family_id to, uint64_t *ret);
void layout_enter(struct ledger *l, enum family_id family);
void layout_leave(struct ledger *l, enum family_id family);
void layout_sweep(struct ledger *l, enum family_id family);
void layout_done(struct ledger *l);

/* force.c */
void force_tell(struct ledger *l, const struct delta_rules *told);
void force_heard(struct ledger *l, struct partition *p, const struct delta_header *h);
/* Ends what no rule in force counts, if that may have changed; `all`: partitions may have fallen silent as well. */
void force_settle(struct ledger *l, bool all);
void force_save(const struct ledger *l, struct buf *out);
void force_load(struct ledger *l, struct unpack *u);
void force_done(struct force *f);

/* step.c */
struct step *step_open(struct ledger *l, int64_t number);
struct increment *step_touch(struct step *step, struct series *s);
/* The increment of a series, or NULL; any step. */
void step_add(struct step *step, struct series *s, uint64_t count, double sum, const uint64_t *buckets, const struct exemplar *exemplar);
void step_end(struct step *step, struct series *s);
/* Adds to what step_add has made. */
void step_add_native(struct step *step, struct series *s, const struct native *native);
void step_put_native(struct step *step, struct increment *i, const struct native *native);
const struct native *step_native(const struct step *step, const struct increment *i);
/* The series' increment in an open step, or NULL. */
const struct increment *step_find(const struct step *step, const struct series *s);
void step_retire(struct step *step, enum family_id family);
/* The increments of one family's series by another's buckets. */
void step_fit(struct step *step, enum family_id from, enum family_id to);
void step_close(struct step *step);
/* Moves everything of from into into, later in time. True if a series that was to end in into does not, because of what from counted. */
bool step_merge(struct step *into, const struct step *from);
void step_free(struct step *step);
size_t step_bytes(const struct step *step);
double step_sum(const struct step *step, const struct increment *i);
const uint64_t *step_buckets(const struct step *step, const struct increment *i);
const struct exemplar *step_exemplar(const struct step *step, const struct increment *i);

/* time.c */
/* Whether the watermark waits for the partition (but for its being too far behind). */
bool time_in_play(const struct ledger *l, const struct partition *p);
void time_pass(struct ledger *l, int64_t journal_time_ns);
/* Closes what the watermark allows. */
void time_close(struct ledger *l);
/* Closes every step with increments. */
void time_close_all(struct ledger *l);
/* Where increments for a step go. */
int64_t time_target(const struct ledger *l, int64_t step, bool *ret_late);

/* ledger.c */
struct partition *partition_add(struct ledger *l, struct slice topic, int32_t partition);

/* posting.c */
void posting_add(struct ledger *l, const struct delta_body *body);

#endif
