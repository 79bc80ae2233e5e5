/* SPDX-License-Identifier: Apache-2.0 */
/* What a message is made of: one pass over its bytes gives atoms (words, punctuation, typed places), and over them segments: what counts for
 * identity. Everything here is a pure function of the message. */
#ifndef WINNOW_PATTERN_TOKEN_H
#define WINNOW_PATTERN_TOKEN_H

#include "pattern/bracket.h"

/* What a place holds, as far as the bytes tell. */
enum place { PLACE_ANY, PLACE_NUM, PLACE_IP, PLACE_UUID, PLACE_PATH, PLACE_URL, PLACE_DURATION, PLACE_SIZE, PLACE_TIME, PLACE_HEX, PLACE_COUNT };

/* "<*>", "<num>", ... */
struct slice place_text(enum place place);
/* The place whose text stands at the start of s, or PLACE_COUNT. */
enum place place_at(struct slice s);

enum atom_kind { ATOM_WORD, ATOM_PUNCT, ATOM_PLACE };

struct atom {
	const char *ptr;
	uint32_t len;
	uint8_t kind;
	uint8_t place;  /* for ATOM_PLACE */
	bool space;     /* white space stands before it */
	bool soft;      /* a word in the place of a value: literal in the text until another one is seen there, variable in the identity */
};

enum segment_kind { SEGMENT_WORD, SEGMENT_PUNCT, SEGMENT_VALUE };

struct segment {
	uint32_t hash;  /* of a literal's bytes; fixed for values */
	uint16_t atom;  /* first atom */
	uint16_t atoms; /* more than one only for values */
	uint8_t kind;
	bool space;
	bool state;     /* a word that says how something went: it carries the meaning */
};

enum { TOKENS_ATOMS_MAX = 384, TOKENS_SEGMENTS_MAX = 192, TOKENS_BYTES_MAX = 16384, TOKENS_WORD_MAX = 64 };

struct tokens {
	struct atom atoms[TOKENS_ATOMS_MAX + 8];
	struct segment segments[TOKENS_SEGMENTS_MAX + 8];
	size_t atoms_len;
	size_t segments_len;
	uint64_t identity; /* hash over the segments */
	uint64_t detail;   /* hash over the atoms */
	int64_t duration_ns;
	struct brackets brackets; /* private to the pass */
	const char *duration; /* where the first <duration> stands, NULL if there is none */
};

/* Reads the first line of a message. Allocates nothing; time is linear in at most TOKENS_BYTES_MAX bytes. */
void tokens_scan(struct tokens *t, struct slice message);
/* Hash in which what blanks part counts as one value if it holds one (LOCAL(0), #3#). *pure: it holds no such pieces, so that it may stand for those that do. */
uint64_t tokens_coarse(const struct tokens *t, bool *pure);
/* Reads a template's text: places are values, all else stands for itself. */
void tokens_scan_template(struct tokens *t, struct slice text);

#endif
