/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/example.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

enum { TEXT_MAX = 4096, INCIDENT_TEXT_MAX = 16384, FURTHER_OPEN_MAX = 128 };
#define REFRESH_NS (600 * NS_PER_S)
#define FURTHER_NS NS_PER_S

/* What the journal was told of a pattern, and its place among the open ones. */
struct told {
	int64_t time_ns;
	int64_t further_ns; /* of the last one kept besides */
	uint32_t open; /* place + 1, 0: none */
	uint8_t rank;
};

struct examples {
	struct told *told; /* by pattern index */
	size_t told_cap;
	struct shard_example *open;
	size_t open_len, open_cap, further_len;
	struct arena arena;
};

struct examples *examples_new(void)
{
	return mem_zalloc(1, sizeof(struct examples));
}

void examples_free(struct examples *x)
{
	if (!x)
		return;
	arena_done(&x->arena);
	free(x->told);
	free(x->open);
	free(x);
}

static struct told *told_of(struct examples *x, const struct pattern *p)
{
	if (p->index >= x->told_cap) {
		size_t cap = x->told_cap ? x->told_cap : 64;
		while (cap <= p->index)
			cap *= 2;
		x->told = mem_realloc(x->told, cap, sizeof(*x->told));
		memset(x->told + x->told_cap, 0, (cap - x->told_cap) * sizeof(*x->told));
		x->told_cap = cap;
	}
	return &x->told[p->index];
}

static uint8_t rank_of(const struct record *record, bool error)
{
	bool traced = record->trace_id.len > 0;
	return error ? (traced ? EXAMPLE_ERROR_TRACED : EXAMPLE_ERROR) : (traced ? EXAMPLE_TRACED : EXAMPLE_PLAIN);
}

static bool outranks(const struct told *told, uint8_t rank, int64_t time_ns)
{
	return rank > told->rank || time_ns - told->time_ns >= REFRESH_NS;
}

static bool wants_further(const struct examples *x, const struct told *told, int64_t time_ns)
{
	return x->further_len < FURTHER_OPEN_MAX && time_ns - told->further_ns >= FURTHER_NS;
}

bool examples_wants(struct examples *x, const struct pattern *p, const struct record *record, int64_t time_ns, bool error, bool incident)
{
	const struct told *told = told_of(x, p);
	return outranks(told, rank_of(record, error), time_ns) || (incident && wants_further(x, told, time_ns));
}

static struct shard_example *open_place(struct examples *x)
{
	x->open = mem_grow(x->open, x->open_len, &x->open_cap, sizeof(*x->open));
	return &x->open[x->open_len++];
}

static void keep(struct examples *x, struct shard_example *to, const struct pattern *p, const struct record *record, const struct shard_example *where, size_t text_max)
{
	*to = *where;
	to->pattern = p;
	to->text = arena_copy(&x->arena, slice_sub(where->text.ptr ? where->text : record->message, 0, text_max));
	to->trace_id = arena_copy(&x->arena, record->trace_id);
	to->span_id = arena_copy(&x->arena, record->span_id);
}

void examples_offer(struct examples *x, const struct pattern *p, const struct record *record, const struct shard_example *where, bool error, bool incident)
{
	struct told *told = told_of(x, p);
	uint8_t rank = rank_of(record, error);
	size_t text_max = incident ? INCIDENT_TEXT_MAX : TEXT_MAX;
	if (outranks(told, rank, where->time_ns)) {
		if (!told->open) {
			open_place(x);
			told->open = (uint32_t)x->open_len;
		}
		told->rank = rank;
		told->time_ns = where->time_ns;
		struct shard_example *open = &x->open[told->open - 1];
		keep(x, open, p, record, where, text_max);
		open->rank = rank;
		open->further = false;
	}
	if (incident && wants_further(x, told, where->time_ns)) {
		struct shard_example *further = open_place(x);
		keep(x, further, p, record, where, text_max);
		further->rank = rank;
		further->further = true;
		told->further_ns = where->time_ns;
		x->further_len++;
	}
}

const struct shard_example *examples_open(const struct examples *x, size_t *ret_len)
{
	*ret_len = x->open_len;
	return x->open;
}

void examples_clear(struct examples *x)
{
	for (size_t i = 0; i < x->open_len; i++)
		x->told[x->open[i].pattern->index].open = 0;
	x->open_len = x->further_len = 0;
	arena_reset(&x->arena);
}

void examples_rewind(struct examples *x)
{
	x->open_len = x->further_len = 0;
	arena_reset(&x->arena);
	if (x->told_cap)
		memset(x->told, 0, x->told_cap * sizeof(*x->told));
}
