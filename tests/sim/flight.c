/* SPDX-License-Identifier: Apache-2.0 */
/* Appends between an instance and the journal: late, doubled, lost, or said to be lost and there all the same; reordered between writers. */
#include "world.h"

#include "base/mem.h"

void journal_add(struct world *w, const struct buf *bytes)
{
	w->journal = mem_grow(w->journal, w->journal_len, &w->journal_cap, sizeof(*w->journal));
	w->journal[w->journal_len] = (struct buf){0};
	buf_add_slice(&w->journal[w->journal_len++], buf_slice(bytes));
}

static void plan(struct world *w, struct flight *f)
{
	uint64_t fate = w->calm ? 100 : roll(w, 100);
	f->land_ns = w->now_ns + (int64_t)roll(w, w->calm ? 1 : 3) * NS_PER_S;
	if (!w->calm && chance(w, 4))
		f->land_ns += SECONDS(roll(w, 90));
	f->report_ns = f->land_ns;
	f->again_ns = INT64_MAX;
	f->ok = true;
	if (fate < 3) { /* there, but nobody says so */
		f->ok = false;
		f->report_ns += SECONDS(10);
	} else if (fate < 6) { /* not there */
		f->ok = false;
		f->report_ns += SECONDS(10);
		f->land_ns = INT64_MAX;
	} else if (fate < 9) { /* said not to be there, and comes later all the same */
		f->ok = false;
		f->land_ns += SECONDS(roll(w, 60));
	} else if (fate < 14) { /* twice */
		f->again_ns = f->land_ns + SECONDS(roll(w, 60));
	}
}

void flight_append(struct world *w, struct instance *i, int worker, const struct buf *bytes)
{
	w->flights = mem_grow(w->flights, w->flights_len, &w->flights_cap, sizeof(*w->flights));
	struct flight *f = &w->flights[w->flights_len++];
	*f = (struct flight){.instance = i->index, .worker = worker, .life = i->life, .writer = worker < 0 ? 0 : i->shards[worker].writer};
	buf_add_slice(&f->bytes, buf_slice(bytes));
	plan(w, f);
	if (chance(w, 90)) /* a producer keeps its order, nearly always */
		for (size_t k = 0; k + 1 < w->flights_len; k++)
			if (w->flights[k].instance == i->index && w->flights[k].land_ns != INT64_MAX && w->flights[k].land_ns > f->land_ns && f->land_ns != INT64_MAX)
				f->land_ns = w->flights[k].land_ns;
	if (f->ok && f->report_ns < f->land_ns)
		f->report_ns = f->land_ns; /* what is said to be there is there */
}

static void report(struct world *w, struct flight *f)
{
	struct instance *i = &w->instances[f->instance];
	f->reported = true;
	if (!i->alive || i->life != f->life)
		return;
	if (f->worker == FLIGHT_OF_CLAIM) {
		sending_claimed(i, f->ok);
		return;
	}
	if (f->worker == FLIGHT_OF_SENDER) {
		sending_appended(w, i, f->ok);
		return;
	}
	if (i->shards[f->worker].writer != f->writer)
		return;
	i->shards[f->worker].flying--;
	if (!f->ok)
		counter_rewind(w, i, f->worker); /* outcome unknown: read back to know */
}

static bool over(const struct world *w, const struct flight *f)
{
	const struct instance *i = &w->instances[f->instance];
	return f->land_ns == INT64_MAX && f->again_ns == INT64_MAX && (f->reported || !i->alive || i->life != f->life);
}

/* The flight that lands next by now, or NULL. */
static struct flight *landing(struct world *w)
{
	struct flight *next = NULL;
	for (size_t k = 0; k < w->flights_len; k++)
		if (w->flights[k].land_ns <= w->now_ns && (!next || w->flights[k].land_ns < next->land_ns))
			next = &w->flights[k];
	return next;
}

void flight_tick(struct world *w)
{
	for (struct flight *f; (f = landing(w)) != NULL;) {
		journal_add(w, &f->bytes);
		f->land_ns = f->again_ns;
		f->again_ns = INT64_MAX;
	}
	size_t kept = 0;
	for (size_t k = 0; k < w->flights_len; k++) {
		struct flight *f = &w->flights[k];
		if (!f->reported && f->report_ns <= w->now_ns && instance_active(w, &w->instances[f->instance]))
			report(w, f);
		if (over(w, f))
			buf_done(&f->bytes);
		else
			w->flights[kept++] = *f;
	}
	w->flights_len = kept;
}
