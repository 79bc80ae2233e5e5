/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/mem.h"

#include <stdlib.h>

void map_done(struct map *m)
{
	free(m->slots);
	*m = (struct map){0};
}

void map_clear(struct map *m)
{
	if (m->cap)
		memset(m->slots, 0, m->cap * sizeof(*m->slots));
	m->len = 0;
}

static struct map_slot *find(const struct map *m, uint64_t hash, map_eq_fn *eq, const void *key)
{
	if (m->cap == 0)
		return NULL;
	for (size_t i = hash & (m->cap - 1); m->slots[i].item; i = (i + 1) & (m->cap - 1))
		if (m->slots[i].hash == hash && (!eq || eq(m->slots[i].item, key)))
			return &m->slots[i];
	return NULL;
}

void *map_get(const struct map *m, uint64_t hash, map_eq_fn *eq, const void *key)
{
	struct map_slot *slot = find(m, hash, eq, key);
	return slot ? slot->item : NULL;
}

static void place(struct map *m, uint64_t hash, void *item)
{
	size_t i = hash & (m->cap - 1);
	while (m->slots[i].item)
		i = (i + 1) & (m->cap - 1);
	m->slots[i] = (struct map_slot){.hash = hash, .item = item};
}

static void grow(struct map *m)
{
	struct map old = *m;
	m->cap = old.cap ? old.cap * 2 : 16;
	m->slots = mem_zalloc(m->cap, sizeof(*m->slots));
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].item)
			place(m, old.slots[i].hash, old.slots[i].item);
	free(old.slots);
}

void map_put(struct map *m, uint64_t hash, void *item)
{
	if ((m->len + 1) * 3 > m->cap * 2)
		grow(m);
	place(m, hash, item);
	m->len++;
}

void *map_remove(struct map *m, uint64_t hash, map_eq_fn *eq, const void *key)
{
	struct map_slot *slot = find(m, hash, eq, key);
	if (!slot)
		return NULL;
	void *item = slot->item;
	size_t hole = (size_t)(slot - m->slots), mask = m->cap - 1;
	/* backward shift: move up every later slot of the run whose home is not behind the hole */
	for (size_t i = (hole + 1) & mask; m->slots[i].item; i = (i + 1) & mask) {
		size_t home = m->slots[i].hash & mask;
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole] = (struct map_slot){0};
	m->len--;
	return item;
}

void *map_next(const struct map *m, size_t *cursor)
{
	while (*cursor < m->cap) {
		void *item = m->slots[(*cursor)++].item;
		if (item)
			return item;
	}
	return NULL;
}
