/* SPDX-License-Identifier: Apache-2.0 */
/* The one hash table: open addressing, linear probing, items are pointers the caller owns, keyed by a 64-bit hash and an equality function.
 * One thread. Zero-initialise, map_done frees the slots (not the items). */
#ifndef WINNOW_BASE_MAP_H
#define WINNOW_BASE_MAP_H

#include "base/slice.h"

struct map_slot {
	uint64_t hash;
	void *item; /* NULL: empty */
};

struct map {
	struct map_slot *slots;
	size_t cap; /* a power of two, or 0 */
	size_t len;
};

/* Whether the stored item has this key. */
typedef bool map_eq_fn(const void *item, const void *key);

void map_done(struct map *m);
void map_clear(struct map *m);
/* The item with this hash for which eq holds (eq NULL: the hash decides), or NULL. */
void *map_get(const struct map *m, uint64_t hash, map_eq_fn *eq, const void *key);
/* Asks for the place of this hash, so that it is at hand when it is looked for. */
static inline void map_expect(const struct map *m, uint64_t hash)
{
	if (m->cap)
		__builtin_prefetch(&m->slots[hash & (m->cap - 1)]);
}
/* Adds an item that is not in the map yet; item must not be NULL. */
void map_put(struct map *m, uint64_t hash, void *item);
/* Takes the item out and returns it, or NULL if it was not there. */
void *map_remove(struct map *m, uint64_t hash, map_eq_fn *eq, const void *key);
/* Iterates in slot order: start with *cursor = 0; NULL at the end. No put or remove meanwhile. */
void *map_next(const struct map *m, size_t *cursor);

#endif
