/* SPDX-License-Identifier: Apache-2.0 */
/* Tail sampling over kills: spans and log records in simulated partitions, read by workers that die, sleep, lose partitions and have deltas refused.
 *
 * Real: decoders, shards with their judges and points of replay, app/traces.c, the pace, deltas, ledgers and snapshots. Simulated: the logs, who reads what, the
 * journal with its delays and losses, the topic for kept spans, which loses what was not settled when a process dies. A worker here is app/worker.c's loop without its
 * threads, as in backlog.c; logs are written before anyone reads.
 *
 * Invariant: the same seed, read by one process that nothing happens to, keeps the same spans of the same traces for the same reasons, and every span is counted
 * once. What goes out twice is one. */
#include "trace_logs.h"

#include "app/gather.h"
#include "app/pace.h"
#include "app/traces.h"
#include "base/mem.h"
#include "store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { READERS = 3, END_TURNS = 30, READS_TURNS_MAX = 6000, FEED_MOST = 12, ON_THE_WAY = 3, PENDING = 4096 };
#define TURN_NS (200 * NS_PER_MS)
#define CUT_EVERY NS_PER_S

static const struct sampling policy = {.on = true, .errors = true, .share = 0.05, .slow_ns = 500 * NS_PER_MS, .slow_quantile = 0.75, .hold_ns = SECONDS(30), .quiet_ns = SECONDS(5), .grace_ns = SECONDS(10), .memory = 64 << 20};

/* What was kept of a trace. */
struct kept_trace {
	uint16_t spans;    /* by number */
	unsigned reasons;
};

struct on_its_way {
	uint16_t trace;
	struct kept_trace what;
};

struct reader {
	bool alive, must_rewind, stuck;  /* stuck: kept spans are not stored yet */
	struct ledger *ledger;
	size_t read, rewind_at;
	struct shard *shard;
	struct traces traces;
	struct partitions partitions;
	struct partition list[TRACE_LOGS], *places[TRACE_LOGS];
	size_t wants[TRACE_LOGS];        /* journal length to be read before it takes the partition; SIZE_MAX: it does not want it */
	int64_t drops_ns[TRACE_LOGS];    /* when it hears that it is another's; INT64_MAX: not */
	struct pace pace;
	_Atomic int64_t low_ns;
	struct gather gather;
	struct on_its_way pending[PENDING]; /* to the topic of kept spans */
	size_t pending_len;
	uint64_t writer, seq, posted;
	int64_t back_ns, sleeps_ns, cut_at_ns, newest_ns, cut_newest_ns;
};

struct trace_flight {
	int64_t land_ns;
	int reader;
	struct buf bytes;
};

struct trace_world {
	struct world *w;                 /* its dice */
	enum mutant mutant;
	bool calm, verbose;
	int64_t now_ns;
	struct payloads logs[TRACE_LOGS];
	uint64_t spans;
	struct reader readers[READERS];
	int readers_len, owners[TRACE_LOGS];
	struct buf *journal;
	size_t journal_len, journal_cap;
	struct trace_flight *flights;
	size_t flights_len, flights_cap;
	struct buf snapshot;
	size_t snapshot_read;
	struct decoder *decoder;
	struct kept_trace kept[TRACES];
};

static struct trace_world *running;

static double seconds(int64_t time_ns)
{
	return (double)(time_ns - TRACES_NOW) / 1e9;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	va_list args;
	if (!running->verbose)
		return;
	printf("%7.1f  ", seconds(running->now_ns));
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* --- what app/traces.c stands on: the books are a ledger, the topic is a reader --- */

int64_t __wrap_books_settled(struct books *b);
int64_t __wrap_books_asked_from(struct books *b);
size_t __wrap_books_traces(struct books *b, uint64_t *from, struct delta_trace *out, size_t max);
void __wrap_span_topic_send(struct span_topic *t, struct span_lane *lane, struct slice trace_id, struct slice otlp, const char *reasons);
bool __wrap_span_topic_settle(struct span_topic *t, struct span_lane *lane, int64_t timeout_ns);

int64_t __wrap_books_settled(struct books *b)
{
	return running->mutant == MUTANT_HASTY ? INT64_MAX : ledger_settled((const struct ledger *)b);
}

int64_t __wrap_books_asked_from(struct books *b)
{
	return ledger_asked_from((const struct ledger *)b);
}

size_t __wrap_books_traces(struct books *b, uint64_t *from, struct delta_trace *out, size_t max)
{
	return ledger_traces((const struct ledger *)b, from, out, max);
}

static unsigned number_in(struct slice hex)
{
	char text[9] = "";
	memcpy(text, hex.ptr + hex.len - 8, 8);
	return (unsigned)strtoul(text, NULL, 16);
}

static unsigned reasons_in(struct slice text)
{
	unsigned reasons = 0;
	for (unsigned bit = 1; bit <= SAMPLING_ALL; bit <<= 1)
		for (size_t from = 0; from < text.len;) {
			size_t comma = slice_find(text, ',', from);
			if (slice_eq(slice_sub(text, from, comma - from), slice_str(sampling_reason_name(bit))))
				reasons |= bit;
			from = comma + 1;
		}
	return reasons;
}

void __wrap_span_topic_send(struct span_topic *t, struct span_lane *lane, struct slice trace_id, struct slice otlp, const char *reasons)
{
	struct reader *r = (struct reader *)(void *)t;
	struct decoded decoded;
	(void)lane;
	struct on_its_way out = {.trace = (uint16_t)number_in(trace_id), .what.reasons = reasons_in(slice_str(reasons))};
	decoder_decode(running->decoder, otlp, TRACES_NOW, &decoded);
	for (size_t i = 0; i < decoded.len; i++)
		out.what.spans |= (uint16_t)(1u << (number_in(decoded.records[i].span_id) - 1));
	say("reader %d keeps spans %x of trace %u for %x", (int)(r - running->readers), out.what.spans, out.trace, out.what.reasons);
	if (r->pending_len == PENDING || decoded.undecodable || out.trace >= TRACES)
		world_fail(running->w, "kept spans of trace %u cannot be taken", out.trace);
	else
		r->pending[r->pending_len++] = out;
}

static void store(struct reader *r, bool all)
{
	for (size_t i = 0; i < r->pending_len; i++)
		if (all || chance(running->w, 50)) {
			struct kept_trace *kept = &running->kept[r->pending[i].trace];
			kept->spans |= r->pending[i].what.spans;
			kept->reasons |= r->pending[i].what.reasons;
		}
	r->pending_len = 0;
}

bool __wrap_span_topic_settle(struct span_topic *t, struct span_lane *lane, int64_t timeout_ns)
{
	(void)lane;
	(void)timeout_ns;
	if (!running->calm && chance(running->w, 5))
		return false;
	store((struct reader *)(void *)t, true);
	return true;
}

/* --- a reader --- */

static struct shard_opts shard_options(void)
{
	return (struct shard_opts){.step_ns = SECONDS(10), .sampling = &policy, .examples = EXAMPLES_NONE};
}

static void stand(struct trace_world *t, struct reader *r, struct partition *p)
{
	struct shard_opts opts = shard_options();
	struct ledger_partition at = {0};
	ledger_partition(r->ledger, p->shard.topic, p->shard.partition, &at);
	struct shard_start start = {.offset = at.absorbed, .replay = at.replay, .replay_time_ns = at.replay_time_ns, .newest_ns = at.reached_ns};
	say("reader %d stands at %lld of log %d, which has come to %.1f, and feeds from %lld on, at %.1f", (int)(r - t->readers), (long long)start.offset, p->shard.partition, seconds(start.newest_ns), (long long)start.replay,
		seconds(llabs(start.replay_time_ns)));
	if (t->mutant == MUTANT_NO_REPLAY)
		start.replay = start.offset, start.replay_time_ns = 0;
	if (t->mutant == MUTANT_JUDGES_AGAIN)
		start.replay_time_ns = llabs(start.replay_time_ns);
	shard_partition_start(&p->shard, &start, &opts);
	p->joined = true;
	p->active_ns = t->now_ns;
}

static void rewind_reader(struct trace_world *t, struct reader *r)
{
	r->writer = roll(t->w, UINT64_MAX);
	r->seq = r->posted = 0;
	r->must_rewind = false;
	r->newest_ns = r->cut_newest_ns = 0;
	shard_rewind(r->shard);
	if (t->mutant != MUTANT_DEAF)
		traces_rewind(&r->traces);
	for (size_t i = 0; i < r->partitions.len; i++)
		stand(t, r, r->partitions.at[i]);
}

static void read_back(struct trace_world *t, struct reader *r)
{
	r->must_rewind = true;
	r->rewind_at = t->journal_len;
}

static void journal(struct trace_world *t, struct buf bytes)
{
	t->journal = mem_grow(t->journal, t->journal_len, &t->journal_cap, sizeof(*t->journal));
	t->journal[t->journal_len++] = bytes;
}

/* What app/pipeline.c appends when it is given partitions, before they are read. */
static void announce(struct trace_world *t, struct delta_range *ranges, size_t len)
{
	struct delta_body body = {0};
	struct buf record = {0};
	const struct delta_header header = {.writer = roll(t->w, UINT64_MAX), .seq = 1, .journal_time_ns = t->now_ns, .ranges = ranges, .ranges_len = len};
	delta_encode(&record, &header, &body);
	journal(t, record);
}

static void take(struct trace_world *t, struct reader *r, int log)
{
	struct ledger_partition at = {0};
	ledger_partition(r->ledger, SLICE("in"), log, &at);
	announce(t, &(struct delta_range){.topic = SLICE("in"), .partition = log, .joined = true, .from = at.absorbed, .to = at.absorbed, .replay = at.replay, .replay_time_ns = at.replay_time_ns}, 1);
	struct partition *p = &r->list[log];
	*p = (struct partition){.shard = {.topic = SLICE("in"), .partition = log}};
	stand(t, r, p);
	r->wants[log] = SIZE_MAX;
	r->partitions.at[r->partitions.len++] = p;
}

static bool has(const struct reader *r, int log)
{
	for (size_t i = 0; i < r->partitions.len; i++)
		if (r->partitions.at[i]->shard.partition == log)
			return true;
	return false;
}

/* What is open of it is lost with it, so the others begin anew as well. */
static void drop(struct trace_world *t, struct reader *r, int log)
{
	r->drops_ns[log] = INT64_MAX;
	r->wants[log] = SIZE_MAX;
	for (size_t i = 0; i < r->partitions.len; i++)
		if (r->partitions.at[i]->shard.partition == log) {
			shard_partition_done(&r->partitions.at[i]->shard);
			r->partitions.at[i] = r->partitions.at[--r->partitions.len];
			read_back(t, r);
			return;
		}
}

static void give(struct trace_world *t, int log, int to)
{
	int from = t->owners[log];
	t->owners[log] = to;
	if (from >= 0 && from != to && t->readers[from].alive)
		t->readers[from].drops_ns[log] = t->now_ns + (int64_t)roll(t->w, 5000) * NS_PER_MS; /* it hears of it late, and goes on until then */
	struct reader *r = &t->readers[to];
	r->drops_ns[log] = INT64_MAX;
	if (!has(r, log))
		r->wants[log] = t->journal_len;
}

static void start(struct trace_world *t, int k)
{
	struct reader *r = &t->readers[k];
	struct ledger_opts opts = {.step_ns = SECONDS(10), .lateness_ns = SECONDS(2), .expire_ns = SECONDS(900), .receiver_window_ns = SECONDS(86400), .series_limit = 1000};
	struct shard_opts of_shard = shard_options();
	struct err err = {0};
	*r = (struct reader){.alive = true, .ledger = ledger_new(&opts), .shard = shard_new(&of_shard), .writer = roll(t->w, UINT64_MAX), .pending_len = 0};
	if (t->snapshot.len && chance(t->w, 70)) {
		if (ledger_load(r->ledger, buf_slice(&t->snapshot), &err) < 0)
			world_fail(t->w, "snapshot: %s", err.text);
		r->read = t->snapshot_read;
	}
	struct books *books = (struct books *)r->ledger;
	r->partitions.at = r->places;
	r->pace = (struct pace){.books = books, .low_ns = &r->low_ns, .count = 1, .window_ns = SECONDS(86400)};
	pace_leave(&r->pace);
	r->traces = (struct traces){.books = books, .shard = r->shard, .topic = (struct span_topic *)(void *)r, .on = true};
	for (int log = 0; log < TRACE_LOGS; log++) {
		r->wants[log] = t->owners[log] == k ? t->journal_len : SIZE_MAX;
		r->drops_ns[log] = INT64_MAX;
	}
}

static void close_reader(struct reader *r)
{
	for (size_t i = 0; i < r->partitions.len; i++)
		shard_partition_done(&r->partitions.at[i]->shard);
	shard_free(r->shard);
	ledger_free(r->ledger);
	gather_done(&r->gather);
	*r = (struct reader){0};
}

static void kill_reader(struct trace_world *t, int k)
{
	struct reader *r = &t->readers[k];
	t->w->kills++;
	say("reader %d is killed", k);
	store(r, false);
	close_reader(r);
	r->back_ns = t->now_ns + (int64_t)roll(t->w, 6000) * NS_PER_MS;
	for (size_t i = 0; i < t->flights_len; i++)
		if (t->flights[i].reader == k && chance(t->w, 50))
			t->flights[i].land_ns = INT64_MAX;
	for (int log = 0; log < TRACE_LOGS; log++)
		if (t->owners[log] == k && chance(t->w, 60))
			give(t, log, (k + 1 + (int)roll(t->w, (uint64_t)t->readers_len - 1)) % t->readers_len);
}

/* --- reading and counting --- */

static bool read_from(struct trace_world *t, struct reader *r, struct partition *p)
{
	const struct payloads *log = &t->logs[p->shard.partition];
	int64_t limit = pace_limit(&r->pace, &r->partitions, p, t->now_ns, t->now_ns), decided = shard_read_up_to(&p->shard), before = p->shard.expected;
	limit = limit < decided ? limit : decided;
	p->active_ns = t->now_ns;
	for (uint64_t n = 1 + roll(t->w, FEED_MOST); n > 0 && (size_t)p->shard.expected < log->len && (p->shard.newest_ns <= limit || !p->shard.newest_ns); n--) {
		int64_t o = p->shard.expected;
		const struct payload *m = &log->at[o];
		shard_feed(r->shard, &p->shard, slice_of(m->text, m->len), o, o + 1, m->time_ns, t->now_ns);
	}
	p->shard.at_end = (size_t)p->shard.expected >= log->len;
	p->ended = p->ended || p->shard.at_end;
	if (p->shard.newest_ns > r->newest_ns)
		r->newest_ns = p->shard.newest_ns;
	return p->shard.expected != before;
}

static void append(struct trace_world *t, int k, const struct delta_header *header, const struct delta_body *body)
{
	t->flights = mem_grow(t->flights, t->flights_len, &t->flights_cap, sizeof(*t->flights));
	struct trace_flight *f = &t->flights[t->flights_len++];
	*f = (struct trace_flight){.reader = k, .land_ns = t->now_ns + (int64_t)roll(t->w, 600) * NS_PER_MS};
	delta_encode(&f->bytes, header, body);
	for (size_t i = 0; i + 1 < t->flights_len; i++)
		if (t->flights[i].reader == k && t->flights[i].land_ns != INT64_MAX && t->flights[i].land_ns > f->land_ns)
			f->land_ns = t->flights[i].land_ns;
	if (t->calm || !chance(t->w, 6))
		return;
	read_back(t, &t->readers[k]); /* nobody says that it is there: it is, will be, or never */
	if (chance(t->w, 50))
		f->land_ns = INT64_MAX;
	else if (chance(t->w, 50))
		f->land_ns += SECONDS(roll(t->w, 25));
}

static void cut(struct trace_world *t, int k)
{
	struct reader *r = &t->readers[k];
	struct delta_range ranges[TRACE_LOGS];
	struct delta_body body;
	r->stuck = !(t->mutant == MUTANT_UNSETTLED && chance(t->w, 70)) && !traces_settle(&r->traces);
	if (r->stuck)
		return;
	int64_t cap = pace_say_up_to(&r->pace, &r->partitions);
	gather(&r->gather, r->shard, &body);
	for (size_t i = 0; i < r->partitions.len; i++) {
		struct partition *p = r->partitions.at[i];
		struct shard_start next;
		shard_partition_successor(&p->shard, &next);
		ranges[i] = (struct delta_range){.topic = p->shard.topic, .partition = p->shard.partition, .at_end = p->shard.at_end, .joined = p->joined, .from = p->shard.cut_from, .to = next.offset, .replay = next.replay,
			.replay_time_ns = next.replay_time_ns, .newest_ns = p->shard.newest_ns < cap ? p->shard.newest_ns : cap, .reached_ns = p->shard.newest_ns};
		p->shard.cut_from = next.offset;
		p->joined = false;
	}
	const struct delta_header header = {.writer = r->writer, .seq = ++r->seq, .journal_time_ns = t->now_ns, .ranges = ranges, .ranges_len = r->partitions.len};
	append(t, k, &header, &body);
	r->cut_at_ns = t->now_ns + CUT_EVERY;
	r->cut_newest_ns = r->newest_ns;
	shard_clear(r->shard);
}

static void fold(struct trace_world *t, struct reader *r)
{
	while (r->read < t->journal_len && (t->calm || !chance(t->w, 15))) {
		struct ledger_event event;
		ledger_post(r->ledger, buf_slice(&t->journal[r->read]), (int64_t)r->read, &event);
		r->read++;
		if (event.outcome == LEDGER_CORRUPT)
			world_fail(t->w, "record %zu is corrupt", r->read - 1);
		if (event.writer != r->writer)
			continue;
		if (event.outcome == LEDGER_REJECTED) {
			t->w->rejected++;
			read_back(t, r);
		} else {
			r->posted = event.seq;
		}
	}
}

/* Whether it may work: it has partitions and stands where the ledger stands. */
static bool stands(struct trace_world *t, struct reader *r)
{
	for (int log = 0; log < TRACE_LOGS; log++) {
		if (t->now_ns >= r->drops_ns[log])
			drop(t, r, log);
		if (r->wants[log] <= r->read && !r->must_rewind)
			take(t, r, log);
	}
	if (r->must_rewind && r->read >= r->rewind_at)
		rewind_reader(t, r);
	if (r->partitions.len == 0) { /* what is on its way arrives all the same */
		store(r, true);
		r->stuck = false;
	}
	return r->partitions.len && !r->must_rewind;
}

static void read_some(struct trace_world *t, struct reader *r)
{
	if (r->stuck || r->seq - r->posted > ON_THE_WAY)
		return;
	partitions_sort_by_time(&r->partitions);
	for (size_t i = 0; i < r->partitions.len; i++)
		if (read_from(t, r, r->partitions.at[i]))
			return;
}

static bool fed_again(const struct reader *r)
{
	for (size_t i = 0; i < r->partitions.len; i++)
		if (r->partitions.at[i]->shard.expected < r->partitions.at[i]->shard.count_from)
			return false;
	return true;
}

/* Its part is read and counted; others may be far from that. */
static bool own_over(const struct reader *r)
{
	for (size_t i = 0; i < r->partitions.len; i++)
		if (!r->partitions.at[i]->ended)
			return false;
	return r->posted == r->seq;
}

static void work(struct trace_world *t, int k)
{
	struct reader *r = &t->readers[k];
	if (!stands(t, r))
		return;
	read_some(t, r);
	if (r->stuck || t->now_ns >= r->cut_at_ns || pace_moved_on(&r->pace, r->newest_ns - r->cut_newest_ns, r->newest_ns))
		cut(t, k);
	if (t->mutant == MUTANT_IMPATIENT)
		r->traces.ending_ns = 1, r->traces.ending_settled_ns = ledger_settled(r->ledger);
	if (!own_over(r) || (t->mutant != MUTANT_UNFED && !fed_again(r)))
		traces_turn(&r->traces, &r->partitions);
	else if (traces_end(&r->traces, &r->partitions) == TRACES_DECIDED)
		cut(t, k);
}

/* --- a run --- */

/* The group has given everything out before anyone reads, and everyone has announced what they got. */
static void announce_all(struct trace_world *t)
{
	struct delta_range ranges[TRACE_LOGS];
	for (int log = 0; log < TRACE_LOGS; log++)
		ranges[log] = (struct delta_range){.topic = SLICE("in"), .partition = log, .joined = true};
	announce(t, ranges, TRACE_LOGS);
}

static void land(struct trace_world *t)
{
	size_t kept = 0;
	for (size_t i = 0; i < t->flights_len; i++) {
		struct trace_flight *f = &t->flights[i];
		if (f->land_ns <= t->now_ns)
			journal(t, f->bytes);
		else if (f->land_ns == INT64_MAX)
			buf_done(&f->bytes);
		else
			t->flights[kept++] = *f;
	}
	t->flights_len = kept;
}

static void strike(struct trace_world *t, bool over)
{
	int k = (int)roll(t->w, (uint64_t)t->readers_len);
	struct reader *r = &t->readers[k];
	if (r->alive && chance(t->w, over ? 30 : 5))
		kill_reader(t, k);
	else if (r->alive && chance(t->w, 3))
		r->sleeps_ns = t->now_ns + SECONDS(roll(t->w, 8));
	if (chance(t->w, 3))
		give(t, (int)roll(t->w, TRACE_LOGS), (int)roll(t->w, (uint64_t)t->readers_len));
	if (r->alive && chance(t->w, 2)) {
		buf_reset(&t->snapshot);
		ledger_save(r->ledger, &t->snapshot);
		t->snapshot_read = r->read;
	}
}

static bool all_read(const struct trace_world *t, const struct reader *r)
{
	struct ledger_partition p;
	for (int log = 0; r->alive && log < TRACE_LOGS; log++)
		if (!ledger_partition(r->ledger, SLICE("in"), log, &p) || (size_t)p.absorbed < t->logs[log].len)
			return false;
	return r->alive;
}

static bool all_decided(const struct trace_world *t)
{
	for (int k = 0; k < t->readers_len; k++) {
		const struct reader *r = &t->readers[k];
		uint64_t undecided = 0, bytes = 0;
		for (size_t i = 0; i < r->partitions.len; i++)
			shard_undecided(&r->partitions.at[i]->shard, &undecided, &bytes);
		if (!all_read(t, r) || !fed_again(r) || undecided || r->pending_len || r->must_rewind || r->stuck)
			return false;
		for (int log = 0; log < TRACE_LOGS; log++)
			if (r->wants[log] != SIZE_MAX || (t->owners[log] == k && !has(r, log)))
				return false;
	}
	return t->flights_len == 0;
}

static void turn(struct trace_world *t)
{
	backlog_clock_ns = t->now_ns += TURN_NS;
	for (int k = 0; k < t->readers_len; k++) {
		struct reader *r = &t->readers[k];
		if (!r->alive && t->now_ns >= r->back_ns)
			start(t, k);
		if (!r->alive || t->now_ns < r->sleeps_ns)
			continue;
		fold(t, r);
		work(t, k);
	}
	land(t);
}

/* A while after all is read nobody dies any more: what is left is decided. */
static void run(struct trace_world *t, bool disturbed)
{
	bool over = false;
	int over_for = 0;
	t->now_ns = TRACES_NOW;
	t->calm = !disturbed;
	t->readers_len = disturbed ? READERS : 1;
	for (int log = 0; log < TRACE_LOGS; log++)
		t->owners[log] = log % t->readers_len;
	announce_all(t);
	for (int k = 0; k < t->readers_len; k++)
		start(t, k);
	for (int turns = 0; !t->w->failure[0] && !(over && t->calm && all_decided(t)); turns++) {
		over = true;
		for (int k = 0; k < t->readers_len; k++)
			over &= all_read(t, &t->readers[k]);
		over_for += over;
		t->calm = t->calm || over_for > END_TURNS;
		if (!t->calm)
			strike(t, over);
		turn(t);
		if (turns == READS_TURNS_MAX)
			world_fail(t->w, "the logs are not read and decided in %d turns", READS_TURNS_MAX);
	}
}

static void check_counted(const struct trace_world *t)
{
	struct ledger_value v;
	uint64_t spans = 0;
	for (size_t i = 0; i < ledger_series_len(t->readers[0].ledger); i++)
		if (ledger_series_at(t->readers[0].ledger, i, &v) && v.family == FAMILY_SPAN_CALLS)
			spans += v.count;
	if (spans != t->spans)
		world_fail(t->w, "%llu of %llu spans were counted", (unsigned long long)spans, (unsigned long long)t->spans);
}

/* Ends a run; what it kept stays. */
static void end(struct trace_world *t)
{
	for (int k = 0; k < t->readers_len; k++)
		close_reader(&t->readers[k]);
	for (size_t i = 0; i < t->journal_len; i++)
		buf_done(&t->journal[i]);
	for (size_t i = 0; i < t->flights_len; i++)
		buf_done(&t->flights[i].bytes);
	t->journal_len = t->flights_len = 0;
	buf_reset(&t->snapshot);
}

static void compare(const struct trace_world *t, const struct kept_trace *expected)
{
	size_t kept = 0;
	for (unsigned n = 0; n < TRACES; n++) {
		const struct kept_trace *is = &t->kept[n], *was = &expected[n];
		kept += was->reasons != 0;
		if (is->spans != was->spans || is->reasons != was->reasons)
			world_fail(t->w, "trace %u: spans %x kept for %x; undisturbed: %x for %x", n, is->spans, is->reasons, was->spans, was->reasons);
	}
	if (kept == 0 || kept == TRACES)
		world_fail(t->w, "%zu of %d traces kept: nothing is decided", kept, TRACES);
}

bool traces_run(struct world *w, uint64_t seed, enum mutant mutant, bool verbose)
{
	struct trace_world *t = mem_zalloc(1, sizeof(*t));
	struct kept_trace expected[TRACES];
	memset(w, 0, sizeof(*w));
	w->seed = w->random = seed;
	*t = (struct trace_world){.w = w, .verbose = verbose, .now_ns = TRACES_NOW, .decoder = decoder_new(&(struct decoder_opts){.format = FORMAT_OTLP_PROTO})};
	running = t;
	store_real(false);
	store_show(SIZE_MAX);
	w->verbose = verbose;
	t->spans = trace_logs_write(w, t->logs);
	run(t, false);
	if (!w->failure[0])
		check_counted(t);
	memcpy(expected, t->kept, sizeof(expected));
	memset(t->kept, 0, sizeof(t->kept));
	end(t);
	t->mutant = mutant;
	if (!w->failure[0])
		run(t, true);
	if (!w->failure[0])
		check_counted(t);
	if (!w->failure[0])
		compare(t, expected);
	end(t);
	trace_logs_done(t->logs);
	decoder_free(t->decoder);
	buf_done(&t->snapshot);
	free(t->journal);
	free(t->flights);
	free(t);
	running = NULL;
	backlog_clock_ns = 0;
	return !w->failure[0];
}
