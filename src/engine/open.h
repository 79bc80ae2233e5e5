/* SPDX-License-Identifier: Apache-2.0 */
/* What a partition holds open: the state that spans records, and where a successor has to feed from. Private to the engine room. */
#ifndef WINNOW_ENGINE_OPEN_H
#define WINNOW_ENGINE_OPEN_H

#include "engine/graph.h"
#include "engine/lines.h"
#include "engine/replay.h"
#include "engine/shard.h"
#include "engine/tail.h"

struct shard_open {
	struct replay replay;
	struct graph *graph; /* NULL: none is wanted */
	struct tail *tail;   /* NULL: no span yet, or no sampling */
	struct lines *lines;
	int64_t judged_ns;   /* traces that came before this time are decided already; INT64_MIN: none is */
};

struct shard_open *open_new(const struct shard_opts *opts, enum shard_keying keying, struct replay_point at);
/* How long what spans records lives; 0: there is no such thing. */
int64_t open_hold_ns(const struct shard_opts *opts);
/* Keeps points of replay for what is undecided. */
void open_keep(struct shard_open *open);

#endif
