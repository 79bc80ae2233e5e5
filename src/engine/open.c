/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/open.h"

#include "base/mem.h"

#include <stdlib.h>

enum { WAITING_SPANS = 100000 };

struct shard_open *open_new(const struct shard_opts *opts, struct replay_point at)
{
	const struct graph_opts graph = {.hold_ns = opts->hold_ns, .spans_max = WAITING_SPANS, .services = opts->graph_of_services};
	struct shard_open *open = mem_zalloc(1, sizeof(*open));
	replay_start(&open->replay, opts->hold_ns > LINES_HOLD_NS ? opts->hold_ns : LINES_HOLD_NS, at);
	open->graph = opts->hold_ns ? graph_new(&graph) : NULL;
	open->lines = lines_new();
	return open;
}

void shard_partition_done(struct shard_partition *p)
{
	if (p->open) {
		graph_free(p->open->graph);
		lines_free(p->open->lines);
	}
	free(p->open);
	p->open = NULL;
}

void shard_partition_start(struct shard_partition *p, const struct shard_start *at, const struct shard_opts *opts)
{
	bool open = at->replay_time_ns > 0 || at->replay < at->offset;
	shard_partition_done(p);
	p->expected = open ? at->replay : at->offset;
	p->count_from = p->cut_from = at->offset;
	p->newest_ns = at->newest_ns;
	p->gap = 0;
	p->gap_asked = -1;
	p->at_end = false;
	if (open)
		p->open = open_new(opts, (struct replay_point){.offset = at->replay, .time_ns = at->replay_time_ns});
}

int64_t shard_partition_to(const struct shard_partition *p)
{
	return p->expected > p->count_from ? p->expected : p->count_from;
}

void shard_partition_successor(const struct shard_partition *p, struct shard_start *ret)
{
	*ret = (struct shard_start){.offset = shard_partition_to(p), .replay = shard_partition_to(p), .newest_ns = p->newest_ns};
	if (!p->open)
		return;
	bool caught_up = p->expected >= p->count_from;
	struct replay_point at = replay_point(&p->open->replay);
	if (caught_up && (!p->open->graph || graph_empty(p->open->graph)) && lines_empty(p->open->lines))
		at = (struct replay_point){.offset = ret->offset, .time_ns = p->open->replay.newest_ns};
	ret->replay = at.offset;
	ret->replay_time_ns = at.time_ns;
}
