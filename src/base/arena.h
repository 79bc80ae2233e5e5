/* SPDX-License-Identifier: Apache-2.0 */
/* A bump allocator for things that die together (a batch, a delta). Blocks are kept over a reset, so steady state allocates nothing. One thread. */
#ifndef WINNOW_BASE_ARENA_H
#define WINNOW_BASE_ARENA_H

#include "base/slice.h"

struct arena_block;

struct arena {
	struct arena_block *first;   /* kept over resets */
	struct arena_block *current;
	char *again;                 /* where a reset goes if nothing but the first block, an ordinary one, was used since the last; else NULL */
	char *next;
	char *end;
	size_t used_bytes;           /* since the last reset, oversize pieces included */
};

void arena_done(struct arena *a);
void arena_reset_blocks(struct arena *a);
/* Frees what did not fit the ordinary blocks, keeps those, forgets everything allocated. */
static inline void arena_reset(struct arena *a)
{
	if (__builtin_expect(!a->again, 0)) {
		arena_reset_blocks(a);
		return;
	}
	a->next = a->again;
	a->used_bytes = 0;
}
/* Has room for size bytes at a->next from now on. */
void arena_advance(struct arena *a, size_t size);
/* size bytes aligned for any object, not zeroed; valid until reset. */
static inline __attribute__((returns_nonnull)) void *arena_alloc(struct arena *a, size_t size)
{
	size = size ? (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1) : _Alignof(max_align_t);
	if ((size_t)(a->end - a->next) < size)
		arena_advance(a, size);
	void *at = a->next;
	a->next += size;
	a->used_bytes += size;
	return at;
}

void *arena_zalloc(struct arena *a, size_t size) __attribute__((returns_nonnull));
/* A copy of s in the arena. */
struct slice arena_copy(struct arena *a, struct slice s);

#endif
