/* SPDX-License-Identifier: Apache-2.0 */
/* Which texts a rule set looks for in a message, and how: what ruleset.c goes by to find the few rules that may match. */
#include "pattern/ruleset_parts.h"

#include "base/hash.h"
#include "base/mem.h"

#include <ctype.h>
#include <hs.h>
#include <stdlib.h>

enum { TAIL = 8, TAILS_ALIKE = 16, ANCHORED_FROM = 200, ANCHORED_ALL_FROM = 32, ANCHORED_REST = 4 };

static void note_service(struct ruleset *set, struct slice service, uint32_t rule)
{
	uint64_t hash = hash_bytes(service);
	struct service_rules *entry = map_get(&set->services, hash, same_service, &service);
	if (!entry) {
		entry = mem_zalloc(1, sizeof(*entry));
		entry->service = service;
		map_put(&set->services, hash, entry);
	}
	entry->rules = mem_grow(entry->rules, entry->len, &entry->cap, sizeof(*entry->rules));
	entry->rules[entry->len++] = rule;
}

static void note_without_literal(struct ruleset *set, uint32_t index)
{
	const struct where *where = &set->rules[index].where;
	for (size_t i = 0; i < where->services_len; i++)
		note_service(set, where->services[i], index);
	if (!where->services_len)
		set->always[set->always_len++] = index;
}

struct literal {
	struct slice text;
	uint32_t rule;
	bool caseless;
};

static int by_literal(const void *a, const void *b)
{
	const struct literal *x = a, *y = b;
	int order = slice_cmp(x->text, y->text);
	if (!order)
		order = (int)x->caseless - (int)y->caseless;
	return order ? order : x->rule < y->rule ? -1 : 1;
}

static bool same_literal(const struct literal *a, const struct literal *b)
{
	return slice_eq(a->text, b->text) && a->caseless == b->caseless;
}

/* Numbers the distinct ones of sorted literals from `number` on, their rules from `place` on; texts gets the distinct ones. Returns how many. */
static size_t number_literals(struct ruleset *set, const struct literal *literals, size_t len, size_t number, size_t place, const struct literal **distinct)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		set->literal_rules[place + i] = literal_rule(set, literals[i].rule);
		if (i > 0 && same_literal(&literals[i], &literals[i - 1]))
			continue;
		distinct[n] = &literals[i];
		set->literal_first[number + n++] = (uint32_t)(place + i);
	}
	set->literal_first[number + n] = (uint32_t)(place + len);
	return n;
}

/* Whether they are so few that each is looked for by itself. */
static bool compile_needles(struct finder *finder, const struct literal *const *distinct, size_t len)
{
	struct slice texts[NEEDLES_MAX];
	if (len > NEEDLES_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (distinct[i]->caseless)
			return false;
		texts[i] = distinct[i]->text;
	}
	finder->needles = needles_new(texts, len);
	return true;
}

static bool compile_literals(struct finder *finder, const struct literal *const *distinct, size_t len, size_t number)
{
	const char **texts = mem_zalloc(len, sizeof(*texts));
	unsigned *flags = mem_zalloc(len, sizeof(*flags)), *ids = mem_zalloc(len, sizeof(*ids));
	size_t *lens = mem_zalloc(len, sizeof(*lens));
	for (size_t i = 0; i < len; i++) {
		texts[i] = distinct[i]->text.ptr;
		lens[i] = distinct[i]->text.len;
		flags[i] = HS_FLAG_SINGLEMATCH | (distinct[i]->caseless ? HS_FLAG_CASELESS : 0);
		ids[i] = (unsigned)(number + i);
	}
	hs_compile_error_t *why = NULL;
	bool ok = hs_compile_lit_multi(texts, flags, ids, lens, (unsigned)len, HS_MODE_BLOCK, NULL, &finder->literals, &why) == HS_SUCCESS;
	hs_free_compile_error(why);
	free(texts);
	free(flags);
	free(ids);
	free(lens);
	return ok;
}

static void compile_anchors(struct finder *finder, const struct literal *const *distinct, size_t len)
{
	struct slice *texts = mem_zalloc(len + 1, sizeof(*texts));
	for (size_t i = 0; i < len; i++)
		texts[i] = distinct[i]->text;
	finder->anchors = anchors_new(texts, len);
	free(texts);
}

static bool is_anchored(const struct literal *l)
{
	return !l->caseless && anchor_fits(l->text);
}

/* Of many literals those that fit go to the front, for the anchors; returns how many. A second pass over the message must pay: where few literals are spared
 * Vectorscan, or too many stay with it, it does not. If none stays, there is only this pass, and it pays early. */
static size_t part_anchored(struct literal *literals, size_t len)
{
	size_t fit = 0, rest = 0, front = 0;
	for (size_t i = 0; i < len; i++)
		if (i == 0 || !same_literal(&literals[i], &literals[i - 1]))
			*(is_anchored(&literals[i]) ? &fit : &rest) += 1;
	if (fit < (rest ? ANCHORED_FROM : ANCHORED_ALL_FROM) || rest > fit / ANCHORED_REST)
		return 0;
	for (size_t i = 0; i < len; i++)
		if (is_anchored(&literals[i])) {
			struct literal other = literals[front];
			literals[front++] = literals[i];
			literals[i] = other;
		}
	qsort(literals, front, sizeof(*literals), by_literal);
	return front;
}

/* Literal matchers look at the end of a literal first. Where many literals of the set end alike (" failed after "), each of them is cut behind the text
 * that the fewest others have: what is left is still in every match, and is told apart by its last bytes. */

static uint64_t tail_hash(struct slice s, size_t end)
{
	char tail[TAIL];
	for (size_t i = 0; i < TAIL; i++)
		tail[i] = (char)tolower((unsigned char)s.ptr[end - TAIL + i]);
	return hash_bytes(slice_of(tail, TAIL));
}

/* How many literals hold the 8 bytes that hash to this, about: a table of counters without chains. */
static uint32_t *count_tails(const struct literal *literals, size_t len, size_t *ret_mask)
{
	size_t windows = 0, size = 1024;
	for (size_t i = 0; i < len; i++)
		windows += literals[i].text.len;
	while (size < 4 * windows)
		size *= 2;
	uint32_t *counts = mem_zalloc(size, sizeof(*counts));
	*ret_mask = size - 1;
	for (size_t i = 0; i < len; i++)
		for (size_t end = TAIL; (i == 0 || !same_literal(&literals[i], &literals[i - 1])) && end <= literals[i].text.len; end++)
			counts[tail_hash(literals[i].text, end) & *ret_mask]++;
	return counts;
}

static void cut_literals(struct literal *literals, size_t len)
{
	size_t mask;
	uint32_t *counts = count_tails(literals, len, &mask);
	for (size_t i = 0; i < len; i++) {
		struct slice *text = &literals[i].text;
		size_t best = text->len;
		uint32_t least = text->len < TAIL ? 0 : counts[tail_hash(*text, best) & mask];
		for (size_t end = best; least > TAILS_ALIKE && --end >= TAIL;)
			if (counts[tail_hash(*text, end) & mask] < least) {
				least = counts[tail_hash(*text, end) & mask];
				best = end;
			}
		text->len = best;
	}
	free(counts);
}

/* The rules of these literals, each once. */
static void try_always(struct ruleset *set, const struct literal *literals, size_t len)
{
	bool *noted = mem_zalloc(set->len + 1, sizeof(*noted));
	for (size_t i = 0; i < len; i++) {
		if (!noted[literals[i].rule])
			note_without_literal(set, literals[i].rule);
		noted[literals[i].rule] = true;
	}
	free(noted);
}

/* The next numbers and places are those behind the ones that the finders before this one have. */
struct indexing {
	struct ruleset *set;
	size_t number, place;
};

static void index_literals(struct indexing *x, struct finder *finder, struct literal *literals, size_t len)
{
	const struct literal **distinct = mem_zalloc(len + 1, sizeof(*distinct));
	size_t anchored = part_anchored(literals, len), rest = len - anchored;
	size_t numbers = number_literals(x->set, literals, anchored, x->number, x->place, distinct);
	finder->anchors_base = (uint32_t)x->number;
	finder->needles_base = (uint32_t)(x->number + numbers);
	compile_anchors(finder, distinct, numbers);
	literals += anchored;
	qsort(literals, rest, sizeof(*literals), by_literal);
	cut_literals(literals, rest);
	qsort(literals, rest, sizeof(*literals), by_literal);
	size_t others = number_literals(x->set, literals, rest, x->number + numbers, x->place + anchored, distinct);
	if (others && !compile_needles(finder, distinct, others) && !compile_literals(finder, distinct, others, x->number + numbers))
		try_always(x->set, literals, rest);
	free(distinct);
	x->number += numbers + others;
	x->place += len;
}

/* The literals of the rules that a finder is for. */
static size_t list_literals(struct ruleset *set, bool opened, const bool *wanted, bool able, struct literal *out)
{
	size_t len = 0;
	for (uint32_t i = 0; i < set->len; i++) {
		const struct rule *rule = &set->rules[i];
		if (opened ? !wanted[i] : rule->prefix.len >= RULE_START_MIN)
			continue;
		for (size_t k = 0; able && k < rule->literals_len; k++)
			out[len++] = (struct literal){.text = rule->literals[k], .rule = i, .caseless = rule->literals_caseless};
		if (!able || !rule->literals_len)
			note_without_literal(set, i);
	}
	qsort(out, len, sizeof(*out), by_literal);
	return len;
}

void ruleset_compile_prefilter(struct ruleset *set)
{
	size_t most = 0;
	for (size_t i = 0; i < set->len; i++)
		most += set->rules[i].literals_len;
	struct literal *literals = mem_zalloc(most + 1, sizeof(*literals));
	bool *opened = mem_zalloc(set->len + 1, sizeof(*opened)), able = hs_valid_platform() == HS_SUCCESS;
	struct indexing x = {.set = set};
	set->literal_first = arena_zalloc(&set->arena, (most + 1) * sizeof(*set->literal_first));
	set->literal_rules = arena_zalloc(&set->arena, (most + 1) * sizeof(*set->literal_rules));
	set->always = arena_zalloc(&set->arena, (set->len + 1) * sizeof(*set->always));
	set->words_len = (set->len + WORD_BITS - 1) / WORD_BITS;
	ruleset_compile_starts(set, opened);
	for (size_t i = 0; i < FINDERS; i++)
		index_literals(&x, &set->finders[i], literals, list_literals(set, i == FIND_OPENED, opened, able, literals));
	free(opened);
	free(literals);
}
