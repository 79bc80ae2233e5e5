/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's deltas: what was counted since the last one goes to the journal, behind everything that it says is stored elsewhere (dead letters, re-keyed spans,
 * kept traces). */
#include "app/worker_parts.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"

#define SETTLE_NS (5 * NS_PER_S)
#define APPEND_RETRY_NS (2 * NS_PER_S)

static size_t collect_ranges(struct worker *w)
{
	int64_t cap = pace_say_up_to(&w->pace, &w->partitions);
	if (w->partitions.len > w->ranges_cap || !w->ranges) {
		w->ranges_cap = w->partitions.len * 2;
		w->ranges = mem_realloc(w->ranges, w->ranges_cap, sizeof(*w->ranges));
	}
	for (size_t i = 0; i < w->partitions.len; i++) {
		struct partition *p = w->partitions.at[i];
		const struct shard_partition *s = &p->shard;
		struct shard_start next;
		shard_partition_successor(s, &next);
		w->ranges[i] = (struct delta_range){
			.topic = s->topic,
			.partition = s->partition,
			.at_end = s->at_end,
			.joined = p->joined,
			.from = s->cut_from,
			.to = next.offset,
			.replay = next.replay,
			.replay_time_ns = next.replay_time_ns,
			.newest_ns = s->newest_ns < cap ? s->newest_ns : cap,
			.reached_ns = s->newest_ns,
			.gap = s->gap,
			.life = p->life,
			.anew = p->anew,
			.before = p->before,
		};
	}
	return w->partitions.len;
}

/* Tells the journal by which rules the next delta counts, so that what none counts any more can end there. */
static int tell_rules(struct worker *w, int64_t journal_time_ns, struct err *err)
{
	struct arena arena = {0};
	struct delta_rules rules;
	if (w->rules_told)
		return 0;
	gather_rules(&arena, w->rules, &rules);
	rules.writer = w->writer.id;
	rules.number = ++w->tellings;
	rules.from_seq = w->seq + 1;
	buf_reset(&w->record);
	rules_encode(&w->record, &rules, journal_time_ns);
	arena_done(&arena);
	int rc = books_append(w->books, buf_slice(&w->record), err);
	w->rules_told = rc >= 0;
	return rc;
}

/* What the delta counts as unreadable is stored before it says so. */
static bool settle_aside(struct worker *w)
{
	int64_t until = clock_mono_ns() + SETTLE_NS;
	size_t lost = 0;
	bool all = true;
	for (size_t i = 0; i < w->partitions.len; i++)
		all &= partition_settle(w->partitions.at[i], until - clock_mono_ns(), &lost);
	if (lost)
		log_line(LOG_ERROR, "source", "%zu messages that cannot be read were refused by the topic for dead letters", lost);
	w->status.aside_lost += lost;
	return all;
}

/* Whether all that the delta rests on is stored; if not, nothing is counted until it is. */
static bool settled(struct worker *w)
{
	const char *trouble = NULL;
	if (!settle_aside(w))
		trouble = "dead letters: the brokers do not take them; reading waits";
	else if (w->opts.rekey && !span_topic_settle(w->opts.rekey, &w->rekeyed, SETTLE_NS))
		trouble = "rekey: the brokers do not take the spans; reading waits";
	else if (!traces_settle(&w->traces))
		trouble = "kept traces: the brokers do not take them; reading waits";
	if (trouble) {
		worker_set_trouble(w, trouble);
		w->append_failed = true;
	}
	return !trouble;
}

void worker_cut(struct worker *w)
{
	struct delta_body body;
	struct err err = {0};
	w->cut_at_ns = clock_mono_ns() + w->opts.cut_interval_ns;
	w->cut_newest_ns = w->newest_ns;
	if (w->partitions.len == 0 || w->must_rewind)
		return;
	if (!settled(w))
		return;
	gather(&w->gather, w->shard, &body);
	int64_t now = clock_wall_ns(), journal_time = books_journal_time(w->books);
	struct delta_header header = {.writer = w->writer.id, .seq = w->seq + 1, .journal_time_ns = now > journal_time ? now : journal_time};
	header.ranges_len = collect_ranges(w);
	header.ranges = w->ranges;
	int rc = tell_rules(w, header.journal_time_ns, &err);
	buf_reset(&w->record);
	delta_encode(&w->record, &header, &body);
	failpoint_hit(FAIL_DELTA_BEFORE_APPEND);
	if (rc < 0 || books_append(w->books, buf_slice(&w->record), &err) < 0) {
		worker_set_trouble(w, err.text);
		w->must_rewind = w->append_failed = true;
		w->cut_at_ns = clock_mono_ns() + APPEND_RETRY_NS;
		return;
	}
	failpoint_hit(FAIL_DELTA_AFTER_APPEND);
	w->append_failed = false;
	w->seq++;
	for (size_t i = 0; i < w->partitions.len; i++) {
		struct partition *p = w->partitions.at[i];
		p->shard.cut_from = shard_partition_to(&p->shard);
		p->shard.gap = 0;
		p->joined = p->anew = false;
	}
	shard_clear(w->shard);
	if (w->trouble[0])
		worker_set_trouble(w, "");
}
