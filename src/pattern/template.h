/* SPDX-License-Identifier: Apache-2.0 */
/* A template: the segments of a message as the miner keeps them. Words and punctuation stand for themselves, values and learned places for anything. */
#ifndef WINNOW_PATTERN_TEMPLATE_H
#define WINNOW_PATTERN_TEMPLATE_H

#include "base/buf.h"
#include "pattern/token.h"

enum piece_kind { PIECE_WORD, PIECE_PUNCT, PIECE_VALUE, PIECE_LEARNED };

struct piece {
	uint32_t hash;
	uint32_t text;     /* offset into the template's bytes */
	uint32_t text_len; /* a value's text is what it was first seen as: <num>, Rect(<num>, <num>), eth0 */
	uint8_t kind;
	bool space;
	bool state;        /* a word that says how something stands */
	bool any;          /* a value seen as more than one thing: its text is <*> */
};

struct template {
	uint64_t identity;
	uint64_t skeleton; /* hash with all words alike: what could be one template has one skeleton */
	uint32_t len;
	uint32_t words;
	uint32_t bytes;    /* of the whole object */
	bool detailed;     /* a value's text can still become more general */
	struct piece pieces[];
};

/* A new template on the heap; free() it. */
struct template *template_new(const struct tokens *t);
/* A copy in which the words whose bit is set in mask (bit i: the i-th word, 64 at most) are learned places. */
struct template *template_generalised(const struct template *from, uint64_t mask);
/* The text that identity rests on: every value is <*>, values that touch are one. */
void template_birth_text(const struct template *t, struct buf *out);
/* The same, straight from a message. */
void tokens_birth_text(const struct tokens *t, struct buf *out);
/* The message with its places masked, atom by atom. */
void tokens_masked_text(const struct tokens *t, struct buf *out);
/* The text for people. */
void template_text(const struct template *t, struct buf *out);
/* Takes in what the values of t look like; true if the text became more general. t must have the template's identity or match it. */
bool template_refine(struct template *template, const struct tokens *t);
/* Whether the message is one of the template's; learned places take one to three segments. */
bool template_match(const struct template *template, const struct tokens *t);
/* The same for another template, all of whose messages must be matched. */
bool template_covers(const struct template *template, const struct template *other);
/* What the word is called in masks: piece index of the i-th word, or len. */
size_t template_word(const struct template *t, size_t i);
struct slice template_piece_text(const struct template *t, const struct piece *p);

#endif
