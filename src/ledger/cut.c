/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of a step. A place is a series that sends something: all its samples (a histogram's buckets, sum and count) stay in one request. */
#include "ledger/cut_parts.h"

#include "base/mem.h"
#include "metric/rule_family.h"

#include <stdlib.h>

/* Metadata goes with every sixth step: once a minute at the usual step. */
enum { METADATA_EVERY = 6 };

static void open_request(struct draft *d, bool anchors, uint32_t first)
{
	d->requests = mem_grow(d->requests, d->len, &d->cap, sizeof(*d->requests));
	d->last = &d->requests[d->len++];
	*d->last = (struct drafted){.request = {.first = first, .last = first, .anchors = anchors}, .begin = d->cut->bytes.len};
	if (d->write2)
		write2_begin_in(d->write2, &d->cut->bytes);
}

/* What was written so far is the body of the last request. */
static void flush(struct draft *d)
{
	struct drafted *last = d->last;
	if (!last)
		return;
	if (d->write2 && write2_series_len(d->write2))
		last->begin = write2_finish_in(d->write2);
	else if (d->write2)
		last->begin = d->cut->bytes.len;
	last->end = d->cut->bytes.len;
}

/* Whether a place with so many samples goes into the last request. Asked before the place is written, so that no symbol table has to be divided. */
static inline bool fits(const struct draft *d, bool anchors, size_t samples)
{
	const struct cut_request *r = &d->last->request;
	return r->anchors == anchors && ((r->samples + samples <= d->max_samples && d->last->bytes <= d->max_bytes) || !r->samples || !samples);
}

static __attribute__((noinline)) bool open_next(struct draft *d, bool anchors, uint32_t place)
{
	flush(d);
	if (d->len && d->cut->bytes.len >= d->part_bytes)
		return false;
	open_request(d, anchors, place);
	return true;
}

/* The request that a place goes to. False: the part is full, and the place is the first one of the next part. */
static inline bool make_room(struct draft *d, bool anchors, uint32_t place, size_t samples)
{
	return (d->last && fits(d, anchors, samples)) || open_next(d, anchors, place);
}

static void account(struct draft *d, uint32_t place, size_t samples, size_t exemplars)
{
	struct cut_request *r = &d->last->request;
	r->last = place + 1;
	r->samples += samples;
	r->exemplars += exemplars;
	d->last->bytes = d->write2 ? write2_len(d->write2) : d->cut->bytes.len - d->last->begin;
}

static __attribute__((noinline)) void find_kin(struct draft *d, struct kin *k, enum family_id id)
{
	k->id = id;
	k->family = family_get(id);
	k->names = series_names(d->l, k->family);
	k->classic = k->family->type == METRIC_HISTOGRAM ? k->family->bounds_len + 3 : 1;
	k->gauge = k->family->type == METRIC_GAUGE;
	k->sums = k->family->sums;
}

static inline void use_family(struct draft *d, enum family_id id)
{
	struct kin *k = &d->kins[id % KIN_SLOTS];
	if (!k->family || k->id != id)
		find_kin(d, k, id);
	d->kin = k;
	d->points.family = k->family;
	d->points.names = k->names;
}

/* False: the part is full. */
static __attribute__((noinline)) bool add_place(struct draft *d, const struct walk *w, bool anchors, uint32_t place)
{
	struct series *s = w->series;
	struct forms forms = forms_of(d, w);
	size_t exemplars = 0, samples = (forms.classic ? d->kin->classic : 0) + forms.native;
	if (!anchors && forms.classic && w->step->retired_len)
		samples += cut_retired_samples(w);
	samples = s->aside ? 0 : samples;
	if (!make_room(d, anchors, place, samples))
		return false;
	if (!s->aside)
		exemplars = cut_write_place(d, w, anchors, forms);
	account(d, place, samples, exemplars);
	return true;
}

/* A counter or gauge that has a value and nothing else to say, as nearly all series in nearly all steps. */
static inline bool is_value(const struct draft *d, const struct walk *w)
{
	return d->kin->classic == 1 && w->look == LOOK_SAMPLE && !w->series->aside && !w->step->retired_len && !(w->increment && w->increment->exemplar);
}

/* Its place. False: the part is full. */
static inline bool add_value(struct draft *d, const struct walk *w, uint32_t place)
{
	if (!make_room(d, false, place, 1))
		return false;
	const double value = value_of(d, w, w->increment);
	struct drafted *last = d->last;
	if (d->write2) {
		set_points(d, w->series, d->end_ms);
		last->bytes = write2_value(d->write2, &d->points, value);
	} else {
		cut_put(d, w->series, &value, d->end_ms, 0, NULL);
		last->bytes = d->cut->bytes.len - last->begin;
	}
	if (d->tells_metadata)
		cut_note_family(d->cut, w->series->family);
	last->request.last = place + 1;
	last->request.samples++;
	return true;
}

static const struct step *begin_cut(struct draft *d, struct ledger *l, int64_t number, enum remote_write_version version, struct cut *c)
{
	c->step = number;
	c->end_ns = (number + 1) * l->opts.step_ns;
	c->len = 0;
	c->more = false;
	c->version = version;
	buf_reset(&c->bytes);
	d->l = l;
	d->cut = c;
	d->tells_metadata = number % METADATA_EVERY == 0;
	d->end_ms = c->end_ns / NS_PER_MS;
	d->start_ms = (c->end_ns - l->opts.step_ns) / NS_PER_MS;
	d->first_step = INT64_MIN;
	if (l->closed_len == 0 || l->steps[0]->number != number)
		return NULL;
	if (version == REMOTE_WRITE_2 && !c->writer)
		c->writer = write2_new();
	if (version == REMOTE_WRITE_2)
		write2_share(c->writer, &l->pairs);
	if (version == REMOTE_WRITE_2)
		d->write2 = c->writer;
	return l->steps[0];
}

/* Metadata at the end of the last request. */
static void add_metadata(struct draft *d)
{
	struct cut *c = d->cut;
	if (d->write2 || !d->last || d->last->request.anchors)
		return;
	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		if (c->families >> f & 1)
			remote_write_add_metadata(&c->bytes, family_get((enum family_id)f));
	const enum family_id *of_rules = (const enum family_id *)(const void *)c->rule_families.data;
	for (size_t i = 0; i < c->rule_families.len / sizeof(*of_rules); i++)
		remote_write_add_metadata(&c->bytes, family_get(of_rules[i]));
}

/* Turns offsets into bodies; requests that came out empty (all series aside) are left out. */
static void finish(struct draft *d)
{
	struct cut *c = d->cut;
	flush(d);
	buf_reset(&c->array);
	for (size_t i = 0; i < d->len; i++) {
		struct cut_request *r = &d->requests[i].request;
		r->body = slice_of(c->bytes.data + d->requests[i].begin, d->requests[i].end - d->requests[i].begin);
		if (r->body.len)
			buf_add(&c->array, r, sizeof(*r));
	}
	c->requests = (struct cut_request *)(void *)c->array.data;
	c->len = c->array.len / sizeof(*c->requests);
	free(d->requests);
	native_done(&d->native);
	buf_done(&d->message);
}

static bool begins(const struct walk *w)
{
	return w->look == LOOK_SAMPLE && !w->series->live && !w->step->anchored && family_get(w->series->family)->type != METRIC_GAUGE;
}

/* Where the next part goes on: at the place that did not fit. */
static void remember(struct cut *c, const struct walk *w, uint32_t place)
{
	c->next.series = w->next_series - 1;
	c->next.increment = w->next_increment - (w->increment != NULL);
	c->next.place = place;
	c->more = true;
}

/* First values: only series with increments have any. */
static void cut_anchors(struct draft *d, const struct step *step)
{
	struct cut *c = d->cut;
	struct walk w = {.l = d->l, .step = step, .next_increment = c->next.increment};
	uint32_t place = c->next.place;
	while (walk_increments(&w)) {
		c->begins |= w.anchor || begins(&w);
		if (!w.anchor)
			continue;
		use_family(d, w.series->family);
		if (!add_place(d, &w, true, place)) {
			remember(c, &w, place);
			return;
		}
		place++;
	}
	c->next.values = true;
	c->next.series = c->next.increment = c->next.place = 0;
}

static void cut_values(struct draft *d, const struct step *step)
{
	struct cut *c = d->cut;
	struct walk w = {.l = d->l, .step = step, .next_series = c->next.series, .next_increment = c->next.increment};
	uint32_t place = c->next.place;
	while (walk_next(&w)) {
		if (w.look == LOOK_NOTHING)
			continue;
		use_family(d, w.series->family);
		if (!(is_value(d, &w) ? add_value(d, &w, place) : add_place(d, &w, false, place))) {
			remember(c, &w, place);
			return;
		}
		place++;
	}
	add_metadata(d);
}

void ledger_cut_part(struct ledger *l, int64_t step, enum remote_write_version version, size_t max_samples, size_t max_bytes, size_t part_bytes, struct cut *c)
{
	struct draft d = {.max_samples = max_samples, .max_bytes = max_bytes, .part_bytes = part_bytes};
	const struct step *s = begin_cut(&d, l, step, version, c);
	if (!s)
		return;
	if (!c->next.values)
		cut_anchors(&d, s);
	if (c->next.values)
		cut_values(&d, s);
	finish(&d);
}

void cut_again(struct cut *c)
{
	*c = (struct cut){.bytes = c->bytes, .array = c->array, .writer = c->writer, .rule_families = c->rule_families};
	buf_reset(&c->bytes);
	buf_reset(&c->array);
	buf_reset(&c->rule_families);
}

void ledger_cut(struct ledger *l, int64_t step, enum remote_write_version version, size_t max_samples, size_t max_bytes, struct cut *ret)
{
	*ret = (struct cut){0};
	ledger_cut_part(l, step, version, max_samples, max_bytes, SIZE_MAX, ret);
}

void ledger_cut_range(struct ledger *l, int64_t step, bool anchors, uint32_t first, uint32_t last, struct cut *ret)
{
	struct draft d = {.max_samples = SIZE_MAX, .max_bytes = SIZE_MAX, .part_bytes = SIZE_MAX};
	*ret = (struct cut){0};
	const struct step *s = begin_cut(&d, l, step, REMOTE_WRITE_1, ret);
	if (!s)
		return;
	struct walk w = {.l = l, .step = s};
	for (uint32_t place = 0; place < last && walk_place(&w, anchors); place++) {
		if (place < first)
			continue;
		use_family(&d, w.series->family);
		add_place(&d, &w, anchors, place);
	}
	finish(&d);
}

void cut_done(struct cut *c)
{
	buf_done(&c->bytes);
	buf_done(&c->array);
	buf_done(&c->rule_families);
	write2_free(c->writer);
	*c = (struct cut){0};
}
