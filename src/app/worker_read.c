/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's reading: from the partition that is furthest behind in event time, as far as pace.c and undecided traces let it, into the shard. A log that turns
 * out to end before what is counted of it begins another life. */
#include "app/worker_parts.h"

#include "base/clock.h"
#include "base/log.h"

enum { BATCH = 500 };
#define LOOK_AGAIN_NS (5 * NS_PER_S)

void worker_seek(struct worker *w, struct partition *p)
{
	struct err err = {0};
	partition_let_go(p);
	p->seek_pending = p->reader->ops->seek(p->reader, p->shard.expected, &err) < 0;
	if (p->seek_pending) {
		worker_set_trouble(w, err.text);
		p->retry_ns = clock_mono_ns() + NS_PER_S / 5;
	}
}

/* Keeps the message just fed for people if it could not be read. */
static void set_aside(struct worker *w, struct partition *p, const struct source_message *m)
{
	const char *reason;
	size_t lost = shard_lost(w->shard, &reason);
	if (lost == 0)
		return;
	enum source_aside became = partition_set_aside(p, m, reason, lost);
	w->status.aside += became == SOURCE_ASIDE_TAKEN;
	w->status.aside_limited += became == SOURCE_ASIDE_LIMITED;
}

/* Feeds what is read of p, up to the limit in event time. */
static void feed(struct worker *w, struct partition *p, int64_t limit, int64_t now_ns)
{
	while (p->next < p->batch.len && (p->shard.newest_ns <= limit || p->shard.newest_ns == 0)) {
		const struct source_message *m = &p->batch.messages[p->next++];
		p->headers.message = m;
		enum shard_verdict verdict = shard_feed(w->shard, &p->shard, m->payload, m->offset, m->next_offset, m->time_ns, now_ns);
		if (verdict == SHARD_GAP) {
			worker_seek(w, p);
			return;
		}
		p->suspicious |= verdict == SHARD_BEHIND && p->reader->ops->look;
		if (verdict == SHARD_COUNTED)
			set_aside(w, p, m);
		if (p->aside_full)
			break;
	}
	if (p->shard.newest_ns > w->newest_ns)
		w->newest_ns = p->shard.newest_ns;
	if (p->next < p->batch.len)
		return;
	if (p->batch.at_end)
		p->shard.at_end = true;
	p->ended = p->ended || p->shard.at_end || (p->reader->end >= 0 && p->shard.expected >= p->reader->end);
	partition_let_go(p);
}

/* The log ends before what is counted of it: it was deleted and made again, or lost its end. What was written since the partition last moved are other records. */
static int begin_anew(struct worker *w, struct partition *p, int64_t end, struct err *err)
{
	struct ledger_partition at = {0};
	int64_t counted = shard_partition_to(&p->shard), start;
	if (!books_partition(w->books, p->shard.topic, p->shard.partition, &at))
		return 0; /* nobody has counted anything of it */
	int rc = p->reader->ops->since(p->reader, at.moved_ns, &start, err);
	if (rc)
		return rc;
	worker_cut(w); /* what is open belongs to the life before */
	if (w->must_rewind)
		return 0;
	log_line(LOG_ERROR, "source", "%s/%d ends at %lld, before the %lld that are counted: it was made anew or has lost its end. Goes on at %lld, with what was written since it was last read",
		p->reader->topic, (int)p->shard.partition, (long long)end, (long long)counted, (long long)start);
	struct shard_start from = {.offset = start, .replay = start, .newest_ns = p->shard.newest_ns};
	shard_partition_start(&p->shard, &from, &w->opts.shard);
	p->before = counted;
	p->life++;
	p->anew = p->joined = true;
	p->aside_to = 0;
	p->reader->end = end;
	p->ended = start >= end;
	w->cut_at_ns = clock_mono_ns(); /* says so at once */
	worker_seek(w, p);
	return 0;
}

/* The source goes back to what is counted: it repeats itself, as clients do, or the log is shorter than it was. */
static void look_at_end(struct worker *w, struct partition *p, int64_t mono_ns)
{
	struct err err = {0};
	int64_t end;
	p->look_ns = mono_ns + LOOK_AGAIN_NS;
	int rc = p->reader->ops->look(p->reader, &end, &err);
	if (!rc) {
		p->suspicious = false;
		p->ended = p->ended || (p->reader->end >= 0 && p->shard.expected >= p->reader->end);
		if (end < shard_partition_to(&p->shard))
			rc = begin_anew(w, p, end, &err);
	}
	if (rc) {
		p->suspicious = true;
		worker_set_trouble(w, err.text);
	}
}

/* Reads on in one partition; false if there was nothing to read or it has to wait for others. */
static bool read_one(struct worker *w, struct partition *p, int64_t mono_ns)
{
	struct err err = {0};
	int64_t now_ns = clock_wall_ns(), limit = pace_limit(&w->pace, &w->partitions, p, mono_ns, now_ns), before = p->shard.expected, decided = shard_read_up_to(&p->shard);
	limit = limit < decided ? limit : decided;
	if (mono_ns < p->retry_ns)
		return false;
	if (p->suspicious && mono_ns >= p->look_ns) {
		look_at_end(w, p, mono_ns);
		return false;
	}
	if (p->shard.newest_ns > limit && p->shard.newest_ns) {
		w->limited |= !p->shard.at_end;
		p->active_ns = mono_ns; /* it waits: once the others are there they must not leave it behind */
		return false;
	}
	if (p->seek_pending) {
		worker_seek(w, p);
		return false;
	}
	if (partition_aside_full(p))
		return false;
	if (p->next >= p->batch.len && p->reader->ops->poll(p->reader, BATCH, &p->batch, &err) < 0) {
		worker_set_trouble(w, err.text);
		p->retry_ns = mono_ns + NS_PER_S / 5;
	}
	if (p->batch.len || p->batch.at_end)
		p->active_ns = mono_ns;
	feed(w, p, limit, now_ns);
	return p->shard.expected != before;
}

bool worker_read(struct worker *w)
{
	int64_t now = clock_mono_ns();
	w->limited = false;
	partitions_sort_by_time(&w->partitions);
	for (size_t i = 0; i < w->partitions.len; i++)
		if (read_one(w, w->partitions.at[i], now))
			return true;
	return false;
}
