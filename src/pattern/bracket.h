/* SPDX-License-Identifier: Apache-2.0 */
/* Which bracket closes which, found in one pass before any of them is looked into: a printed object of any length is then skipped in one step. */
#ifndef WINNOW_PATTERN_BRACKET_H
#define WINNOW_PATTERN_BRACKET_H

#include "base/slice.h"

enum { BRACKETS_MAX = 128, BRACKETS_DEPTH = 32 };

struct bracket {
	uint32_t open;   /* offset */
	uint32_t close;  /* offset, or BRACKET_NONE */
	bool listed;     /* commas or quotes between them */
	bool named;      /* ": " between them */
};

#define BRACKET_NONE UINT32_MAX

struct brackets {
	struct bracket items[BRACKETS_MAX]; /* by offset; only the outer ones once there are many */
	size_t len;
	size_t cursor;
};

/* Pairs the brackets of text[from, to). */
void brackets_find(struct brackets *b, const char *text, size_t from, size_t to);
/* The bracket that opens at offset, or NULL. Ask in rising order. */
const struct bracket *brackets_at(struct brackets *b, size_t offset);

#endif
