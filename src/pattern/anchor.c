/* SPDX-License-Identifier: Apache-2.0 */
/* Idea. A text that holds the beginning of a word (a letter behind what is no letter or digit) can only occur where a word of the message begins. A message has a
 * dozen of these, whatever the number of texts. Each text is kept under the 8 bytes at one of its beginnings, its anchor, and where it is long enough the 8
 * bytes behind them; of its beginnings the one that it shares with the fewest other texts. Per beginning in the message: one word is hashed, one bit of a
 * filter asked, rarely a table, and only then a text compared.
 *
 * Layout. filter: a bit per hash of 8 bytes, small enough for the first-level cache. short_ and deep: open addressing, at most half full, over 8 and 16 bytes; a
 * slot holds the first of a chain of entries. A short slot also stands for "there are deep ones".
 *
 * Bytes past ASCII count as no part of a word, on both sides. */
#include "pattern/anchor.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { WINDOW = 8, FILTER_BITS = 1 << 16, BLOCK = 64, NO_ENTRY = -1 };

struct entry {
	const char *text;
	uint32_t len, at; /* at: of the anchor in it */
	uint32_t number;
	int32_t next;
};

struct slot {
	uint64_t a, b;    /* the bytes; b only of deep ones */
	int32_t first;    /* entry, NO_ENTRY */
	bool used, deep;
};

struct table {
	struct slot *slots;
	size_t mask;
};

struct anchors {
	uint64_t filter[FILTER_BITS / 64];
	struct table by_8, by_16;
	struct entry *entries;
};

static inline uint64_t word_at(const char *p)
{
	uint64_t word;
	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ b * UINT64_C(0xD6E8FEB86659FD93)) * UINT64_C(0x9E3779B97F4A7C15);
	return h ^ h >> 29;
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
	return mix(word_at(text.ptr + at), is_deep(text, at) ? word_at(text.ptr + at + WINDOW) : 1);
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

static void add(struct anchors *a, struct slice text, size_t at, uint32_t number)
{
	uint64_t window = word_at(text.ptr + at), filter = mix(window, 0) >> 48;
	struct slot *s = slot_add(&a->by_8, window, 0);
	a->filter[filter / 64] |= UINT64_C(1) << filter % 64;
	if (is_deep(text, at)) {
		s->deep = true;
		s = slot_add(&a->by_16, window, word_at(text.ptr + at + WINDOW));
	}
	a->entries[number] = (struct entry){.text = text.ptr, .len = (uint32_t)text.len, .at = (uint32_t)at, .number = number, .next = s->first};
	s->first = (int32_t)number;
}

struct anchors *anchors_new(const struct slice *texts, size_t len)
{
	if (!len)
		return NULL;
	struct anchors *a = mem_zalloc(1, sizeof(*a));
	size_t mask;
	uint32_t *counts = count_anchors(texts, len, &mask);
	table_init(&a->by_8, len);
	table_init(&a->by_16, len);
	a->entries = mem_zalloc(len, sizeof(*a->entries));
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
	free(a->entries);
	free(a);
}

/* ---- scanning ---- */

struct search {
	const struct anchors *anchors;
	struct slice message;
	anchor_found *found;
	void *arg;
};

static void try_chain(const struct search *s, int32_t first, size_t at)
{
	for (int32_t i = first; i != NO_ENTRY; i = s->anchors->entries[i].next) {
		const struct entry *e = &s->anchors->entries[i];
		if (e->at <= at && at - e->at + e->len <= s->message.len && memcmp(s->message.ptr + at - e->at, e->text, e->len) == 0)
			s->found(s->arg, e->number);
	}
}

static __attribute__((noinline)) void try_anchor(const struct search *s, uint64_t window, size_t at)
{
	const struct slot *slot = slot_of(&s->anchors->by_8, window, 0);
	if (!slot->used)
		return;
	try_chain(s, slot->first, at);
	if (!slot->deep || at + 2 * WINDOW > s->message.len)
		return;
	slot = slot_of(&s->anchors->by_16, window, word_at(s->message.ptr + at + WINDOW));
	if (slot->used)
		try_chain(s, slot->first, at);
}

/* A bit for each of the 64 bytes at p that is part of a word, and for those that are letters. */
static inline uint64_t words_of_block(const char *p, uint64_t *ret_letters)
{
	uint64_t words = 0, letters = 0;
#ifdef __SSE2__
	for (int i = 0; i < BLOCK / 16; i++) {
		__m128i c = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i)), lower = _mm_or_si128(c, _mm_set1_epi8(0x20));
		__m128i letter = _mm_cmplt_epi8(_mm_add_epi8(lower, _mm_set1_epi8((char)(-128 - 'a'))), _mm_set1_epi8(-128 + 26));
		__m128i digit = _mm_cmplt_epi8(_mm_add_epi8(c, _mm_set1_epi8((char)(-128 - '0'))), _mm_set1_epi8(-128 + 10));
		letters |= (uint64_t)(unsigned)_mm_movemask_epi8(letter) << 16 * i;
		words |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_or_si128(letter, digit)) << 16 * i;
	}
#else
	for (int i = 0; i < BLOCK; i++) {
		letters |= (uint64_t)is_letter(p[i]) << i;
		words |= (uint64_t)in_word(p[i]) << i;
	}
#endif
	*ret_letters = letters;
	return words;
}

static inline void scan_block(const struct search *s, const char *block, size_t from, uint64_t *carry)
{
	uint64_t letters, words = words_of_block(block, &letters), begins = letters & ~(words << 1 | *carry);
	*carry = words >> 63;
	for (; begins; begins &= begins - 1) {
		size_t at = from + (size_t)__builtin_ctzll(begins);
		if (at + WINDOW > s->message.len)
			return;
		uint64_t window = word_at(s->message.ptr + at), filter = mix(window, 0) >> 48;
		if (s->anchors->filter[filter / 64] >> filter % 64 & 1)
			try_anchor(s, window, at);
	}
}

void anchors_scan(const struct anchors *a, struct slice message, anchor_found *found, void *arg)
{
	const struct search s = {.anchors = a, .message = message, .found = found, .arg = arg};
	uint64_t carry = 0;
	size_t from = 0;
	for (; from + BLOCK <= message.len; from += BLOCK)
		scan_block(&s, message.ptr + from, from, &carry);
	if (from == message.len)
		return;
	char rest[BLOCK] = {0};
	memcpy(rest, message.ptr + from, message.len - from);
	scan_block(&s, rest, from, &carry);
}
