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

/* How the TimeSeries of a family are told apart: in the order of series_blocks. */
struct parts {
	const struct family *family;
	struct write2_label name[3];  /* _bucket, _sum, _count; or the name alone */
	struct write2_label le[BOUNDS_MAX + 1];
};

struct draft {
	const struct ledger *l;
	struct cut *cut;
	struct write2 *write2;        /* NULL: version 1 */
	struct map parts;             /* version 2: by family */
	struct parts *current;
	const struct series *labelled; /* whose labels write2 has */
	size_t max_samples, max_bytes;
	int64_t start_ms, end_ms;
	struct cut_request *requests; /* body.len: where it begins, until finish */
	size_t len, cap;
	uint64_t families;            /* with values in this step */
	enum family_id *rule_families; /* those that rules define */
	size_t rule_families_len, rule_families_cap;
};

static struct cut_request *open_request(struct draft *d, bool anchors, uint32_t first, size_t begin)
{
	d->requests = mem_grow(d->requests, d->len, &d->cap, sizeof(*d->requests));
	struct cut_request *r = &d->requests[d->len++];
	*r = (struct cut_request){.body = {.len = begin}, .first = first, .last = first, .anchors = anchors};
	return r;
}

/* Version 2: what was written so far becomes a body. */
static void flush(struct draft *d)
{
	if (!d->write2)
		return;
	if (write2_series_len(d->write2))
		write2_finish(d->write2, &d->cut->bytes);
	write2_begin(d->write2);
	d->labelled = NULL;
}

/* Version 2: a new request before a place that would make the last one too large. A symbol table cannot be divided afterwards. */
static void make_room(struct draft *d, bool anchors, uint32_t place, size_t samples)
{
	const struct cut_request *r = d->len ? &d->requests[d->len - 1] : NULL;
	if (!d->write2 || (r && r->anchors == anchors && !(r->samples && samples && (r->samples + samples > d->max_samples || write2_len(d->write2) > d->max_bytes))))
		return;
	flush(d);
	open_request(d, anchors, place, d->cut->bytes.len);
}

/* Counts a place whose bytes begin at begin into the last request of its kind, or into a new one if that would be too large. */
static void account(struct draft *d, bool anchors, uint32_t place, size_t begin, size_t samples, size_t exemplars)
{
	struct cut_request *r = d->len ? &d->requests[d->len - 1] : NULL;
	size_t bytes = r ? d->cut->bytes.len - r->body.len : 0;
	if (!d->write2 && (!r || r->anchors != anchors || (r->samples && samples && (r->samples + samples > d->max_samples || bytes > d->max_bytes))))
		r = open_request(d, anchors, place, begin);
	r->last = place + 1;
	r->samples += samples;
	r->exemplars += exemplars;
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

static struct parts *make_parts(struct draft *d, const struct family *family)
{
	static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
	struct parts *p = arena_zalloc(&d->cut->arena, sizeof(*p));
	struct buf text = {0};
	p->family = family;
	for (size_t i = 0; i < 3; i++) {
		buf_reset(&text);
		buf_printf(&text, "%s%s", family->name, family->type == METRIC_HISTOGRAM ? suffixes[i] : "");
		p->name[i].label = (struct label){.name = SLICE("__name__"), .value = arena_copy(&d->cut->arena, buf_slice(&text))};
	}
	for (size_t i = 0; i <= family->bounds_len; i++) {
		buf_reset(&text);
		remote_write_bound_text(&text, i < family->bounds_len ? family->bounds[i] : __builtin_inf());
		p->le[i].label = (struct label){.name = SLICE("le"), .value = arena_copy(&d->cut->arena, buf_slice(&text))};
	}
	buf_done(&text);
	map_put(&d->parts, (uintptr_t)family * UINT64_C(0x9E3779B97F4A7C15), p);
	return p;
}

static struct parts *parts_of(struct draft *d, const struct family *family)
{
	if (d->current && d->current->family == family)
		return d->current;
	d->current = map_get(&d->parts, (uintptr_t)family * UINT64_C(0x9E3779B97F4A7C15), NULL, NULL);
	if (!d->current)
		d->current = make_parts(d, family);
	return d->current;
}

/* When the receiver first had it: for what counts up. */
static int64_t beginning_ms(const struct draft *d, const struct series *s)
{
	if (family_get(s->family)->type == METRIC_GAUGE || (s->live && s->first_step == INT64_MIN))
		return 0;
	return s->first_step == INT64_MIN ? d->start_ms : s->first_step * d->l->opts.step_ns / NS_PER_MS;
}

/* family: the one that the part is of. */
static void put2(struct draft *d, const struct series *s, const struct family *family, size_t part, double value, int64_t at_ms, const struct exemplar *exemplar)
{
	struct parts *p = parts_of(d, family);
	if (d->labelled != s)
		write2_labels(d->write2, family, s->labels, s->labels_len);
	d->labelled = s;
	bool bucket = family->type == METRIC_HISTOGRAM && part <= family->bounds_len;
	size_t name = family->type != METRIC_HISTOGRAM || bucket ? 0 : part - family->bounds_len;
	write2_point(d->write2, &p->name[name], bucket ? &p->le[part] : NULL, value, at_ms, beginning_ms(d, s), exemplar);
}

/* One sample; part is its place in series_blocks. */
static void put(struct draft *d, struct series *s, size_t part, double value, int64_t at_ms, const struct exemplar *exemplar)
{
	if (d->write2)
		put2(d, s, family_get(s->family), part, value, at_ms, exemplar);
	else
		remote_write_add(&d->cut->bytes, series_blocks(s)->at[part], value, at_ms, exemplar);
}

static void add_stale(struct draft *d, struct series *s)
{
	for (size_t i = 0; i < series_samples(s); i++)
		put(d, s, i, remote_write_stale(), d->end_ms, NULL);
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
	const struct family *family = family_get(s->family);
	const uint64_t *more = i ? step_buckets(w->step, i) : NULL;
	struct exemplar exemplar;
	bool has = i && fit_exemplar(d, step_exemplar(w->step, i), &exemplar);
	size_t marked = has ? bucket_of(family, exemplar.value) : SIZE_MAX;
	uint64_t total = 0;
	for (size_t b = 0; b <= family->bounds_len; b++) {
		total += s->now.buckets[b] + (more ? more[b] : 0);
		put(d, s, b, (double)total, at_ms, b == marked ? &exemplar : NULL);
	}
	double sum = s->now.sum;
	if (more)
		sum += step_sum(w->step, i);
	put(d, s, family->bounds_len + 1, sum, at_ms, NULL);
	put(d, s, family->bounds_len + 2, (double)total, at_ms, NULL);
	return has;
}

static size_t add_plain(struct draft *d, const struct walk *w, const struct increment *i, int64_t at_ms)
{
	struct series *s = w->series;
	const struct family *family = family_get(s->family);
	struct exemplar exemplar;
	double value = family->sums ? s->now.sum : (double)s->now.count;
	if (i)
		value = family->type == METRIC_GAUGE ? (double)i->count : family->sums ? value + step_sum(w->step, i) : (double)(s->now.count + i->count);
	bool has = i && fit_exemplar(d, step_exemplar(w->step, i), &exemplar);
	put(d, s, 0, value, at_ms, has ? &exemplar : NULL);
	return has;
}

static size_t add_samples(struct draft *d, const struct walk *w, const struct increment *i, int64_t at_ms)
{
	return family_get(w->series->family)->type == METRIC_HISTOGRAM ? add_histogram(d, w, i, at_ms) : add_plain(d, w, i, at_ms);
}

static void add_anchor(struct draft *d, const struct walk *w, uint32_t place)
{
	make_room(d, true, place, w->series->aside ? 0 : series_samples(w->series));
	size_t begin = d->cut->bytes.len;
	if (!w->series->aside)
		add_samples(d, w, NULL, d->start_ms);
	account(d, true, place, begin, w->series->aside ? 0 : series_samples(w->series), 0);
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

/* How many samples the place has. */
static size_t place_samples(const struct walk *w)
{
	size_t n = series_samples(w->series);
	for (struct retired r = {0}; next_retired(w, &r);)
		n++;
	return n;
}

static void add_retired(struct draft *d, const struct walk *w)
{
	for (struct retired r = {0}; next_retired(w, &r);) {
		if (d->write2) {
			put2(d, w->series, r.family, r.bound - 1, remote_write_stale(), d->end_ms, NULL);
			continue;
		}
		struct buf block = {0};
		series_bucket_block(w->series, r.family->bounds[r.bound - 1], &block);
		remote_write_add(&d->cut->bytes, buf_slice(&block), remote_write_stale(), d->end_ms, NULL);
		buf_done(&block);
	}
}

static void note_family(struct draft *d, enum family_id family)
{
	if (!family_is_of_rule(family)) {
		d->families |= UINT64_C(1) << family;
		return;
	}
	for (size_t i = d->rule_families_len; i-- > 0;)
		if (d->rule_families[i] == family)
			return;
	d->rule_families = mem_grow(d->rule_families, d->rule_families_len, &d->rule_families_cap, sizeof(*d->rule_families));
	d->rule_families[d->rule_families_len++] = family;
}

static void add_place(struct draft *d, const struct walk *w, uint32_t place)
{
	size_t samples = w->series->aside ? 0 : place_samples(w);
	make_room(d, false, place, samples);
	size_t begin = d->cut->bytes.len, exemplars = 0;
	if (w->series->aside) {
		account(d, false, place, begin, 0, 0);
		return;
	}
	if (w->look == LOOK_STALE)
		add_stale(d, w->series);
	else
		exemplars = add_samples(d, w, w->increment, d->end_ms);
	add_retired(d, w);
	if (d->cut->step % METADATA_EVERY == 0)
		note_family(d, w->series->family);
	account(d, false, place, begin, samples, exemplars);
}

static const struct step *begin_cut(struct draft *d, const struct ledger *l, int64_t number, enum remote_write_version version, struct cut *ret)
{
	*ret = (struct cut){.step = number, .end_ns = (number + 1) * l->opts.step_ns};
	d->l = l;
	d->cut = ret;
	d->end_ms = ret->end_ns / NS_PER_MS;
	d->start_ms = (ret->end_ns - l->opts.step_ns) / NS_PER_MS;
	if (l->closed_len == 0 || l->steps[0]->number != number)
		return NULL;
	ret->version = version;
	if (version == REMOTE_WRITE_2)
		d->write2 = write2_new();
	return l->steps[0];
}

/* Metadata behind the first values request: moves what follows up. Only whole bodies are moved, so offsets are adjusted in place. */
static void add_metadata(struct draft *d)
{
	size_t first = 0;
	while (first < d->len && d->requests[first].anchors)
		first++;
	if (d->write2 || first == d->len || d->cut->step % METADATA_EVERY != 0)
		return;
	struct buf metadata = {0};
	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		if (d->families >> f & 1)
			remote_write_add_metadata(&metadata, family_get((enum family_id)f));
	for (size_t i = 0; i < d->rule_families_len; i++)
		remote_write_add_metadata(&metadata, family_get(d->rule_families[i]));
	size_t at = first + 1 < d->len ? d->requests[first + 1].body.len : d->cut->bytes.len;
	buf_reserve(&d->cut->bytes, metadata.len);
	memmove(d->cut->bytes.data + at + metadata.len, d->cut->bytes.data + at, d->cut->bytes.len - at);
	memcpy(d->cut->bytes.data + at, metadata.data, metadata.len);
	d->cut->bytes.len += metadata.len;
	for (size_t i = first + 1; i < d->len; i++)
		d->requests[i].body.len += metadata.len;
	buf_done(&metadata);
}

/* Turns offsets into bodies; requests that came out empty (all series aside) are left out. */
static void finish(struct draft *d)
{
	struct cut *c = d->cut;
	flush(d);
	c->requests = arena_alloc(&c->arena, (d->len + 1) * sizeof(*c->requests));
	for (size_t i = 0; i < d->len; i++) {
		size_t begin = d->requests[i].body.len, end = i + 1 < d->len ? d->requests[i + 1].body.len : c->bytes.len;
		d->requests[i].body = slice_of(c->bytes.data + begin, end - begin);
	}
	for (size_t i = 0; i < d->len; i++)
		if (d->requests[i].body.len)
			c->requests[c->len++] = d->requests[i];
	free(d->requests);
	free(d->rule_families);
	map_done(&d->parts);
	write2_free(d->write2);
}

static bool begins(const struct walk *w)
{
	return w->look == LOOK_SAMPLE && !w->series->live && !w->step->anchored && family_get(w->series->family)->type != METRIC_GAUGE;
}

void ledger_cut(const struct ledger *l, int64_t step, enum remote_write_version version, size_t max_samples, size_t max_bytes, struct cut *ret)
{
	struct draft d = {.max_samples = max_samples, .max_bytes = max_bytes};
	const struct step *s = begin_cut(&d, l, step, version, ret);
	if (!s)
		return;
	uint32_t place = 0;
	for (struct walk w = {.l = l, .step = s}; walk_next(&w);) {
		ret->begins |= w.anchor || begins(&w);
		if (w.anchor)
			add_anchor(&d, &w, place++);
	}
	place = 0;
	for (struct walk w = {.l = l, .step = s}; walk_next(&w);)
		if (w.look != LOOK_NOTHING)
			add_place(&d, &w, place++);
	add_metadata(&d);
	finish(&d);
}

/* The next place of either kind. */
static bool next_place(struct walk *w, bool anchors)
{
	while (walk_next(w))
		if (anchors ? w->anchor : w->look != LOOK_NOTHING)
			return true;
	return false;
}

void ledger_cut_range(const struct ledger *l, int64_t step, bool anchors, uint32_t first, uint32_t last, struct cut *ret)
{
	struct draft d = {.max_samples = SIZE_MAX, .max_bytes = SIZE_MAX};
	const struct step *s = begin_cut(&d, l, step, REMOTE_WRITE_1, ret);
	if (!s)
		return;
	struct walk w = {.l = l, .step = s};
	for (uint32_t place = 0; place < last && next_place(&w, anchors); place++) {
		if (place < first)
			continue;
		if (anchors)
			add_anchor(&d, &w, place);
		else
			add_place(&d, &w, place);
	}
	finish(&d);
}

void cut_done(struct cut *c)
{
	arena_done(&c->arena);
	buf_done(&c->bytes);
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
