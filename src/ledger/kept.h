/* SPDX-License-Identifier: Apache-2.0 */
/* What the journal has said of traces lately, in its order. Private to the room. */
#ifndef WINNOW_LEDGER_KEPT_H
#define WINNOW_LEDGER_KEPT_H

#include "ledger/item.h"

struct kept {
	struct delta_trace *items; /* a ring */
	size_t first, len, cap;    /* cap: a power of two, or 0 */
	uint64_t sequence;         /* of the item at first */
	int64_t newest_ns;
};

void kept_done(struct kept *k);
/* asked_ns: from this event time on traces may still be asked about. */
void kept_add(struct kept *k, const struct delta_trace *t, int64_t asked_ns);
/* Items from sequence *from on, max at most; *from moves behind them. */
size_t kept_read(const struct kept *k, uint64_t *from, struct delta_trace *out, size_t max);
void kept_save(const struct kept *k, struct buf *out);
void kept_load(struct kept *k, struct unpack *u);

#endif
