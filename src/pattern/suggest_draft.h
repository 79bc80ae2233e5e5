/* SPDX-License-Identifier: Apache-2.0 */
/* A rule's match in the making: the parts of a message, as a mined template tells them apart. Private to the suggest*.c files. */
#ifndef WINNOW_PATTERN_SUGGEST_DRAFT_H
#define WINNOW_PATTERN_SUGGEST_DRAFT_H

#include "pattern/rule.h"
#include "pattern/suggest.h"

enum { DRAFT_PARTS_MAX = 400, DRAFT_NAME_MAX = 32 };

enum draft_kind {
	DRAFT_TEXT,  /* stands for itself */
	DRAFT_PLACE, /* a place of the template */
	DRAFT_GAP,   /* text that the template leaves out */
};

struct draft_part {
	enum draft_kind kind;
	bool wordy;                /* no example has white space there */
	bool space;                /* white space stands before it in the template */
	enum place_type mined;     /* the template's type; PLACE_STAR: <*> */
	enum place_type type;      /* the rule's */
	struct slice given;        /* the place's name in a logger's template */
	struct slice text;         /* of the template, then of the first example */
	char name[DRAFT_NAME_MAX + 1]; /* empty: no name */
};

struct draft {
	struct arena *arena;
	struct draft_part parts[DRAFT_PARTS_MAX];
	size_t len;
	uint32_t duration;         /* part; DRAFT_PARTS_MAX: none */
	const char *unit;          /* of the duration if it is a bare number, or NULL */
	bool open;                 /* anything may follow */
};

/* The parts of the first example that template and examples show, with types; false if the template does not fit it. */
bool draft_align(struct draft *d, const struct suggest_pattern *p);
/* Takes the types back to the ones that take anything. */
void draft_loosen(struct draft *d);
/* Types that take anything become words, where the examples do not speak against it. */
void draft_tighten(struct draft *d);
/* Names for the places, and which of them is the duration. */
void draft_name(struct draft *d);
/* A name for the rule, from its words. */
void draft_rule_name(const struct draft *d, const struct suggest_pattern *p, struct buf *out);
/* The value of `match`. */
void draft_match(const struct draft *d, struct buf *out);

#endif
