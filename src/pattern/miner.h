/* SPDX-License-Identifier: Apache-2.0 */
/* The template miner: one pass, bounded memory, the same ids everywhere. One per shard, one thread; patterns live in the set it is given. */
#ifndef WINNOW_PATTERN_MINER_H
#define WINNOW_PATTERN_MINER_H

#include "base/buf.h"
#include "pattern/pattern.h"

struct miner;

struct mined {
	struct pattern *pattern; /* never NULL; a survivor at the time of the call; check ->overflow */
	int64_t duration_ns;     /* value of the first <duration> place, -1 if there is none */
	bool born;               /* the pattern came to be with this message */
};

struct miner *miner_new(struct pattern_set *set, size_t memory_bytes /* 0: 64 MiB */);
void miner_free(struct miner *m);
/* Bytes of memory the miner holds now. */
size_t miner_bytes(const struct miner *m);
/* Names a message: every message gets a pattern. Allocates only when something new is seen. */
void miner_name(struct miner *m, struct slice service, struct slice message, struct mined *ret);
/* Appends the message as an example may be shown without its values: places as <num>, <ip>, ..., words in the place of values as <*>; only what a pattern is
 * made of (the first line, and what a stack trace adds). */
void miner_mask(struct miner *m, struct slice message, struct buf *out);
/* The same of a mined pattern's text, in which learned places are masked too. */
void miner_mask_pattern(struct miner *m, const struct pattern *p, struct buf *out);
/* Tells the miner of an imported pattern, so that messages of its kind meet it instead of giving birth to a twin. */
void miner_import(struct miner *m, struct pattern *p);

#endif
