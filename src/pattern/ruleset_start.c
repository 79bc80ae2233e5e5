/* SPDX-License-Identifier: Apache-2.0 */
/* Idea. Most rules say how their messages start: "[pay][", "order <id:word> was ...". Such a rule is found by one look at the start of the message, whatever its
 * length, and need not be looked for in the rest of it. The first 8 bytes of a rule's prefix (3, if it is shorter) are its key. A key with few rules has them all
 * as candidates. Of a key with many, those that go on with a word and a text behind it are told apart by that text: the word's end is known without a
 * choice (\S++), so one more look-up, of 16 bytes or of 8, finds the few whose text stands there. What is left is found by its literals, but only in messages that start with
 * the key: the key opens the second of the set's finders (ruleset_prefilter.c).
 *
 * Invariants. Whatever matches is among the candidates, or its key opens the finder that has its literals. Work per message is bounded: two keys, DIRECT_MAX rules
 * and STEMS_MAX stems of each, two look-ups and FOLLOWERS_MAX rules for each behind each stem.
 *
 * Layout. One open table of keys, at most half full: those of 8 bytes, and those of 3 with zeros behind them; that a message meets a slot that is not its own
 * does not matter, as prefixes are compared. A second table has a slot for each rule that is told by the text behind its word: a slot is 16 bytes, all
 * that is asked before anything of the rule itself is touched, so that with thousands of rules a message costs one line of memory. Its hashes may be
 * alike by accident: a candidate more. */
#include "pattern/ruleset_parts.h"

#include "base/mem.h"

#include <stdlib.h>

enum { LONG = 8, WIDE = 16, SHORT = RULE_START_MIN, DIRECT_MAX = 4, STEMS_MAX = 4, FOLLOWERS_MAX = 8, BY_8 = 1, BY_16 = 2 };

struct key_slot {
	uint64_t key;
	uint32_t direct, direct_len; /* in `direct` */
	uint32_t stems, stems_len;   /* in `stems` */
	bool used, opens;
};

/* A rule by the text that must stand behind the word. */
struct follower {
	uint32_t hash;     /* of its stem, and of the text's first 16 bytes, or of its first 8 if it is shorter */
	uint32_t end_hash; /* of the text's last 8 bytes */
	uint32_t len;      /* of the text; 0: the slot is free */
	uint32_t rule;
};

struct stem {
	struct literal_rule prefix; /* of any of its rules */
	uint32_t widths;            /* BY_..., or-ed */
};

struct starts {
	bool by_long, by_short;
	struct key_slot *keys;
	size_t keys_mask;
	struct follower *followers;
	size_t followers_mask;
	struct literal_rule *direct;
	struct stem *stems;
	size_t direct_len, stems_len;
};

/* A rule that says how its messages start, while the tables are made. */
struct starter {
	uint64_t key;
	struct slice prefix, behind;
	uint32_t rule;
};

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ b * UINT64_C(0xD6E8FEB86659FD93)) * UINT64_C(0x9E3779B97F4A7C15);
	return h ^ h >> 32;
}

static inline uint64_t short_key(uint64_t start)
{
	char bytes[sizeof(start)] = {0};
	memcpy(bytes, &start, SHORT);
	return start_word(slice_of(bytes, sizeof(bytes)));
}

/* The slot of this key, or the free one where it belongs. */
static inline struct key_slot *key_slot(const struct starts *s, uint64_t key)
{
	size_t i = mix(key, 1) & s->keys_mask;
	while (s->keys[i].used && s->keys[i].key != key)
		i = (i + 1) & s->keys_mask;
	return &s->keys[i];
}

static inline uint64_t follow_hash(uint32_t stem, uint32_t width, uint64_t a, uint64_t b)
{
	return mix(a ^ b * UINT64_C(0xA0761D6478BD642F), stem * 4 + width);
}

static inline uint32_t end_hash(const char *end)
{
	return (uint32_t)(load_u64(end - LONG) * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

/* ---- making ---- */

/* As much of the text behind the word as the table goes by; empty: too short for it. */
static struct slice followed(const struct starter *starter)
{
	size_t len = starter->behind.len;
	return slice_sub(starter->behind, 0, len >= WIDE ? WIDE : len >= LONG ? LONG : 0);
}

static bool same_follow(const struct starter *x, const struct starter *y)
{
	return slice_eq(x->prefix, y->prefix) && slice_eq(followed(x), followed(y));
}

static int by_start(const void *a, const void *b)
{
	const struct starter *x = a, *y = b;
	int order = x->key < y->key ? -1 : x->key > y->key;
	if (!order)
		order = slice_cmp(x->prefix, y->prefix);
	if (!order)
		order = slice_cmp(followed(x), followed(y));
	return order ? order : x->rule < y->rule ? -1 : 1;
}

static size_t power_above(size_t len)
{
	size_t size = 16;
	while (size < 2 * len + 1)
		size *= 2;
	return size;
}

static void add_direct(struct ruleset *set, struct starts *s, struct key_slot *slot, uint32_t rule)
{
	s->direct[s->direct_len++] = literal_rule(set, rule);
	slot->direct_len++;
}

static void add_followers(struct starts *s, const struct starter *starters, size_t len)
{
	uint32_t stem = (uint32_t)s->stems_len - 1;
	struct slice text = followed(starters);
	uint32_t width = text.len == WIDE ? BY_16 : BY_8;
	uint64_t hash = follow_hash(stem, width, start_word(text), start_word(slice_sub(text, LONG, WIDE)));
	size_t at = hash & s->followers_mask;
	s->stems[stem].widths |= width;
	for (size_t i = 0; i < len; i++) {
		struct slice behind = starters[i].behind;
		while (s->followers[at].len)
			at = (at + 1) & s->followers_mask;
		s->followers[at] = (struct follower){.hash = (uint32_t)(hash >> 32), .end_hash = end_hash(behind.ptr + behind.len), .len = (uint32_t)behind.len, .rule = starters[i].rule};
	}
}

/* Those of a key's rules that a word and a text tell apart; the others go to the front. Returns how many those are. */
static size_t part_followers(struct ruleset *set, struct starts *s, struct key_slot *slot, struct starter *starters, size_t len)
{
	size_t left = 0;
	for (size_t i = 0, n; i < len; i += n) {
		bool new = i == 0 || !slice_eq(starters[i].prefix, s->stems[s->stems_len - 1].prefix.prefix);
		if (new && slot->stems_len < STEMS_MAX) {
			s->stems[s->stems_len++] = (struct stem){.prefix = literal_rule(set, starters[i].rule)};
			slot->stems_len++;
			new = false;
		}
		for (n = 1; i + n < len && same_follow(&starters[i + n], &starters[i]); n++)
			;
		if (!new && followed(&starters[i]).len && n <= FOLLOWERS_MAX)
			add_followers(s, &starters[i], n);
		else
			for (size_t k = 0; k < n; k++)
				starters[left++] = starters[i + k];
	}
	return left;
}

/* The rules of one key. */
static void add_key(struct ruleset *set, struct starts *s, struct starter *starters, size_t len, bool *by_literal)
{
	struct key_slot *slot = key_slot(s, starters->key);
	*slot = (struct key_slot){.key = starters->key, .used = true, .direct = (uint32_t)s->direct_len, .stems = (uint32_t)s->stems_len};
	size_t left = len <= DIRECT_MAX ? len : part_followers(set, s, slot, starters, len);
	for (size_t i = 0; i < left; i++)
		if (left <= DIRECT_MAX || !set->rules[starters[i].rule].literals_len) {
			add_direct(set, s, slot, starters[i].rule);
		} else {
			by_literal[starters[i].rule] = true;
			slot->opens = true;
		}
}

static size_t list_starters(const struct ruleset *set, struct starter *out)
{
	size_t len = 0;
	for (uint32_t i = 0; i < set->len; i++) {
		const struct rule *rule = &set->rules[i];
		uint64_t start = start_word(rule->prefix);
		if (rule->prefix.len < SHORT)
			continue;
		out[len] = (struct starter){.key = rule->prefix.len < LONG ? short_key(start) : start, .prefix = rule->prefix, .rule = i};
		if (rule->program)
			out[len].behind = program_behind_word(rule->program);
		len++;
	}
	return len;
}

void ruleset_compile_starts(struct ruleset *set, bool *by_literal)
{
	struct starter *starters = mem_zalloc(set->len + 1, sizeof(*starters));
	size_t len = list_starters(set, starters), size = power_above(len);
	struct starts *s = set->starts = arena_zalloc(&set->arena, sizeof(*s));
	s->keys = arena_zalloc(&set->arena, size * sizeof(*s->keys));
	s->followers = arena_zalloc(&set->arena, size * sizeof(*s->followers));
	s->keys_mask = s->followers_mask = size - 1;
	s->direct = arena_zalloc(&set->arena, (len + 1) * sizeof(*s->direct));
	s->stems = arena_zalloc(&set->arena, (len + 1) * sizeof(*s->stems));
	qsort(starters, len, sizeof(*starters), by_start);
	for (size_t i = 0, n; i < len; i += n) {
		*(starters[i].prefix.len < LONG ? &s->by_short : &s->by_long) = true;
		for (n = 1; i + n < len && starters[i + n].key == starters[i].key; n++)
			;
		add_key(set, s, &starters[i], n, by_literal);
	}
	free(starters);
}

/* ---- finding ---- */

static inline void try_followers(const struct starts *s, struct rule_scratch *scratch, uint64_t hash, struct slice behind)
{
	for (size_t i = hash & s->followers_mask; s->followers[i].len; i = (i + 1) & s->followers_mask) {
		const struct follower *f = &s->followers[i];
		if (f->hash == hash >> 32 && f->len <= behind.len && end_hash(behind.ptr + f->len) == f->end_hash)
			add_candidate(scratch, f->rule);
	}
}

static void try_stem(const struct starts *s, uint32_t number, struct rule_scratch *scratch, struct slice message)
{
	const struct stem *stem = &s->stems[number];
	struct slice behind = slice_sub(message, program_word_end(message, stem->prefix.prefix.len), message.len);
	if (stem->widths & BY_16 && behind.len >= WIDE)
		try_followers(s, scratch, follow_hash(number, BY_16, load_u64(behind.ptr), load_u64(behind.ptr + LONG)), behind);
	if (stem->widths & BY_8 && behind.len >= LONG)
		try_followers(s, scratch, follow_hash(number, BY_8, load_u64(behind.ptr), 0), behind);
}

static bool try_key(const struct starts *s, uint64_t key, struct rule_scratch *scratch, struct slice message, uint64_t start)
{
	const struct key_slot *slot = key_slot(s, key);
	if (!slot->used)
		return false;
	for (const struct literal_rule *r = &s->direct[slot->direct], *end = r + slot->direct_len; r < end; r++)
		if (starts_with(message, start, r))
			add_candidate(scratch, r->rule);
	for (uint32_t stem = slot->stems; stem < slot->stems + slot->stems_len; stem++)
		if (starts_with(message, start, &s->stems[stem].prefix))
			try_stem(s, stem, scratch, message);
	return slot->opens;
}

bool ruleset_find_starts(const struct ruleset *set, struct rule_scratch *scratch, struct slice message, uint64_t start)
{
	const struct starts *s = set->starts;
	bool opens = s->by_long && try_key(s, start, scratch, message, start);
	return (s->by_short && try_key(s, short_key(start), scratch, message, start)) || opens;
}
