/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated world: input partitions, a journal, instances with real ledgers and the real delta codec, a receiver with remote-write 1.0 semantics. One
 * seed decides everything; one thread. */
#ifndef WINNOW_TESTS_SIM_WORLD_H
#define WINNOW_TESTS_SIM_WORLD_H

#include "base/clock.h"
#include "base/map.h"
#include "ledger/ledger.h"

enum { PARTITIONS = 3, INSTANCES = 3, LOG_MAX = 4000, SERVICES = 3, PATTERNS = 5, SERIES_MAX = SERVICES * PATTERNS * 3, POSITION_SCALE = 1000, PIPELINE_MAX = 3, PLACES_MAX = 64 };

/* Ways to be wrong; each must be caught. */
enum mutant {
	MUTANT_NONE,
	MUTANT_NO_CHAIN,           /* every delta is posted wherever it starts */
	MUTANT_SEND_BEFORE_JOURNAL, /* an instance counts its own deltas before the journal has them */
	MUTANT_LATE_TWICE,         /* late increments are counted in their own step and in the open one */
	MUTANT_NO_ANCHORS,         /* the first value of a series goes out without its 0 */
	MUTANT_NO_ANCHORED_RECORD, /* values go out without the journal knowing that their anchors are there */
	MUTANT_SKIP_AS_SENT,       /* a step too old to send is marked as if it had been sent */
	MUTANT_MARK_UNSENT,        /* a step is marked after the first failed request */
	MUTANT_NO_REWIND,          /* a rejected writer drops its delta and goes on behind it */
	MUTANT_SNAPSHOT_AHEAD,     /* a snapshot claims a later position than it has */
	MUTANT_VALUES_WITH_ANCHORS, /* values are sent though the anchor requests failed */
	MUTANT_COUNT
};

extern const char *const mutant_names[MUTANT_COUNT];

/* One input record. */
struct input {
	int64_t time_ns;
	uint8_t service, pattern;
	bool error, timed;
	double seconds;
};

struct input_log {
	struct input *records;
	size_t len;
};

/* --- receiver.c --- */

enum reply { REPLY_OK, REPLY_REFUSED /* 400 */, REPLY_FAILED /* 5xx, or no answer */ };

struct receiver_series {
	struct slice labels;   /* encoded, owned */
	char *text;            /* name{labels} */
	uint64_t key;
	int64_t last_ms;
	uint64_t last_bits;
	bool stale, gauge;
	double last, increase; /* without stale markers; increase aware of resets */
	uint64_t samples;
};

struct receiver {
	struct map series;
	struct receiver_series **list;
	size_t len, cap;
	int64_t head_ms, window_ms;
	uint64_t refused;
	char failure[256];     /* empty, or what was wrong with what it was sent */
};

void receiver_done(struct receiver *r);
/* A body as Prometheus takes it: whole or not at all. */
enum reply receiver_write(struct receiver *r, struct slice body);

/* --- shard.c --- */

enum shard_state { SHARD_IDLE, SHARD_STARTING, SHARD_RUNNING };

struct shard {
	enum shard_state state;
	uint64_t writer, seq;
	size_t start_at;       /* journal length that must have been read */
	int64_t from, next;    /* of the open delta */
	int64_t newest_ns;
	unsigned flying;       /* deltas appended and not acknowledged */
	bool announce;         /* tell all patterns with the next delta */
	struct tally_entry entries[256];
	uint64_t buckets[256][BOUNDS_MAX + 1];
	size_t entries_len;
};

struct world;
struct instance;
void shard_start(struct world *w, struct instance *i, int partition);
void shard_tick(struct world *w, struct instance *i, int partition);
void shard_flush(struct world *w, struct instance *i, int partition);

/* --- sender.c --- */

enum phase { PHASE_START, PHASE_ANCHORS, PHASE_ANCHORED, PHASE_VALUES, PHASE_MARKED };

struct sending {
	enum phase phase;
	int64_t step;
	size_t at;             /* request to send next */
	int64_t until_ns;      /* end of waiting for the journal */
};

void sender_tick(struct world *w, struct instance *i);

/* --- world.c --- */

struct instance {
	int index;
	bool alive, leads;
	uint64_t life;         /* counts its starts */
	int64_t paused_until_ns, back_ns;
	int64_t clock_offset_ns;
	struct ledger *ledger;
	size_t read;           /* journal records folded */
	struct shard shards[PARTITIONS];
	struct sending sending;
};

/* An append on its way. */
struct flight {
	int64_t land_ns;       /* INT64_MAX: never */
	int64_t report_ns;
	int64_t again_ns;      /* a second copy, INT64_MAX: none */
	bool ok;               /* what the report says */
	int instance, partition; /* partition -1: not a delta */
	uint64_t life, writer;
	struct buf bytes;
	bool reported;
};

/* A request on its way to the receiver, its sender no longer waiting. */
struct stray {
	int64_t land_ns;
	struct buf bytes;
};

struct world {
	uint64_t seed, random;
	enum mutant mutant;
	bool verbose, calm;    /* calm: faults are over */
	bool aliases;          /* patterns merge in this seed: single patterns cannot be checked, their sums can */
	int64_t now_ns, window_s; /* of the receiver, as winnow is told */
	struct ledger_opts opts;
	struct input_log logs[PARTITIONS];
	struct tally_series series[SERIES_MAX];
	struct label labels[SERIES_MAX][3];
	char ids[SERVICES * PATTERNS][17];
	size_t series_len;
	struct instance instances[INSTANCES];
	int owners[PARTITIONS]; /* by the group's word; others may not have heard yet */
	struct buf *journal;
	size_t journal_len, journal_cap;
	struct flight *flights;
	size_t flights_len, flights_cap;
	struct stray *strays;
	size_t strays_len, strays_cap;
	struct receiver receiver;
	int64_t receiver_down_until_ns;
	struct buf snapshot;
	size_t snapshot_read;
	struct map cuts;       /* (step, anchored) -> hash of its bytes */
	uint64_t **cut_hashes;
	size_t cuts_len, cuts_cap;
	uint64_t kills, pauses, rejected, skipped, anchored, retries, steps;
	char failure[512];
};

uint64_t roll(struct world *w, uint64_t n);
static inline bool chance(struct world *w, unsigned percent)
{
	return roll(w, 100) < percent;
}
void world_say(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_fail(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t instance_now(const struct world *w, const struct instance *i);
/* Wall clock of the instance, never below what its ledger has read. */
int64_t instance_journal_time(const struct world *w, const struct instance *i);
/* Hands a record to the journal, with everything that can happen to it. */
void world_append(struct world *w, struct instance *i, int partition, const struct buf *bytes);
/* Posts to the instance's ledger in the middle of nowhere: for MUTANT_SEND_BEFORE_JOURNAL. */
void world_post_early(struct instance *i, struct slice record);

/* Runs one seed; false if an invariant broke, with w->failure set. */
bool world_run(struct world *w, uint64_t seed, enum mutant mutant, bool verbose);
void world_done(struct world *w);

/* --- check.c --- */

/* Whether the receiver has what the input logs hold. */
void check_totals(struct world *w);
/* Whether every instance, and a fold of the whole journal, stand in the same state. */
void check_states(struct world *w);

#endif
