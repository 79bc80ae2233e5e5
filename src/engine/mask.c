/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/mask.h"

/* The capture that begins first at or behind from; without a pointer if there is none. */
static struct slice next_capture(const struct rule_match *match, struct slice message, size_t from)
{
	struct slice next = slice_of(NULL, 0);
	for (size_t i = 0; i < rule_captures_len(match->rule); i++) { /* behind them nothing is set */
		struct slice c = match->captures[i];
		if (c.len && c.ptr >= message.ptr + from && c.ptr + c.len <= message.ptr + message.len && (!next.ptr || c.ptr < next.ptr))
			next = c;
	}
	return next;
}

/* What a rule captured is a value, whatever it looks like: the message with <*> in the place of each capture. */
static void hide_captures(const struct rule_match *match, struct slice message, struct buf *out)
{
	size_t from = 0;
	for (struct slice next; (next = next_capture(match, message, from)).ptr;) {
		buf_add_slice(out, slice_sub(message, from, (size_t)(next.ptr - message.ptr) - from));
		buf_add_str(out, "<*>");
		from = (size_t)(next.ptr - message.ptr) + next.len;
	}
	buf_add_slice(out, slice_sub(message, from, SIZE_MAX));
}

struct slice mask_example(struct miner *miner, struct pattern *pattern, const struct rule_match *match, const struct record *record, struct buf *out)
{
	struct buf hidden = {0};
	buf_reset(out);
	switch (pattern->origin) {
	case ORIGIN_CARRIED:
		return pattern->template_text;
	case ORIGIN_MINED:
		miner_mask_pattern(miner, pattern, out);
		break;
	case ORIGIN_RULE:
		hide_captures(match, record->message, &hidden);
		miner_mask(miner, buf_slice(&hidden), out);
		buf_done(&hidden);
		break;
	case ORIGIN_COUNT:
		break;
	}
	return buf_slice(out);
}
