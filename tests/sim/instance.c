/* SPDX-License-Identifier: Apache-2.0 */
/* A process: its ledger, workers and sender; how it starts from a snapshot, folds the journal, and ends. */
#include "store.h"
#include "world.h"

#include <string.h>

bool instance_active(const struct world *w, const struct instance *i)
{
	return i->alive && w->now_ns >= i->paused_until_ns;
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

void instance_post_early(struct instance *i, struct slice record)
{
	struct ledger_event event;
	ledger_post(i->ledger, record, ledger_position(i->ledger), &event);
}

/* The record as a ledger with a weaker chain rule would take it. */
static void forge(const struct world *w, const struct instance *i, struct slice record, struct buf *out)
{
	struct arena arena = {0};
	struct buf scratch = {0};
	struct delta d;
	if (delta_decode(record, &arena, &scratch, &d) < 0 || d.kind != DELTA_INCREMENTS) {
		buf_add_slice(out, record);
	} else {
		for (size_t k = 0; w->mutant == MUTANT_NO_CHAIN && k < d.header.ranges_len; k++) {
			struct delta_range *r = &d.header.ranges[k];
			struct ledger_partition p;
			int64_t moved = r->to - r->from;
			if (ledger_partition(i->ledger, r->topic, r->partition, &p))
				r->from = p.absorbed;
			if (r->to < r->from + (moved > 0))
				r->to = r->from + (moved > 0);
			r->gap = 0;
		}
		if (w->mutant == MUTANT_UNKNOWN_LATE)
			d.header.seq = 1;
		delta_encode(out, &d.header, &d.body);
	}
	arena_done(&arena);
	buf_done(&scratch);
}

static void hear_rejection(struct world *w, struct instance *i, uint64_t writer)
{
	for (int k = 0; k < PARTITIONS_MAX; k++) {
		struct counter *s = &i->shards[k];
		if (s->writer != writer || s->seq == 0)
			continue;
		if (w->mutant == MUTANT_NO_REWIND)
			s->entries_len = s->counted_len = 0;
		else if (w->mutant != MUTANT_SEND_BEFORE_JOURNAL)
			counter_rewind(w, i, k);
	}
}

static void fold_next(struct world *w, struct instance *i)
{
	struct ledger_event event;
	struct buf forged = {0};
	struct slice record = buf_slice(&w->journal[i->read]);
	store_show(i->read);
	if (w->mutant == MUTANT_NO_CHAIN || w->mutant == MUTANT_UNKNOWN_LATE) {
		store_show(SIZE_MAX);
		forge(w, i, record, &forged);
		record = buf_slice(&forged);
	}
	ledger_post(i->ledger, record, (int64_t)i->read * POSITION_SCALE + POSITION_SCALE - 1, &event);
	i->read++;
	buf_done(&forged);
	sending_hears(i, &event);
	if (event.outcome == LEDGER_CORRUPT)
		world_fail(w, "record %zu is corrupt", i->read - 1);
	if (event.outcome != LEDGER_REJECTED)
		return;
	w->rejected++;
	hear_rejection(w, i, event.writer);
}

static void read_journal(struct world *w, struct instance *i)
{
	size_t n = w->calm || chance(w, 80) ? w->journal_len - i->read : (size_t)roll(w, 4);
	while (n > 0 && i->read < w->journal_len) {
		fold_next(w, i);
		n--;
	}
}

void instance_start(struct world *w, struct instance *i)
{
	struct err err;
	struct ledger_opts opts = w->opts;
	if (w->mutant == MUTANT_OWN_EXPIRY)
		opts.expire_ns += i->clock_offset_ns / 2;
	if (w->mutant == MUTANT_OWN_BUDGET)
		opts.series_limit += (size_t)i->index;
	ledger_free(i->ledger);
	i->ledger = ledger_new(&opts);
	i->alive = true;
	i->leads = false;
	i->life++;
	i->paused_until_ns = 0;
	i->rules = w->rules;
	i->read = 0;
	for (int k = 0; k < PARTITIONS_MAX; k++)
		counter_reset(&i->shards[k]);
	if (w->snapshot.len && chance(w, 85)) {
		if (ledger_load(i->ledger, buf_slice(&w->snapshot), &err) < 0)
			world_fail(w, "snapshot: %s", err.text);
		i->read = w->snapshot_read;
	}
	sending_start(w, i);
	i->sending.others_claim = i->read > 0; /* who kept the snapshot claimed before it */
	world_say(w, "instance %d starts at record %zu of %zu", i->index, i->read, w->journal_len);
}

void instance_kill(struct world *w, struct instance *i)
{
	world_say(w, "instance %d is killed", i->index);
	w->kills++;
	sending_kill(w, i);
	i->alive = i->leads = false;
	i->back_ns = w->now_ns + SECONDS(roll(w, 40));
	for (size_t k = 0; k < w->flights_len; k++)
		if (w->flights[k].instance == i->index && chance(w, 50))
			w->flights[k].land_ns = w->flights[k].again_ns = INT64_MAX;
}

void instance_snapshot(struct world *w, const struct instance *i)
{
	buf_reset(&w->snapshot);
	ledger_save(i->ledger, &w->snapshot);
	w->snapshot_read = i->read;
	if (w->mutant == MUTANT_SNAPSHOT_AHEAD)
		w->snapshot_read = i->read + 3 < w->journal_len ? i->read + 3 : w->journal_len;
	world_say(w, "instance %d saves a snapshot at record %zu", i->index, w->snapshot_read);
}

void instance_tick(struct world *w, struct instance *i)
{
	if (!i->alive && w->now_ns >= i->back_ns)
		instance_start(w, i);
	if (!instance_active(w, i))
		return;
	read_journal(w, i);
	for (int k = 0; k < PARTITIONS_MAX; k++)
		counter_tick(w, i, k);
	sending_tick(w, i);
}
