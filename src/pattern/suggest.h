/* SPDX-License-Identifier: Apache-2.0 */
/* Rules out of mined patterns: a rule file with typed places and tests, which loads and passes as it is. Cold path; any thread. */
#ifndef WINNOW_PATTERN_SUGGEST_H
#define WINNOW_PATTERN_SUGGEST_H

#include "base/buf.h"

struct suggest_pattern {
	uint64_t id;
	uint64_t count;               /* records it had; 0: unknown */
	struct slice service;         /* may be empty */
	struct slice template_text;   /* the miner's */
	bool carried;                 /* the logger's own instead: places are {Name}, {} or %s */
	bool error;                   /* its records are errors, mostly */
	const struct slice *examples; /* messages of it, in UTF-8; the first becomes the test */
	size_t examples_len;
};

/* Appends to out a rule file with a rule for each of the first `wanted` patterns of which one can be made, and to left_out a line for each of which none can,
 * with the reason. The other patterns' examples are messages that the rules may be tested against. title: one line for the head of the file. Returns how
 * many rules there are; 0: out is untouched. */
size_t suggest_rules(const struct suggest_pattern *patterns, size_t wanted, size_t len, struct slice title, struct buf *out, struct buf *left_out);

#endif
