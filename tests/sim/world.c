/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define START_NS (INT64_C(1767225600) * NS_PER_S)
#define RUN_NS (600 * NS_PER_S)
#define SECONDS(n) ((int64_t)(n) * NS_PER_S)

enum { CLOSES = 3, DRAIN_TICKS = 700 };

const char *const mutant_names[MUTANT_COUNT] = {"none", "no-chain", "send-before-journal", "late-twice", "no-anchors", "no-anchored-record", "skip-as-sent",
	"mark-unsent", "no-rewind", "snapshot-ahead", "values-with-anchors"};

/* splitmix64 */
uint64_t roll(struct world *w, uint64_t n)
{
	uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % n;
}

void world_say(struct world *w, const char *format, ...)
{
	va_list args;
	if (!w->verbose)
		return;
	printf("%8.1f  ", (double)(w->now_ns - START_NS) / 1e9);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void world_fail(struct world *w, const char *format, ...)
{
	va_list args;
	if (w->failure[0])
		return;
	va_start(args, format);
	vsnprintf(w->failure, sizeof(w->failure), format, args);
	va_end(args);
}

int64_t instance_now(const struct world *w, const struct instance *i)
{
	return w->now_ns + i->clock_offset_ns;
}

int64_t instance_journal_time(const struct world *w, const struct instance *i)
{
	int64_t now = instance_now(w, i), read = ledger_journal_time(i->ledger);
	return now > read ? now : read;
}

/* --- the journal --- */

static void journal_add(struct world *w, const struct buf *bytes)
{
	w->journal = mem_grow(w->journal, w->journal_len, &w->journal_cap, sizeof(*w->journal));
	w->journal[w->journal_len] = (struct buf){0};
	buf_add_slice(&w->journal[w->journal_len++], buf_slice(bytes));
}

static void plan(struct world *w, struct flight *f)
{
	uint64_t fate = w->calm ? 100 : roll(w, 100);
	f->land_ns = w->now_ns + (int64_t)roll(w, w->calm ? 1 : 3) * NS_PER_S;
	if (!w->calm && chance(w, 4))
		f->land_ns += SECONDS(roll(w, 90));
	f->report_ns = f->land_ns;
	f->again_ns = INT64_MAX;
	f->ok = true;
	if (fate < 3) { /* there, but nobody says so */
		f->ok = false;
		f->report_ns += SECONDS(10);
	} else if (fate < 6) { /* not there */
		f->ok = false;
		f->report_ns += SECONDS(10);
		f->land_ns = INT64_MAX;
	} else if (fate < 9) { /* said not to be there, and comes later all the same */
		f->ok = false;
		f->land_ns += SECONDS(roll(w, 60));
	} else if (fate < 14) { /* twice */
		f->again_ns = f->land_ns + SECONDS(roll(w, 60));
	}
}

void world_append(struct world *w, struct instance *i, int partition, const struct buf *bytes)
{
	w->flights = mem_grow(w->flights, w->flights_len, &w->flights_cap, sizeof(*w->flights));
	struct flight *f = &w->flights[w->flights_len++];
	*f = (struct flight){.instance = i->index, .partition = partition, .life = i->life, .writer = partition < 0 ? 0 : i->shards[partition].writer};
	buf_add_slice(&f->bytes, buf_slice(bytes));
	plan(w, f);
	if (chance(w, 90)) /* a producer keeps its order, nearly always */
		for (size_t k = 0; k + 1 < w->flights_len; k++)
			if (w->flights[k].instance == i->index && w->flights[k].land_ns != INT64_MAX && w->flights[k].land_ns > f->land_ns && f->land_ns != INT64_MAX)
				f->land_ns = w->flights[k].land_ns;
}

static bool active(const struct world *w, const struct instance *i)
{
	return i->alive && w->now_ns >= i->paused_until_ns;
}

static void report(struct world *w, struct flight *f)
{
	struct instance *i = &w->instances[f->instance];
	f->reported = true;
	if (f->partition < 0 || !i->alive || i->life != f->life || i->shards[f->partition].writer != f->writer)
		return;
	i->shards[f->partition].flying--;
	if (!f->ok)
		shard_start(w, i, f->partition); /* outcome unknown: read back to know */
}

static bool over(const struct world *w, const struct flight *f)
{
	const struct instance *i = &w->instances[f->instance];
	return f->land_ns == INT64_MAX && f->again_ns == INT64_MAX && (f->reported || !i->alive || i->life != f->life);
}

/* The flight that lands next by now, or NULL. */
static struct flight *landing(struct world *w)
{
	struct flight *next = NULL;
	for (size_t k = 0; k < w->flights_len; k++)
		if (w->flights[k].land_ns <= w->now_ns && (!next || w->flights[k].land_ns < next->land_ns))
			next = &w->flights[k];
	return next;
}

static void fly(struct world *w)
{
	for (struct flight *f; (f = landing(w)) != NULL;) {
		journal_add(w, &f->bytes);
		f->land_ns = f->again_ns;
		f->again_ns = INT64_MAX;
	}
	size_t kept = 0;
	for (size_t k = 0; k < w->flights_len; k++) {
		struct flight *f = &w->flights[k];
		if (!f->reported && f->report_ns <= w->now_ns && active(w, &w->instances[f->instance]))
			report(w, f);
		if (over(w, f))
			buf_done(&f->bytes);
		else
			w->flights[kept++] = *f;
	}
	w->flights_len = kept;
}

static void land_strays(struct world *w)
{
	size_t kept = 0;
	for (size_t k = 0; k < w->strays_len; k++) {
		struct stray *s = &w->strays[k];
		if (s->land_ns > w->now_ns) {
			w->strays[kept++] = *s;
			continue;
		}
		receiver_write(&w->receiver, buf_slice(&s->bytes));
		buf_done(&s->bytes);
	}
	w->strays_len = kept;
}

/* --- instances --- */

void world_post_early(struct instance *i, struct slice record)
{
	struct ledger_event event;
	ledger_post(i->ledger, record, ledger_position(i->ledger), &event);
}

/* The record as a ledger without the chain rule would take it. */
static void forge(const struct instance *i, struct slice record, struct buf *out)
{
	struct arena arena = {0};
	struct buf scratch = {0};
	struct delta d;
	if (delta_decode(record, &arena, &scratch, &d) < 0 || d.kind != DELTA_INCREMENTS) {
		buf_add_slice(out, record);
	} else {
		for (size_t k = 0; k < d.header.ranges_len; k++) {
			struct delta_range *r = &d.header.ranges[k];
			struct ledger_partition p;
			int64_t moved = r->to - r->from;
			if (ledger_partition(i->ledger, r->topic, r->partition, &p))
				r->from = p.absorbed;
			if (r->to < r->from + (moved > 0))
				r->to = r->from + (moved > 0);
		}
		delta_encode(out, &d.header, &d.body);
	}
	arena_done(&arena);
	buf_done(&scratch);
}

static void fold_next(struct world *w, struct instance *i)
{
	struct ledger_event event;
	struct buf forged = {0};
	struct slice record = buf_slice(&w->journal[i->read]);
	if (w->mutant == MUTANT_NO_CHAIN) {
		forge(i, record, &forged);
		record = buf_slice(&forged);
	}
	ledger_post(i->ledger, record, (int64_t)i->read * POSITION_SCALE + POSITION_SCALE - 1, &event);
	i->read++;
	buf_done(&forged);
	if (event.outcome == LEDGER_CORRUPT)
		world_fail(w, "record %zu is corrupt", i->read - 1);
	if (event.outcome != LEDGER_REJECTED)
		return;
	w->rejected++;
	for (int p = 0; p < PARTITIONS; p++) {
		struct shard *s = &i->shards[p];
		if (s->state != SHARD_RUNNING || s->writer != event.writer)
			continue;
		if (w->mutant == MUTANT_NO_REWIND)
			s->entries_len = 0;
		else if (w->mutant != MUTANT_SEND_BEFORE_JOURNAL)
			shard_start(w, i, p);
	}
}

static void read_journal(struct world *w, struct instance *i)
{
	size_t n = w->calm || chance(w, 80) ? w->journal_len - i->read : (size_t)roll(w, 4);
	while (n > 0 && i->read < w->journal_len) {
		fold_next(w, i);
		n--;
	}
}

static void start_instance(struct world *w, struct instance *i)
{
	struct err err;
	ledger_free(i->ledger);
	i->ledger = ledger_new(&w->opts);
	i->alive = true;
	i->life++;
	i->paused_until_ns = 0;
	i->read = 0;
	i->sending = (struct sending){.step = INT64_MIN};
	memset(i->shards, 0, sizeof(i->shards));
	if (w->snapshot.len && chance(w, 70)) {
		if (ledger_load(i->ledger, buf_slice(&w->snapshot), &err) < 0)
			world_fail(w, "snapshot: %s", err.text);
		i->read = w->snapshot_read;
	}
	world_say(w, "instance %d starts at record %zu of %zu", i->index, i->read, w->journal_len);
}

static void stop_instance(struct world *w, struct instance *i)
{
	world_say(w, "instance %d is killed", i->index);
	w->kills++;
	i->alive = i->leads = false;
	i->back_ns = w->now_ns + SECONDS(roll(w, 40));
	for (size_t k = 0; k < w->flights_len; k++)
		if (w->flights[k].instance == i->index && chance(w, 50))
			w->flights[k].land_ns = w->flights[k].again_ns = INT64_MAX;
}

static void save_snapshot(struct world *w, const struct instance *i)
{
	buf_reset(&w->snapshot);
	ledger_save(i->ledger, &w->snapshot);
	w->snapshot_read = i->read;
	if (w->mutant == MUTANT_SNAPSHOT_AHEAD)
		w->snapshot_read = i->read + 3 < w->journal_len ? i->read + 3 : w->journal_len;
	world_say(w, "instance %d saves a snapshot at record %zu", i->index, w->snapshot_read);
}

/* Zombies hear of it in the end. */
static void tell_zombies(struct world *w)
{
	for (int k = 0; k < INSTANCES; k++)
		for (int p = 0; p < PARTITIONS; p++)
			if (w->owners[p] != k && active(w, &w->instances[k]) && chance(w, 20))
				w->instances[k].shards[p].state = SHARD_IDLE;
	for (int p = 0; p < PARTITIONS; p++) {
		struct instance *owner = &w->instances[w->owners[p]];
		if (active(w, owner) && owner->shards[p].state == SHARD_IDLE && chance(w, 50))
			shard_start(w, owner, p);
	}
}

static void rebalance(struct world *w)
{
	int p = (int)roll(w, PARTITIONS);
	struct instance *to = &w->instances[roll(w, INSTANCES)];
	if (!to->alive)
		return;
	for (int k = 0; k < INSTANCES; k++) {
		struct shard *s = &w->instances[k].shards[p];
		if (k == to->index || s->state == SHARD_IDLE || !active(w, &w->instances[k]) || chance(w, 40))
			continue; /* a zombie goes on */
		if (s->state == SHARD_RUNNING && chance(w, 60))
			shard_flush(w, &w->instances[k], p);
		s->state = SHARD_IDLE;
	}
	world_say(w, "partition %d to instance %d", p, to->index);
	w->owners[p] = to->index;
	if (to->shards[p].state == SHARD_IDLE)
		shard_start(w, to, p);
}

static void tick_instance(struct world *w, struct instance *i)
{
	if (!i->alive && w->now_ns >= i->back_ns)
		start_instance(w, i);
	if (!active(w, i))
		return;
	read_journal(w, i);
	for (int p = 0; p < PARTITIONS; p++)
		shard_tick(w, i, p);
	sender_tick(w, i);
}

static void strike_instance(struct world *w, struct instance *i)
{
	if (!i->alive)
		return;
	if (chance(w, 1))
		stop_instance(w, i);
	if (chance(w, 1)) {
		i->paused_until_ns = w->now_ns + SECONDS(roll(w, 60));
		w->pauses++;
	}
	if (roll(w, 300) == 0)
		i->clock_offset_ns = chance(w, 70) ? SECONDS(roll(w, 6)) - SECONDS(3) : SECONDS(roll(w, 160)) - SECONDS(80);
	if (chance(w, 4))
		i->leads = chance(w, 55);
	if (i->leads && chance(w, 3))
		save_snapshot(w, i);
}

static void strike(struct world *w)
{
	for (int k = 0; k < INSTANCES; k++)
		strike_instance(w, &w->instances[k]);
	if (chance(w, 6))
		rebalance(w);
	tell_zombies(w);
	if (roll(w, 200) == 0) {
		w->receiver_down_until_ns = w->now_ns + SECONDS(roll(w, 250));
		world_say(w, "receiver goes down for %.0f s", (double)(w->receiver_down_until_ns - w->now_ns) / 1e9);
	}
}

/* --- input --- */

static int64_t event_time(struct world *w)
{
	uint64_t kind = roll(w, 100);
	if (kind == 0)
		return w->now_ns - SECONDS(roll(w, 4000));
	if (kind == 1)
		return w->now_ns + SECONDS(roll(w, 600));
	if (kind < 10)
		return w->now_ns - SECONDS(roll(w, 60));
	return w->now_ns - (int64_t)roll(w, 3000) * NS_PER_MS;
}

static void produce(struct world *w, int partition)
{
	struct input_log *log = &w->logs[partition];
	uint64_t epoch = (uint64_t)((w->now_ns - START_NS) / SECONDS(90));
	for (uint64_t n = roll(w, 7); n > 0 && log->len < LOG_MAX; n--) {
		uint8_t pattern = (uint8_t)roll(w, PATTERNS), service = (uint8_t)roll(w, SERVICES);
		/* patterns come and go, so that series expire, wake and are forgotten */
		if ((w->seed * 31 + epoch * 7 + pattern * 13u + service * 5u) % 4 == 0)
			continue;
		log->records[log->len++] = (struct input){.time_ns = event_time(w), .service = service, .pattern = pattern, .error = pattern >= 3,
			.timed = chance(w, 50), .seconds = (double)roll(w, 100000) / 7000.0};
	}
}

static void name_series(struct world *w, enum family_id family, size_t labels_len)
{
	size_t at = w->series_len++;
	w->series[at] = (struct tally_series){.family = family, .labels = w->labels[at], .labels_len = (uint8_t)labels_len};
}

/* Numbers: service * 2 + error, then service * PATTERNS + pattern twice. */
static void make_series(struct world *w)
{
	static const char *const services[SERVICES] = {"cart", "mail", "pay"};
	static const char *const severities[] = {"info", "error"};
	for (int s = 0; s < SERVICES; s++)
		for (int e = 0; e < 2; e++) {
			w->labels[w->series_len][0] = (struct label){SLICE("service_name"), slice_str(services[s])};
			w->labels[w->series_len][1] = (struct label){SLICE("severity"), slice_str(severities[e])};
			name_series(w, FAMILY_LOG_RECORDS, 2);
		}
	for (int round = 0; round < 2; round++)
		for (int p = 0; p < SERVICES * PATTERNS; p++) {
			snprintf(w->ids[p], sizeof(w->ids[p]), "%016x", 0xa00u + (unsigned)p);
			w->labels[w->series_len][0] = (struct label){SLICE("pattern_id"), slice_str(w->ids[p])};
			w->labels[w->series_len][1] = (struct label){SLICE("service_name"), slice_str(services[p / PATTERNS])};
			w->labels[w->series_len][2] = (struct label){SLICE("severity"), slice_str(severities[p % PATTERNS >= 3])};
			name_series(w, round ? FAMILY_LOG_PATTERN_DURATION : FAMILY_LOG_PATTERN_RECORDS, round ? 2 : 3);
		}
}

/* --- a run --- */

static void open_world(struct world *w, uint64_t seed, enum mutant mutant, bool verbose)
{
	memset(w, 0, sizeof(*w));
	w->seed = w->random = seed;
	w->mutant = mutant;
	w->verbose = verbose;
	w->now_ns = START_NS;
	w->window_s = chance(w, 50) ? 120 : 400;
	w->opts = (struct ledger_opts){.step_ns = SECONDS(10), .lateness_ns = SECONDS(2), .expire_ns = SECONDS(40), .receiver_window_ns = SECONDS(w->window_s), .series_limit = 100000};
	w->receiver.head_ms = INT64_MIN / 2;
	w->receiver.window_ms = (w->window_s + 100) * 1000;
	w->aliases = chance(w, 30);
	if (chance(w, 15)) {
		w->opts.series_limit = 10 + roll(w, 30);
		w->aliases = true; /* to be checked by their sums as well */
	}
	make_series(w);
	for (int p = 0; p < PARTITIONS; p++)
		w->logs[p].records = mem_zalloc(LOG_MAX, sizeof(struct input));
	for (int k = 0; k < INSTANCES; k++) {
		w->instances[k].index = k;
		start_instance(w, &w->instances[k]);
	}
	for (int p = 0; p < PARTITIONS; p++)
		shard_start(w, &w->instances[w->owners[p] = p % INSTANCES], p);
	w->instances[0].leads = true;
}

static void step_world(struct world *w)
{
	fly(w);
	land_strays(w);
	for (int k = 0; k < INSTANCES; k++)
		tick_instance(w, &w->instances[k]);
	if (w->receiver.failure[0])
		world_fail(w, "%s", w->receiver.failure);
}

static void calm_down(struct world *w)
{
	world_say(w, "--- faults are over");
	w->calm = true;
	w->receiver_down_until_ns = 0;
	for (int k = 0; k < INSTANCES; k++) {
		struct instance *i = &w->instances[k];
		if (!i->alive)
			start_instance(w, i);
		i->paused_until_ns = 0;
		i->clock_offset_ns = 0;
		i->leads = k == 0;
		for (int p = 0; p < PARTITIONS; p++)
			if (p % INSTANCES != k)
				i->shards[p].state = SHARD_IDLE;
			else if (i->shards[p].state == SHARD_IDLE)
				shard_start(w, i, p);
	}
}

static bool absorbed_all(const struct world *w)
{
	const struct instance *first = &w->instances[0];
	struct ledger_partition p;
	for (int k = 0; k < PARTITIONS; k++)
		if (w->logs[k].len && (!ledger_partition(first->ledger, SLICE("in"), k, &p) || p.absorbed < (int64_t)w->logs[k].len))
			return false;
	return first->read == w->journal_len && ledger_pending_steps(first->ledger) == 0 && w->strays_len == 0;
}

/* Until everything is posted, closed and sent; the close is said several times, since a step may have been skipped into a later one. */
static void drain(struct world *w)
{
	struct buf close = {0};
	int closes = 0;
	for (int t = 0; t < DRAIN_TICKS && !w->failure[0]; t++) {
		w->now_ns += NS_PER_S;
		step_world(w);
		if (!absorbed_all(w))
			continue;
		if (closes++ == CLOSES)
			break;
		buf_reset(&close);
		close_encode(&close, instance_journal_time(w, &w->instances[0]));
		journal_add(w, &close);
	}
	buf_done(&close);
	if (closes <= CLOSES)
		world_fail(w, "did not come to an end: %zu steps pending", ledger_pending_steps(w->instances[0].ledger));
}

bool world_run(struct world *w, uint64_t seed, enum mutant mutant, bool verbose)
{
	open_world(w, seed, mutant, verbose);
	while (w->now_ns < START_NS + RUN_NS && !w->failure[0]) {
		w->now_ns += (int64_t)(500 + roll(w, 4000)) * NS_PER_MS;
		for (int p = 0; p < PARTITIONS; p++)
			produce(w, p);
		strike(w);
		step_world(w);
	}
	calm_down(w);
	drain(w);
	if (!w->failure[0])
		check_totals(w);
	if (!w->failure[0])
		check_states(w);
	return !w->failure[0];
}

void world_done(struct world *w)
{
	for (int k = 0; k < INSTANCES; k++)
		ledger_free(w->instances[k].ledger);
	for (int p = 0; p < PARTITIONS; p++)
		free(w->logs[p].records);
	for (size_t k = 0; k < w->journal_len; k++)
		buf_done(&w->journal[k]);
	for (size_t k = 0; k < w->flights_len; k++)
		buf_done(&w->flights[k].bytes);
	for (size_t k = 0; k < w->strays_len; k++)
		buf_done(&w->strays[k].bytes);
	for (size_t k = 0; k < w->cuts_len; k++)
		free(w->cut_hashes[k]);
	free(w->cut_hashes);
	free(w->journal);
	free(w->flights);
	free(w->strays);
	map_done(&w->cuts);
	buf_done(&w->snapshot);
	receiver_done(&w->receiver);
}
