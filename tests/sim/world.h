/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated world: input partitions, a journal, instances with real ledgers, the real delta codec and the real sender, a receiver with remote-write 1.0
 * semantics. One seed decides everything; one thread. */
#ifndef WINNOW_TESTS_SIM_WORLD_H
#define WINNOW_TESTS_SIM_WORLD_H

#include "app/sender.h"
#include "base/clock.h"
#include "base/map.h"
#include "ledger/ledger.h"

#include <math.h>

enum {
	PARTITIONS_MAX = 5,
	INSTANCES = 3,
	SERVICES = 3,
	PATTERNS = 5,
	SERIES_MAX = SERVICES * PATTERNS * 3,
	POSITION_SCALE = 1000,
	PIPELINE_MAX = 3,
	ENTRIES_MAX = 256,
	COUNTED_MAX = 1024,
	HISTORY = 32,
};
#define SECONDS(n) ((int64_t)(n) * NS_PER_S)

/* Ways to be wrong; each must be caught. */
enum mutant {
	MUTANT_NONE,
	MUTANT_NO_CHAIN,           /* every delta is posted wherever it starts */
	MUTANT_SEND_BEFORE_JOURNAL, /* an instance counts its own deltas before the journal has them */
	MUTANT_LATE_TWICE,         /* late increments are counted in their own step and in the open one */
	MUTANT_NO_ANCHORS,         /* the first value of a series goes out without its 0 */
	MUTANT_NO_ANCHORED_RECORD, /* values go out without the journal knowing that their anchors are there */
	MUTANT_SKIP_AS_SENT,       /* a step too old to send is marked as if it had been sent */
	MUTANT_MARK_UNSENT,        /* a failed request counts as sent */
	MUTANT_NO_REWIND,          /* a rejected writer drops its delta and goes on behind it */
	MUTANT_SNAPSHOT_AHEAD,     /* a snapshot claims a later position than it has */
	MUTANT_VALUES_WITH_ANCHORS, /* values are sent though the anchor requests failed */
	MUTANT_COMMIT_FIRST,       /* a successor starts at offsets that were committed before the append */
	MUTANT_NO_GUARD,           /* what the source delivers a second time is counted a second time */
	MUTANT_GAP_AT_SEEN,        /* a delta starts at the first offset seen, not at the expected one */
	MUTANT_GAP_UNCOUNTED,      /* records that retention took are passed over in silence */
	MUTANT_LATE_DROPPED,       /* increments of closed steps are left out */
	MUTANT_OWN_EXPIRY,         /* a series ends by the instance's own clock */
	MUTANT_HALF_STEP,          /* the last request of a step is not sent, the step is marked */
	MUTANT_MARK_FIRST,         /* a step is marked, then sent */
	MUTANT_CLOSE_ALONE,        /* a leader closes steps by its own clock, without the journal */
	MUTANT_UNKNOWN_LATE,       /* a partition the journal does not know is taken in any delta of a writer */
	MUTANT_KEEP_OPEN,          /* a rewound writer keeps what it had counted */
	MUTANT_LATE_ANCHORS,       /* anchors that are refused because another leader has gone on are sent again later */
	MUTANT_SILENT_RULES,       /* rules are told at the start, and not when they change */
	MUTANT_OWN_BUDGET,         /* an instance refuses series by another budget than the others */
	MUTANT_FOREIGN_HEARD,      /* marks of another endpoint are taken for those of this one */
	/* of backlogs */
	MUTANT_SAY_ALL,            /* a partition says at once how far it has jumped */
	MUTANT_UNREACHED,          /* a delta does not say how far its partitions have been read */
	/* of traces */
	MUTANT_NO_REPLAY,          /* a successor does not feed again what a trace had when its reader died */
	MUTANT_JUDGES_AGAIN,       /* a successor decides traces of which it was fed the end only */
	MUTANT_HASTY,              /* traces are decided before other partitions have told */
	MUTANT_DEAF,               /* a reader that begins anew does not hear again what the journal said of traces */
	MUTANT_UNFED,              /* at the end, traces are complete before a successor has fed again what they had */
	MUTANT_UNSETTLED,          /* a delta is appended before the kept spans are stored */
	MUTANT_IMPATIENT,          /* at the end, traces do not wait for what others have still to read */
	MUTANT_COUNT,
	MUTANT_FIRST_OF_BACKLOGS = MUTANT_SAY_ALL,
	MUTANT_FIRST_OF_TRACES = MUTANT_NO_REPLAY
};

extern const char *const mutant_names[MUTANT_COUNT];

/* Why a record may stay uncounted. */
enum excuse { EXCUSE_NONE, EXCUSE_DELETED /* by retention */, EXCUSE_CUT /* its log lost its end */, EXCUSE_HIDDEN /* written where the log had been longer before */ };

/* One input record. */
struct input {
	int64_t time_ns;
	double seconds;
	uint8_t service, pattern;
	bool timed;
	uint8_t excuse, counted;
};

/* Offsets are places in `at`, which has numbers of records in the pool. */
struct input_log {
	uint32_t *at;
	size_t begin, len, cap;
	size_t top; /* greatest len there ever was */
};

/* --- receiver.c --- */

enum reply { REPLY_OK, REPLY_REFUSED /* 400 */, REPLY_FAILED /* 5xx */ };

struct receiver_state {
	int64_t arrived_ns;    /* when it came to be */
	int64_t last_ms;
	uint64_t last_bits, samples;
	bool stale;
	double last, increase; /* without stale markers; increase aware of resets */
};

struct receiver_series {
	struct slice labels;   /* encoded, owned */
	char *text;            /* name{labels} */
	uint64_t key;
	bool gauge;
	bool lost;             /* samples of it were lost and none came since */
	bool gone;             /* and none can */
	struct receiver_state now;
	struct receiver_state before[HISTORY]; /* a ring; next_before is the oldest */
	unsigned next_before;
};

struct receiver {
	struct map series;
	struct receiver_series **list;
	size_t len, cap;
	int64_t now_ns, head_ms, window_ms;
	char poison[24];       /* series with this in their labels are refused; empty: none */
	enum reply poison_reply;
	bool relaxed;          /* series may begin without their 0: see check.c */
	uint64_t refused;
	char failure[256];     /* empty, or what was wrong with what it was sent */
};

void receiver_done(struct receiver *r);
/* A body as Prometheus takes it: whole or not at all. */
enum reply receiver_write(struct receiver *r, struct slice body);
/* Loses what arrived in the last ns, acknowledged or not. */
void receiver_lose(struct receiver *r, int64_t ns);

/* --- counter.c --- */

enum part_state { PART_NONE, PART_WAITING, PART_RUNNING };

/* One partition as a worker has it. */
struct part {
	enum part_state state;
	size_t start_at;       /* journal length that must have been read */
	int64_t from, next;    /* of the open delta */
	int64_t newest_ns, gap;
	bool joined;
};

/* A worker: in joint seeds an instance has one for all its partitions, else one for each. */
struct counter {
	uint64_t writer, seq;
	unsigned flying;       /* deltas appended and not acknowledged */
	bool announce;         /* tell all patterns with the next delta */
	bool told;             /* the rules, as the instance has them */
	uint64_t tellings;
	struct part parts[PARTITIONS_MAX];
	uint32_t counted[COUNTED_MAX]; /* records in the open delta: number * 2 + rules */
	size_t counted_len, entries_len;
	struct tally_entry entries[ENTRIES_MAX];
	uint64_t buckets[ENTRIES_MAX][BOUNDS_MAX + 1];
	struct native natives[ENTRIES_MAX]; /* the same observations by powers, where native histograms are sent */
};

struct world;
struct instance;
void counter_reset(struct counter *s);
/* Takes a partition, which it may have already. */
void counter_take(struct world *w, struct instance *i, int partition);
void counter_drop(struct world *w, struct instance *i, int partition, bool flush);
/* Drops what is open and begins anew where the journal will say. */
void counter_rewind(struct world *w, struct instance *i, int worker);
/* Takes the version of the rules that is to be loaded now. */
void counter_reload(struct world *w, struct instance *i);
void counter_tick(struct world *w, struct instance *i, int worker);

/* What an observation adds to the number that a native histogram stands for: its bucket's index, moved to where all are positive; nothing else for 0. */
enum { NATIVE_OFFSET = 1000 };
static inline double native_weight(double seconds)
{
	return seconds > 0 ? NATIVE_OFFSET + ceil(log2(seconds) * 8) : 1;
}

/* --- sending.c --- */

struct sending {
	struct sender *sender;
	uint64_t leadership, known_leadership, leader; /* leader: as which it signs what it says */
	int claim;             /* 0: not said, 1: under way, 2: there, -1: unknown */
	bool others_claim;
	int64_t others_ns;     /* journal time of the last word of another leader */
	size_t lead_from;
	bool leading, dying, over, idle;
	int64_t wake_ns;
	int append;            /* 0: under way, 1: there, -1: unknown */
	uint64_t anchors[64];  /* hashes of the anchor requests of the step under way */
	size_t anchors_len;
};

void sending_start(struct world *w, struct instance *i);
void sending_kill(struct world *w, struct instance *i);
void sending_tick(struct world *w, struct instance *i);
/* The outcome of an append of the sender's. */
void sending_appended(struct world *w, struct instance *i, bool ok);
/* That of its claim. */
void sending_claimed(struct instance *i, bool ok);
/* Another's word as leader, or its own. */
void sending_hears(struct instance *i, const struct ledger_event *event);
size_t sending_suspects(const struct instance *i);

/* --- flight.c --- */

enum { FLIGHT_OF_SENDER = -1, FLIGHT_OF_CLAIM = -2 };

/* An append on its way. */
struct flight {
	int64_t land_ns;       /* INT64_MAX: never */
	int64_t report_ns;
	int64_t again_ns;      /* a second copy, INT64_MAX: none */
	bool ok;               /* what the report says */
	int instance, worker;  /* no delta: FLIGHT_OF_SENDER, FLIGHT_OF_CLAIM */
	uint64_t life, writer;
	struct buf bytes;
	bool reported;
};

void journal_add(struct world *w, const struct buf *bytes);
/* Hands a record to the journal, with everything that can happen to it. */
void flight_append(struct world *w, struct instance *i, int worker, const struct buf *bytes);
void flight_tick(struct world *w);

/* --- instance.c --- */

struct instance {
	int index;
	bool alive, leads;
	int rules;             /* the version it has loaded */
	uint64_t life;         /* counts its starts */
	int64_t paused_until_ns, back_ns;
	int64_t clock_offset_ns;
	struct ledger *ledger;
	size_t read;           /* journal records folded */
	struct counter shards[PARTITIONS_MAX];
	struct sending sending;
};

bool instance_active(const struct world *w, const struct instance *i);
int64_t instance_now(const struct world *w, const struct instance *i);
/* Wall clock of the instance, never below what its ledger has read. */
int64_t instance_journal_time(const struct world *w, const struct instance *i);
void instance_start(struct world *w, struct instance *i);
void instance_kill(struct world *w, struct instance *i);
void instance_tick(struct world *w, struct instance *i);
void instance_snapshot(struct world *w, const struct instance *i);
/* Posts to the instance's ledger in the middle of nowhere: for mutants. */
void instance_post_early(struct instance *i, struct slice record);

/* --- fault.c --- */

/* Everything that can go wrong, a little at a time. */
void fault_strike(struct world *w);
void fault_end(struct world *w);

/* --- world.c --- */

/* A request on its way to the receiver, its sender no longer waiting. */
struct stray {
	int64_t land_ns;
	struct buf bytes;
};

/* What a delta counted. */
struct note {
	uint64_t key;          /* of writer and number */
	size_t first, len;     /* in counts */
};

struct world {
	uint64_t seed, random;
	enum mutant mutant;
	bool verbose, calm;    /* calm: faults are over */
	bool closing;          /* all that was late is there: every worker says once more by which rules it counts, or a zombie's word would be the last */
	bool aliases;          /* patterns merge in this seed: single patterns cannot be checked, their sums can */
	bool wide;             /* durations of every pattern; else of one for each service, which costs less */
	bool joint;            /* an instance counts all its partitions in one delta */
	bool truncates, loses, poisons; /* faults that this seed has */
	int64_t now_ns, window_s; /* of the receiver, as winnow is told */
	struct ledger_opts opts;
	struct input *pool;
	size_t pool_len, pool_cap;
	struct input_log logs[PARTITIONS_MAX];
	int partitions;
	int rules;             /* the version that instances load in time */
	int64_t committed[PARTITIONS_MAX]; /* for MUTANT_COMMIT_FIRST */
	struct tally_series series[SERIES_MAX];
	struct label labels[SERIES_MAX][3];
	char ids[SERVICES * PATTERNS][17];
	size_t series_len;
	struct instance instances[INSTANCES];
	int owners[PARTITIONS_MAX]; /* by the group's word; others may not have heard yet */
	struct buf *journal;
	size_t journal_len, journal_cap;
	struct flight *flights;
	size_t flights_len, flights_cap;
	struct stray *strays;
	size_t strays_len, strays_cap;
	struct receiver receiver;
	char poison[17];       /* the pattern that the receiver refuses for a while */
	int64_t receiver_down_until_ns, poison_from_ns, poison_until_ns;
	struct buf snapshot, body;
	size_t snapshot_read;
	struct map cuts;       /* (step, anchored) -> hash of its bytes */
	uint64_t **cut_hashes;
	size_t cuts_len, cuts_cap;
	struct map notes_by_key;
	struct note **notes;
	size_t notes_len, notes_cap;
	uint32_t *counts;
	size_t counts_len, counts_cap;
	uint64_t kills, pauses, rejected, skipped, anchored, retries, steps, refused, lost, deleted, waves;
	char failure[512];
};

uint64_t roll(struct world *w, uint64_t n);
static inline bool chance(struct world *w, unsigned percent)
{
	return roll(w, 100) < percent;
}
void world_say(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_fail(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline int worker_of(const struct world *w, int partition)
{
	return w->joint ? 0 : partition;
}
/* The pattern that a rules version gives a record: reloading renames within a severity, and takes two rules away. */
static inline uint8_t world_pattern(const struct input *r, int rules)
{
	static const uint8_t renamed[PATTERNS] = {1, 1, 2, 4, 4};
	return rules ? renamed[r->pattern] : r->pattern;
}
static inline bool world_has_rule(size_t pattern, int rules)
{
	return !rules || (pattern != 0 && pattern != 3);
}
/* Whether it is known of each series, in this seed, when it has to end. */
static inline bool world_ends(const struct world *w)
{
	return !w->aliases && !w->poisons && !w->loses;
}
static inline bool world_is_error(uint8_t pattern)
{
	return pattern >= 3;
}
/* Adds a record of that kind at the end of a log. */
void world_produce(struct world *w, int partition, uint8_t service, uint8_t pattern);
/* Hands partitions out anew, or for the first time. */
void world_give(struct world *w, int partition, struct instance *to);

/* Runs one seed; false if an invariant broke, with w->failure set. */
bool world_run(struct world *w, uint64_t seed, enum mutant mutant, bool verbose);
void world_done(struct world *w);

/* --- backlog.c --- */

/* Runs one seed of another kind: hours of records read at once. false: see w->failure. */
bool backlog_run(struct world *w, uint64_t seed, enum mutant mutant, bool verbose);
/* The time there, 0 outside. */
extern int64_t backlog_clock_ns;

/* --- traces.c --- */

/* Runs one seed of the third kind: tail sampling. false: see w->failure. Its time is that of backlogs. */
bool traces_run(struct world *w, uint64_t seed, enum mutant mutant, bool verbose);

/* --- check.c --- */

/* Whether the receiver has what the input logs held, and every record was counted once or for a reason never. */
void check_totals(struct world *w);
/* Whether nothing is left at the receiver of rules that no instance has any more. */
void check_ends(struct world *w);
/* The series of a rule that no instance has any more and that has not ended, or NULL. */
const char *check_ghost(const struct world *w);
/* Whether every instance, and a fold of the whole journal, stand in the same state. */
void check_states(struct world *w);

#endif
