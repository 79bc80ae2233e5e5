/* SPDX-License-Identifier: Apache-2.0 */
/* Parts that journal records and snapshots write the same way (item.c; traces: kept.c). */
#ifndef WINNOW_LEDGER_ITEM_H
#define WINNOW_LEDGER_ITEM_H

#include "base/map.h"
#include "ledger/delta.h"
#include "ledger/pack.h"

enum { ITEM_TEXT_MAX = 65536 };

void exemplar_pack(struct buf *out, const struct exemplar *e);
/* *e must be zeroed; bad for texts that are too long and for rank 0. */
void exemplar_unpack(struct unpack *u, struct exemplar *e);
/* The number of a series' family. One that a rule defines is FAMILY_OF_RULES and its place among those written so far; the first time its definition follows. */
enum { FAMILY_OF_RULES = 256 };
void family_pack(struct buf *out, struct map *written, enum family_id family, int64_t since_ns);
/* What reading has seen of them. */
struct families_read {
	struct delta_family *items;
	size_t len, cap;
};
/* Texts are copied; FAMILY_COUNT and bad if it is none. */
enum family_id family_unpack(struct unpack *u, struct families_read *seen);
/* seconds: of the trace before, each one is written as the difference. */
void trace_pack(struct buf *out, const struct delta_trace *t, int64_t *seconds);
void trace_unpack(struct unpack *u, struct delta_trace *t, int64_t *seconds);
void native_pack(struct buf *out, const struct native *h);
/* Into h, which is zeroed; a sum is not in it. */
void native_unpack(struct unpack *u, struct native *h);
void example_pack(struct buf *out, const struct delta_example *e);
/* Texts are views into the input. */
void example_unpack(struct unpack *u, struct delta_example *e);

#endif
