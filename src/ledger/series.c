/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/state.h"

#include "base/hash.h"
#include "base/mem.h"
#include "metric/remote_write.h"

#include <stdlib.h>

/* A dormant series is kept for this many expiry times: a service that comes back after lunch goes on where it was. */
enum { FORGET_AFTER = 5 };

struct key {
	enum family_id family;
	const struct label *labels;
	size_t len;
};

static bool same_series(const void *item, const void *key)
{
	const struct series *s = item;
	const struct key *k = key;
	if (s->family != k->family || s->labels_len != k->len)
		return false;
	for (size_t i = 0; i < k->len; i++)
		if (!slice_eq(s->labels[i].value, k->labels[i].value) || !slice_eq(s->labels[i].name, k->labels[i].name))
			return false;
	return true;
}

uint64_t series_hash(enum family_id family, const struct label *labels, size_t len)
{
	uint64_t hash = family_key(family);
	for (size_t i = 0; i < len; i++)
		hash = hash_pair(hash, hash_pair(hash_bytes(labels[i].name), hash_bytes(labels[i].value)));
	return hash;
}

struct series *series_find(const struct ledger *l, uint64_t hash, enum family_id family, const struct label *labels, size_t len)
{
	struct key key = {.family = family, .labels = labels, .len = len};
	return map_get(&l->series_by_labels, hash, same_series, &key);
}

static void take_labels(struct ledger *l, struct series *s, const struct label *labels, size_t len)
{
	s->labels = mem_zalloc(len + 1, sizeof(*s->labels));
	s->labels_len = (uint8_t)len;
	for (size_t i = 0; i < len; i++) {
		s->pairs[i] = pair_get(&l->pairs, labels[i].name, labels[i].value);
		s->labels[i] = pair_label(s->pairs[i]);
	}
	s->order = pair_sort(s->pairs, len);
}

size_t series_buckets(const struct series *s)
{
	return family_buckets(family_get(s->family));
}

static uint64_t *own_buckets(struct series *s)
{
	return (uint64_t *)(void *)&s->pairs[s->labels_len];
}

void series_set_buckets(struct series *s, struct value *v, uint64_t *buckets)
{
	if (v->buckets != own_buckets(s))
		free(v->buckets);
	v->buckets = buckets;
}

static size_t series_size(size_t labels_len, size_t buckets)
{
	return sizeof(struct series) + labels_len * sizeof(struct pair *) + buckets * sizeof(uint64_t);
}

struct series *series_add(struct ledger *l, uint64_t hash, enum family_id family, const struct label *labels, size_t len)
{
	const size_t buckets = family_buckets(family_get(family));
	struct series *s = pool_zalloc(&l->pool, series_size(len, buckets));
	s->number = l->next_number++;
	s->hash = hash;
	s->family = family;
	take_labels(l, s, labels, len);
	s->last_step = s->stale_step = s->touched_step = s->first_step = INT64_MIN;
	if (buckets) {
		s->buckets_room = (uint8_t)buckets;
		s->now.buckets = own_buckets(s);
		s->posted.buckets = mem_zalloc(buckets, sizeof(uint64_t));
	}
	uint64_t id;
	if ((family == FAMILY_LOG_PATTERN_RECORDS || family == FAMILY_LOG_PATTERN_INFO) && series_pattern_id(labels, len, &id))
		s->pattern = catalog_find(&l->catalog, id);
	s->aside = l->aside.len && map_get(&l->aside, hash, NULL, NULL);
	l->series = mem_grow(l->series, l->series_len, &l->series_cap, sizeof(struct series *));
	l->series[l->series_len++] = s;
	map_put(&l->series_by_labels, hash, s);
	layout_enter(l, family);
	budget_enter(l, s);
	return s;
}

void series_free(struct ledger *l, struct series *s)
{
	for (size_t i = 0; i < s->labels_len; i++)
		pair_drop(&l->pairs, s->pairs[i]);
	free(s->labels);
	series_set_buckets(s, &s->now, NULL);
	series_set_buckets(s, &s->posted, NULL);
	free(s->exemplar);
	if (s->native)
		native_done(s->native);
	free(s->native);
	pool_free(&l->pool, s, series_size(s->labels_len, s->buckets_room));
}

static bool is_same(const void *item, const void *key)
{
	return item == key;
}

/* Not in the step of its marker, which may come that late behind steps that were skipped: the next one would begin it with a 0 at the marker's time. */
static bool is_forgotten(const struct ledger *l, const struct series *s, int64_t step)
{
	bool dormant = !series_is_book(s) && !s->live && !s->pending && s->last_step != INT64_MIN;
	return dormant && step - s->last_step >= FORGET_AFTER * l->expire_steps && s->stale_step < step;
}

void series_forget(struct ledger *l, int64_t step)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->series_len; i++) {
		struct series *s = l->series[i];
		if (!is_forgotten(l, s, step)) {
			l->series[kept++] = s;
			continue;
		}
		if (s->pattern && s->pattern->info == s)
			s->pattern->info = NULL;
		map_remove(&l->series_by_labels, s->hash, is_same, s);
		layout_leave(l, s->family);
		budget_leave(l, s);
		series_free(l, s);
	}
	l->series_len = kept;
}

struct slice series_label(const struct series *s, struct slice name)
{
	for (size_t i = 0; i < s->labels_len; i++)
		if (slice_eq(s->labels[i].name, name))
			return s->labels[i].value;
	return (struct slice){0};
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool series_pattern_id(const struct label *labels, size_t len, uint64_t *ret_id)
{
	uint64_t id = 0;
	size_t at = 0;
	while (at < len && !slice_eq(labels[at].name, SLICE("pattern_id")))
		at++;
	if (at == len || labels[at].value.len != 16)
		return false;
	for (size_t i = 0; i < 16; i++) {
		int digit = hex_digit(labels[at].value.ptr[i]);
		if (digit < 0)
			return false;
		id = id << 4 | (uint64_t)digit;
	}
	*ret_id = id;
	return true;
}

void series_add_native(struct series *s, const struct native *native)
{
	if (!s->native) {
		s->native = mem_zalloc(1, sizeof(*s->native));
		native_reset(s->native);
	}
	native_add(s->native, native);
	native_limit(s->native);
}

void value_add(struct value *v, uint64_t count, double sum, const uint64_t *buckets, size_t buckets_len)
{
	v->count += count;
	v->sum += sum;
	for (size_t i = 0; i < buckets_len; i++)
		v->buckets[i] += buckets[i];
}

size_t series_samples(const struct series *s)
{
	return family_get(s->family)->type == METRIC_HISTOGRAM ? series_buckets(s) + 2 : 1;
}

static struct family_pairs *make_names(struct ledger *l, const struct family *family)
{
	static const char *const suffixes[] = {"_bucket", "_sum", "_count", ""};
	struct family_pairs *p = mem_zalloc(1, sizeof(*p));
	struct buf text = {0};
	for (size_t i = 0; i < 4; i++) {
		buf_reset(&text);
		buf_printf(&text, "%s%s", family->name, family->type == METRIC_HISTOGRAM ? suffixes[i] : "");
		p->name[i] = pair_get(&l->pairs, SLICE("__name__"), buf_slice(&text));
	}
	for (size_t i = 0; i <= family->bounds_len; i++) {
		buf_reset(&text);
		remote_write_bound_text(&text, i < family->bounds_len ? family->bounds[i] : __builtin_inf());
		p->le[i] = pair_get(&l->pairs, SLICE("le"), buf_slice(&text));
	}
	buf_done(&text);
	return p;
}

const struct family_pairs *series_names(struct ledger *l, const struct family *family)
{
	uint64_t hash = (uintptr_t)family * UINT64_C(0x9E3779B97F4A7C15);
	struct family_pairs *p = map_get(&l->names, hash, NULL, NULL);
	if (!p) {
		p = make_names(l, family);
		map_put(&l->names, hash, p);
	}
	return p;
}

/* Families live as long as the process, and there are few. */
void names_done(struct ledger *l)
{
	size_t cursor = 0;
	for (struct family_pairs *p; (p = map_next(&l->names, &cursor));) {
		for (size_t i = 0; i < 4; i++)
			pair_drop(&l->pairs, p->name[i]);
		for (size_t i = 0; i <= BOUNDS_MAX && p->le[i]; i++)
			pair_drop(&l->pairs, p->le[i]);
		free(p);
	}
	map_done(&l->names);
}
