/* SPDX-License-Identifier: Apache-2.0 */
/* The books as the senders see them, each with the ledger of its endpoint.
 *
 * One that takes nothing must not stop the others. What waits for it is bounded (max_pending_steps, max_pending_bytes); past that, one that still moves stops the intake, as
 * one alone does. One that has taken no step for stuck_ns does not: as long as another has room, its oldest steps are folded into the next ones, by marks that say they
 * were skipped, so that nothing of its totals is lost but when in that time they came about. Any instance may say so: whoever leads, or else whoever has waited longer.
 * Should that not help (the journal does not take it), the intake stops at twice the bound. */
#include "app/books_parts.h"

#include "base/clock.h"
#include "base/log.h"

#define CONTESTED_NS (120 * NS_PER_S) /* longer than a leader that lost its leadership goes on, or a record of its is under way */
#define FOLD_AGAIN_NS (10 * NS_PER_S)

/* Of requests that are in memory at a time. */
#define PART_BYTES ((size_t)1 << 20)

enum { FOLD_MAX = 512 };

/* Past so many quarters of the bound. */
static bool is_past(const struct books *b, const struct books_place *p, size_t quarters)
{
	return p->pending_steps * 4 / quarters > b->opts.max_pending_steps || p->pending_bytes * 4 / quarters > b->opts.max_pending_bytes;
}

static bool is_full(const struct books *b, const struct books_place *p)
{
	return is_past(b, p, 4);
}

static bool is_stuck(const struct books *b, const struct books_place *p)
{
	return clock_mono_ns() - p->moved_ns > b->opts.stuck_ns;
}

static bool some_have_room(const struct books *b)
{
	for (size_t i = 0; i < b->endpoints_len; i++)
		if (!is_full(b, &b->places[i]))
			return true;
	return false;
}

bool books_full(struct books *b)
{
	for (size_t i = 0; i < b->endpoints_len; i++) {
		const struct books_place *p = &b->places[i];
		if (is_past(b, p, 8) || (is_full(b, p) && !is_stuck(b, p)))
			return true;
	}
	return !some_have_room(b);
}

/* How many of its oldest steps are folded at once: a sixteenth of what may wait, so that it does not come to that with each step. */
static size_t to_fold(const struct books *b, const struct books_place *p)
{
	size_t waiting = p->pending_steps, most = b->opts.max_pending_steps, n = waiting > most ? waiting - most + most / 16 : waiting / 8 + 1;
	if (n >= waiting)
		n = waiting ? waiting - 1 : 0;
	return n < FOLD_MAX ? n : FOLD_MAX;
}

static void fold_oldest(struct books *b, struct books_place *p)
{
	struct err err = {0};
	size_t done = 0;
	for (size_t n = to_fold(b, p); done < n; done++) {
		struct buf record = {0};
		int64_t step = ledger_pending_at(p->ledger, done);
		mark_encode(&record, p->endpoint, step, true, books_now(b), b->leader);
		int rc = journal_append(b->journal, buf_slice(&record), &err);
		buf_done(&record);
		if (rc)
			break;
		p->folding_to = step;
	}
	p->fold_again_ns = clock_mono_ns() + FOLD_AGAIN_NS;
	p->folded += done;
	if (done)
		log_line(LOG_WARN, "sender", "remote write to \"%s\" takes nothing, and what waits for it is all that may: its %zu oldest steps will be sent as one, so that others go on", p->name, done);
}

void books_make_room(struct books *b)
{
	for (size_t i = 0; i < b->endpoints_len && b->endpoints_len > 1; i++) {
		struct books_place *p = &b->places[i];
		bool told = p->folding_to != INT64_MIN && p->pending_steps && ledger_pending_first(p->ledger) <= p->folding_to;
		if (!is_past(b, p, b->leading ? 4 : 5) || !is_stuck(b, p) || (told && clock_mono_ns() < p->fold_again_ns) || !some_have_room(b))
			continue;
		fold_oldest(b, p);
	}
}

void books_waiting(struct books *b, size_t endpoint, struct books_waiting *ret)
{
	const struct books_place *p = &b->places[endpoint];
	pthread_mutex_lock(&b->lock);
	int64_t first = p->ledger ? ledger_pending_first(p->ledger) : INT64_MIN;
	*ret = (struct books_waiting){.steps = p->pending_steps, .bytes = p->pending_bytes, .folded = p->folded, .since_ns = first == INT64_MIN ? 0 : (first + 1) * b->opts.ledger.step_ns};
	if (p->ledger) {
		struct ledger_stats stats;
		ledger_stats(p->ledger, &stats);
		ret->series = ledger_series_len(p->ledger);
		ret->marks = stats.marks;
	}
	pthread_mutex_unlock(&b->lock);
}

uint64_t books_generation(struct books *b, size_t endpoint)
{
	return b->places[endpoint].generation;
}

int64_t books_step_to_send(struct books *b, size_t endpoint, bool *ret_newest)
{
	const struct books_place *p = &b->places[endpoint];
	int64_t step = INT64_MIN;
	if (!b->leading || p->pending_steps == 0)
		return INT64_MIN;
	pthread_mutex_lock(&b->lock);
	if (p->ledger) {
		step = ledger_pending_first(p->ledger);
		*ret_newest = ledger_pending_steps(p->ledger) == 1;
	}
	pthread_mutex_unlock(&b->lock);
	return step;
}

bool books_cut(struct books *b, size_t endpoint, int64_t step, enum remote_write_version version, size_t max_samples, size_t max_bytes, struct cut *cut)
{
	pthread_mutex_lock(&b->lock);
	bool oldest = ledger_pending_first(b->places[endpoint].ledger) == step;
	if (oldest)
		ledger_cut_part(b->places[endpoint].ledger, step, version, max_samples, max_bytes, PART_BYTES, cut);
	pthread_mutex_unlock(&b->lock);
	return oldest;
}

bool books_contested(struct books *b)
{
	return !books_catch_up(b, 5 * NS_PER_S) || b->others_claim || (b->others_ns && b->journal_time - b->others_ns < CONTESTED_NS);
}

uint64_t books_leadership(struct books *b)
{
	return b->leadership;
}

/* Appends and waits (a second at most) until everything up to there has been folded. */
static int append_and_fold(struct books *b, struct buf *record, struct err *err)
{
	int rc = journal_append(b->journal, buf_slice(record), err);
	buf_done(record);
	if (!rc)
		books_catch_up(b, NS_PER_S);
	return rc;
}

int books_mark(struct books *b, size_t endpoint, int64_t step, bool skipped, struct err *err)
{
	struct buf record = {0};
	mark_encode(&record, b->places[endpoint].endpoint, step, skipped, books_now(b), b->leader);
	return append_and_fold(b, &record, err);
}

bool books_overtaken(struct books *b, size_t endpoint, int64_t step, bool anchors)
{
	if (!books_catch_up(b, 5 * NS_PER_S))
		return true;
	pthread_mutex_lock(&b->lock);
	bool overtaken = ledger_pending_first(b->places[endpoint].ledger) != step || (anchors && ledger_anchored(b->places[endpoint].ledger, step));
	pthread_mutex_unlock(&b->lock);
	return overtaken;
}

int books_anchored(struct books *b, size_t endpoint, int64_t step, struct err *err)
{
	struct buf record = {0};
	anchored_encode(&record, b->places[endpoint].endpoint, step, books_now(b), b->leader);
	int rc = append_and_fold(b, &record, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&b->lock);
	bool anchored = ledger_anchored(b->places[endpoint].ledger, step);
	pthread_mutex_unlock(&b->lock);
	return anchored ? 0 : err_set(err, ERR_AGAIN, "another instance has gone on past this step, or the journal is not read back yet");
}
