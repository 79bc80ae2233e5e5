/* SPDX-License-Identifier: Apache-2.0 */
/* Which words of a statement are values, told from templates that differ in them.
 *
 * A new template is compared with templates of its skeleton (segments with all words alike): which words differ? A set of words at which it and its kin show
 * more variants than a limit, all other words equal and at least half of all words, is variable; the smallest such set is taken. The limits: 3 words for one
 * place; 4 where several places change together, which is rather another statement; 10 for the first word; 12 while all variants are state words (started,
 * FAILED, true). So statements that differ in a word stay apart, and user names do not.
 *
 * Sets of words are masks: bit n is the n-th word, and words past 64 are never learned. No allocation.
 *
 * Source: our own measurements (docs/mining.md). */
#include "pattern/variants.h"

enum {
	LIMIT_WORDS = 3,    /* different words a place may show before it is variable */
	LIMIT_SEVERAL = 4,  /* the same where several places change together */
	LIMIT_FIRST = 10,   /* the same for the first word of a message */
	LIMIT_STATES = 12,  /* the same while all of them are state words */
};

/* Which words differ between two templates of one skeleton, as a mask; false if more than may. */
static bool words_differing(const struct template *a, const struct template *b, uint64_t *ret)
{
	size_t word = 0;
	uint64_t mask = 0;
	for (size_t i = 0; i < a->len; i++) {
		if (a->pieces[i].kind != PIECE_WORD)
			continue;
		if (a->pieces[i].hash != b->pieces[i].hash) {
			if (word >= 64)
				return false;
			mask |= UINT64_C(1) << word;
		}
		word++;
	}
	*ret = mask;
	return 2 * (a->words - (size_t)__builtin_popcountll(mask)) >= a->words;
}

void variants_add(struct variants *v, const struct template *fresh, const struct template *other)
{
	if (v->len < VARIANTS_MAX && other->len == fresh->len && words_differing(fresh, other, &v->masks[v->len]))
		v->templates[v->len++] = other;
}

/* Whether the words seen at a piece are more than such a place may show while it is constant. */
static bool too_many(const struct variants *v, uint64_t mask, const struct template *fresh, size_t at)
{
	uint32_t seen[LIMIT_STATES + 1];
	size_t distinct = 1;
	bool states = fresh->pieces[at].state;
	seen[0] = fresh->pieces[at].hash;
	for (size_t i = 0; i < v->len && distinct <= LIMIT_STATES; i++) {
		if (v->masks[i] & ~mask)
			continue;
		const struct piece *p = &v->templates[i]->pieces[at];
		size_t k = 0;
		while (k < distinct && seen[k] != p->hash)
			k++;
		if (k == distinct) {
			seen[distinct++] = p->hash;
			states = states && p->state;
		}
	}
	size_t several = __builtin_popcountll(mask) > 1 ? LIMIT_SEVERAL : LIMIT_WORDS;
	return distinct > (states ? (size_t)LIMIT_STATES : at == 0 ? (size_t)LIMIT_FIRST : several);
}

static bool mask_generalises(const struct variants *v, uint64_t mask, const struct template *fresh)
{
	for (size_t word = 0; word < 64; word++)
		if ((mask >> word & 1) && !too_many(v, mask, fresh, template_word(fresh, word)))
			return false;
	return true;
}

uint64_t variants_learned(const struct variants *v, const struct template *fresh)
{
	uint64_t best = 0;
	for (size_t i = 0; i < v->len; i++) {
		uint64_t mask = v->masks[i];
		if (mask && (!best || __builtin_popcountll(mask) < __builtin_popcountll(best)) && mask_generalises(v, mask, fresh))
			best = mask;
	}
	return best;
}

static bool same_piece(const struct template *a, size_t i, const struct template *b, size_t j)
{
	return i < a->len && j < b->len && a->pieces[i].kind == b->pieces[j].kind && (a->pieces[i].kind == PIECE_VALUE || a->pieces[i].hash == b->pieces[j].hash);
}

static bool may_be_learned(const struct template *t, size_t i)
{
	return i < t->len && (t->pieces[i].kind == PIECE_WORD || t->pieces[i].kind == PIECE_VALUE);
}

uint64_t variants_told(const struct template *alias, const struct template *survivor)
{
	uint64_t mask = 0;
	size_t word = 0;
	size_t i = 0;
	for (size_t j = 0; j < survivor->len; j++) {
		if (survivor->pieces[j].kind != PIECE_VALUE) {
			if (!same_piece(alias, i, survivor, j))
				return 0;
			word += alias->pieces[i++].kind == PIECE_WORD;
			continue;
		}
		size_t from = i;
		while (may_be_learned(alias, i) && (i == from || !same_piece(alias, i, survivor, j + 1))) {
			if (alias->pieces[i].kind == PIECE_WORD && word < 64)
				mask |= UINT64_C(1) << word;
			word += alias->pieces[i++].kind == PIECE_WORD;
		}
		if (i == from)
			return 0;
	}
	return i == alias->len ? mask : 0;
}
