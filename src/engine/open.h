/* SPDX-License-Identifier: Apache-2.0 */
/* What a partition holds open: the state that spans records, and where a successor has to feed from. Private to the engine room. */
#ifndef WINNOW_ENGINE_OPEN_H
#define WINNOW_ENGINE_OPEN_H

#include "engine/graph.h"
#include "engine/lines.h"
#include "engine/replay.h"
#include "engine/shard.h"

struct shard_open {
	struct replay replay;
	struct graph *graph; /* NULL: none is wanted */
	struct lines *lines;
};

struct shard_open *open_new(const struct shard_opts *opts, struct replay_point at);

#endif
