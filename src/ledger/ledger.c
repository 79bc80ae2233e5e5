/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: the fold of the journal.
 *
 * Idea. Nothing changes the state but a journal record, so the state after a position is the same on every instance, and what is sent is a view of it.
 *
 *   delta      posted iff every range starts where its partition stands (from == absorbed; a partition never seen starts anywhere, but only in a
 *              writer's first delta, seq 1: else the second of two pipelined deltas would pass when the first is lost); its increments go into steps, sparse. Else it is rejected whole: duplicates, zombies and half-done rebalances all break the chain, for every reader alike.
 *   anchored   the receiver has the anchors of the oldest pending step: its values may go out
 *   mark       the receiver has the oldest pending step: its increments are applied to the cumulative values. Skipped: it was too old to be sent;
 *              its increments move into the next step
 *   claim      an instance begins to send: only other leaders heed it
 *   close      every step with increments is closed (end of a backfill)
 *   rules      what a writer's rules may count: series of rules that no writer has any more end (force.c)
 *   begin      an endpoint's ledger is made of another's (begin.c); no ledger that is there changes
 *
 * Endpoints. A ledger is of one receiver: it passes over marks and anchored records that name another, so that it is the fold of the journal without them, and all
 * that is said here holds for each receiver alone. What the journal counts does not depend on marks: every ledger posts and rejects the same deltas.
 *
 * A leader previews the oldest pending step (cumulative values + increments of that step), sends it, appends the mark. Two leaders send the same bytes: a
 * cut depends on the values applied by marks below the step and on the increments of a closed step, and neither changes until the step is marked.
 *
 * Exact, whatever dies. A series begins at the receiver with an anchor: its value from before the increments (0 for a new one), one step earlier. Were the
 * step's values sent, the leader lost, and the step skipped an hour later, a second anchor behind the first values would look like a reset and count them
 * twice. Hence the order anchors, anchored record, values: before the record nothing but anchors can have been sent, so anchoring anew is harmless; after
 * it the series has begun, and a skipped step does not anchor it again. In every interleaving the receiver's samples of a series are a rising run
 * from the anchor to the last value.
 *
 * A log that is deleted and made again, or loses its end, has other records at offsets that are counted. A writer that finds its partition's log shorter than what is
 * counted of it begins a new life of it (anew): such a range is posted iff it names the life before and where that one was left, so it is posted once, and what
 * zombies still say of the life before breaks the chain.
 *
 * Time. Step number = event time / step, rounded down. Increments for a closed step go into the earliest open one and are counted late; those
 * before journal time - receiver window into the first step inside; those past journal time + 10 s into that step. Steps with end <= watermark are
 * closed. The watermark is the least newest event time over partitions in play, less lateness, at most journal time less lateness, which is also what counts
 * when none is in play; it never goes back. Out of play: stood at the end of the log in its last delta; did not move for 30 s; has been read to a place more than
 * 5 min behind the leading one. After a gap in the records one partition jumps far ahead of the others: its writer says a time no more than 4 min past the slowest of
 * them, and how far it has read beside that (reached). So the leading one never gives up those that are on their way to the gap, those that wait behind it stay in
 * play, and once all have crossed, reached tells everyone so. A partition that was announced and has not said a time holds it until its 30 s are over. The 30 s run on the alive clock: journal
 * time of which a pause between two records counts 10 s at most. After a silence of more than 30 s (nobody ran) what was known about ends and movement is
 * stale: every partition is in play again until it says otherwise, so that a backlog after an outage lands where it happened.
 *
 * Life of a series. Every closed step yields one sample of each live series; steps without increments exist only while a series may be live, and inside the
 * receiver's window. No increments for the expiry time (skipped steps do not count): a stale marker, then dormant (value kept, nothing sent). Increments wake it: an anchor with its
 * old value, left out where its stale marker is at that very time. Dormant for four more expiry times: forgotten, but not in the step of its marker. Gauges have no anchors.
 *
 * Order of samples = order of creation of series in the journal. Sums of histograms are doubles added in journal order, so they agree to the last bit.
 *
 * Files: delta.c the records, begin.c one more endpoint, item.c their parts, budget.c how many series there may be, posting.c a delta into steps, series.c, step.c, walk.h what a step sends,
 * time.c, catalog.c, cut.c requests, cut_place.c what stands in them, aside.c what receivers refuse, snapshot.c, view.c what the admin room shows. Proof by simulation: tests/sim. Decisions: docs/decisions/0002-marks-drive-the-fold.md. */
#include "base/hash.h"
#include "base/mem.h"
#include "ledger/state.h"
#include "ledger/walk.h"

#include <stdlib.h>

struct ledger *ledger_new(const struct ledger_opts *opts)
{
	struct ledger *l = mem_zalloc(1, sizeof(*l));
	l->opts = *opts;
	l->expire_steps = opts->expire_ns > opts->step_ns ? opts->expire_ns / opts->step_ns : 1;
	l->last_closed = l->newest_step = INT64_MIN;
	return l;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->steps_len; i++)
		step_free(l->steps[i]);
	for (size_t i = 0; i < l->series_len; i++)
		series_free(l, l->series[i]);
	layout_done(l);
	kept_done(&l->kept);
	names_done(l);
	label_pairs_done(&l->pairs);
	pool_done(&l->pool);
	force_done(&l->force);
	budget_done(l);
	for (size_t i = 0; i < l->partitions_len; i++) {
		free((void *)l->partitions[i]->topic.ptr);
		free(l->partitions[i]);
	}
	for (size_t i = 0; i < l->aside_len; i++)
		free(l->aside_keys[i]);
	catalog_done(&l->catalog);
	map_done(&l->aside);
	map_done(&l->series_by_labels);
	map_done(&l->partitions_by_name);
	arena_done(&l->arena);
	buf_done(&l->scratch);
	free(l->aside_keys);
	free(l->changes);
	free(l->steps);
	free(l->series);
	free(l->partitions);
	free(l);
}

struct partition_key {
	struct slice topic;
	int32_t partition;
};

static bool same_partition(const void *item, const void *key)
{
	const struct partition *p = item;
	const struct partition_key *k = key;
	return p->view.partition == k->partition && slice_eq(p->topic, k->topic);
}

static uint64_t partition_hash(struct slice topic, int32_t partition)
{
	return hash_pair(hash_bytes(topic), (uint64_t)partition);
}

static struct partition *find_partition(const struct ledger *l, struct slice topic, int32_t partition)
{
	struct partition_key key = {.topic = topic, .partition = partition};
	return map_get(&l->partitions_by_name, partition_hash(topic, partition), same_partition, &key);
}

struct partition *partition_add(struct ledger *l, struct slice topic, int32_t partition)
{
	struct partition *p = mem_zalloc(1, sizeof(*p));
	p->topic = catalog_text(topic);
	p->view.topic = p->topic;
	p->view.partition = partition;
	p->moved_alive_ns = l->alive_ns;
	l->partitions = mem_grow(l->partitions, l->partitions_len, &l->partitions_cap, sizeof(struct partition *));
	l->partitions[l->partitions_len++] = p;
	map_put(&l->partitions_by_name, partition_hash(topic, partition), p);
	return p;
}

/* A partition never seen starts where its writer says, if this cannot be the second of two deltas of which the first was lost: only in a writer's first
 * delta. That it does not move is no excuse: a heartbeat at 10 behind a lost delta from 0 to 10 would hide the loss. */
static bool follows(const struct partition *p, const struct delta_range *r)
{
	const struct ledger_partition *v = &p->view;
	return r->anew ? r->life == v->life + 1 && r->before == v->absorbed : r->life == v->life && r->from == v->absorbed;
}

static bool chain_holds(const struct ledger *l, const struct delta_header *h)
{
	for (size_t i = 0; i < h->ranges_len; i++) {
		const struct delta_range *r = &h->ranges[i];
		const struct partition *p = find_partition(l, r->topic, r->partition);
		if (p ? !follows(p, r) : h->seq > 1 || r->life)
			return false;
	}
	return true;
}

static void absorb(struct ledger *l, const struct delta_header *h, const struct delta_range *r)
{
	struct partition *p = find_partition(l, r->topic, r->partition);
	if (!p)
		p = partition_add(l, r->topic, r->partition);
	force_heard(l, p, h);
	struct ledger_partition *v = &p->view;
	bool moved = r->to > r->from || r->joined || r->anew;
	if (r->to > r->from)
		v->moved_ns = l->journal_time_ns;
	l->stats.lives += r->anew;
	v->life = r->life;
	if (moved || r->reached_ns > r->newest_ns) { /* one that waits for others does not stand still */
		p->moved_alive_ns = l->alive_ns;
		p->placed = true;
	}
	v->absorbed = r->to;
	v->replay = r->replay;
	v->replay_time_ns = r->replay_time_ns;
	v->at_end = r->at_end;
	v->gaps += r->gap;
	if (r->newest_ns > v->newest_ns)
		v->newest_ns = r->newest_ns;
	if (r->reached_ns > v->reached_ns)
		v->reached_ns = r->reached_ns;
}

static enum ledger_outcome fold_delta(struct ledger *l, const struct delta *d)
{
	if (!chain_holds(l, &d->header)) {
		l->stats.rejected++;
		return LEDGER_REJECTED;
	}
	time_pass(l, d->header.journal_time_ns);
	posting_add(l, &d->body);
	for (size_t i = 0; i < d->header.ranges_len; i++)
		absorb(l, &d->header, &d->header.ranges[i]);
	force_settle(l, false);
	time_close(l);
	l->stats.posted++;
	return LEDGER_POSTED;
}

/* A series that was live before its beginning was noted keeps that unknown. */
static void note_beginning(struct series *s, int64_t step)
{
	if (!s->live && s->first_step == INT64_MIN)
		s->first_step = step;
}

static void apply_one(struct ledger *l, const struct walk *w)
{
	struct series *s = w->series;
	if (w->look == LOOK_SAMPLE)
		note_beginning(s, w->step->number);
	if (w->look == LOOK_SAMPLE && w->increment) {
		s->last_step = w->step->number;
		if (family_get(s->family)->type == METRIC_GAUGE)
			s->now.count = w->increment->count;
		else
			value_add(&s->now, w->increment->count, step_sum(w->step, w->increment), step_buckets(w->step, w->increment),
				w->increment->hist ? series_buckets(s) : 0);
		if (w->increment->native)
			series_add_native(s, step_native(w->step, w->increment));
	}
	if (w->look == LOOK_STALE) {
		s->stale_step = w->step->number;
		l->stats.expired_series++;
	}
	if (w->look == LOOK_NOTHING)
		s->last_step = w->step->number; /* ended before it was ever sent: dormant from here */
	l->live_len += (size_t)(w->look == LOOK_SAMPLE) - (size_t)s->live;
	s->live = w->look == LOOK_SAMPLE;
}

static void apply(struct ledger *l, const struct step *step)
{
	struct walk w = {.l = l, .step = step};
	while (walk_next(&w))
		apply_one(l, &w);
}

/* What a receiver has not been sent does not make a series old: it ends when it was quiet in as many steps that were sent. Those in which it could be told again what it
 * refused, or lost, do not run out in an outage. One whose stale marker is in this very step stays as old as it is: it ends in the next, and the marker may be there. */
static void stay_young(struct ledger *l, int64_t step)
{
	for (size_t i = 0; i < l->series_len; i++) {
		struct series *s = l->series[i];
		if (s->live && s->last_step < step && step - s->last_step < l->expire_steps)
			s->last_step++;
	}
}

/* The step is not sent; its increments go into the next one. What has begun at the receiver, though, has begun, and a gauge, which needs no anchor, may have. */
static void skip(struct ledger *l, struct step *step)
{
	stay_young(l, step->number);
	struct walk w = {.l = l, .step = step};
	while (walk_next(&w)) {
		bool begun = step->anchored || family_get(w.series->family)->type == METRIC_GAUGE;
		if (w.look != LOOK_SAMPLE || w.series->live || !begun)
			continue;
		note_beginning(w.series, step->number);
		w.series->live = true;
		w.series->last_step = step->number;
		l->live_len++;
	}
	if (step->len == 0 && step->retired_len == 0)
		return;
	struct step *next = l->closed_len > 1 ? l->steps[1] : step_open(l, l->last_closed + 1);
	l->force.unsettled |= step_merge(next, step);
	if (next->closed && next->number > l->newest_step)
		l->newest_step = next->number;
}

static void drop_first(struct ledger *l)
{
	struct step *first = l->steps[0];
	memmove(&l->steps[0], &l->steps[1], (l->steps_len - 1) * sizeof(struct step *));
	l->steps_len--;
	l->closed_len--;
	step_free(first);
}

static enum ledger_outcome fold_mark(struct ledger *l, const struct delta *d)
{
	if (l->closed_len == 0 || l->steps[0]->number != d->step)
		return LEDGER_IGNORED;
	time_pass(l, d->header.journal_time_ns);
	if (d->skipped)
		skip(l, l->steps[0]);
	else
		apply(l, l->steps[0]);
	drop_first(l);
	force_settle(l, true);
	if (!d->skipped)
		series_forget(l, d->step);
	time_close(l);
	l->stats.marks++;
	return LEDGER_MARKED;
}

static enum ledger_outcome fold_anchored(struct ledger *l, const struct delta *d)
{
	if (l->closed_len == 0 || l->steps[0]->number != d->step || l->steps[0]->anchored)
		return LEDGER_IGNORED;
	time_pass(l, d->header.journal_time_ns);
	l->steps[0]->anchored = true;
	time_close(l);
	return LEDGER_ANCHORED;
}

static enum ledger_outcome fold(struct ledger *l, struct slice record, struct ledger_event *ret)
{
	struct delta d;
	if (delta_decode(record, &l->arena, &l->scratch, &d) < 0) {
		l->stats.corrupt++;
		return LEDGER_CORRUPT;
	}
	ret->writer = d.header.writer;
	ret->seq = d.header.seq;
	ret->endpoint = d.endpoint;
	ret->base = d.base;
	ret->skipped = d.skipped;
	if ((d.kind == DELTA_MARK || d.kind == DELTA_ANCHORED) && d.endpoint != l->opts.endpoint)
		return LEDGER_FOREIGN;
	switch (d.kind) {
	case DELTA_INCREMENTS:
		return fold_delta(l, &d);
	case DELTA_MARK:
		return fold_mark(l, &d);
	case DELTA_ANCHORED:
		return fold_anchored(l, &d);
	case DELTA_CLAIM:
		return LEDGER_CLAIMED;
	case DELTA_BEGIN:
		return LEDGER_BEGUN;
	case DELTA_RULES:
		time_pass(l, d.header.journal_time_ns);
		force_tell(l, &d.rules);
		time_close(l);
		return LEDGER_RULES;
	case DELTA_CLOSE:
		break;
	}
	time_pass(l, d.header.journal_time_ns);
	time_close(l);
	time_close_all(l);
	return LEDGER_CLOSED;
}

void ledger_post(struct ledger *l, struct slice record, int64_t position, struct ledger_event *ret)
{
	*ret = (struct ledger_event){.outcome = LEDGER_IGNORED};
	if (position < l->position)
		return; /* read again after a seek: it is in the state */
	arena_reset(&l->arena);
	l->changes_len = 0;
	ret->outcome = fold(l, record, ret);
	ret->patterns = l->changes;
	ret->patterns_len = l->changes_len;
	ret->refusals = (const struct ledger_refusal *const *)l->budgets.refusals + l->budgets.refusals_told;
	ret->refusals_len = l->budgets.refusals_len - l->budgets.refusals_told;
	l->budgets.refusals_told = l->budgets.refusals_len;
	l->position = position + 1;
}

int64_t ledger_position(const struct ledger *l)
{
	return l->position;
}

int64_t ledger_journal_time(const struct ledger *l)
{
	return l->journal_time_ns;
}

static void view_partition(const struct ledger *l, const struct partition *p, struct ledger_partition *ret)
{
	*ret = p->view;
	ret->in_play = time_in_play(l, p);
}

bool ledger_partition(const struct ledger *l, struct slice topic, int32_t partition, struct ledger_partition *ret)
{
	const struct partition *p = find_partition(l, topic, partition);
	if (p)
		view_partition(l, p, ret);
	return p != NULL;
}

bool ledger_partition_at(const struct ledger *l, size_t index, struct ledger_partition *ret)
{
	if (index >= l->partitions_len)
		return false;
	view_partition(l, l->partitions[index], ret);
	return true;
}

size_t ledger_traces(const struct ledger *l, uint64_t *from, struct delta_trace *out, size_t max)
{
	return kept_read(&l->kept, from, out, max);
}

size_t ledger_open_steps(const struct ledger *l)
{
	return l->steps_len - l->closed_len;
}

void ledger_lost(struct ledger *l)
{
	l->stats.state_lost++;
}

int64_t ledger_watermark(const struct ledger *l)
{
	return l->last_closed == INT64_MIN ? 0 : (l->last_closed + 1) * l->opts.step_ns;
}

size_t ledger_pending_steps(const struct ledger *l)
{
	return l->closed_len;
}

size_t ledger_pending_bytes(const struct ledger *l)
{
	size_t bytes = 0;
	for (size_t i = 0; i < l->closed_len; i++)
		bytes += step_bytes(l->steps[i]);
	return bytes;
}

int64_t ledger_pending_first(const struct ledger *l)
{
	return l->closed_len ? l->steps[0]->number : INT64_MIN;
}

bool ledger_anchored(const struct ledger *l, int64_t step)
{
	return l->closed_len && l->steps[0]->number == step && l->steps[0]->anchored;
}

int64_t ledger_pending_at(const struct ledger *l, size_t index)
{
	return index < l->closed_len ? l->steps[index]->number : INT64_MIN;
}
