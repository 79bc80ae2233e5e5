/* SPDX-License-Identifier: Apache-2.0 */
/* One step's increments, sparse: an open step is indexed by series, a closed one is sorted by series. */
#include "ledger/state.h"

#include "base/mem.h"

#include <stdlib.h>

static size_t home(const struct step *step, const struct series *s)
{
	return (size_t)(s->number * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (step->slots_cap - 1);
}

static void index_place(struct step *step, size_t place)
{
	size_t at = home(step, step->increments[place].series);
	while (step->slots[at])
		at = (at + 1) & (step->slots_cap - 1);
	step->slots[at] = (uint32_t)place + 1;
}

/* Makes the index large enough for one more increment. */
static void index_grow(struct step *step)
{
	if (step->slots && (step->len + 1) * 2 <= step->slots_cap)
		return;
	size_t cap = 16;
	while (cap < (step->len + 1) * 2)
		cap *= 2;
	free(step->slots);
	step->slots = mem_zalloc(cap, sizeof(*step->slots));
	step->slots_cap = cap;
	for (size_t i = 0; i < step->len; i++)
		index_place(step, i);
}

static struct increment *find(const struct step *step, const struct series *s)
{
	if (!step->slots)
		return NULL;
	for (size_t at = home(step, s); step->slots[at]; at = (at + 1) & (step->slots_cap - 1))
		if (step->increments[step->slots[at] - 1].series == s)
			return &step->increments[step->slots[at] - 1];
	return NULL;
}

const struct increment *step_find(const struct step *step, const struct series *s)
{
	return find(step, s);
}

struct increment *step_touch(struct step *step, struct series *s)
{
	index_grow(step);
	struct increment *there = find(step, s);
	if (there)
		return there;
	step->increments = mem_grow(step->increments, step->len, &step->cap, sizeof(*step->increments));
	step->increments[step->len] = (struct increment){.series = s};
	index_place(step, step->len);
	s->pending++;
	return &step->increments[step->len++];
}

static uint64_t *words_add(struct step *step, size_t n)
{
	while (step->words_cap - step->words_len < n) {
		step->words_cap = step->words_cap ? step->words_cap * 2 : 64;
		step->words = mem_realloc(step->words, step->words_cap, sizeof(*step->words));
	}
	uint64_t *at = memset(step->words + step->words_len, 0, n * sizeof(*at));
	step->words_len += n;
	return at;
}

static void add_histogram(struct step *step, struct increment *i, double sum, const uint64_t *buckets)
{
	size_t len = series_buckets(i->series);
	if (!i->hist) {
		i->hist = (uint32_t)step->words_len + 1;
		words_add(step, len + 1);
	}
	uint64_t *words = &step->words[i->hist - 1];
	double total;
	memcpy(&total, words, sizeof(total));
	total += sum;
	memcpy(words, &total, sizeof(total));
	for (size_t b = 0; b < len; b++)
		words[b + 1] += buckets[b];
}

/* Higher rank wins, at equal rank the later in the journal. */
static void add_exemplar(struct step *step, struct increment *i, const struct exemplar *e)
{
	if (!i->exemplar) {
		step->exemplars = mem_grow(step->exemplars, step->exemplars_len, &step->exemplars_cap, sizeof(*step->exemplars));
		i->exemplar = (uint32_t)++step->exemplars_len;
	} else if (e->rank < step->exemplars[i->exemplar - 1].rank) {
		return;
	}
	step->exemplars[i->exemplar - 1] = *e;
}

static void add_native(struct step *step, struct increment *i, const struct native *native)
{
	if (!i->native) {
		step->natives = mem_grow(step->natives, step->natives_len, &step->natives_cap, sizeof(*step->natives));
		step->natives[step->natives_len] = (struct native){0};
		i->native = (uint32_t)++step->natives_len;
	}
	native_add(&step->natives[i->native - 1], native);
	native_limit(&step->natives[i->native - 1]);
}

void step_add_native(struct step *step, struct series *s, const struct native *native)
{
	add_native(step, step_touch(step, s), native);
}

void step_put_native(struct step *step, struct increment *i, const struct native *native)
{
	add_native(step, i, native);
}

const struct native *step_native(const struct step *step, const struct increment *i)
{
	return i->native ? &step->natives[i->native - 1] : NULL;
}

void step_add(struct step *step, struct series *s, uint64_t count, double sum, const uint64_t *buckets, const struct exemplar *exemplar)
{
	struct increment *i = step_touch(step, s);
	if (i->exemplar == INCREMENT_ENDS)
		i->count = i->exemplar = 0;
	if (family_get(s->family)->type == METRIC_GAUGE) {
		i->count = count;
		return;
	}
	i->count += count;
	if (buckets)
		add_histogram(step, i, sum, buckets);
	if (exemplar && exemplar->rank)
		add_exemplar(step, i, exemplar);
}

void step_fit(struct step *step, enum family_id from, enum family_id to)
{
	for (size_t n = 0; n < step->len; n++) {
		struct increment *i = &step->increments[n];
		if (i->series->family != from || !i->hist)
			continue;
		uint64_t old[BOUNDS_MAX + 2];
		memcpy(old, &step->words[i->hist - 1], (1 + family_buckets(family_get(from))) * sizeof(*old));
		i->hist = (uint32_t)step->words_len + 1;
		uint64_t *words = words_add(step, 1 + family_buckets(family_get(to)));
		words[0] = old[0];
		layout_fit(from, old + 1, to, words + 1);
	}
}

void step_end(struct step *step, struct series *s)
{
	step_touch(step, s)->exemplar = INCREMENT_ENDS;
}

void step_retire(struct step *step, enum family_id family)
{
	step->retired = mem_grow(step->retired, step->retired_len, &step->retired_cap, sizeof(*step->retired));
	step->retired[step->retired_len++] = family;
}

double step_sum(const struct step *step, const struct increment *i)
{
	double sum = 0;
	if (i->hist)
		memcpy(&sum, &step->words[i->hist - 1], sizeof(sum));
	return sum;
}

const uint64_t *step_buckets(const struct step *step, const struct increment *i)
{
	return i->hist ? &step->words[i->hist] : NULL;
}

const struct exemplar *step_exemplar(const struct step *step, const struct increment *i)
{
	return i->exemplar && i->exemplar != INCREMENT_ENDS ? &step->exemplars[i->exemplar - 1] : NULL;
}

static int by_series(const void *a, const void *b)
{
	uint64_t x = ((const struct increment *)a)->series->number, y = ((const struct increment *)b)->series->number;
	return (x > y) - (x < y);
}

/* Sorts by series. A step that another was merged into is two sorted runs: those are merged without a search for order. */
static void sort_increments(struct step *step)
{
	struct increment *all = step->increments;
	size_t len = step->len, first = 1;
	while (first < len && all[first - 1].series->number < all[first].series->number)
		first++;
	size_t sorted = first + 1;
	while (sorted < len && all[sorted - 1].series->number < all[sorted].series->number)
		sorted++;
	if (first >= len)
		return;
	if (sorted < len) {
		qsort(all, len, sizeof(*all), by_series);
		return;
	}
	struct increment *tail = mem_realloc(NULL, len - first, sizeof(*tail));
	memcpy(tail, all + first, (len - first) * sizeof(*tail));
	for (size_t left = first, right = len - first, at = len; right > 0;)
		all[--at] = left > 0 && all[left - 1].series->number > tail[right - 1].series->number ? all[--left] : tail[--right];
	free(tail);
}

void step_close(struct step *step)
{
	free(step->slots);
	step->slots = NULL;
	step->slots_cap = 0;
	step->closed = true;
	if (step->len == 0)
		return;
	sort_increments(step);
	step->cap = step->len;
	step->increments = mem_realloc(step->increments, step->len, sizeof(*step->increments));
}

/* What `into` says of a gauge or an end stands, as it is the later word; counts add up, and have to leave before their series ends; of two exemplars of
 * equal rank the later stays. */
static bool merge_one(struct step *into, const struct step *from, const struct increment *i)
{
	size_t before = into->len;
	struct increment *there = step_touch(into, i->series);
	bool fresh = into->len > before;
	if (i->exemplar == INCREMENT_ENDS) {
		if (fresh || there->exemplar == INCREMENT_ENDS)
			*there = (struct increment){.series = i->series, .count = END_SAID, .exemplar = INCREMENT_ENDS};
		return false;
	}
	if (family_get(i->series->family)->type == METRIC_GAUGE) {
		if (fresh)
			there->count = i->count;
		return false;
	}
	bool ended = there->exemplar == INCREMENT_ENDS;
	if (ended)
		there->count = there->exemplar = 0;
	there->count += i->count;
	if (i->hist)
		add_histogram(into, there, step_sum(from, i), step_buckets(from, i));
	if (i->native)
		add_native(into, there, step_native(from, i));
	const struct exemplar *e = step_exemplar(from, i);
	if (e && (!there->exemplar || e->rank > into->exemplars[there->exemplar - 1].rank))
		add_exemplar(into, there, e);
	return ended;
}

bool step_merge(struct step *into, const struct step *from)
{
	bool closed = into->closed, spared = false;
	for (size_t n = 0; n < from->len; n++)
		spared |= merge_one(into, from, &from->increments[n]);
	for (size_t n = 0; n < from->retired_len; n++)
		step_retire(into, from->retired[n]);
	if (closed)
		step_close(into);
	return spared;
}

void step_free(struct step *step)
{
	for (size_t i = 0; i < step->len; i++)
		step->increments[i].series->pending--;
	free(step->increments);
	free(step->slots);
	free(step->words);
	free(step->exemplars);
	for (size_t i = 0; i < step->natives_len; i++)
		native_done(&step->natives[i]);
	free(step->natives);
	free(step->retired);
	free(step);
}

size_t step_bytes(const struct step *step)
{
	return sizeof(*step) + step->cap * sizeof(*step->increments) + step->slots_cap * sizeof(*step->slots) + step->words_cap * sizeof(*step->words) +
		step->exemplars_cap * sizeof(*step->exemplars) + step->natives_cap * (sizeof(*step->natives) + NATIVE_BUCKETS / 2 * sizeof(uint64_t));
}

/* Index of the first step with at least this number. */
static size_t lower_bound(const struct ledger *l, int64_t number)
{
	size_t low = 0, high = l->steps_len;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (l->steps[middle]->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct step *step_open(struct ledger *l, int64_t number)
{
	size_t at = lower_bound(l, number);
	if (at < l->steps_len && l->steps[at]->number == number)
		return l->steps[at];
	struct step *step = mem_zalloc(1, sizeof(*step));
	step->number = number;
	l->steps = mem_grow(l->steps, l->steps_len, &l->steps_cap, sizeof(struct step *));
	memmove(&l->steps[at + 1], &l->steps[at], (l->steps_len - at) * sizeof(struct step *));
	l->steps[at] = step;
	l->steps_len++;
	return step;
}

/* What the current series does in the step. */
static inline void look(struct walk *w)
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

bool walk_increments(struct walk *w)
{
	enum { FAR = 16 };
	if (w->next_increment == w->step->len)
		return false;
	if (w->step->len - w->next_increment > FAR)
		__builtin_prefetch(&w->step->increments[w->next_increment + FAR].series->family);
	w->increment = &w->step->increments[w->next_increment++];
	w->series = w->increment->series;
	look(w);
	return true;
}

/* Series lie all over the memory, and their order is known: what comes next is fetched while the current one is written.
 * Always inline: a function that only reads, and returns nothing, gcc holds for one whose calls can be left out. */
static inline __attribute__((always_inline)) void fetch_ahead(const struct walk *w)
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

bool walk_next(struct walk *w)
{
	while (w->next_series < w->l->series_len) {
		fetch_ahead(w);
		w->series = w->l->series[w->next_series++];
		w->increment = w->next_increment < w->step->len ? &w->step->increments[w->next_increment] : NULL;
		if (w->increment && w->increment->series == w->series)
			w->next_increment++;
		else
			w->increment = NULL;
		if (!w->increment && !w->series->live)
			continue;
		look(w);
		return true;
	}
	return false;
}
