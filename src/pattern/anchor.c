/* SPDX-License-Identifier: Apache-2.0 */
/* Idea. A text that holds the beginning of a word (a letter behind what is no letter or digit) can only occur where a word of the message begins. A message has a
 * dozen of these, whatever the number of texts. Each text is kept under the 8 bytes at one of its beginnings, its anchor, and where it is long enough the 8
 * bytes behind them; of its beginnings the one that it shares with the fewest other texts. Per beginning in the message: one word is hashed, one byte of a
 * filter asked, rarely a table, and only then a text compared.
 *
 * What it costs is memory that is not at hand and branches that cannot be foreseen, so: the filter is asked for all beginnings of a block before anything is
 * done about an answer, texts stand in their entries, and of a text its end is compared first, as its beginning is known to be alike.
 *
 * Layout. filter: a byte per hash of 8 bytes, in which of the tables to look; small enough for the first-level cache. Tables: open addressing, at most half
 * full, over 8 and over 16 bytes; a slot holds the first of a chain of entries. Entries follow each other in one pool, each with its text.
 *
 * Bytes past ASCII count as no part of a word, on both sides. */
#include "pattern/anchor.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { WINDOW = 8, FILTER_LOG = 14, IN_BY_8 = 1, IN_BY_16 = 2, BLOCK = 64, NO_ENTRY = -1, UNIT = 8 };

struct entry {
	uint32_t len, at; /* at: of the anchor in the text */
	uint32_t number;
	int32_t next;
	char text[];
};

struct slot {
	uint64_t a, b;    /* the bytes; b only where there are 16 */
	int32_t first;    /* place of an entry, NO_ENTRY */
	bool used;
};

struct table {
	struct slot *slots;
	size_t mask;
};

struct anchors {
	uint8_t filter[1 << FILTER_LOG];
	struct table by_8, by_16;
	bool wide;        /* the CPU has AVX2 */
	char *pool;       /* places are UNITs */
	size_t pool_len;
};

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ b * UINT64_C(0xD6E8FEB86659FD93)) * UINT64_C(0x9E3779B97F4A7C15);
	return h ^ h >> 29;
}

static inline size_t filter_hash(uint64_t window)
{
	return window * UINT64_C(0x9E3779B97F4A7C15) >> (64 - FILTER_LOG);
}

static inline bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool in_word(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

/* The next beginning of a word behind i with room for a window; text.len: none. */
static size_t next_anchor(struct slice text, size_t i)
{
	for (i++; i + WINDOW <= text.len; i++)
		if (is_letter(text.ptr[i]) && !in_word(text.ptr[i - 1]))
			return i;
	return text.len;
}

bool anchor_fits(struct slice text)
{
	return text.len > WINDOW && next_anchor(text, 0) < text.len;
}

/* ---- making ---- */

static bool is_deep(struct slice text, size_t at)
{
	return at + 2 * WINDOW <= text.len;
}

static uint64_t anchor_hash(struct slice text, size_t at)
{
	return mix(load_u64(text.ptr + at), is_deep(text, at) ? load_u64(text.ptr + at + WINDOW) : 1);
}

/* How many texts have this anchor, about. */
static uint32_t *count_anchors(const struct slice *texts, size_t len, size_t *ret_mask)
{
	size_t size = 1024;
	while (size < 16 * len)
		size *= 2;
	uint32_t *counts = mem_zalloc(size, sizeof(*counts));
	*ret_mask = size - 1;
	for (size_t i = 0; i < len; i++)
		for (size_t at = next_anchor(texts[i], 0); at < texts[i].len; at = next_anchor(texts[i], at))
			counts[anchor_hash(texts[i], at) & *ret_mask]++;
	return counts;
}

static size_t best_anchor(struct slice text, const uint32_t *counts, size_t mask)
{
	size_t best = next_anchor(text, 0);
	for (size_t at = best; at < text.len; at = next_anchor(text, at))
		if (counts[anchor_hash(text, at) & mask] < counts[anchor_hash(text, best) & mask])
			best = at;
	return best;
}

static struct slot *slot_of(const struct table *t, uint64_t a, uint64_t b)
{
	size_t i = mix(a, b) & t->mask;
	while (t->slots[i].used && (t->slots[i].a != a || t->slots[i].b != b))
		i = (i + 1) & t->mask;
	return &t->slots[i];
}

static struct slot *slot_add(struct table *t, uint64_t a, uint64_t b)
{
	struct slot *s = slot_of(t, a, b);
	if (!s->used)
		*s = (struct slot){.a = a, .b = b, .first = NO_ENTRY, .used = true};
	return s;
}

static void table_init(struct table *t, size_t len)
{
	size_t size = 64;
	while (size < 2 * len + 1)
		size *= 2;
	t->slots = mem_zalloc(size, sizeof(*t->slots));
	t->mask = size - 1;
}

static size_t entry_units(struct slice text)
{
	return (sizeof(struct entry) + text.len + UNIT - 1) / UNIT;
}

static struct entry *entry_at(const struct anchors *a, int32_t place)
{
	return (struct entry *)(void *)(a->pool + (size_t)place * UNIT);
}

static void add(struct anchors *a, struct slice text, size_t at, uint32_t number)
{
	uint64_t window = load_u64(text.ptr + at);
	bool deep = is_deep(text, at);
	struct slot *s = deep ? slot_add(&a->by_16, window, load_u64(text.ptr + at + WINDOW)) : slot_add(&a->by_8, window, 0);
	a->filter[filter_hash(window)] |= deep ? IN_BY_16 : IN_BY_8;
	int32_t place = (int32_t)a->pool_len;
	a->pool_len += entry_units(text);
	struct entry *e = entry_at(a, place);
	*e = (struct entry){.len = (uint32_t)text.len, .at = (uint32_t)at, .number = number, .next = s->first};
	memcpy(e->text, text.ptr, text.len);
	s->first = place;
}

struct anchors *anchors_new(const struct slice *texts, size_t len)
{
	if (!len)
		return NULL;
	struct anchors *a = mem_zalloc(1, sizeof(*a));
	size_t mask;
#ifdef __x86_64__
	a->wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
#endif
	uint32_t *counts = count_anchors(texts, len, &mask);
	table_init(&a->by_8, len);
	table_init(&a->by_16, len);
	size_t units = 0;
	for (size_t i = 0; i < len; i++)
		units += entry_units(texts[i]);
	a->pool = mem_zalloc(units, UNIT);
	for (size_t i = 0; i < len; i++)
		add(a, texts[i], best_anchor(texts[i], counts, mask), (uint32_t)i);
	free(counts);
	return a;
}

void anchors_free(struct anchors *a)
{
	if (!a)
		return;
	free(a->by_8.slots);
	free(a->by_16.slots);
	free(a->pool);
	free(a);
}

/* ---- scanning ---- */

struct search {
	const struct anchors *anchors;
	struct slice message;
	anchor_found *found;
	void *arg;
};

/* n is more than a window. */
static inline bool same_bytes(const char *a, const char *b, size_t n)
{
	if (load_u64(a + n - WINDOW) != load_u64(b + n - WINDOW))
		return false;
	for (size_t i = 0; i + WINDOW < n; i += WINDOW)
		if (load_u64(a + i) != load_u64(b + i))
			return false;
	return true;
}

static void try_chain(const struct search *s, int32_t first, size_t at)
{
	for (int32_t i = first; i != NO_ENTRY;) {
		const struct entry *e = entry_at(s->anchors, i);
		if (e->at <= at && at - e->at + e->len <= s->message.len && same_bytes(s->message.ptr + at - e->at, e->text, e->len))
			s->found(s->arg, e->number);
		i = e->next;
	}
}

static inline void try_slot(const struct search *s, const struct slot *slot, size_t at)
{
	if (slot->used)
		try_chain(s, slot->first, at);
}

static __attribute__((noinline)) void try_anchor(const struct search *s, size_t at)
{
	const struct anchors *a = s->anchors;
	uint64_t window = load_u64(s->message.ptr + at);
	uint8_t where = a->filter[filter_hash(window)];
	if (where & IN_BY_8)
		try_slot(s, slot_of(&a->by_8, window, 0), at);
	if (where & IN_BY_16 && at + 2 * WINDOW <= s->message.len)
		try_slot(s, slot_of(&a->by_16, window, load_u64(s->message.ptr + at + WINDOW)), at);
}

/* A bit for each of the 64 bytes at p that is part of a word, and for those that are letters. */
typedef uint64_t words_of_block(const char *p, uint64_t *ret_letters);

#ifdef __x86_64__
static inline uint64_t words_narrow(const char *p, uint64_t *ret_letters)
{
	uint64_t words = 0, letters = 0;
	for (int i = 0; i < BLOCK / 16; i++) {
		__m128i c = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i)), lower = _mm_or_si128(c, _mm_set1_epi8(0x20));
		__m128i letter = _mm_cmplt_epi8(_mm_add_epi8(lower, _mm_set1_epi8((char)(-128 - 'a'))), _mm_set1_epi8(-128 + 26));
		__m128i digit = _mm_cmplt_epi8(_mm_add_epi8(c, _mm_set1_epi8((char)(-128 - '0'))), _mm_set1_epi8(-128 + 10));
		letters |= (uint64_t)(unsigned)_mm_movemask_epi8(letter) << 16 * i;
		words |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_or_si128(letter, digit)) << 16 * i;
	}
	*ret_letters = letters;
	return words;
}

static inline __attribute__((target("avx2"))) uint64_t words_wide(const char *p, uint64_t *ret_letters)
{
	uint64_t words = 0, letters = 0;
	for (int i = 0; i < BLOCK / 32; i++) {
		__m256i c = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32 * i)), lower = _mm256_or_si256(c, _mm256_set1_epi8(0x20));
		__m256i letter = _mm256_cmpgt_epi8(_mm256_set1_epi8(-128 + 26), _mm256_add_epi8(lower, _mm256_set1_epi8((char)(-128 - 'a'))));
		__m256i digit = _mm256_cmpgt_epi8(_mm256_set1_epi8(-128 + 10), _mm256_add_epi8(c, _mm256_set1_epi8((char)(-128 - '0'))));
		letters |= (uint64_t)(unsigned)_mm256_movemask_epi8(letter) << 32 * i;
		words |= (uint64_t)(unsigned)_mm256_movemask_epi8(_mm256_or_si256(letter, digit)) << 32 * i;
	}
	*ret_letters = letters;
	return words;
}
#else
static inline uint64_t words_narrow(const char *p, uint64_t *ret_letters)
{
	uint64_t words = 0, letters = 0;
	for (int i = 0; i < BLOCK; i++) {
		letters |= (uint64_t)is_letter(p[i]) << i;
		words |= (uint64_t)in_word(p[i]) << i;
	}
	*ret_letters = letters;
	return words;
}
#endif

/* Which of the beginnings may be anchors. */
static inline __attribute__((always_inline)) uint64_t filter_block(const struct anchors *a, const char *block, uint64_t begins)
{
	uint64_t hits = 0;
	for (; begins; begins &= begins - 1) {
		unsigned at = (unsigned)__builtin_ctzll(begins);
		hits |= (uint64_t)(a->filter[filter_hash(load_u64(block + at))] != 0) << at;
	}
	return hits;
}

/* text: the message at `from`, or a copy of that; new: the bytes of the block that no block before had. Windows may reach into the bytes behind the block. */
static inline __attribute__((always_inline)) void scan_block(const struct search *s, words_of_block *classify, const char *text, size_t from, uint64_t new, uint64_t *carry)
{
	uint64_t letters, words = classify(text, &letters), begins = letters & ~(words << 1 | *carry) & new;
	size_t room = s->message.len - from; /* a window behind it has no room */
	*carry = words >> (BLOCK - 1);
	if (room < BLOCK + WINDOW - 1)
		begins &= room < WINDOW ? 0 : UINT64_MAX >> (BLOCK + WINDOW - 1 - room);
	for (uint64_t hits = filter_block(s->anchors, s->message.ptr + from, begins); hits; hits &= hits - 1)
		try_anchor(s, from + (size_t)__builtin_ctzll(hits));
}

/* Of a block and more. */
static inline __attribute__((always_inline)) void scan(const struct search *s, words_of_block *classify)
{
	struct slice message = s->message;
	uint64_t carry = 0;
	size_t from = 0;
	for (; from + BLOCK <= message.len; from += BLOCK)
		scan_block(s, classify, message.ptr + from, from, UINT64_MAX, &carry);
	if (from == message.len)
		return;
	size_t last = message.len - BLOCK; /* once more, up to the end */
	scan_block(s, classify, message.ptr + last, last, UINT64_MAX << (from - last), &carry);
}

static __attribute__((noinline)) void scan_short(const struct search *s)
{
	uint64_t carry = 0;
	char text[BLOCK] = {0};
	if (s->message.len)
		memcpy(text, s->message.ptr, s->message.len);
	scan_block(s, words_narrow, text, 0, UINT64_MAX, &carry);
}

#ifdef __x86_64__
static __attribute__((target("avx2,bmi,bmi2"))) void scan_wide(const struct search *s)
{
	scan(s, words_wide);
}
#endif

void anchors_scan(const struct anchors *a, struct slice message, anchor_found *found, void *arg)
{
	const struct search s = {.anchors = a, .message = message, .found = found, .arg = arg};
	if (message.len < BLOCK) {
		scan_short(&s);
		return;
	}
#ifdef __x86_64__
	if (a->wide) {
		scan_wide(&s);
		return;
	}
#endif
	scan(&s, words_narrow);
}
