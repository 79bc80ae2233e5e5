/* SPDX-License-Identifier: Apache-2.0 */
/* Event time over a backlog: instances that read logs of hours at once, with a silence in all of them, under the real pace (app/pace.c), the real deltas and
 * ledgers. Partitions cross the silence one by one, minutes apart; workers die and others go on; deltas are under way for a while.
 *
 * Invariant: no record is late, and all are counted. A worker here is app/worker.c's loop without its threads. */
#include "world.h"

#include "app/pace.h"
#include "base/mem.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>

enum { LOGS = 6, WORKERS = 4, PER_INSTANCE = 2, LEDGERS = WORKERS / PER_INSTANCE, STEPS_OPEN = 512, FEED = 60, TURNS_MAX = 40000 };
#define TICK_NS (200 * NS_PER_MS)
#define CUT_EVERY_NS NS_PER_S
#define NOW_NS (INT64_C(1767225600) * NS_PER_S)

struct open_step {
	int64_t step;
	uint64_t count;
};

struct backlog_worker {
	struct pace pace;
	struct partitions partitions;
	struct partition list[LOGS], *places[LOGS];
	uint64_t writer, seq, landed;
	int64_t cut_at_ns, newest_ns, cut_newest_ns;
	struct open_step open[STEPS_OPEN];
	size_t open_len;
	bool dead;           /* its deltas are still under way: then it begins anew */
};

struct backlog {
	struct world *w;     /* its dice */
	enum mutant mutant;
	bool verbose;
	int64_t now_ns;      /* wall clock and monotonic */
	int64_t *logs[LOGS];
	size_t lens[LOGS];
	struct ledger *ledgers[LEDGERS];
	size_t read[LEDGERS];
	struct buf *journal;
	size_t journal_len, journal_cap;
	struct { int64_t land_ns; int worker; struct buf bytes; } flights[WORKERS * 64];
	size_t flights_len;
	_Atomic int64_t lows[LEDGERS][PER_INSTANCE];
	struct backlog_worker workers[WORKERS];
};

int64_t backlog_clock_ns;

/* --- what the pace asks of the books: here they are a ledger --- */

int64_t __wrap_books_slowest(struct books *b);
int64_t __wrap_books_slowest_but(struct books *b, bool (*own)(void *arg, const struct ledger_partition *p), void *arg);

int64_t __wrap_books_slowest(struct books *b)
{
	return ledger_slowest((const struct ledger *)b);
}

int64_t __wrap_books_slowest_but(struct books *b, bool (*own)(void *arg, const struct ledger_partition *p), void *arg)
{
	struct ledger_partition p;
	int64_t slowest = INT64_MAX;
	for (size_t i = 0; ledger_partition_at((const struct ledger *)b, i, &p); i++)
		if (p.in_play && p.reached_ns < slowest && !own(arg, &p))
			slowest = p.reached_ns;
	return slowest;
}

/* --- logs --- */

/* Records from now - before to now with a silence in them; a little out of order, less than the lateness. */
static void write_log(struct backlog *b, int k, int64_t silence_from_ns, int64_t silence_to_ns, int64_t begin_ns)
{
	struct world *w = b->w;
	int64_t gap_ms = 300 + (int64_t)roll(w, 4000), at = begin_ns + SECONDS(roll(w, 200));
	size_t cap = 0;
	while (at < b->now_ns - SECONDS(5)) {
		b->logs[k] = mem_grow(b->logs[k], b->lens[k], &cap, sizeof(int64_t));
		b->logs[k][b->lens[k]++] = at - (int64_t)roll(w, 1000) * NS_PER_MS;
		at += (int64_t)roll(w, 2 * (uint64_t)gap_ms) * NS_PER_MS;
		if (at >= silence_from_ns && at < silence_to_ns)
			at = silence_to_ns + SECONDS(roll(w, 150));
	}
}

static void write_logs(struct backlog *b)
{
	struct world *w = b->w;
	int64_t silence = SECONDS(roll(w, 20 * 3600)), after = SECONDS(300 + roll(w, 1500)), before = SECONDS(300 + roll(w, 2500));
	for (int k = 0; k < LOGS; k++)
		write_log(b, k, b->now_ns - after - silence - SECONDS(roll(w, 100)), b->now_ns - after, b->now_ns - after - silence - before);
}

/* --- workers --- */

static struct ledger *ledger_of(const struct backlog *b, int worker)
{
	return b->ledgers[worker / PER_INSTANCE];
}

static void stand(struct backlog *b, int worker)
{
	struct backlog_worker *v = &b->workers[worker];
	v->writer = roll(b->w, UINT64_MAX);
	v->seq = v->landed = 0;
	v->open_len = 0;
	v->dead = false;
	v->newest_ns = v->cut_newest_ns = 0;
	for (size_t i = 0; i < v->partitions.len; i++) {
		struct partition *p = v->partitions.at[i];
		struct ledger_partition at = {0};
		ledger_partition(ledger_of(b, worker), p->shard.topic, p->shard.partition, &at);
		p->shard.expected = p->shard.cut_from = at.absorbed;
		p->shard.newest_ns = at.reached_ns;
		p->shard.at_end = false;
		p->joined = true;
		p->active_ns = b->now_ns;
	}
}

/* The group has given everything out before anyone reads, and everyone has announced what they got. */
static void announce(struct backlog *b)
{
	struct delta_range ranges[LOGS];
	struct delta_body body = {0};
	for (int k = 0; k < LOGS; k++)
		ranges[k] = (struct delta_range){.topic = SLICE("in"), .partition = k, .joined = true};
	struct delta_header header = {.writer = 1, .seq = 1, .journal_time_ns = b->now_ns, .ranges = ranges, .ranges_len = LOGS};
	b->journal = mem_grow(b->journal, b->journal_len, &b->journal_cap, sizeof(*b->journal));
	b->journal[b->journal_len] = (struct buf){0};
	delta_encode(&b->journal[b->journal_len++], &header, &body);
}

static void hire(struct backlog *b)
{
	for (int k = 0; k < WORKERS; k++) {
		struct backlog_worker *v = &b->workers[k];
		v->partitions.at = v->places;
		v->pace = (struct pace){.books = (struct books *)ledger_of(b, k), .low_ns = b->lows[k / PER_INSTANCE], .number = (size_t)k % PER_INSTANCE,
			.count = PER_INSTANCE, .window_ns = SECONDS(86400)};
		pace_leave(&v->pace);
	}
	for (int k = 0; k < LOGS; k++) {
		struct backlog_worker *v = &b->workers[roll(b->w, WORKERS)];
		struct partition *p = &v->list[v->partitions.len];
		p->shard = (struct shard_partition){.topic = SLICE("in"), .partition = k};
		v->places[v->partitions.len++] = p;
	}
	for (int k = 0; k < WORKERS; k++)
		stand(b, k);
}

static void count_record(struct backlog *b, struct backlog_worker *v, int64_t time_ns)
{
	int64_t step = time_ns / SECONDS(10);
	for (size_t i = v->open_len; i-- > 0;)
		if (v->open[i].step == step) {
			v->open[i].count++;
			return;
		}
	if (v->open_len == STEPS_OPEN)
		world_fail(b->w, "a delta holds more than %d steps", STEPS_OPEN);
	else
		v->open[v->open_len++] = (struct open_step){.step = step, .count = 1};
}

static bool read_one(struct backlog *b, struct backlog_worker *v, struct partition *p)
{
	const int64_t *log = b->logs[p->shard.partition];
	size_t len = b->lens[p->shard.partition];
	int64_t limit = pace_limit(&v->pace, &v->partitions, p, b->now_ns, b->now_ns), before = p->shard.expected;
	if (p->shard.newest_ns > limit && p->shard.newest_ns) {
		p->active_ns = b->now_ns;
		return false;
	}
	p->active_ns = b->now_ns;
	for (int n = 0; n < FEED && (size_t)p->shard.expected < len && (p->shard.newest_ns <= limit || !p->shard.newest_ns); n++) {
		int64_t at = log[p->shard.expected++];
		count_record(b, v, at);
		if (at > p->shard.newest_ns)
			p->shard.newest_ns = at;
	}
	p->shard.at_end = (size_t)p->shard.expected >= len;
	if (p->shard.newest_ns > v->newest_ns)
		v->newest_ns = p->shard.newest_ns;
	return p->shard.expected != before;
}

static void send_delta(struct backlog *b, int worker)
{
	struct backlog_worker *v = &b->workers[worker];
	struct label service = {SLICE("service_name"), SLICE("a")};
	struct tally_series series = {.family = FAMILY_LOG_RECORDS, .labels = &service, .labels_len = 1};
	struct tally_entry entries[STEPS_OPEN];
	struct delta_range ranges[LOGS];
	int64_t cap = b->mutant == MUTANT_SAY_ALL ? INT64_MAX : pace_say_up_to(&v->pace, &v->partitions);
	v->cut_at_ns = b->now_ns + CUT_EVERY_NS;
	v->cut_newest_ns = v->newest_ns;
	for (size_t i = 0; i < v->partitions.len; i++) {
		struct partition *p = v->partitions.at[i];
		const struct shard_partition *s = &p->shard;
		ranges[i] = (struct delta_range){.topic = s->topic, .partition = s->partition, .at_end = s->at_end, .joined = p->joined, .from = s->cut_from, .to = s->expected,
			.replay = s->expected, .newest_ns = s->newest_ns < cap ? s->newest_ns : cap, .reached_ns = b->mutant == MUTANT_UNREACHED ? 0 : s->newest_ns};
		p->shard.cut_from = s->expected;
		p->joined = false;
	}
	for (size_t i = 0; i < v->open_len; i++)
		entries[i] = (struct tally_entry){.step = v->open[i].step, .count = v->open[i].count};
	struct delta_header header = {.writer = v->writer, .seq = ++v->seq, .journal_time_ns = b->now_ns, .ranges = ranges, .ranges_len = v->partitions.len};
	struct delta_body body = {.series = &series, .series_len = 1, .entries = entries, .entries_len = v->open_len};
	b->flights[b->flights_len].land_ns = b->now_ns + (int64_t)roll(b->w, 800) * NS_PER_MS;
	b->flights[b->flights_len].worker = worker;
	for (size_t i = 0; i < b->flights_len; i++)
		if (b->flights[i].worker == worker && b->flights[i].land_ns > b->flights[b->flights_len].land_ns)
			b->flights[b->flights_len].land_ns = b->flights[i].land_ns;
	b->flights[b->flights_len].bytes = (struct buf){0};
	delta_encode(&b->flights[b->flights_len++].bytes, &header, &body);
	v->open_len = 0;
}

static void work(struct backlog *b, int worker)
{
	struct backlog_worker *v = &b->workers[worker];
	if (v->dead && v->landed == v->seq)
		stand(b, worker);
	if (v->partitions.len == 0 || v->dead || v->seq - v->landed > PIPELINE_MAX)
		return;
	for (uint64_t reads = roll(b->w, 6); reads > 0; reads--) {
		partitions_sort_by_time(&v->partitions);
		for (size_t i = 0; i < v->partitions.len && !read_one(b, v, v->partitions.at[i]); i++)
			;
	}
	if (b->now_ns >= v->cut_at_ns || (v->open_len && pace_moved_on(&v->pace, v->newest_ns - v->cut_newest_ns, v->newest_ns)))
		send_delta(b, worker);
	v->dead = roll(b->w, 3000) == 0; /* what it had open is lost, and begun anew where its last delta ends */
}

/* --- journal --- */

static void land(struct backlog *b)
{
	size_t kept = 0;
	for (size_t i = 0; i < b->flights_len; i++) {
		if (b->flights[i].land_ns > b->now_ns) {
			b->flights[kept++] = b->flights[i];
			continue;
		}
		b->journal = mem_grow(b->journal, b->journal_len, &b->journal_cap, sizeof(*b->journal));
		b->journal[b->journal_len++] = b->flights[i].bytes;
	}
	b->flights_len = kept;
}

static void tell(const struct backlog *b, uint64_t writer)
{
	struct ledger_partition p;
	struct ledger_stats stats;
	ledger_stats(b->ledgers[0], &stats);
	printf("%7.1f delta of %04x, late %llu, watermark %.0f:", (double)(b->now_ns - NOW_NS) / 1e9, (unsigned)(writer & 0xffff), (unsigned long long)stats.late_records,
		(double)(ledger_watermark(b->ledgers[0]) - NOW_NS) / 1e9);
	for (size_t i = 0; ledger_partition_at(b->ledgers[0], i, &p); i++)
		printf("  %lld%s says %.0f%s%s", (long long)p.absorbed, p.at_end ? " (end)" : "", (double)(p.newest_ns - NOW_NS) / 1e9, p.in_play ? "" : " out",
			p.reached_ns > p.newest_ns ? " waits" : "");
	putchar('\n');
}

/* Every instance reads on, often not to the end; a writer hears of its deltas from its own instance. */
static void fold_some(struct backlog *b, unsigned stops)
{
	for (int k = 0; k < LEDGERS; k++)
		while (b->read[k] < b->journal_len && !chance(b->w, stops)) {
			struct ledger_event event;
			ledger_post(b->ledgers[k], buf_slice(&b->journal[b->read[k]]), (int64_t)b->read[k], &event);
			b->read[k]++;
			if (b->verbose && k == 0)
				tell(b, event.writer);
			if (event.outcome != LEDGER_POSTED)
				world_fail(b->w, "delta %zu was not posted", b->read[k] - 1);
			for (int v = k * PER_INSTANCE; v < (k + 1) * PER_INSTANCE; v++)
				if (b->workers[v].writer == event.writer)
					b->workers[v].landed = event.seq;
		}
}

static bool over(const struct backlog *b)
{
	for (int k = 0; k < LOGS; k++) {
		struct ledger_partition p;
		for (int i = 0; i < LEDGERS; i++)
			if (b->lens[k] && (!ledger_partition(b->ledgers[i], SLICE("in"), k, &p) || (size_t)p.absorbed < b->lens[k]))
				return false;
	}
	return true;
}

static void close_backlog(struct backlog *b)
{
	for (size_t i = 0; i < b->journal_len; i++)
		buf_done(&b->journal[i]);
	for (size_t i = 0; i < b->flights_len; i++)
		buf_done(&b->flights[i].bytes);
	for (int k = 0; k < LOGS; k++)
		free(b->logs[k]);
	for (int k = 0; k < LEDGERS; k++)
		ledger_free(b->ledgers[k]);
	free(b->journal);
	free(b);
	backlog_clock_ns = 0;
}

static void check_backlog(const struct backlog *b, bool ended)
{
	struct ledger_stats stats;
	struct ledger_value value = {0};
	size_t records = 0;
	for (int k = 0; k < LOGS; k++)
		records += b->lens[k];
	ledger_stats(b->ledgers[0], &stats);
	ledger_series_at(b->ledgers[0], 0, &value);
	if (!ended)
		world_fail(b->w, "the backlog is not read in %d turns", TURNS_MAX);
	if (stats.late_records)
		world_fail(b->w, "%llu of %zu records came late", (unsigned long long)stats.late_records, records);
	if (ended && value.count != records)
		world_fail(b->w, "%llu of %zu records were counted", (unsigned long long)value.count, records);
}

bool backlog_run(struct world *w, uint64_t seed, enum mutant mutant, bool verbose)
{
	struct backlog *b = mem_zalloc(1, sizeof(*b));
	struct ledger_opts opts = {.step_ns = SECONDS(10), .lateness_ns = SECONDS(2), .expire_ns = SECONDS(900), .receiver_window_ns = SECONDS(86400), .series_limit = 1000};
	int turns = 0;
	memset(w, 0, sizeof(*w));
	w->seed = w->random = seed;
	*b = (struct backlog){.w = w, .mutant = mutant, .verbose = verbose, .now_ns = NOW_NS};
	store_real(false);
	store_show(SIZE_MAX);
	for (int k = 0; k < LEDGERS; k++)
		b->ledgers[k] = ledger_new(&opts);
	write_logs(b);
	hire(b);
	announce(b);
	fold_some(b, 0);
	for (; turns < TURNS_MAX && !over(b) && !w->failure[0]; turns++) {
		backlog_clock_ns = b->now_ns += TICK_NS;
		for (int k = 0; k < WORKERS; k++)
			work(b, k);
		land(b);
		fold_some(b, 20);
	}
	check_backlog(b, turns < TURNS_MAX);
	w->steps = (uint64_t)turns;
	close_backlog(b);
	return !w->failure[0];
}
