/* SPDX-License-Identifier: Apache-2.0 */
/* The best example of each pattern: the only copy made of a record. Private to the engine room. */
#ifndef WINNOW_ENGINE_EXAMPLE_H
#define WINNOW_ENGINE_EXAMPLE_H

#include "base/arena.h"
#include "engine/shard.h"

/* Ranks, as in struct delta_example: error with trace id, error, with trace id, anything. */
enum example_rank { EXAMPLE_NONE, EXAMPLE_PLAIN, EXAMPLE_TRACED, EXAMPLE_ERROR, EXAMPLE_ERROR_TRACED };

struct examples;

struct examples *examples_new(void);
void examples_free(struct examples *x);
/* Whether examples_offer would keep the record. */
bool examples_wants(struct examples *x, const struct pattern *p, const struct record *record, int64_t time_ns, bool error, bool incident);
/* Keeps the record as its pattern's example if it outranks what the journal has been told, or what was told is ten minutes of event time old. Its text is
 * where->text if there is one, else the message. In an incident the text may be four times as long, and one record a second is kept
 * besides it (->further). */
void examples_offer(struct examples *x, const struct pattern *p, const struct record *record, const struct shard_example *where, bool error, bool incident);
const struct shard_example *examples_open(const struct examples *x, size_t *ret_len);
void examples_clear(struct examples *x);
void examples_rewind(struct examples *x);

#endif
