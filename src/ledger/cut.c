/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of a step. A place is a series that sends something: all its samples (a histogram's buckets, sum and count) stay in one request. */
#include "base/clock.h"
#include "base/mem.h"
#include "ledger/state.h"
#include "metric/rule_family.h"
#include "metric/write2.h"

#include <stdlib.h>

/* Metadata goes with every sixth step: once a minute at the usual step. */
enum { METADATA_EVERY = 6 };

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

static inline void set_points(struct draft *d, const struct series *s, const double *values, int64_t at_ms, size_t marked, const struct exemplar *exemplar)
{
	struct points *p = &d->points;
	p->labels = s->pairs;
	p->order = s->order;
	p->at_ms = at_ms;
	p->begun_ms = beginning_ms(d, s);
	p->values = values;
	p->marked = marked;
	p->exemplar = exemplar;
}

static void put(struct draft *d, const struct series *s, const double *values, int64_t at_ms, size_t marked, const struct exemplar *exemplar)
{
	set_points(d, s, values, at_ms, marked, exemplar);
	if (d->write2)
		write2_series(d->write2, &d->points);
	else
		remote_write_series(&d->cut->bytes, &d->points);
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
		put(d, s, values, d->end_ms, 0, NULL);
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
	put(d, s, values, at_ms, has ? bucket_of(d->kin->family, exemplar.value) : 0, has ? &exemplar : NULL);
	return has;
}

static inline double value_of(const struct draft *d, const struct walk *w, const struct increment *i)
{
	const struct value *now = &w->series->now;
	if (!i)
		return d->kin->sums ? now->sum : (double)now->count;
	return d->kin->gauge ? (double)i->count : d->kin->sums ? now->sum + step_sum(w->step, i) : (double)(now->count + i->count);
}

static size_t add_plain(struct draft *d, const struct walk *w, const struct increment *i, int64_t at_ms)
{
	struct series *s = w->series;
	struct exemplar exemplar;
	double value = value_of(d, w, i);
	bool has = i && fit_exemplar(d, step_exemplar(w->step, i), &exemplar);
	put(d, s, &value, at_ms, 0, has ? &exemplar : NULL);
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

static size_t retired_samples(const struct walk *w)
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

static void note_family(struct cut *c, enum family_id family)
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

/* What a place sends; the number of exemplars in it. */
static size_t write_place(struct draft *d, const struct walk *w, bool anchors, struct forms forms)
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
		note_family(d->cut, w->series->family);
	return exemplars;
}

/* A counter or gauge that has a value and nothing else to say, as nearly all series in nearly all steps. False: the part is full. */
static inline bool add_value(struct draft *d, const struct walk *w, uint32_t place)
{
	if (!make_room(d, false, place, 1))
		return false;
	const double value = value_of(d, w, w->increment);
	struct drafted *last = d->last;
	set_points(d, w->series, &value, d->end_ms, 0, NULL);
	if (d->write2) {
		last->bytes = write2_value(d->write2, &d->points);
	} else {
		remote_write_series(&d->cut->bytes, &d->points);
		last->bytes = d->cut->bytes.len - last->begin;
	}
	if (d->tells_metadata)
		note_family(d->cut, w->series->family);
	last->request.last = place + 1;
	last->request.samples++;
	return true;
}

/* False: the part is full. */
static bool add_place(struct draft *d, const struct walk *w, bool anchors, uint32_t place)
{
	struct series *s = w->series;
	use_family(d, s->family);
	if (!anchors && d->kin->classic == 1 && w->look == LOOK_SAMPLE && !s->aside && !w->step->retired_len && !(w->increment && w->increment->exemplar))
		return add_value(d, w, place);
	struct forms forms = forms_of(d, w);
	size_t exemplars = 0, samples = (forms.classic ? d->kin->classic : 0) + forms.native;
	if (!anchors && forms.classic && w->step->retired_len)
		samples += retired_samples(w);
	samples = s->aside ? 0 : samples;
	if (!make_room(d, anchors, place, samples))
		return false;
	if (!s->aside)
		exemplars = write_place(d, w, anchors, forms);
	account(d, place, samples, exemplars);
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
		if (!add_place(d, &w, false, place)) {
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

/* The next place of either kind. */
static bool next_place(struct walk *w, bool anchors)
{
	while (walk_next(w))
		if (anchors ? w->anchor : w->look != LOOK_NOTHING)
			return true;
	return false;
}

void ledger_cut_range(struct ledger *l, int64_t step, bool anchors, uint32_t first, uint32_t last, struct cut *ret)
{
	struct draft d = {.max_samples = SIZE_MAX, .max_bytes = SIZE_MAX, .part_bytes = SIZE_MAX};
	*ret = (struct cut){0};
	const struct step *s = begin_cut(&d, l, step, REMOTE_WRITE_1, ret);
	if (!s)
		return;
	struct walk w = {.l = l, .step = s};
	for (uint32_t place = 0; place < last && next_place(&w, anchors); place++)
		if (place >= first)
			add_place(&d, &w, anchors, place);
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

static void write_name(const struct series *s, struct buf *out)
{
	buf_add_str(out, family_get(s->family)->name);
	buf_add_char(out, '{');
	for (size_t i = 0; i < s->labels_len; i++) {
		if (i)
			buf_add_char(out, ',');
		buf_add_slice(out, s->labels[i].name);
		buf_add_char(out, '=');
		buf_add_json_string(out, s->labels[i].value);
	}
	buf_add_char(out, '}');
}

uint64_t ledger_place_name(const struct ledger *l, int64_t step, bool anchors, uint32_t place, struct buf *out)
{
	if (l->closed_len == 0 || l->steps[0]->number != step)
		return 0;
	struct walk w = {.l = l, .step = l->steps[0]};
	for (uint32_t i = 0; next_place(&w, anchors); i++) {
		if (i != place)
			continue;
		write_name(w.series, out);
		return w.series->hash;
	}
	return 0;
}

void ledger_set_aside(struct ledger *l, uint64_t key, bool aside)
{
	for (size_t i = 0; i < l->series_len; i++)
		if (l->series[i]->hash == key)
			l->series[i]->aside = aside;
	uint64_t *known = map_get(&l->aside, key, NULL, NULL);
	if (aside && !known) {
		l->aside_keys = mem_grow(l->aside_keys, l->aside_len, &l->aside_cap, sizeof(uint64_t *));
		known = l->aside_keys[l->aside_len++] = mem_zalloc(1, sizeof(*known));
		*known = key;
		map_put(&l->aside, key, known);
	} else if (!aside && known) {
		map_remove(&l->aside, key, NULL, NULL); /* the key itself is freed with the ledger */
	}
}
