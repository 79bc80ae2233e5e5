/* SPDX-License-Identifier: Apache-2.0 */
/* A template matched without its regex: the usual case of it, in few bytes side by side with those of the other rules. Private to the rule*.c files. */
#ifndef WINNOW_PATTERN_RULE_PROGRAM_H
#define WINNOW_PATTERN_RULE_PROGRAM_H

#include "base/arena.h"
#include "base/buf.h"

/* A piece of a template: text, or a place. */
struct template_piece {
	bool place;
	int type;          /* enum place_type */
	uint32_t capture;  /* RULE_CAPTURES_MAX: none */
	struct slice text;
};

/* NULL if the template has places that only the regex knows. open: anything may stand behind the last piece. */
const uint8_t *program_compile(struct arena *arena, const struct template_piece *pieces, size_t len, bool open);
size_t program_len(const uint8_t *program);
/* Of a template that starts with text, all of a word, and text: the text behind the word, of which a view is given; else empty. */
struct slice program_behind_word(const uint8_t *program);
/* Where that word ends in a message, if it starts at `at`. */
size_t program_word_end(struct slice message, size_t at);

enum program_answer { PROGRAM_MISS, PROGRAM_HIT, PROGRAM_UNSURE /* ask the regex */ };
enum program_answer program_run(const uint8_t *program, struct slice message, struct slice *captures);

#endif
