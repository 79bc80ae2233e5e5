/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE TALLY: what happened in which series and step since the last delta.
 *
 * Idea: text is looked at once. tally_series() turns a label set into a small number; the engine keeps that number beside its pattern, so counting a
 * record is arithmetic on arrays. A shard works on one or two steps at a time, and on the same few series again and again, so each series remembers
 * the entry it touched last: the common case finds its entry without hashing anything.
 *
 *   series[n]   labels, hash                   interned; text in `texts`, until tally_forget
 *   recent[n]   step, entry, epoch, bounds     the entry the series touched last; of use only if epoch is the current one
 *   entries[]   series, step, count, ...       in order of first touch, reused over tally_clear
 *   slots[]     entry + 1, or 0                open addressing over (series, step), for what `recent` does not know
 *
 * Spots: who counts in a series again and again may keep such a memory of his own beside what he found the series by (tally_spot): then the entry and its bucket are asked for at once, and not one behind the other.
 *
 * Twins: a counter of the things that a histogram observes says nothing that the histogram does not say. Its entry is made with the histogram's, before it, and filled when the entries
 * are asked for.
 *
 * Invariants: at most one entry per (series, step) and epoch; slots are at most half full; an epoch is the time between two clears. Bucket arrays live in
 * `buckets`, an arena that clear resets. Once arrays have grown to what a delta needs, nothing is allocated any more. One thread.
 */
#include "metric/tally.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "metric/bounds.h"

#include <math.h>
#include <stdlib.h>

/* What an entry, a histogram's bucket and an exemplar take in a delta, about. */
enum { ENTRY_BYTES = 14, BUCKET_BYTES = 2, EXEMPLAR_BYTES = 72, SERIES_BYTES = 12, NATIVE_BYTES = 60 };

#define NO_TWIN UINT32_MAX

struct recent {
	int64_t step;
	uint32_t entry;
	uint32_t epoch;
	const struct bounds *bounds; /* the family's */
};

struct tally {
	struct tally_series *series;
	struct recent *recent;
	size_t series_len, series_cap, recent_cap;
	struct map by_labels; /* of number + 1 */
	struct map bounds;    /* by family */
	struct arena texts;
	struct buf scratch;

	struct tally_entry *entries;
	size_t entries_len, entries_cap;
	uint32_t *slots;
	size_t slots_cap;
	struct arena buckets;
	struct native **natives; /* used again after a clear */
	size_t natives_len, natives_cap, natives_used;
	bool native;
	uint32_t epoch;
	size_t bytes;
};

struct tally *tally_new(void)
{
	struct tally *t = mem_zalloc(1, sizeof(*t));
	t->epoch = 1;
	return t;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	free(t->series);
	free(t->recent);
	map_done(&t->by_labels);
	size_t cursor = 0;
	for (struct bounds *b; (b = map_next(&t->bounds, &cursor));)
		free(b);
	map_done(&t->bounds);
	arena_done(&t->texts);
	buf_done(&t->scratch);
	free(t->entries);
	free(t->slots);
	arena_done(&t->buckets);
	for (size_t i = 0; i < t->natives_len; i++) {
		native_done(t->natives[i]);
		free(t->natives[i]);
	}
	free(t->natives);
	free(t);
}

void tally_native(struct tally *t, bool native)
{
	t->native = native;
}

void exemplar_set(struct exemplar *e, int64_t time_ns, double value, uint8_t rank, struct slice trace_id, struct slice span_id)
{
	*e = (struct exemplar){.time_ns = time_ns, .value = value, .rank = rank};
	if (trace_id.len > 0 && trace_id.len <= EXEMPLAR_TRACE_MAX && slice_is_utf8(trace_id)) {
		memcpy(e->trace_id, trace_id.ptr, trace_id.len);
		e->trace_len = (uint8_t)trace_id.len;
	}
	if (span_id.len > 0 && span_id.len <= EXEMPLAR_SPAN_MAX && slice_is_utf8(span_id)) {
		memcpy(e->span_id, span_id.ptr, span_id.len);
		e->span_len = (uint8_t)span_id.len;
	}
}

/* --- label sets --- */

/* At most max bytes of s, not ending inside a character. */
static struct slice cut(struct slice s, size_t max)
{
	if (s.len <= max)
		return s;
	size_t len = max;
	while (len > max - 4 && ((unsigned char)s.ptr[len] & 0xC0) == 0x80)
		len--;
	return slice_of(s.ptr, len);
}

/* The value as it may leave; repaired ones live in the scratch buffer, which has room for every label of a set and so never moves. */
static struct slice clean_value(struct tally *t, struct slice value)
{
	value = cut(value, LABEL_VALUE_MAX);
	if (slice_is_utf8(value) && slice_find(value, 0, 0) == value.len)
		return value;
	size_t from = t->scratch.len;
	buf_add_utf8(&t->scratch, value);
	return cut(slice_of(t->scratch.data + from, t->scratch.len - from), LABEL_VALUE_MAX);
}

static bool name_is_ours_to_use(struct slice name)
{
	if (name.len == 0 || (name.ptr[0] >= '0' && name.ptr[0] <= '9') || slice_starts(name, SLICE("__")) || slice_eq(name, SLICE("le")))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	return true;
}

/* Puts label in its sorted place among out[0..len) unless its name is there; returns the new length. */
static size_t insert_sorted(struct label *out, size_t len, struct label label)
{
	size_t at = len;
	while (at > 0) {
		int order = slice_cmp(out[at - 1].name, label.name);
		if (order == 0)
			return len;
		if (order < 0)
			break;
		at--;
	}
	memmove(&out[at + 1], &out[at], (len - at) * sizeof(*out));
	out[at] = label;
	return len + 1;
}

static size_t clean_labels(struct tally *t, const struct label *labels, size_t len, struct label out[LABELS_MAX])
{
	size_t out_len = 0;
	buf_reset(&t->scratch);
	buf_reserve(&t->scratch, (size_t)LABELS_MAX * LABEL_VALUE_MAX * 3); /* U+FFFD is 3 bytes for 1 */
	for (size_t i = 0; i < len && out_len < LABELS_MAX; i++)
		if (labels[i].value.len > 0 && name_is_ours_to_use(labels[i].name))
			out_len = insert_sorted(out, out_len, (struct label){labels[i].name, clean_value(t, labels[i].value)});
	return out_len;
}

uint64_t tally_hash(enum family_id family, const struct label *labels, size_t len)
{
	uint64_t hash = family_key(family);
	for (size_t i = 0; i < len; i++)
		hash = hash_pair(hash, hash_pair(hash_bytes(labels[i].name), hash_bytes(labels[i].value)));
	return hash;
}

struct wanted {
	const struct tally *tally;
	enum family_id family;
	const struct label *labels;
	size_t len;
};

static bool has_labels(const void *item, const void *key)
{
	const struct wanted *w = key;
	const struct tally_series *s = &w->tally->series[(uintptr_t)item - 1];
	if (s->family != w->family || s->labels_len != w->len)
		return false;
	for (size_t i = 0; i < w->len; i++)
		if (!slice_eq(s->labels[i].name, w->labels[i].name) || !slice_eq(s->labels[i].value, w->labels[i].value))
			return false;
	return true;
}

static const struct bounds *bounds_of(struct tally *t, enum family_id id)
{
	const struct family *family = family_get(id);
	uint64_t hash = ((uint64_t)id + 1) * UINT64_C(0x9E3779B97F4A7C15);
	struct bounds *b = map_get(&t->bounds, hash, NULL, NULL);
	if (!b && family_buckets(family)) {
		b = mem_zalloc(1, sizeof(*b));
		bounds_init(b, family->bounds, family->bounds_len);
		map_put(&t->bounds, hash, b);
	}
	return b;
}

static uint32_t add_series(struct tally *t, const struct wanted *w, uint64_t hash)
{
	uint32_t number = (uint32_t)t->series_len;
	struct label *labels = arena_alloc(&t->texts, (w->len ? w->len : 1) * sizeof(*labels));
	for (size_t i = 0; i < w->len; i++)
		labels[i] = (struct label){arena_copy(&t->texts, w->labels[i].name), arena_copy(&t->texts, w->labels[i].value)};
	t->series = mem_grow(t->series, t->series_len, &t->series_cap, sizeof(*t->series));
	t->recent = mem_grow(t->recent, t->series_len, &t->recent_cap, sizeof(*t->recent));
	t->series[number] = (struct tally_series){.twin = NO_TWIN, .family = w->family, .labels_len = (uint8_t)w->len, .hash = hash, .labels = labels};
	t->recent[number] = (struct recent){.bounds = bounds_of(t, w->family)};
	t->series_len++;
	map_put(&t->by_labels, hash, (void *)((uintptr_t)number + 1));
	return number;
}

uint32_t tally_series(struct tally *t, enum family_id family, const struct label *labels, size_t len)
{
	struct label clean[LABELS_MAX + 1];
	struct wanted w = {.tally = t, .family = family, .labels = clean, .len = clean_labels(t, labels, len, clean)};
	uint64_t hash = tally_hash(family, clean, w.len);
	void *found = map_get(&t->by_labels, hash, has_labels, &w);
	return found ? (uint32_t)((uintptr_t)found - 1) : add_series(t, &w, hash);
}

/* --- entries --- */

static uint64_t key_hash(uint32_t series, int64_t step)
{
	uint64_t h = ((uint64_t)step * UINT64_C(0x9E3779B97F4A7C15)) ^ ((uint64_t)series * UINT64_C(0xD6E8FEB86659FD93));
	return h ^ h >> 32;
}

static void grow_slots(struct tally *t)
{
	free(t->slots);
	t->slots_cap = t->slots_cap ? t->slots_cap * 2 : 1024;
	t->slots = mem_zalloc(t->slots_cap, sizeof(*t->slots));
	for (size_t n = 0; n < t->entries_len; n++) {
		size_t i = key_hash(t->entries[n].series, t->entries[n].step) & (t->slots_cap - 1);
		while (t->slots[i])
			i = (i + 1) & (t->slots_cap - 1);
		t->slots[i] = (uint32_t)n + 1;
	}
}

static size_t text_bytes(const struct tally_series *s)
{
	size_t bytes = SERIES_BYTES;
	for (size_t i = 0; i < s->labels_len; i++)
		bytes += s->labels[i].value.len + 2;
	return bytes;
}

static struct native *add_native(struct tally *t)
{
	if (t->natives_used == t->natives_len) {
		t->natives = mem_grow(t->natives, t->natives_len, &t->natives_cap, sizeof(struct native *));
		t->natives[t->natives_len++] = mem_zalloc(1, sizeof(struct native));
	}
	struct native *n = t->natives[t->natives_used++];
	native_reset(n);
	t->bytes += NATIVE_BYTES;
	return n;
}

static uint32_t add_entry(struct tally *t, uint32_t series, int64_t step);

/* The entry of a twin lies before its histogram's, and is there from the beginning: counting touches one of the two. */
static void add_twin(struct tally *t, uint32_t twin, int64_t step)
{
	uint32_t number = add_entry(t, twin, step);
	struct recent *recent = &t->recent[twin];
	recent->step = step;
	recent->entry = number;
	recent->epoch = t->epoch;
	t->bytes += EXEMPLAR_BYTES;
}

static uint32_t add_entry(struct tally *t, uint32_t series, int64_t step)
{
	const struct family *family = family_get(t->series[series].family);
	if (t->series[series].twin != NO_TWIN)
		add_twin(t, t->series[series].twin, step);
	uint32_t number = (uint32_t)t->entries_len;
	t->entries = mem_grow(t->entries, t->entries_len, &t->entries_cap, sizeof(*t->entries));
	t->entries_len++;
	t->entries[number] = (struct tally_entry){.series = series, .step = step};
	t->bytes += ENTRY_BYTES;
	if (family_buckets(family)) {
		t->entries[number].buckets = arena_zalloc(&t->buckets, family_buckets(family) * sizeof(uint64_t));
		t->bytes += family->bounds_len * BUCKET_BYTES;
		if (t->native && family->type == METRIC_HISTOGRAM)
			t->entries[number].native = add_native(t);
	}
	if (t->recent[series].epoch != t->epoch)
		t->bytes += text_bytes(&t->series[series]);
	return number;
}

static __attribute__((noinline)) struct tally_entry *look_up(struct tally *t, uint32_t series, int64_t step)
{
	if (t->entries_len * 2 >= t->slots_cap)
		grow_slots(t);
	size_t i = key_hash(series, step) & (t->slots_cap - 1);
	uint32_t number;
	for (;; i = (i + 1) & (t->slots_cap - 1)) {
		if (t->slots[i] == 0) {
			number = add_entry(t, series, step);
			t->slots[i] = number + 1;
			break;
		}
		number = t->slots[i] - 1;
		if (t->entries[number].series == series && t->entries[number].step == step)
			break;
	}
	struct recent *recent = &t->recent[series];
	recent->step = step;
	recent->entry = number;
	recent->epoch = t->epoch;
	return &t->entries[number];
}

static inline struct tally_entry *entry_of(struct tally *t, uint32_t series, int64_t step)
{
	const struct recent *recent = &t->recent[series];
	if (__builtin_expect(recent->step == step && recent->epoch == t->epoch, 1))
		return &t->entries[recent->entry];
	return look_up(t, series, step);
}

static inline void consider(struct tally *t, struct tally_entry *entry, const struct exemplar *candidate)
{
	if (!candidate)
		return;
	if (entry->exemplar.rank == 0 && candidate->rank > 0)
		t->bytes += EXEMPLAR_BYTES;
	exemplar_keep(&entry->exemplar, candidate);
}

void tally_count(struct tally *t, uint32_t series, int64_t step, uint64_t n, const struct exemplar *candidate)
{
	struct tally_entry *entry = entry_of(t, series, step);
	entry->count += n;
	consider(t, entry, candidate);
}

static inline struct native *native_of(const struct tally_entry *entry)
{
	return (struct native *)(uintptr_t)entry->native; /* ours: only readers see it as const */
}

/* summed: the value, or 0 if it is negative. */
static inline __attribute__((always_inline)) void add_value(struct tally_entry *entry, uint64_t *bucket, double summed, uint64_t n)
{
	entry->count += n;
	entry->sum += n == 1 ? summed : summed * (double)(int64_t)n;
	*bucket += n;
}

void tally_observe_n(struct tally *t, uint32_t series, int64_t step, double value, uint64_t n, const struct exemplar *candidate)
{
	if (!isfinite(value))
		return;
	struct tally_entry *entry = entry_of(t, series, step);
	add_value(entry, &entry->buckets[bounds_below(t->recent[series].bounds, value)], value > 0 ? value : 0, n);
	if (t->native)
		native_observe(native_of(entry), value, n);
	consider(t, entry, candidate);
}

static inline __attribute__((always_inline)) struct exemplar *observe_at(struct tally *t, const struct tally_spot *spot, const struct tally_place *at, double value, uint64_t n, uint8_t rank)
{
	struct tally_entry *entry = &t->entries[at->entry];
	add_value(entry, &at->buckets[bounds_below(spot->bounds, value)], value, n);
	if (rank == 0 || rank < entry->exemplar.rank)
		return NULL;
	if (entry->exemplar.rank == 0)
		t->bytes += EXEMPLAR_BYTES;
	entry->exemplar.rank = rank;
	entry->exemplar.value = value;
	return &entry->exemplar;
}

/* The same where the spot has to be found, or more is to be done. */
static __attribute__((noinline)) struct exemplar *observe_slowly(struct tally *t, uint32_t series, struct tally_spot *spot, int64_t step, double value, uint64_t n, uint8_t rank)
{
	const struct tally_entry *entry = entry_of(t, series, step);
	struct tally_place *at = &spot->at[step & 1];
	spot->bounds = t->recent[series].bounds;
	at->step = step;
	at->buckets = entry->buckets;
	at->entry = (uint32_t)(entry - t->entries);
	at->epoch = t->epoch;
	if (t->native)
		native_observe(native_of(entry), value, n);
	return observe_at(t, spot, at, value, n, rank);
}

struct exemplar *tally_observe_at(struct tally *t, uint32_t series, struct tally_spot *spot, int64_t step, double value, uint64_t n, uint8_t rank)
{
	const struct tally_place *at = &spot->at[step & 1];
	if (__builtin_expect(at->step != step || at->epoch != t->epoch || t->native, 0))
		return observe_slowly(t, series, spot, step, value, n, rank);
	return observe_at(t, spot, at, value, n, rank);
}

void tally_observe(struct tally *t, uint32_t series, int64_t step, double value, const struct exemplar *candidate)
{
	tally_observe_n(t, series, step, value, 1, candidate);
}

void tally_twin(struct tally *t, uint32_t histogram, uint32_t counter)
{
	t->series[histogram].twin = counter;
}

const struct tally_entry *tally_entries(const struct tally *t, size_t *ret_len)
{
	for (size_t i = 0; i < t->entries_len; i++) {
		const struct tally_entry *from = &t->entries[i];
		if (t->series[from->series].twin == NO_TWIN)
			continue;
		struct tally_entry *twin = &t->entries[i - 1];
		twin->count = from->count;
		twin->exemplar = from->exemplar;
		twin->exemplar.value = 1;
	}
	*ret_len = t->entries_len;
	return t->entries;
}

const struct tally_series *tally_series_at(const struct tally *t, uint32_t series)
{
	return &t->series[series];
}

size_t tally_series_len(const struct tally *t)
{
	return t->series_len;
}

size_t tally_entries_len(const struct tally *t)
{
	return t->entries_len;
}

size_t tally_bytes(const struct tally *t)
{
	return t->bytes;
}

void tally_clear(struct tally *t)
{
	if (t->entries_len > 0)
		memset(t->slots, 0, t->slots_cap * sizeof(*t->slots));
	t->entries_len = 0;
	t->natives_used = 0;
	t->bytes = 0;
	arena_reset(&t->buckets);
	t->epoch++;
}

void tally_forget(struct tally *t)
{
	tally_clear(t);
	map_clear(&t->by_labels);
	arena_reset(&t->texts);
	t->series_len = 0;
}
