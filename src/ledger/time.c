/* SPDX-License-Identifier: Apache-2.0 */
/* Steps and the watermark; the rules are in ledger.c. */
#include "base/clock.h"
#include "ledger/state.h"

#include <stdlib.h>

#define AHEAD_NS (10 * NS_PER_S)         /* how far past journal time a step may lie */
#define OUT_AFTER_NS (30 * NS_PER_S)     /* without movement a partition is out of play */
#define UNTOLD_AFTER_NS (120 * NS_PER_S) /* what hangs on its word, and cannot be taken back, waits longer */
#define SUCCESSOR_NS (600 * NS_PER_S)    /* who takes over a partition comes within this */
#define BEHIND_NS (300 * NS_PER_S)       /* as is one that has been read to this far behind the leading one */
#define SILENCE_NS (30 * NS_PER_S)       /* nobody wrote for so long: what is known of partitions is stale */
#define ALIVE_MAX_NS (10 * NS_PER_S)     /* what a pause between records counts at most */

void time_pass(struct ledger *l, int64_t journal_time_ns)
{
	if (journal_time_ns <= l->journal_time_ns)
		return;
	int64_t passed = journal_time_ns - l->journal_time_ns;
	l->journal_time_ns = journal_time_ns;
	l->alive_ns += passed < ALIVE_MAX_NS ? passed : ALIVE_MAX_NS;
	if (passed <= SILENCE_NS)
		return;
	for (size_t i = 0; i < l->partitions_len; i++) {
		l->partitions[i]->view.at_end = false;
		l->partitions[i]->placed = false;
		l->partitions[i]->moved_alive_ns = l->alive_ns;
	}
}

/* The first step that does not lie wholly before the receiver's window. */
static int64_t first_inside(const struct ledger *l)
{
	int64_t from = l->journal_time_ns - l->opts.receiver_window_ns, step = l->opts.step_ns;
	return floor_div(from + step - 1, step) - 1;
}

int64_t time_target(const struct ledger *l, int64_t step, bool *ret_late)
{
	int64_t newest = floor_div(l->journal_time_ns + AHEAD_NS, l->opts.step_ns), oldest = first_inside(l);
	if (step > newest)
		step = newest;
	if (step < oldest)
		step = oldest;
	*ret_late = l->last_closed != INT64_MIN && step <= l->last_closed; /* what is folded at the window is late only if that step is closed, too */
	return *ret_late ? l->last_closed + 1 : step;
}

static bool moved_within(const struct ledger *l, const struct partition *p, int64_t patience_ns)
{
	return !p->view.at_end && l->alive_ns - p->moved_alive_ns < patience_ns;
}

bool time_in_play(const struct ledger *l, const struct partition *p)
{
	return moved_within(l, p, OUT_AFTER_NS);
}

static int64_t slowest(const struct ledger *l, int64_t patience_ns)
{
	int64_t slowest = INT64_MAX;
	for (size_t i = 0; i < l->partitions_len; i++)
		if (moved_within(l, l->partitions[i], patience_ns) && l->partitions[i]->view.reached_ns < slowest)
			slowest = l->partitions[i]->view.reached_ns;
	return slowest;
}

int64_t ledger_slowest(const struct ledger *l)
{
	return slowest(l, OUT_AFTER_NS);
}

int64_t ledger_settled(const struct ledger *l)
{
	return slowest(l, UNTOLD_AFTER_NS);
}

/* What is open of a partition is fed again by a successor from its point of replay on, which lies far behind what was reached where a silence is in between. */
int64_t ledger_asked_from(const struct ledger *l)
{
	int64_t from = ledger_settled(l);
	for (size_t i = 0; i < l->partitions_len; i++) {
		const struct partition *p = l->partitions[i];
		bool open = p->view.replay < p->view.absorbed && l->alive_ns - p->moved_alive_ns < SUCCESSOR_NS;
		if (open && llabs(p->view.replay_time_ns) < from)
			from = llabs(p->view.replay_time_ns);
	}
	return from;
}

static int64_t leading(const struct ledger *l)
{
	int64_t newest = 0;
	for (size_t i = 0; i < l->partitions_len; i++)
		if (l->partitions[i]->placed && time_in_play(l, l->partitions[i]) && l->partitions[i]->view.newest_ns > newest)
			newest = l->partitions[i]->view.newest_ns;
	return newest;
}

/* INT64_MIN: nothing may close. */
static int64_t watermark(const struct ledger *l)
{
	int64_t newest = l->journal_time_ns, lead = leading(l);
	if (l->partitions_len == 0)
		return INT64_MIN;
	for (size_t i = 0; i < l->partitions_len; i++) {
		const struct partition *p = l->partitions[i];
		if (!time_in_play(l, p))
			continue;
		if (!p->placed || p->view.newest_ns == 0)
			return INT64_MIN; /* announced, nothing read yet: where it stands is not known */
		if (p->view.reached_ns >= lead - BEHIND_NS && p->view.newest_ns < newest)
			newest = p->view.newest_ns;
	}
	return newest - l->opts.lateness_ns;
}

/* Empty steps in [from, to], as long as a series may be live in them (the last one then carries the stale markers). */
static void fill(struct ledger *l, int64_t from, int64_t to)
{
	if (l->newest_step == INT64_MIN)
		return;
	if (to > l->newest_step + l->expire_steps)
		to = l->newest_step + l->expire_steps;
	for (int64_t n = from; n <= to; n++) {
		step_close(step_open(l, n));
		l->closed_len++;
	}
}

static void close_through(struct ledger *l, int64_t last)
{
	if (last <= l->last_closed)
		return;
	int64_t inside = first_inside(l), next = l->last_closed == INT64_MIN || l->last_closed < inside ? inside : l->last_closed + 1;
	l->last_closed = last;
	while (l->closed_len < l->steps_len && l->steps[l->closed_len]->number <= last) {
		struct step *step = l->steps[l->closed_len];
		fill(l, next, step->number - 1);
		step_close(step);
		l->closed_len++;
		l->newest_step = step->number;
		next = step->number >= next ? step->number + 1 : next;
	}
	fill(l, next, last);
	if (l->closed_len == 0 && l->live_len) {
		/* live for longer than their increments explain (steps were skipped): they still need a step to end in */
		step_close(step_open(l, last));
		l->closed_len++;
	}
}

void time_close(struct ledger *l)
{
	int64_t mark = watermark(l);
	if (mark != INT64_MIN)
		close_through(l, floor_div(mark, l->opts.step_ns) - 1);
}

void time_close_all(struct ledger *l)
{
	if (l->steps_len > l->closed_len)
		close_through(l, l->steps[l->steps_len - 1]->number);
}
