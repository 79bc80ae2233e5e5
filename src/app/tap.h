/* SPDX-License-Identifier: Apache-2.0 */
/* Live records with the pattern each got, for who looks on: a ring of the last ones, filled only while somebody asks, at a bounded rate. Any thread. */
#ifndef WINNOW_APP_TAP_H
#define WINNOW_APP_TAP_H

#include "base/buf.h"
#include "engine/shard.h"

struct tap;

/* texts: messages may be shown; else the pattern stands for them. */
struct tap *tap_new(bool texts);
void tap_free(struct tap *t);
/* Whether somebody has asked in the last seconds: one load. */
bool tap_wanted(const struct tap *t);
/* A shard_visit; arg is the tap. */
void tap_take(void *arg, const struct shard_view *view);
/* Records behind number `after` that hold the filter in service, rule, template, id or message, as {"next": N, "missed": M, "records": [...]}. missed: passed the
 * filter and were over the rate. The filter holds for what is taken from now on. */
void tap_read(struct tap *t, struct slice filter, uint64_t after, struct buf *out);

#endif
