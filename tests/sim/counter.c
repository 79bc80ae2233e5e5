/* SPDX-License-Identifier: Apache-2.0 */
/* A worker as the app room has it: counts records of its partitions from where the journal's end says, hands deltas over, rewinds when one is rejected. */
#include "world.h"

#include "base/hash.h"
#include "base/mem.h"
#include "metric/family.h"

#include <string.h>

void counter_reset(struct counter *s)
{
	s->writer = s->seq = 0;
	s->flying = 0;
	s->announce = true;
	s->tellings = 0;
	s->told = false;
	memset(s->parts, 0, sizeof(s->parts));
	s->counted_len = s->entries_len = 0;
}

static void wait_for_journal(const struct world *w, struct part *p)
{
	*p = (struct part){.state = PART_WAITING, .start_at = w->journal_len};
}

void counter_rewind(struct world *w, struct instance *i, int worker)
{
	struct counter *s = &i->shards[worker];
	s->writer = roll(w, UINT64_MAX);
	s->flying = 0;
	s->seq = 0;
	s->announce = true;
	s->told = false;
	if (w->mutant != MUTANT_KEEP_OPEN)
		s->counted_len = s->entries_len = 0;
	for (int p = 0; p < PARTITIONS_MAX; p++)
		if (s->parts[p].state != PART_NONE)
			wait_for_journal(w, &s->parts[p]);
}

static bool works(const struct counter *s)
{
	for (int p = 0; p < PARTITIONS_MAX; p++)
		if (s->parts[p].state != PART_NONE)
			return true;
	return false;
}

void counter_take(struct world *w, struct instance *i, int partition)
{
	struct counter *s = &i->shards[worker_of(w, partition)];
	bool begins = !works(s);
	if (s->parts[partition].state != PART_NONE)
		return;
	wait_for_journal(w, &s->parts[partition]);
	if (begins)
		counter_rewind(w, i, worker_of(w, partition));
}

static void begin(const struct world *w, const struct instance *i, struct part *part, int partition)
{
	struct ledger_partition p = {0};
	if (!ledger_partition(i->ledger, SLICE("in"), partition, &p))
		p.absorbed = 0;
	*part = (struct part){.state = PART_RUNNING, .from = p.absorbed, .next = p.absorbed, .newest_ns = p.newest_ns, .joined = true};
	if (w->mutant == MUTANT_COMMIT_FIRST && w->committed[partition] > part->next)
		part->next = w->committed[partition];
}

static struct tally_entry *entry(const struct world *w, struct counter *s, uint32_t series, int64_t step)
{
	for (size_t k = s->entries_len; k > 0; k--)
		if (s->entries[k - 1].series == series && s->entries[k - 1].step == step)
			return &s->entries[k - 1];
	struct tally_entry *e = &s->entries[s->entries_len];
	*e = (struct tally_entry){.series = series, .step = step};
	e->buckets = memset(s->buckets[s->entries_len], 0, sizeof(s->buckets[0]));
	if (w->opts.histograms != LEDGER_CLASSIC && series >= SERVICES * 2 + SERVICES * PATTERNS) {
		native_reset(&s->natives[s->entries_len]);
		e->native = &s->natives[s->entries_len];
	}
	s->entries_len++;
	return e;
}

static void observe(struct tally_entry *e, double value)
{
	const struct family *f = family_get(FAMILY_LOG_PATTERN_DURATION);
	size_t b = 0;
	while (b < f->bounds_len && !(value <= f->bounds[b]))
		b++;
	e->buckets[b]++;
	e->count++;
	e->sum += value;
	if (e->native)
		native_observe((struct native *)(uintptr_t)e->native, value, 1); /* the counter's own */
}

/* Series numbers: see make_series in world.c. */
static void count(const struct world *w, const struct instance *i, struct counter *s, uint32_t number)
{
	const struct input *r = &w->pool[number];
	int64_t step = r->time_ns / w->opts.step_ns;
	uint8_t which = world_pattern(r, i->rules);
	uint32_t pattern = (uint32_t)(r->service * PATTERNS + which);
	entry(w, s, (uint32_t)(r->service * 2 + world_is_error(which)), step)->count++;
	struct tally_entry *e = entry(w, s, SERVICES * 2 + pattern, step);
	e->count++;
	e->exemplar = (struct exemplar){.time_ns = r->time_ns, .value = 1, .rank = world_is_error(which) ? 3 : 1, .trace_len = 4, .trace_id = "cafe"};
	if (r->timed)
		observe(entry(w, s, SERVICES * 2 + SERVICES * PATTERNS + pattern, step), r->seconds);
	s->counted[s->counted_len++] = number * 2 + (uint32_t)i->rules;
}

static bool has_room(const struct counter *s)
{
	return s->entries_len + 30 < ENTRIES_MAX && s->counted_len + 10 < COUNTED_MAX;
}

static void pass_gap(const struct world *w, struct part *p, int64_t begin_at)
{
	if (w->mutant != MUTANT_GAP_UNCOUNTED)
		p->gap += begin_at - p->next;
	if (w->mutant == MUTANT_GAP_AT_SEEN && p->from == p->next)
		p->from = begin_at;
	p->next = begin_at;
}

/* A client that lost its place delivers again what was read: dropped by the guard. */
static void deliver_again(const struct world *w, const struct instance *i, struct counter *s, const struct part *p, const struct input_log *log, int64_t back)
{
	for (int64_t at = p->next - back; w->mutant == MUTANT_NO_GUARD && at < p->next && has_room(s); at++)
		if (at >= (int64_t)log->begin)
			count(w, i, s, log->at[at]);
}

static void poll(struct world *w, const struct instance *i, struct counter *s, int partition)
{
	const struct input_log *log = &w->logs[partition];
	struct part *p = &s->parts[partition];
	if (p->next < (int64_t)log->begin)
		pass_gap(w, p, (int64_t)log->begin);
	if (!w->calm && chance(w, 3) && p->next <= (int64_t)log->len)
		deliver_again(w, i, s, p, log, (int64_t)roll(w, 5));
	for (uint64_t n = 1 + roll(w, 40); n > 0 && p->next < (int64_t)log->len && has_room(s); n--) {
		uint32_t number = log->at[p->next++];
		count(w, i, s, number);
		if (w->pool[number].time_ns > p->newest_ns)
			p->newest_ns = w->pool[number].time_ns;
	}
}

static const char *const rule_names[PATTERNS] = {"placed", "packed", "sent", "failed", "lost"};

/* Before the first delta by them: the rules that this version has. */
static void tell_rules(struct world *w, struct instance *i, int worker)
{
	struct counter *s = &i->shards[worker];
	struct delta_rule rules[PATTERNS];
	struct buf record = {0};
	struct delta_rules told = {.writer = s->writer, .number = ++s->tellings, .from_seq = s->seq + 1, .hash = (uint64_t)i->rules, .at = rules};
	for (size_t p = 0; p < PATTERNS; p++)
		if (world_has_rule(p, i->rules))
			rules[told.len++] = (struct delta_rule){.name = slice_str(rule_names[p])};
	rules_encode(&record, &told, instance_journal_time(w, i));
	flight_append(w, i, worker, &record);
	buf_done(&record);
	s->flying++;
	s->told = true;
}

static size_t tell_patterns(struct world *w, struct counter *s, struct delta_pattern *patterns)
{
	static const char *const texts[] = {"order <*> placed", "order <num> placed", "order placed"};
	size_t len = 0;
	for (uint64_t p = 0; p < SERVICES * PATTERNS; p++)
		if (s->announce || roll(w, 200) == 0)
			patterns[len++] = (struct delta_pattern){.id = 0xa00 + p, .origin = w->aliases ? ORIGIN_MINED : ORIGIN_RULE,
				.rule = w->aliases ? SLICE("") : slice_str(rule_names[p % PATTERNS]), .service = w->labels[p / PATTERNS * 2][0].value,
				.template_text = slice_str(texts[roll(w, 20) ? 0 : roll(w, 3)]),
				.alias_id = w->aliases && roll(w, 60) == 0 ? 0xa00 + p / PATTERNS * PATTERNS + roll(w, PATTERNS) : 0};
	s->announce = false;
	return len;
}

static void mutate_late(const struct instance *i, const struct world *w, struct counter *s)
{
	int64_t closed = ledger_watermark(i->ledger) / w->opts.step_ns;
	size_t kept = 0;
	for (size_t k = 0, len = s->entries_len; w->mutant == MUTANT_LATE_TWICE && k < len && s->entries_len < ENTRIES_MAX - 1; k++) {
		if (s->entries[k].step >= closed)
			continue;
		s->entries[s->entries_len] = s->entries[k];
		s->entries[s->entries_len++].step = closed;
	}
	for (size_t k = 0; w->mutant == MUTANT_LATE_DROPPED && k < s->entries_len; k++)
		if (s->entries[k].step >= closed)
			s->entries[kept++] = s->entries[k];
	if (w->mutant == MUTANT_LATE_DROPPED)
		s->entries_len = kept;
}

/* Remembers what the delta counts, for check.c. */
static void note(struct world *w, const struct counter *s)
{
	struct note *n = mem_zalloc(1, sizeof(*n));
	*n = (struct note){.key = hash_pair(s->writer, s->seq), .first = w->counts_len, .len = s->counted_len};
	for (size_t k = 0; k < s->counted_len; k++) {
		w->counts = mem_grow(w->counts, w->counts_len, &w->counts_cap, sizeof(*w->counts));
		w->counts[w->counts_len++] = s->counted[k];
	}
	w->notes = mem_grow(w->notes, w->notes_len, &w->notes_cap, sizeof(struct note *));
	w->notes[w->notes_len++] = n;
	map_put(&w->notes_by_key, n->key, n);
}

/* Only the series that have entries, numbered anew. */
static size_t used_series(const struct world *w, struct counter *s, struct tally_series *used)
{
	uint32_t places[SERIES_MAX] = {0}; /* + 1 */
	size_t len = 0;
	for (size_t k = 0; k < s->entries_len; k++) {
		uint32_t *place = &places[s->entries[k].series];
		if (!*place) {
			used[len++] = w->series[s->entries[k].series];
			*place = (uint32_t)len;
		}
		s->entries[k].series = *place - 1;
	}
	return len;
}

static size_t collect_ranges(struct world *w, struct counter *s, struct delta_range *ranges)
{
	size_t len = 0;
	for (int p = 0; p < w->partitions; p++) {
		struct part *part = &s->parts[p];
		if (part->state != PART_RUNNING)
			continue;
		ranges[len++] = (struct delta_range){.topic = SLICE("in"), .partition = p, .from = part->from, .to = part->next, .replay = part->next,
			.newest_ns = part->newest_ns, .joined = part->joined, .gap = part->gap, .at_end = part->next >= (int64_t)w->logs[p].len};
		w->committed[p] = part->next;
		part->from = part->next;
		part->gap = 0;
		part->joined = false;
	}
	return len;
}

static void flush(struct world *w, struct instance *i, int worker)
{
	struct counter *s = &i->shards[worker];
	struct delta_pattern patterns[SERVICES * PATTERNS];
	struct delta_range ranges[PARTITIONS_MAX];
	struct tally_series used[SERIES_MAX];
	struct buf record = {0};
	struct delta_header header = {.writer = s->writer, .seq = s->seq + 1, .journal_time_ns = instance_journal_time(w, i), .ranges = ranges};
	header.ranges_len = collect_ranges(w, s, ranges);
	if (header.ranges_len == 0)
		return;
	if (!s->told)
		tell_rules(w, i, worker);
	s->seq++;
	note(w, s);
	mutate_late(i, w, s);
	struct delta_body body = {.series = used, .entries = s->entries, .patterns = patterns};
	body.series_len = used_series(w, s, used);
	body.entries_len = s->entries_len;
	body.patterns_len = tell_patterns(w, s, patterns);
	delta_encode(&record, &header, &body);
	if (w->mutant == MUTANT_SEND_BEFORE_JOURNAL)
		instance_post_early(i, buf_slice(&record));
	flight_append(w, i, worker, &record);
	buf_done(&record);
	s->flying++;
	s->entries_len = s->counted_len = 0;
}

/* What is open was counted by the old rules, and leaves first. */
void counter_reload(struct world *w, struct instance *i)
{
	for (int k = 0; k < PARTITIONS_MAX; k++)
		if (i->shards[k].counted_len)
			flush(w, i, k);
	i->rules = w->rules;
	for (int k = 0; k < PARTITIONS_MAX && w->mutant != MUTANT_SILENT_RULES; k++)
		i->shards[k].told = false;
}

void counter_drop(struct world *w, struct instance *i, int partition, bool cut)
{
	int worker = worker_of(w, partition);
	struct counter *s = &i->shards[worker];
	if (s->parts[partition].state == PART_RUNNING && cut)
		flush(w, i, worker);
	s->parts[partition] = (struct part){0};
	if (s->counted_len) /* it is among what is open */
		counter_rewind(w, i, worker);
}

void counter_tick(struct world *w, struct instance *i, int worker)
{
	struct counter *s = &i->shards[worker];
	bool runs = false;
	for (int p = 0; p < w->partitions; p++) {
		if (s->parts[p].state == PART_WAITING && i->read >= s->parts[p].start_at)
			begin(w, i, &s->parts[p], p);
		if (s->parts[p].state != PART_RUNNING)
			continue;
		runs = true;
		poll(w, i, s, p);
	}
	if (runs && s->flying < PIPELINE_MAX && chance(w, !w->calm ? 40 : s->counted_len || w->closing ? 100 : 20))
		flush(w, i, worker);
}
