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

static struct slice put(char **at, struct slice s)
{
	struct slice copy = slice_of(*at, s.len);
	if (s.len)
		memcpy(*at, s.ptr, s.len);
	*at += s.len;
	return copy;
}

static struct label *copy_labels(const struct label *labels, size_t len)
{
	size_t bytes = 0;
	for (size_t i = 0; i < len; i++)
		bytes += labels[i].name.len + labels[i].value.len;
	struct label *copy = mem_zalloc(1, len * sizeof(*copy) + bytes);
	char *at = (char *)(copy + len);
	for (size_t i = 0; i < len; i++)
		copy[i] = (struct label){.name = put(&at, labels[i].name), .value = put(&at, labels[i].value)};
	return copy;
}

size_t series_buckets(const struct series *s)
{
	return family_buckets(family_get(s->family));
}

struct series *series_add(struct ledger *l, uint64_t hash, enum family_id family, const struct label *labels, size_t len)
{
	struct series *s = mem_zalloc(1, sizeof(*s));
	s->number = l->next_number++;
	s->hash = hash;
	s->family = family;
	s->labels_len = (uint8_t)len;
	s->labels = copy_labels(labels, len);
	s->last_step = s->stale_step = s->touched_step = s->first_step = INT64_MIN;
	size_t buckets = series_buckets(s);
	if (buckets) {
		s->now.buckets = mem_zalloc(buckets, sizeof(uint64_t));
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
	return s;
}

void series_free(struct series *s)
{
	free(s->labels);
	free(s->blocks);
	free(s->now.buckets);
	free(s->posted.buckets);
	free(s->exemplar);
	free(s);
}

static bool is_same(const void *item, const void *key)
{
	return item == key;
}

void series_forget(struct ledger *l, int64_t step)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->series_len; i++) {
		struct series *s = l->series[i];
		if (series_is_book(s) || s->live || s->pending || s->last_step == INT64_MIN || step - s->last_step < FORGET_AFTER * l->expire_steps) {
			l->series[kept++] = s;
			continue;
		}
		if (s->pattern && s->pattern->info == s)
			s->pattern->info = NULL;
		map_remove(&l->series_by_labels, s->hash, is_same, s);
		layout_leave(l, s->family);
		series_free(s);
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

static void add_block(struct buf *bytes, size_t *ends, size_t *len, struct slice name, const struct series *s, const struct label *extra)
{
	remote_write_label_block(bytes, name, s->labels, s->labels_len, extra);
	ends[(*len)++] = bytes->len;
}

void series_bucket_block(const struct series *s, double bound, struct buf *out)
{
	struct buf name = {0}, text = {0};
	buf_printf(&name, "%s_bucket", family_get(s->family)->name);
	remote_write_bound_text(&text, bound);
	struct label le = {.name = SLICE("le"), .value = buf_slice(&text)};
	remote_write_label_block(out, buf_slice(&name), s->labels, s->labels_len, &le);
	buf_done(&name);
	buf_done(&text);
}

static void add_histogram_blocks(struct buf *bytes, size_t *ends, size_t *len, const struct series *s, const struct family *family)
{
	struct buf name = {0}, bound = {0};
	buf_printf(&name, "%s_bucket", family->name);
	for (size_t i = 0; i <= family->bounds_len; i++) {
		buf_reset(&bound);
		remote_write_bound_text(&bound, i < family->bounds_len ? family->bounds[i] : __builtin_inf());
		struct label le = {.name = SLICE("le"), .value = buf_slice(&bound)};
		add_block(bytes, ends, len, buf_slice(&name), s, &le);
	}
	buf_reset(&name);
	buf_printf(&name, "%s_sum", family->name);
	add_block(bytes, ends, len, buf_slice(&name), s, NULL);
	buf_reset(&name);
	buf_printf(&name, "%s_count", family->name);
	add_block(bytes, ends, len, buf_slice(&name), s, NULL);
	buf_done(&name);
	buf_done(&bound);
}

const struct series_blocks *series_blocks(struct series *s)
{
	if (s->blocks)
		return s->blocks;
	const struct family *family = family_get(s->family);
	size_t ends[BOUNDS_MAX + 3], len = 0;
	struct buf bytes = {0};
	if (family->type == METRIC_HISTOGRAM)
		add_histogram_blocks(&bytes, ends, &len, s, family);
	else
		add_block(&bytes, ends, &len, slice_str(family->name), s, NULL);
	struct series_blocks *blocks = mem_zalloc(1, sizeof(*blocks) + len * sizeof(struct slice) + bytes.len);
	char *at = (char *)&blocks->at[len];
	memcpy(at, bytes.data, bytes.len);
	blocks->len = len;
	for (size_t i = 0, from = 0; i < len; from = ends[i++])
		blocks->at[i] = slice_of(at + from, ends[i] - from);
	buf_done(&bytes);
	s->blocks = blocks;
	return blocks;
}
