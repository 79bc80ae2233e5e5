/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/open.h"

#include "base/mem.h"

#include <stdlib.h>

enum { WAITING_SPANS = 100000, JUDGED_HOLDS = 2 };

struct shard_open *open_new(const struct shard_opts *opts, enum shard_keying keying, struct replay_point at)
{
	const struct graph_opts graph = {.hold_ns = opts->hold_ns, .spans_max = WAITING_SPANS, .services = opts->graph_of_services, .once = keying == SHARD_REKEYED};
	struct shard_open *open = mem_zalloc(1, sizeof(*open));
	int64_t hold_ns = open_hold_ns(opts);
	replay_start(&open->replay, hold_ns > LINES_HOLD_NS ? hold_ns : LINES_HOLD_NS, at);
	open->graph = opts->hold_ns > 0 ? graph_new(&graph) : NULL;
	open->lines = lines_new();
	open->judged_ns = at.cut ? at.time_ns + JUDGED_HOLDS * open->replay.hold_ns : INT64_MIN;
	return open;
}

void open_keep(struct shard_open *open)
{
	int64_t oldest = open->tail ? tail_oldest(open->tail) : INT64_MAX;
	open->replay.keep_ns = oldest == INT64_MAX ? INT64_MAX : oldest - REPLAY_HOLDS * open->replay.hold_ns;
}

int64_t open_hold_ns(const struct shard_opts *opts)
{
	int64_t hold_ns = opts->hold_ns;
	if (opts->sampling && opts->sampling->on && opts->sampling->hold_ns + opts->sampling->grace_ns > hold_ns)
		hold_ns = opts->sampling->hold_ns + opts->sampling->grace_ns;
	return hold_ns;
}

bool shard_flush_traces(struct shard_partition *p)
{
	if (!p->open || !p->open->tail)
		return false;
	tail_flush(p->open->tail);
	return tail_oldest(p->open->tail) != INT64_MAX;
}

void shard_undecided(const struct shard_partition *p, uint64_t *traces, uint64_t *bytes)
{
	struct tail_figures f;
	if (!p->open || !p->open->tail)
		return;
	tail_figures(p->open->tail, &f);
	*traces += f.undecided + f.waiting;
	*bytes += f.memory;
}

int64_t shard_read_up_to(const struct shard_partition *p)
{
	if (!p->open || !p->open->tail)
		return INT64_MAX;
	return tail_crowded(p->open->tail) ? 0 : tail_read_up_to(p->open->tail);
}

void shard_partition_done(struct shard_partition *p)
{
	if (p->open) {
		graph_free(p->open->graph);
		tail_free(p->open->tail);
		lines_free(p->open->lines);
	}
	free(p->open);
	p->open = NULL;
}

void shard_partition_start(struct shard_partition *p, const struct shard_start *at, const struct shard_opts *opts)
{
	bool open = at->replay_time_ns || at->replay < at->offset, cut = at->replay_time_ns < 0;
	shard_partition_done(p);
	p->expected = open ? at->replay : at->offset;
	p->count_from = p->cut_from = at->offset;
	p->newest_ns = at->newest_ns;
	p->gap = 0;
	p->gap_asked = -1;
	p->at_end = false;
	if (open)
		p->open = open_new(opts, p->keying, (struct replay_point){.offset = at->replay, .time_ns = cut ? -at->replay_time_ns : at->replay_time_ns, .cut = cut});
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
	open_keep(p->open);
	struct replay_point at = replay_point(&p->open->replay);
	if (caught_up && (!p->open->graph || graph_empty(p->open->graph)) && (!p->open->tail || tail_oldest(p->open->tail) == INT64_MAX) && lines_empty(p->open->lines) && !lines_noted(p->open->lines))
		at = (struct replay_point){.offset = ret->offset, .time_ns = p->open->replay.newest_ns};
	ret->replay = at.offset;
	ret->replay_time_ns = at.cut ? -at.time_ns : at.time_ns;
}
