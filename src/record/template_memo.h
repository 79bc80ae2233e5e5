/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message templates remembered: a program has few, and writes the same fields in the same order beside each.
 *
 * Idea: a template that was rendered leaves behind its text cut into pieces and, for each hole, which name on the outline's way (outline.h) has the value. Where the same text stands in a record whose names
 * came in the same order, its text is put together from that, without looking for braces or for names.
 *
 * Invariants: used only if every byte of the template is the same and the way ends at the same node, which says all the names before it, those of objects inside too; so a hole's value is where a search would
 * find it. Templates with a hole that nothing fills, with many pieces, or long ones are not remembered. Private to the room.
 */
#ifndef WINNOW_RECORD_TEMPLATE_MEMO_H
#define WINNOW_RECORD_TEMPLATE_MEMO_H

#include "base/arena.h"
#include "base/buf.h"
#include "record/json.h"
#include "record/outline.h"

enum { TEMPLATE_MEMOS = 256, TEMPLATE_TEXT = 192, TEMPLATE_PIECES = 12 };

/* Plain text and the hole behind it. */
struct template_piece {
	uint8_t from, len;
	bool hole;
	bool formatted; /* one whose ready text may stand in the list of renderings */
	uint16_t step;  /* where the value of its name is */
};

struct template_memo {
	const struct outline_node *end; /* NULL: nothing is remembered */
	uint64_t resets;                /* of the outline: its nodes were others before */
	uint8_t len, pieces_len;
	char text[TEMPLATE_TEXT + sizeof(uint64_t)]; /* and room for a word to be read */
	struct template_piece pieces[TEMPLATE_PIECES];
};

/* By text and way. */
struct template_memos {
	struct template_memo at[TEMPLATE_MEMOS];
};

/* The template's text for this record; false: it has to be rendered. */
bool template_memo_again(const struct template_memos *memos, const struct json *json, uint32_t renderings, struct slice template, struct arena *arena, struct buf *scratch, struct slice *ret);
/* Remembers a template and where its names are in the object at root. */
void template_memo_learn(struct template_memos *memos, const struct json *json, uint32_t root, struct slice template);

#endif
