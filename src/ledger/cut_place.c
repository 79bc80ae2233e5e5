/* SPDX-License-Identifier: Apache-2.0 */
/* What a place of a cut sends: a counter's value, a histogram's buckets with sum and count, its native form, its stale markers, and those of bounds that its metric has no more. */
#include "ledger/cut_parts.h"

#include "metric/rule_family.h"

/* At most one exemplar a place; its time moved into the step. */
static bool fit_exemplar(const struct draft *d, const struct exemplar *e, struct exemplar *ret)
{
	if (!e || (e->trace_len == 0 && e->span_len == 0))
		return false;
	*ret = *e;
	if (ret->time_ns / NS_PER_MS <= d->start_ms)
		ret->time_ns = (d->start_ms + 1) * NS_PER_MS;
	if (ret->time_ns / NS_PER_MS > d->end_ms)
		ret->time_ns = d->end_ms * NS_PER_MS;
	return true;
}

void cut_put(struct draft *d, const struct series *s, const double *values, int64_t at_ms, size_t marked, const struct exemplar *exemplar)
{
	set_points(d, s, at_ms);
	d->points.values = values;
	d->points.marked = marked;
	d->points.exemplar = exemplar;
	if (d->write2)
		write2_series(d->write2, &d->points);
	else
		remote_write_series(&d->cut->bytes, &d->points);
}

/* d->message as a TimeSeries. */
static void put_native(struct draft *d, const struct series *s, const struct exemplar *exemplar)
{
	const struct points p = {.family = d->kin->family, .names = d->points.names, .labels = s->pairs, .order = s->order, .exemplar = exemplar};
	if (d->write2)
		write2_native(d->write2, &p, buf_slice(&d->message));
	else
		remote_write_native(&d->cut->bytes, &p, buf_slice(&d->message));
}

/* The value before the step (increment NULL) or after it. */
static size_t add_native(struct draft *d, const struct walk *w, const struct increment *i, int64_t at_ms)
{
	const struct series *s = w->series;
	struct exemplar exemplar;
	bool has = i && fit_exemplar(d, step_exemplar(w->step, i), &exemplar);
	native_reset(&d->native);
	if (s->native)
		native_add(&d->native, s->native);
	if (i && i->native)
		native_add(&d->native, step_native(w->step, i));
	native_limit(&d->native);
	buf_reset(&d->message);
	native_encode(&d->message, &d->native, at_ms, d->write2 ? beginning_ms(d, s) : 0);
	put_native(d, s, has ? &exemplar : NULL);
	return has;
}

static void add_stale(struct draft *d, struct series *s, struct forms forms)
{
	double values[BOUNDS_MAX + 3];
	for (size_t i = 0; i < d->kin->classic; i++)
		values[i] = remote_write_stale();
	if (forms.classic)
		cut_put(d, s, values, d->end_ms, 0, NULL);
	buf_reset(&d->message);
	native_encode_stale(&d->message, d->end_ms);
	if (forms.native)
		put_native(d, s, NULL);
}

static size_t bucket_of(const struct family *family, double value)
{
	size_t at = 0;
	while (at < family->bounds_len && !(value <= family->bounds[at]))
		at++;
	return at;
}

/* The value before the step (increment NULL) or after it. */
static size_t add_histogram(struct draft *d, const struct walk *w, const struct increment *i, int64_t at_ms)
{
	struct series *s = w->series;
	const uint64_t *more = i ? step_buckets(w->step, i) : NULL;
	double values[BOUNDS_MAX + 3];
	struct exemplar exemplar;
	bool has = i && fit_exemplar(d, step_exemplar(w->step, i), &exemplar);
	uint64_t total = 0;
	size_t buckets = d->kin->family->bounds_len + 1;
	for (size_t b = 0; b < buckets; b++) {
		total += s->now.buckets[b] + (more ? more[b] : 0);
		values[b] = (double)total;
	}
	values[buckets] = s->now.sum;
	if (more)
		values[buckets] += step_sum(w->step, i);
	values[buckets + 1] = (double)total;
	cut_put(d, s, values, at_ms, has ? bucket_of(d->kin->family, exemplar.value) : 0, has ? &exemplar : NULL);
	return has;
}

static size_t add_plain(struct draft *d, const struct walk *w, const struct increment *i, int64_t at_ms)
{
	struct series *s = w->series;
	struct exemplar exemplar;
	double value = value_of(d, w, i);
	bool has = i && fit_exemplar(d, step_exemplar(w->step, i), &exemplar);
	cut_put(d, s, &value, at_ms, 0, has ? &exemplar : NULL);
	return has;
}

static size_t add_samples(struct draft *d, const struct walk *w, struct forms forms, const struct increment *i, int64_t at_ms)
{
	size_t exemplars = 0;
	if (d->kin->family->type != METRIC_HISTOGRAM)
		return add_plain(d, w, i, at_ms);
	if (forms.classic)
		exemplars += add_histogram(d, w, i, at_ms);
	if (forms.native)
		exemplars += add_native(d, w, i, at_ms);
	return exemplars;
}

/* Goes through the bounds that the series' metric had and has no more. */
struct retired {
	size_t at, bound;
	const struct family *family;
};

static bool has_bound(const struct family *f, double bound)
{
	for (size_t i = 0; i < f->bounds_len; i++)
		if (f->bounds[i] == bound)
			return true;
	return false;
}

/* Whether the series still has it, or an earlier definition of the list told of it. */
static bool is_told(const struct walk *w, size_t at, double bound)
{
	uint64_t key = family_key(w->series->family);
	bool told = has_bound(family_get(w->series->family), bound);
	for (size_t i = 0; i < at && !told; i++)
		told = family_key(w->step->retired[i]) == key && has_bound(family_get(w->step->retired[i]), bound);
	return told;
}

static bool next_retired(const struct walk *w, struct retired *r)
{
	if (!w->series->live || !family_is_of_rule(w->series->family))
		return false;
	for (; r->at < w->step->retired_len; r->at++, r->bound = 0) {
		enum family_id id = w->step->retired[r->at];
		if (family_key(id) != family_key(w->series->family))
			continue;
		r->family = family_get(id);
		while (r->bound < r->family->bounds_len)
			if (!is_told(w, r->at, r->family->bounds[r->bound++]))
				return true;
	}
	return false;
}

size_t cut_retired_samples(const struct walk *w)
{
	size_t n = 0;
	for (struct retired r = {0}; next_retired(w, &r);)
		n++;
	return n;
}

/* Seldom, so in the plain way. */
static void add_retired(struct draft *d, const struct walk *w)
{
	const struct series *s = w->series;
	for (struct retired r = {0}; next_retired(w, &r);) {
		struct buf block = {0}, bound = {0};
		struct pair *name = d->points.names->name[0];
		remote_write_bound_text(&bound, r.family->bounds[r.bound - 1]);
		struct write2_label named = {.label = pair_label(name)}, le = {.label = {SLICE("le"), buf_slice(&bound)}};
		if (d->write2) {
			write2_labels(d->write2, r.family, s->labels, s->labels_len);
			write2_point(d->write2, &named, &le, remote_write_stale(), d->end_ms, beginning_ms(d, s), NULL);
		} else {
			remote_write_label_block(&block, pair_label(name).value, s->labels, s->labels_len, &le.label);
			remote_write_add(&d->cut->bytes, buf_slice(&block), remote_write_stale(), d->end_ms, NULL);
		}
		buf_done(&block);
		buf_done(&bound);
	}
}

void cut_note_family(struct cut *c, enum family_id family)
{
	if (!family_is_of_rule(family)) {
		c->families |= UINT64_C(1) << family;
		return;
	}
	const enum family_id *known = (const enum family_id *)(const void *)c->rule_families.data;
	for (size_t i = c->rule_families.len / sizeof(family); i-- > 0;)
		if (known[i] == family)
			return;
	buf_add(&c->rule_families, &family, sizeof(family));
}

size_t cut_write_place(struct draft *d, const struct walk *w, bool anchors, struct forms forms)
{
	size_t exemplars = 0;
	if (anchors)
		add_samples(d, w, forms, NULL, d->start_ms);
	else if (w->look == LOOK_STALE)
		add_stale(d, w->series, forms);
	else
		exemplars = add_samples(d, w, forms, w->increment, d->end_ms);
	if (!anchors && forms.classic && w->step->retired_len)
		add_retired(d, w);
	if (!anchors && d->tells_metadata)
		cut_note_family(d->cut, w->series->family);
	return exemplars;
}

