/* SPDX-License-Identifier: Apache-2.0 */
/* An example without its values. Private to the engine room. */
#ifndef WINNOW_ENGINE_MASK_H
#define WINNOW_ENGINE_MASK_H

#include "base/buf.h"
#include "pattern/miner.h"
#include "pattern/ruleset.h"
#include "record/record.h"

/* The record's message with its places masked, as its pattern knows them; match is looked at for patterns of rules. A view into the pattern or into *out. */
struct slice mask_example(struct miner *miner, struct pattern *pattern, const struct rule_match *match, const struct record *record, struct buf *out);

#endif
