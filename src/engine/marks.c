/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of decisions. 16 bytes a trace: its number, the second since which it is marked, the reasons. Open addressing, linear probing. When the table is two thirds full, marks that have
 * outlived their life against where every partition has come to are left out of its copy, so a table never holds more than what one life of the stream marks, times three. Whether a mark still counts is asked with the
 * time of the asker, so it does not depend on when the table was last copied. */
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
	uint32_t newest, settled;
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

static struct mark *find(const struct marks *m, uint64_t trace)
{
	size_t i = trace & (m->cap - 1);
	while (m->slots[i].trace && m->slots[i].trace != trace)
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static void copy(struct marks *m)
{
	struct marks old = *m;
	uint32_t life = (uint32_t)(m->life_ns / NS_PER_S), at = m->settled < m->newest ? m->settled : m->newest, oldest = at > life ? at - life : 0;
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
			*find(m, old.slots[i].trace) = old.slots[i];
	free(old.slots);
}

static uint64_t key(uint64_t trace)
{
	return trace ? trace : 1;
}

void marks_add(struct marks *m, uint64_t trace, int64_t time_ns, unsigned reasons)
{
	uint32_t second = time_ns > 0 ? (uint32_t)(time_ns / NS_PER_S) : 0;
	if (m->len * 3 >= m->cap * 2)
		copy(m);
	struct mark *at = find(m, key(trace));
	if (!at->trace) {
		*at = (struct mark){.trace = key(trace), .second = second};
		m->len++;
	}
	if (second > at->second && second - at->second > m->life_ns / NS_PER_S)
		*at = (struct mark){.trace = at->trace, .second = second}; /* it has outlived itself and begins anew */
	at->reasons |= reasons;
	if (second < at->second)
		at->second = second;
	if (second > m->newest)
		m->newest = second;
}

unsigned marks_get(const struct marks *m, uint64_t trace, int64_t now_ns, int64_t *ret_time_ns)
{
	const struct mark *at = find(m, key(trace));
	if (!at->trace)
		return 0;
	*ret_time_ns = (int64_t)at->second * NS_PER_S;
	return *ret_time_ns + m->life_ns < now_ns ? 0 : at->reasons;
}

void marks_expect(const struct marks *m, uint64_t trace)
{
	__builtin_prefetch(&m->slots[key(trace) & (m->cap - 1)]);
}

void marks_settled(struct marks *m, int64_t time_ns)
{
	m->settled = time_ns >= (int64_t)UINT32_MAX * NS_PER_S ? UINT32_MAX : (uint32_t)(time_ns / NS_PER_S);
}

size_t marks_len(const struct marks *m)
{
	return m->len;
}
