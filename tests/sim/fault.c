/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong: kills, pauses, clocks, who leads, who owns what, retention, logs that lose their end, new partitions, other rules, receivers that are down,
 * that lose what they acknowledged, that refuse a series for a while. */
#include "world.h"

#include "base/hash.h"

/* Zombies hear of it in the end. */
static void tell_zombies(struct world *w)
{
	for (int k = 0; k < INSTANCES; k++) {
		struct instance *i = &w->instances[k];
		for (int p = 0; p < w->partitions && instance_active(w, i); p++) {
			bool has = i->shards[worker_of(w, p)].parts[p].state != PART_NONE;
			if (has && w->owners[p] != k && chance(w, 20))
				counter_drop(w, i, p, false);
			else if (!has && w->owners[p] == k && chance(w, 50))
				counter_take(w, i, p);
		}
	}
}

void world_give(struct world *w, int partition, struct instance *to)
{
	for (int k = 0; k < INSTANCES; k++) {
		struct instance *i = &w->instances[k];
		if (k == to->index || !instance_active(w, i) || i->shards[worker_of(w, partition)].parts[partition].state == PART_NONE || chance(w, 40))
			continue; /* a zombie goes on */
		counter_drop(w, i, partition, chance(w, 60));
	}
	world_say(w, "partition %d to instance %d", partition, to->index);
	w->owners[partition] = to->index;
	counter_take(w, to, partition);
}

static void rebalance(struct world *w)
{
	struct instance *to = &w->instances[roll(w, INSTANCES)];
	int partition = (int)roll(w, (uint64_t)w->partitions);
	if (to->alive)
		world_give(w, partition, to);
}

static void strike_instance(struct world *w, struct instance *i)
{
	if (!i->alive)
		return;
	if (chance(w, 1)) {
		instance_kill(w, i);
		return;
	}
	if (chance(w, 1)) {
		i->paused_until_ns = w->now_ns + SECONDS(roll(w, 60));
		w->pauses++;
	}
	if (roll(w, 300) == 0)
		i->clock_offset_ns = chance(w, 70) ? SECONDS(roll(w, 6)) - SECONDS(3) : SECONDS(roll(w, 160)) - SECONDS(80);
	if (chance(w, 4))
		i->leads = chance(w, 55);
	if (i->leads && chance(w, 3))
		instance_snapshot(w, i);
	if (i->rules != w->rules && instance_active(w, i) && chance(w, 10))
		counter_reload(w, i);
}

static void excuse(struct world *w, struct input_log *log, size_t from, size_t to, enum excuse why)
{
	for (size_t at = from; at < to; at++)
		w->pool[log->at[at]].excuse = (uint8_t)why;
}

static void pass_retention(struct world *w)
{
	int p = (int)roll(w, (uint64_t)w->partitions);
	struct input_log *log = &w->logs[p];
	if (log->begin >= log->len)
		return;
	size_t to = log->begin + (size_t)roll(w, log->len - log->begin) + 1;
	excuse(w, log, log->begin, to, EXCUSE_DELETED);
	w->deleted += to - log->begin;
	log->begin = to;
	world_say(w, "retention takes partition %d up to %zu of %zu", p, to, log->len);
}

/* Unclean leader election: the end is gone, and others' records take the place. */
static void lose_end(struct world *w)
{
	int p = (int)roll(w, (uint64_t)w->partitions);
	struct input_log *log = &w->logs[p];
	size_t n = (size_t)roll(w, 15);
	if (log->len - log->begin < n)
		return;
	excuse(w, log, log->len - n, log->len, EXCUSE_CUT);
	log->len -= n;
	world_say(w, "partition %d loses its last %zu records", p, n);
}

static void strike_logs(struct world *w)
{
	if (roll(w, 150) == 0)
		pass_retention(w);
	if (w->truncates && roll(w, 60) == 0)
		lose_end(w);
	if (w->partitions < PARTITIONS_MAX && roll(w, 150) == 0) {
		struct instance *to = &w->instances[roll(w, INSTANCES)];
		world_say(w, "partition %d is new", w->partitions);
		w->owners[w->partitions++] = to->index; /* who is told of it in time */
	}
	if (roll(w, 100) == 0)
		w->rules = !w->rules;
}

static void strike_receiver(struct world *w)
{
	struct receiver *r = &w->receiver;
	if (roll(w, 200) == 0) {
		w->receiver_down_until_ns = w->now_ns + SECONDS(roll(w, 250));
		world_say(w, "receiver goes down for %.0f s", (double)(w->receiver_down_until_ns - w->now_ns) / 1e9);
	}
	if (w->loses && roll(w, 100) == 0) {
		world_say(w, "receiver loses its last 8 s");
		w->lost++;
		receiver_lose(r, SECONDS(8));
	}
	if (w->poisons && !r->poison[0] && w->now_ns >= w->poison_from_ns && w->now_ns < w->poison_until_ns) {
		memcpy(r->poison, w->poison, sizeof(w->poison));
		r->poison_reply = chance(w, 70) ? REPLY_REFUSED : REPLY_FAILED;
		world_say(w, "receiver refuses %s", r->poison);
	}
	if (w->now_ns >= w->poison_until_ns)
		r->poison[0] = 0;
}

/* Another endpoint of the same journal, whose leaders send what they have: its words are none of this one's. */
static void speak_of_another(struct world *w, const struct instance *i)
{
	enum { ANOTHER = 77 };
	uint64_t endpoint = w->mutant == MUTANT_FOREIGN_HEARD ? 0 : ANOTHER, dice = hash_pair(w->seed, (uint64_t)w->now_ns);
	int64_t step = ledger_pending_first(i->ledger), time = instance_journal_time(w, i);
	struct buf bytes = {0};
	if (step == INT64_MIN || dice % 8 > 3)
		return;
	step += dice / 8 % 4 == 0;
	if (dice % 8 == 0)
		begin_encode(&bytes, ANOTHER, 0, time, i->sending.leader);
	else if (dice % 8 == 1)
		anchored_encode(&bytes, endpoint, step, time, i->sending.leader);
	else
		mark_encode(&bytes, endpoint, step, dice % 8 == 2, time, i->sending.leader);
	journal_add(w, &bytes);
	buf_done(&bytes);
}

/* What waits for this receiver takes too much memory, and another must not wait for it: its oldest steps go with the next ones, whatever their sender is at. */
static void fold_waiting(struct world *w, const struct instance *i)
{
	uint64_t dice = hash_pair(w->seed, (uint64_t)w->now_ns + 1);
	size_t waiting = ledger_pending_steps(i->ledger);
	struct buf bytes = {0};
	if (waiting < 3 || w->seed % 4 || dice % 16)
		return;
	for (size_t n = 0; n < 1 + dice / 16 % (waiting - 1); n++) {
		buf_reset(&bytes);
		mark_encode(&bytes, 0, ledger_pending_at(i->ledger, n), true, instance_journal_time(w, i), i->sending.leader);
		journal_add(w, &bytes);
		w->skipped++;
	}
	buf_done(&bytes);
}

void fault_strike(struct world *w)
{
	for (int k = 0; k < INSTANCES; k++)
		if (instance_active(w, &w->instances[k])) {
			speak_of_another(w, &w->instances[k]);
			fold_waiting(w, &w->instances[k]);
		}
	for (int k = 0; k < INSTANCES; k++)
		strike_instance(w, &w->instances[k]);
	if (chance(w, 6))
		rebalance(w);
	tell_zombies(w);
	strike_logs(w);
	strike_receiver(w);
}

void fault_end(struct world *w)
{
	world_say(w, "--- faults are over, %zu records in the journal", w->journal_len);
	w->calm = true;
	w->receiver_down_until_ns = 0;
	w->receiver.poison[0] = 0;
	for (int k = 0; k < INSTANCES; k++) {
		struct instance *i = &w->instances[k];
		if (!i->alive)
			instance_start(w, i);
		i->paused_until_ns = 0;
		i->clock_offset_ns = 0;
		i->leads = k == 0;
		for (int p = 0; p < w->partitions; p++)
			if (p % INSTANCES == k)
				counter_take(w, i, p);
			else if (i->shards[worker_of(w, p)].parts[p].state != PART_NONE)
				counter_drop(w, i, p, false);
		counter_reload(w, i);
	}
}
