/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "base/mem.h"
#include "store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define START_NS (INT64_C(1767225600) * NS_PER_S)
#define RUN_NS (500 * NS_PER_S)

enum { PARTITIONS_FIRST = 3, LOG_MAX = 4000, CLOSES = 3, DRAIN_TICKS = 500, PEACE_TICKS = 3, OWNERS_TICKS = 40, TIMED = 1 };

const char *const mutant_names[MUTANT_COUNT] = {"none", "no-chain", "send-before-journal", "late-twice", "no-anchors", "no-anchored-record", "skip-as-sent",
	"mark-unsent", "no-rewind", "snapshot-ahead", "values-with-anchors", "commit-first", "no-guard", "gap-at-seen", "gap-uncounted", "late-dropped", "own-expiry",
	"half-step", "mark-first", "close-alone", "unknown-late", "keep-open", "late-anchors", "silent-rules", "own-budget", "foreign-heard", "say-all", "unreached", "no-replay", "judges-again", "hasty", "deaf", "unfed", "unsettled", "impatient"};

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

void world_produce(struct world *w, int partition, uint8_t service, uint8_t pattern)
{
	struct input_log *log = &w->logs[partition];
	w->pool = mem_grow(w->pool, w->pool_len, &w->pool_cap, sizeof(*w->pool));
	w->pool[w->pool_len] = (struct input){.time_ns = w->calm ? w->now_ns : event_time(w), .service = service, .pattern = pattern, .timed = chance(w, 50) && (w->wide || pattern == TIMED),
		.seconds = (double)roll(w, 100000) / 7000.0, .excuse = log->len < log->top ? EXCUSE_HIDDEN : EXCUSE_NONE};
	if (log->len < log->top) {
		log->at[log->len++] = (uint32_t)w->pool_len++;
		return;
	}
	log->at = mem_grow(log->at, log->len, &log->cap, sizeof(*log->at));
	log->at[log->len++] = (uint32_t)w->pool_len++;
	log->top = log->len;
}

static void produce(struct world *w, int partition)
{
	uint64_t epoch = (uint64_t)((w->now_ns - START_NS) / SECONDS(90));
	for (uint64_t n = roll(w, 7); n > 0 && w->logs[partition].len < LOG_MAX; n--) {
		uint8_t pattern = (uint8_t)roll(w, PATTERNS), service = (uint8_t)roll(w, SERVICES);
		/* patterns come and go, so that series expire, wake and are forgotten */
		if ((w->seed * 31 + epoch * 7 + pattern * 13u + service * 5u) % 4 != 0)
			world_produce(w, partition, service, pattern);
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
	w->opts.histograms = (enum ledger_histograms)(seed % 3);
	w->receiver.head_ms = INT64_MIN / 2;
	w->receiver.window_ms = (w->window_s + 100) * 1000;
	w->aliases = chance(w, 30);
	w->joint = chance(w, 50);
	w->truncates = chance(w, 15);
	w->wide = seed % 8 == 0;
	w->loses = chance(w, 10);
	w->poisons = chance(w, 15);
	if (w->poisons) /* to find the bad one of a request takes steps, by every leader anew: a series must live longer than that to be told again */
		w->opts.expire_ns = SECONDS(150);
	w->poison_from_ns = w->now_ns + SECONDS(roll(w, 400));
	w->poison_until_ns = w->poison_from_ns + SECONDS(roll(w, 200));
	w->receiver.relaxed = w->loses || w->poisons;
	if (chance(w, 15)) {
		w->opts.series_limit = 10 + roll(w, 30);
		w->opts.metric_limit = chance(w, 50) ? 5 + roll(w, 20) : 0;
		w->opts.service_limit = chance(w, 50) ? 3 + roll(w, 10) : 0;
		w->opts.label_values = chance(w, 50) ? 1 + roll(w, 3) : 0;
		w->aliases = true; /* to be checked by their sums as well */
	}
	store_real(seed % 64 == 0);
	store_forget();
	make_series(w);
	memcpy(w->poison, w->ids[roll(w, SERVICES * PATTERNS)], sizeof(w->poison));
	w->partitions = PARTITIONS_FIRST;
	for (int k = 0; k < INSTANCES; k++) {
		w->instances[k].index = k;
		instance_start(w, &w->instances[k]);
	}
	for (int p = 0; p < w->partitions; p++)
		world_give(w, p, &w->instances[p % INSTANCES]);
	w->instances[0].leads = true;
}

static void step_world(struct world *w)
{
	w->receiver.now_ns = w->now_ns;
	flight_tick(w);
	land_strays(w);
	for (int k = 0; k < INSTANCES; k++)
		instance_tick(w, &w->instances[k]);
	if (w->receiver.failure[0])
		world_fail(w, "%s", w->receiver.failure);
}

/* An append that is late: rules may be behind the deltas that count by them, and a zombie's delta in front of its owner's. */
static bool hears_more(const struct world *w)
{
	for (size_t k = 0; k < w->flights_len; k++)
		if (w->flights[k].land_ns != INT64_MAX && w->flights[k].land_ns > w->now_ns)
			return true;
	return false;
}

static bool absorbed_all(const struct world *w)
{
	const struct instance *first = &w->instances[0];
	struct ledger_partition p;
	for (int k = 0; k < w->partitions; k++)
		if (w->logs[k].len && (!ledger_partition(first->ledger, SLICE("in"), k, &p) || p.absorbed < (int64_t)w->logs[k].len))
			return false;
	return first->read == w->journal_len && ledger_pending_steps(first->ledger) == 0 && w->strays_len == 0 && !hears_more(w);
}

/* What is refused or lost goes with a series' next value: each gets one. */
static void keep_alive(struct world *w)
{
	for (uint8_t s = 0; s < SERVICES; s++)
		for (uint8_t p = 0; p < PATTERNS; p++)
			world_produce(w, (int)roll(w, (uint64_t)w->partitions), s, p);
}

static bool healed(const struct world *w)
{
	if (sending_suspects(&w->instances[0]))
		return false;
	for (size_t i = 0; i < w->receiver.len; i++)
		if (w->receiver.list[i]->lost && !w->receiver.list[i]->now.stale)
			return false;
	return true;
}

/* Until everything is posted, closed and sent; the close is said several times, since a step may have been skipped into a later one. */
static void drain(struct world *w)
{
	struct buf close = {0};
	int closes = 0;
	w->closing = false;
	for (int t = 0; t < DRAIN_TICKS && !w->failure[0]; t++) {
		w->now_ns += 2 * NS_PER_S;
		bool ill = t == 0 || (t < 120 && !healed(w));
		if (t % 4 == 0 && ill)
			keep_alive(w);
		step_world(w);
		if (ill || !absorbed_all(w))
			continue;
		if (closes++ == CLOSES)
			break;
		w->closing = true;
		buf_reset(&close);
		close_encode(&close, instance_journal_time(w, &w->instances[0]));
		journal_add(w, &close);
	}
	buf_done(&close);
	world_say(w, "ends with %zu records in the journal", w->journal_len);
	if (closes <= CLOSES)
		world_fail(w, "did not come to an end: %zu steps pending", ledger_pending_steps(w->instances[0].ledger));
	if (sending_suspects(&w->instances[0]))
		world_fail(w, "%zu series are still suspects", sending_suspects(&w->instances[0]));
}

/* What the last owner of a partition counted holds its rules in force until another counts there, or for a minute in which others count. */
static void outlast_owners(struct world *w)
{
	for (int t = 0; t < OWNERS_TICKS && !w->failure[0]; t++) {
		w->now_ns += 2 * NS_PER_S;
		if (t % 4 == 0)
			keep_alive(w);
		step_world(w);
	}
	drain(w);
}

static void reload_all(struct world *w, int rules)
{
	w->rules = rules;
	for (int k = 0; k < INSTANCES; k++)
		counter_reload(w, &w->instances[k]);
}

/* Rules are taken away once more, with all of their series alive: the end comes long before those would expire, which would hide that nobody ended them. */
static void reload_in_peace(struct world *w)
{
	world_say(w, "a reload in peace");
	reload_all(w, 0);
	keep_alive(w);
	for (int t = 0; t < PEACE_TICKS; t++) {
		w->now_ns += 2 * NS_PER_S;
		step_world(w);
	}
	reload_all(w, 1);
	drain(w);
}

bool world_run(struct world *w, uint64_t seed, enum mutant mutant, bool verbose)
{
	open_world(w, seed, mutant, verbose);
	while (w->now_ns < START_NS + RUN_NS && !w->failure[0]) {
		w->now_ns += (int64_t)(500 + roll(w, 4000)) * NS_PER_MS;
		w->receiver.now_ns = w->now_ns;
		for (int p = 0; p < w->partitions; p++)
			produce(w, p);
		fault_strike(w);
		step_world(w);
	}
	fault_end(w);
	drain(w);
	if (!w->failure[0] && check_ghost(w))
		outlast_owners(w);
	if (!w->failure[0])
		check_ends(w);
	if (!w->failure[0] && world_ends(w))
		reload_in_peace(w);
	if (!w->failure[0])
		check_totals(w);
	if (!w->failure[0])
		check_ends(w);
	if (!w->failure[0])
		check_states(w);
	return !w->failure[0];
}

static void free_bufs(struct buf *list, size_t len)
{
	for (size_t k = 0; k < len; k++)
		buf_done(&list[k]);
	free(list);
}

void world_done(struct world *w)
{
	for (int k = 0; k < INSTANCES; k++)
		for (int c = 0; c < PARTITIONS_MAX; c++)
			for (int n = 0; n < ENTRIES_MAX; n++)
				native_done(&w->instances[k].shards[c].natives[n]);
	for (int k = 0; k < INSTANCES; k++) {
		sending_kill(w, &w->instances[k]);
		ledger_free(w->instances[k].ledger);
	}
	for (int p = 0; p < PARTITIONS_MAX; p++)
		free(w->logs[p].at);
	free_bufs(w->journal, w->journal_len);
	for (size_t k = 0; k < w->flights_len; k++)
		buf_done(&w->flights[k].bytes);
	for (size_t k = 0; k < w->strays_len; k++)
		buf_done(&w->strays[k].bytes);
	for (size_t k = 0; k < w->cuts_len; k++)
		free(w->cut_hashes[k]);
	for (size_t k = 0; k < w->notes_len; k++)
		free(w->notes[k]);
	free(w->pool);
	free(w->notes);
	free(w->counts);
	free(w->cut_hashes);
	free(w->flights);
	free(w->strays);
	map_done(&w->cuts);
	map_done(&w->notes_by_key);
	buf_done(&w->snapshot);
	buf_done(&w->body);
	receiver_done(&w->receiver);
}
