/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing by the trace's number alone, so that the pairs of a trace stand in one run of slots and walking them needs no list. A table that is two thirds full is copied without what has outlived
 * its life; if that leaves more than the most, all of it is forgotten: these are notes for people, not counts. */
#include "engine/pairs.h"

#include "base/mem.h"

#include <stdlib.h>

enum { CAP_LEAST = 1024 };

void pairs_init(struct pairs *p, uint32_t life_s, size_t most)
{
	*p = (struct pairs){.cap = CAP_LEAST, .life_s = life_s, .most = most};
	p->slots = mem_zalloc(p->cap, sizeof(*p->slots));
}

void pairs_done(struct pairs *p)
{
	free(p->slots);
}

static bool lives(const struct pairs *p, const struct pair_of_trace *at)
{
	return at->trace && at->second + (uint64_t)p->life_s >= p->newest;
}

static void put(struct pairs *p, const struct pair_of_trace *pair)
{
	size_t i = pair->trace & (p->cap - 1);
	while (p->slots[i].trace)
		i = (i + 1) & (p->cap - 1);
	p->slots[i] = *pair;
}

static void copy(struct pairs *p)
{
	struct pairs old = *p;
	size_t left = 0;
	for (size_t i = 0; i < old.cap; i++)
		left += lives(&old, &old.slots[i]);
	if (left > old.most)
		left = 0;
	p->cap = CAP_LEAST;
	while (left * 3 >= p->cap)
		p->cap *= 2;
	p->slots = mem_zalloc(p->cap, sizeof(*p->slots));
	p->len = left;
	for (size_t i = 0; left && i < old.cap; i++)
		if (lives(&old, &old.slots[i]))
			put(p, &old.slots[i]);
	free(old.slots);
}

struct pair_of_trace *pairs_add(struct pairs *p, uint64_t trace, uint64_t pattern, uint64_t span, uint32_t second, bool *ret_new)
{
	trace = trace ? trace : 1;
	if (second > p->newest)
		p->newest = second;
	if (p->len * 3 >= p->cap * 2)
		copy(p);
	size_t i = trace & (p->cap - 1);
	for (; p->slots[i].trace; i = (i + 1) & (p->cap - 1)) {
		struct pair_of_trace *at = &p->slots[i];
		*ret_new = false;
		if (at->trace == trace && at->pattern == pattern && at->span == span)
			return at;
	}
	*ret_new = true;
	p->len++;
	p->slots[i] = (struct pair_of_trace){.trace = trace, .pattern = pattern, .span = span, .second = second};
	return &p->slots[i];
}

struct pair_of_trace *pairs_next(struct pairs *p, uint64_t trace, size_t *cursor)
{
	trace = trace ? trace : 1;
	size_t home = trace & (p->cap - 1);
	for (;;) {
		struct pair_of_trace *at = &p->slots[(home + (*cursor)++) & (p->cap - 1)];
		if (!at->trace)
			return NULL;
		if (at->trace == trace)
			return at;
	}
}
