/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of decisions. 16 bytes a mark: the trace's number, a second, the reasons that were found in it; a trace with reasons of several seconds has as many marks, so that one that was found too late
 * is not taken for one in time beside which it stands. Open addressing, linear probing. When the table is two thirds full, marks that have outlived their life against what may still be asked about
 * are left out of its copy, so a table never holds more than what one life of the stream marks, times three. Whether a mark still counts is asked with the time of the asker, so it does not depend
 * on when the table was last copied. */
#include "engine/marks.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

enum { CAP_LEAST = 1024 };

struct mark {
	uint64_t trace; /* 0: free */
	uint32_t second, reasons;
};

struct marks {
	struct mark *slots;
	size_t cap, len;
	int64_t life_ns;
	uint32_t newest, asked;
};

struct marks *marks_new(int64_t life_ns)
{
	struct marks *m = mem_zalloc(1, sizeof(*m));
	m->life_ns = life_ns;
	m->cap = CAP_LEAST;
	m->slots = mem_zalloc(m->cap, sizeof(*m->slots));
	return m;
}

void marks_free(struct marks *m)
{
	if (!m)
		return;
	free(m->slots);
	free(m);
}

void marks_clear(struct marks *m)
{
	memset(m->slots, 0, m->cap * sizeof(*m->slots));
	m->len = m->newest = 0;
}

static uint64_t key(uint64_t trace)
{
	return trace ? trace : 1;
}

static inline size_t next(const struct marks *m, size_t i)
{
	return (i + 1) & (m->cap - 1);
}

static void insert(struct marks *m, struct mark mark)
{
	size_t i = mark.trace & (m->cap - 1);
	while (m->slots[i].trace)
		i = next(m, i);
	m->slots[i] = mark;
}

static void copy(struct marks *m)
{
	struct marks old = *m;
	uint32_t life = (uint32_t)(m->life_ns / NS_PER_S), at = m->asked < m->newest ? m->asked : m->newest, oldest = at > life ? at - life : 0;
	size_t left = 0;
	for (size_t i = 0; i < old.cap; i++)
		left += old.slots[i].trace && old.slots[i].second >= oldest;
	m->cap = CAP_LEAST;
	while (left * 3 >= m->cap)
		m->cap *= 2;
	m->slots = mem_zalloc(m->cap, sizeof(*m->slots));
	m->len = left;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].trace && old.slots[i].second >= oldest)
			insert(m, old.slots[i]);
	free(old.slots);
}

void marks_add(struct marks *m, uint64_t trace, int64_t time_ns, unsigned reasons)
{
	uint32_t second = time_ns > 0 ? (uint32_t)(time_ns / NS_PER_S) : 0, life = (uint32_t)(m->life_ns / NS_PER_S);
	struct mark mark = {.trace = key(trace), .second = second, .reasons = reasons}, *same = NULL;
	if (m->len * 3 >= m->cap * 2)
		copy(m);
	if (second > m->newest)
		m->newest = second;
	for (size_t i = mark.trace & (m->cap - 1); m->slots[i].trace; i = next(m, i)) {
		struct mark *at = &m->slots[i];
		if (at->trace != mark.trace)
			continue;
		if (at->second <= second && second - at->second <= life)
			mark.reasons &= ~at->reasons; /* known since then */
		if (at->second == second || (at->second > second && at->second - second <= life && !(at->reasons & ~reasons)))
			same = at;
	}
	if (!mark.reasons)
		return;
	if (same) {
		mark.reasons |= same->second == second ? same->reasons : 0;
		*same = mark;
		return;
	}
	insert(m, mark);
	m->len++;
}

unsigned marks_get(const struct marks *m, uint64_t trace, int64_t now_ns, int64_t by_ns)
{
	unsigned reasons = 0;
	trace = key(trace);
	for (size_t i = trace & (m->cap - 1); m->slots[i].trace; i = next(m, i)) {
		int64_t time_ns = (int64_t)m->slots[i].second * NS_PER_S;
		if (m->slots[i].trace == trace && time_ns <= by_ns && now_ns - m->life_ns <= time_ns)
			reasons |= m->slots[i].reasons;
	}
	return reasons;
}

void marks_expect(const struct marks *m, uint64_t trace)
{
	__builtin_prefetch(&m->slots[key(trace) & (m->cap - 1)]);
}

void marks_asked_from(struct marks *m, int64_t time_ns)
{
	m->asked = time_ns >= (int64_t)UINT32_MAX * NS_PER_S ? UINT32_MAX : (uint32_t)(time_ns / NS_PER_S);
}

size_t marks_len(const struct marks *m)
{
	return m->len;
}
