/* SPDX-License-Identifier: Apache-2.0 */
/* What a step sends, series by series in order: the one truth that cuts, marks and names go by. Private to the room; inline, as a cut asks it of every series. */
#ifndef WINNOW_LEDGER_WALK_H
#define WINNOW_LEDGER_WALK_H

#include "ledger/state.h"

enum look { LOOK_NOTHING, LOOK_SAMPLE, LOOK_STALE };

struct walk {
	const struct ledger *l;
	const struct step *step;
	size_t next_series, next_increment;
	struct series *series;            /* the current one */
	const struct increment *increment; /* NULL: none in this step */
	enum look look;
	bool anchor;                      /* the series needs its value from before, one step earlier */
};

/* What the current series does in the step. */
static inline void walk_look(struct walk *w)
{
	const struct series *s = w->series;
	const struct increment *i = w->increment;
	bool ends = i && i->exemplar == INCREMENT_ENDS;
	bool stale = i ? ends : w->step->number - s->last_step >= w->l->expire_steps;
	w->look = !stale ? LOOK_SAMPLE : s->live ? LOOK_STALE : LOOK_NOTHING;
	/* none where a stale marker is at that very time: the receiver would refuse it, and has the old value right before. A series that ends soon after it
	 * counted says its last value again: it may have been refused or lost, and no later step will carry it */
	bool wakes = !stale && !s->live && s->stale_step != w->step->number - 1;
	bool again = ends && s->live && i->count != END_SAID && w->step->number - 1 - s->last_step < w->l->expire_steps;
	w->anchor = !w->step->anchored && (wakes || again) && family_get(s->family)->type != METRIC_GAUGE;
}

/* Only series with increments in the step, in the same order: next_series is of no use then. */
static inline bool walk_increments(struct walk *w)
{
	enum { FAR = 16 };
	if (w->next_increment == w->step->len)
		return false;
	if (w->step->len - w->next_increment > FAR)
		__builtin_prefetch(&w->step->increments[w->next_increment + FAR].series->family);
	w->increment = &w->step->increments[w->next_increment++];
	w->series = w->increment->series;
	walk_look(w);
	return true;
}

/* Series lie all over the memory, and their order is known: what comes next is fetched while the current one is written.
 * Always inline: a function that only reads, and returns nothing, gcc holds for one whose calls can be left out. */
static inline __attribute__((always_inline)) void walk_fetch(const struct walk *w)
{
	enum { FAR = 16, NEAR = 8, NEXT = 4, PAIRS = 4, LINE = 64 };
	struct series *const *series = &w->l->series[w->next_series];
	if (w->l->series_len - w->next_series <= FAR)
		return;
	__builtin_prefetch(&series[FAR]->family);
	__builtin_prefetch(&series[FAR]->pairs[1]);
	for (size_t i = 0; series[NEAR]->now.buckets && i < 3 * LINE; i += LINE)
		__builtin_prefetch((const char *)series[NEAR]->now.buckets + i);
	for (size_t i = 0; i < PAIRS && i < series[NEXT]->labels_len; i++)
		for (size_t k = 0; k < 2 * LINE; k += LINE)
			__builtin_prefetch((const char *)series[NEXT]->pairs[i] + k);
}

static inline bool walk_next(struct walk *w)
{
	while (w->next_series < w->l->series_len) {
		walk_fetch(w);
		w->series = w->l->series[w->next_series++];
		w->increment = w->next_increment < w->step->len ? &w->step->increments[w->next_increment] : NULL;
		if (w->increment && w->increment->series == w->series)
			w->next_increment++;
		else
			w->increment = NULL;
		if (!w->increment && !w->series->live)
			continue;
		walk_look(w);
		return true;
	}
	return false;
}

/* The next place of either kind. */
static inline bool walk_place(struct walk *w, bool anchors)
{
	while (walk_next(w))
		if (anchors ? w->anchor : w->look != LOOK_NOTHING)
			return true;
	return false;
}

#endif
