/* SPDX-License-Identifier: Apache-2.0 */
/* The symbol table of a 2.0 request, as it leaves. Private to the metric room. */
#ifndef WINNOW_METRIC_SYMBOLS_H
#define WINNOW_METRIC_SYMBOLS_H

#include "metric/pair.h"
#include "metric/point.h"

struct symbol_word {
	uint32_t epoch, hash, ref, len;
	size_t at;
};

struct symbols {
	struct buf bytes;           /* tag, length, text ...: as it leaves */
	uint32_t epoch, len;        /* len: symbols, the empty one among them */
	const struct label_pairs *pairs; /* texts of these remember their references themselves; NULL: none */
	struct symbol_word *words;  /* all other texts: hash -> ref, open addressing, at most half full */
	size_t words_len, words_cap;
};

void symbols_init(struct symbols *y);
void symbols_done(struct symbols *y);
/* Only the empty text. */
void symbols_begin(struct symbols *y);
/* The reference of any text. */
uint32_t symbols_ref(struct symbols *y, struct slice text);
/* The references of a pair's texts, kept in the pair. */
void symbols_look_up(struct symbols *y, struct pair *pair);

/* A pair's references in this request, written up to PAIR_REFS past their end. epoch: the table's, which the compiler cannot know to stay as it is. */
static inline uint8_t *symbols_put_known(struct symbols *y, uint32_t epoch, uint8_t *at, struct pair *pair)
{
	if (pair->epoch != epoch)
		symbols_look_up(y, pair);
	memcpy(at, pair->refs, PAIR_REFS);
	return at + pair->refs_len;
}

static inline uint8_t *symbols_put_pair(struct symbols *y, uint8_t *at, struct pair *pair)
{
	return symbols_put_known(y, y->epoch, at, pair);
}

#endif
