/* SPDX-License-Identifier: Apache-2.0 */
/* What a piece of text without blanks is by its form alone: a number, an address, a duration, ... Hand-written recognisers, no regular expressions. */
#ifndef WINNOW_PATTERN_LEXEME_H
#define WINNOW_PATTERN_LEXEME_H

#include "pattern/token.h"

enum {
	LEX_LOWER = 1,   /* a-z */
	LEX_UPPER = 2,   /* A-Z */
	LEX_DIGIT = 4,   /* 0-9 */
	LEX_NONHEX = 8,  /* a letter that is no hexadecimal digit */
	LEX_JOIN = 16,   /* punctuation that may stand inside a value: . - : / @ ... */
	LEX_HIGH = 32,   /* a byte of a character outside ASCII */
	LEX_UNDER = 64,  /* _ */
	LEX_END = 128,   /* ends every piece: blanks, brackets, quotes, , ; = | < > */
	LEX_LETTER = LEX_LOWER | LEX_UPPER,
};

extern const uint8_t lex_class[256];

/* The place a piece with this union of classes is, or PLACE_COUNT if its form names none. *duration_ns is set for PLACE_DURATION only. */
enum place lex_place(struct slice piece, unsigned classes, int64_t *duration_ns);
/* The duration that begins s, or -1. */
int64_t lex_duration(struct slice s);
/* s, sec, ms, min, ... */
bool lex_is_time_unit(struct slice name);
/* B, kB, MiB, ... */
bool lex_is_size_unit(struct slice name);
/* Letters in no order that a name would have: part of a key, a token, an id. */
bool lex_is_random(struct slice letters);
/* Whether a name is one of an exception type. */
bool lex_exception(struct slice name);

#endif
