/* SPDX-License-Identifier: Apache-2.0 */
/* A cut on its way: what cut.c, which fills requests, and cut_place.c, which writes a place's samples, share. Private to the two. */
#ifndef WINNOW_LEDGER_CUT_PARTS_H
#define WINNOW_LEDGER_CUT_PARTS_H

#include "base/clock.h"
#include "ledger/walk.h"
#include "metric/write2.h"

/* What all series of a family have in common. */
struct kin {
	const struct family *family;   /* NULL: none yet */
	const struct family_pairs *names;
	enum family_id id;
	size_t classic;                /* samples of a series */
	bool gauge, sums;              /* of the family */
};

enum { KIN_SLOTS = 32 };

/* A request, its body as places in cut.bytes, which moves. */
struct drafted {
	struct cut_request request;
	size_t begin, end;
	size_t bytes;                  /* while it is written: so far */
};

struct draft {
	struct ledger *l;
	struct cut *cut;
	struct write2 *write2;         /* NULL: version 1 */
	struct kin kins[KIN_SLOTS];    /* by family_id */
	const struct kin *kin;         /* of the last one */
	int64_t first_step, begun_ms;  /* of the last one: when what began in a step, began */
	struct points points;          /* of the last one; family and names are right for the next one of its family */
	struct native native;          /* of a series after the step */
	struct buf message;
	size_t max_samples, max_bytes, part_bytes;
	int64_t start_ms, end_ms;
	bool tells_metadata;           /* this step does */
	struct drafted *requests, *last; /* last: NULL: none yet */
	size_t len, cap;
};

/* When the receiver first had it: for what counts up. */
static inline int64_t beginning_ms(struct draft *d, const struct series *s)
{
	if (d->kin->gauge || (s->live && s->first_step == INT64_MIN))
		return 0;
	if (s->first_step == INT64_MIN)
		return d->start_ms;
	if (s->first_step != d->first_step) {
		d->first_step = s->first_step;
		d->begun_ms = s->first_step * d->l->opts.step_ns / NS_PER_MS;
	}
	return d->begun_ms;
}

static inline void set_points(struct draft *d, const struct series *s, int64_t at_ms)
{
	struct points *p = &d->points;
	p->labels = s->pairs;
	p->order = s->order;
	p->at_ms = at_ms;
	p->begun_ms = beginning_ms(d, s);
}

static inline double value_of(const struct draft *d, const struct walk *w, const struct increment *i)
{
	const struct value *now = &w->series->now;
	if (!i)
		return d->kin->sums ? now->sum : (double)now->count;
	return d->kin->gauge ? (double)i->count : d->kin->sums ? now->sum + step_sum(w->step, i) : (double)(now->count + i->count);
}

/* What of a series is sent: both only of histograms. */
struct forms {
	bool classic, native;
};

static inline struct forms forms_of(const struct draft *d, const struct walk *w)
{
	enum ledger_histograms wanted = d->l->opts.histograms;
	bool native = wanted != LEDGER_CLASSIC && (w->series->native || (w->increment && w->increment->native));
	return (struct forms){.classic = !native || wanted == LEDGER_BOTH, .native = native};
}

/* A place's samples at a time; marked and exemplar: of one bucket, or none. */
void cut_put(struct draft *d, const struct series *s, const double *values, int64_t at_ms, size_t marked, const struct exemplar *exemplar);
/* The metadata of the family goes with the step. */
void cut_note_family(struct cut *c, enum family_id family);
/* Of bounds that a changed metric has no more: how many markers the place sends for them. */
size_t cut_retired_samples(const struct walk *w);
/* What a place sends; the number of exemplars in it. */
size_t cut_write_place(struct draft *d, const struct walk *w, bool anchors, struct forms forms);

#endif
