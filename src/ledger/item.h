/* SPDX-License-Identifier: Apache-2.0 */
/* Parts that journal records and snapshots write the same way (delta.c). */
#ifndef WINNOW_LEDGER_ITEM_H
#define WINNOW_LEDGER_ITEM_H

#include "ledger/delta.h"
#include "ledger/pack.h"

void exemplar_pack(struct buf *out, const struct exemplar *e);
/* *e must be zeroed; bad for texts that are too long and for rank 0. */
void exemplar_unpack(struct unpack *u, struct exemplar *e);
void example_pack(struct buf *out, const struct delta_example *e);
/* Texts are views into the input. */
void example_unpack(struct unpack *u, struct delta_example *e);

#endif
