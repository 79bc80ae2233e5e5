/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the token classifier: the state of one pass and what its parts (token.c, piece.c, nest.c) offer each other. */
#ifndef WINNOW_PATTERN_SCAN_H
#define WINNOW_PATTERN_SCAN_H

#include "pattern/lexeme.h"
#include "pattern/token.h"
#include "pattern/word.h"

/* What the bytes before a piece say about it. */
enum expect {
	EXPECT_NOTHING,
	EXPECT_VALUE, /* name= */
	EXPECT_WORD,  /* name: */
	EXPECT_FIELD, /* "name": */
};

struct scan {
	struct tokens *t;
	const char *ptr;
	size_t pos;
	size_t end;
	size_t value_until;  /* atoms before this offset belong to the value that is open */
	size_t quote_end;    /* offset of a quote that closes, or SIZE_MAX */
	unsigned last_class; /* of the last atom if it was a word that stands for itself */
	unsigned key_class;  /* of the last "name" before a colon */
	size_t key_end;      /* offset behind its quote, 0 if there was none */
	char open[16];       /* what closes the brackets of the text, innermost last */
	uint8_t open_len;
	enum expect expect;
	bool space;
	bool in_date;        /* a month or weekday began a date that goes on */
	bool paired;         /* the brackets are found */
	bool plural;         /* "names: " came before: what follows may be a list */
	bool in_name;        /* the last atom is a Capitalised name that the words before announced */
	bool full;
	bool template;       /* <num> and its like are places */
};

static inline uint64_t scan_mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 32);
}

static inline struct atom *scan_last(const struct scan *s)
{
	return s->t->atoms_len ? &s->t->atoms[s->t->atoms_len - 1] : NULL;
}

static inline size_t scan_end_of(const struct scan *s, struct slice piece)
{
	return (size_t)(piece.ptr - s->ptr) + piece.len;
}

unsigned scan_classes(struct slice piece);
/* The next byte that is not a blank, 0 at the end. */
char scan_next(const struct scan *s, size_t at);
/* Whether a value may end before this byte. */
bool scan_closes_value(char c);

/* token.c: the atoms and segments. */
void emit_punct(struct scan *s, size_t at, size_t len);
void emit_text(struct scan *s, const char *literal, size_t len);
void emit_word(struct scan *s, struct slice text, bool soft);
/* A value that is not there: name=, "". */
void emit_nothing(struct scan *s);
void emit_place(struct scan *s, struct slice piece, enum place place, int64_t duration_ns);

/* piece.c: what no blank and no delimiter parts. */
void piece_chunk(struct scan *s);
/* What stands behind name= is a value whatever it looks like. */
void piece_value(struct scan *s, struct slice piece, unsigned classes);

/* name.c: a word of letters. */
void name_word(struct scan *s, struct slice piece);
/* WORD_* of the word behind the blanks at an offset. */
unsigned scan_class_at(const struct scan *s, size_t at);
bool scan_behind_time(const struct scan *s);

/* nest.c: brackets, quotes and what else delimits. */
void nest_delimiter(struct scan *s);
/* Offset of the bracket that closes the one at pos; *structured tells whether what is between (or up to the end, if it never closes) is a printed
 * value. SIZE_MAX if it never closes. */
size_t nest_bracket_end(struct scan *s, size_t pos, bool *structured);

/* trace.c: what the lines behind the first one add. */
void trace_emit(struct scan *s, struct slice rest);

enum { NEST_DETAIL_MAX = 160 }; /* a printed value longer than this is one place in the text too */

#endif
