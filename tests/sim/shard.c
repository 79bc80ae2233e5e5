/* SPDX-License-Identifier: Apache-2.0 */
/* A shard as the engine has it: counts records of one partition from where the journal's end says, hands deltas over, rewinds when one is rejected. */
#include "world.h"

#include "metric/family.h"

#include <string.h>

void shard_start(struct world *w, struct instance *i, int partition)
{
	struct shard *s = &i->shards[partition];
	s->state = SHARD_STARTING;
	s->writer = roll(w, UINT64_MAX);
	s->start_at = w->journal_len;
	s->entries_len = 0;
	s->flying = 0;
	s->seq = 0;
	s->announce = true;
}

static void begin(const struct instance *i, struct shard *s, int partition)
{
	struct ledger_partition p = {0};
	if (!ledger_partition(i->ledger, SLICE("in"), partition, &p))
		p.absorbed = 0;
	s->state = SHARD_RUNNING;
	s->from = s->next = p.absorbed;
	s->newest_ns = p.newest_ns;
}

static struct tally_entry *entry(struct shard *s, uint32_t series, int64_t step)
{
	for (size_t k = 0; k < s->entries_len; k++)
		if (s->entries[k].series == series && s->entries[k].step == step)
			return &s->entries[k];
	struct tally_entry *e = &s->entries[s->entries_len];
	*e = (struct tally_entry){.series = series, .step = step};
	e->buckets = memset(s->buckets[s->entries_len], 0, sizeof(s->buckets[0]));
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
}

/* Series numbers: see make_series in world.c. */
static void count(const struct world *w, struct shard *s, const struct input *r)
{
	int64_t step = r->time_ns / w->opts.step_ns;
	uint32_t pattern = (uint32_t)(r->service * PATTERNS + r->pattern);
	entry(s, (uint32_t)(r->service * 2 + r->error), step)->count++;
	struct tally_entry *e = entry(s, SERVICES * 2 + pattern, step);
	e->count++;
	e->exemplar = (struct exemplar){.time_ns = r->time_ns, .value = 1, .rank = r->error ? 3 : 1, .trace_len = 4, .trace_id = "cafe"};
	if (r->timed)
		observe(entry(s, SERVICES * 2 + SERVICES * PATTERNS + pattern, step), r->seconds);
}

static void poll(struct world *w, struct shard *s, int partition)
{
	const struct input_log *log = &w->logs[partition];
	for (uint64_t n = 1 + roll(w, 40); n > 0 && (size_t)s->next < log->len && s->entries_len + 3 < 256; n--) {
		const struct input *r = &log->records[s->next++];
		count(w, s, r);
		if (r->time_ns > s->newest_ns)
			s->newest_ns = r->time_ns;
	}
}

static size_t tell_patterns(struct world *w, struct shard *s, struct delta_pattern *patterns)
{
	static const char *const texts[] = {"order <*> placed", "order <num> placed", "order placed"};
	size_t len = 0;
	for (uint64_t p = 0; p < SERVICES * PATTERNS; p++)
		if (s->announce || roll(w, 200) == 0)
			patterns[len++] = (struct delta_pattern){.id = 0xa00 + p, .origin = ORIGIN_MINED, .service = w->labels[p / PATTERNS * 2][0].value,
				.template_text = slice_str(texts[roll(w, 20) ? 0 : roll(w, 3)]),
				.alias_id = w->aliases && roll(w, 60) == 0 ? 0xa00 + p / PATTERNS * PATTERNS + roll(w, PATTERNS) : 0};
	s->announce = false;
	return len;
}

static void double_late(const struct instance *i, const struct world *w, struct shard *s)
{
	int64_t closed = ledger_watermark(i->ledger) / w->opts.step_ns;
	for (size_t k = 0, len = s->entries_len; k < len && s->entries_len < 255; k++) {
		if (s->entries[k].step >= closed)
			continue;
		s->entries[s->entries_len] = s->entries[k];
		s->entries[s->entries_len++].step = closed;
	}
}

void shard_flush(struct world *w, struct instance *i, int partition)
{
	struct shard *s = &i->shards[partition];
	struct delta_pattern patterns[SERVICES * PATTERNS];
	struct buf record = {0};
	struct delta_range range = {.topic = SLICE("in"), .partition = partition, .from = s->from, .to = s->next, .replay = s->next, .newest_ns = s->newest_ns,
		.at_end = (size_t)s->next == w->logs[partition].len};
	struct delta_header header = {.writer = s->writer, .seq = ++s->seq, .journal_time_ns = instance_journal_time(w, i), .ranges = &range, .ranges_len = 1};
	struct delta_body body = {.series = w->series, .series_len = w->series_len, .entries = s->entries, .patterns = patterns};
	if (w->mutant == MUTANT_LATE_TWICE)
		double_late(i, w, s);
	body.entries_len = s->entries_len;
	body.patterns_len = tell_patterns(w, s, patterns);
	delta_encode(&record, &header, &body);
	if (w->mutant == MUTANT_SEND_BEFORE_JOURNAL)
		world_post_early(i, buf_slice(&record));
	world_append(w, i, partition, &record);
	buf_done(&record);
	s->flying++;
	s->from = s->next;
	s->entries_len = 0;
}

void shard_tick(struct world *w, struct instance *i, int partition)
{
	struct shard *s = &i->shards[partition];
	if (s->state == SHARD_STARTING && i->read >= s->start_at)
		begin(i, s, partition);
	if (s->state != SHARD_RUNNING)
		return;
	poll(w, s, partition);
	if (s->flying < PIPELINE_MAX && (w->calm || chance(w, 40)))
		shard_flush(w, i, partition);
}
