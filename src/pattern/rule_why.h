/* SPDX-License-Identifier: Apache-2.0 */
/* Why a rule does not match a message: how far it comes, and what it wants there. Private to the rule*.c and ruleset*.c files; cold path. */
#ifndef WINNOW_PATTERN_RULE_WHY_H
#define WINNOW_PATTERN_RULE_WHY_H

#include "pattern/rule.h"

struct rule_stop {
	size_t at;           /* bytes of the message that it takes */
	bool start;          /* it takes the message from its beginning; else it may begin anywhere */
	struct buf expected; /* what it wants there, in words */
};

/* False if the regex is not a row of pieces that could be followed. The caller frees expected. */
bool rule_stop_find(const struct rule *rule, struct rule_scratch *scratch, struct slice message, struct rule_stop *ret);
/* The reason as half a sentence. */
void rule_say_miss(enum rule_miss miss, const struct rule *rule, size_t field, const struct record *record, struct rule_scratch *scratch, struct buf *out);
/* The same for a text that does not fit, with the message around the place where it stops, and a mark under it; false and nothing if that is not known. */
bool rule_show_stop(const struct rule *rule, struct rule_scratch *scratch, struct slice message, struct buf *out);
/* rule_hostile.c: whether a message can be found that makes the rule's regex give up at its limit. */
bool rule_is_hostile(const struct rule *rule, struct rule_scratch *scratch);

#endif
