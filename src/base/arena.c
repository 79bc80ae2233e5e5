/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/mem.h"

#include <stdalign.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 256 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t size;
	alignas(max_align_t) char bytes[];
};

static struct arena_block *block_new(size_t size)
{
	struct arena_block *block = mem_realloc(NULL, 1, sizeof(*block) + size);
	block->next = NULL;
	block->size = size;
	return block;
}

void arena_done(struct arena *a)
{
	for (struct arena_block *block = a->first, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	*a = (struct arena){0};
}

static void enter(struct arena *a, struct arena_block *block)
{
	a->current = block;
	a->again = block == a->first && block->size == BLOCK_BYTES ? block->bytes : NULL;
	a->next = block->bytes;
	a->end = block->bytes + block->size;
}

void arena_reset_blocks(struct arena *a)
{
	struct arena_block **link = &a->first;
	while (*link) {
		struct arena_block *block = *link;
		if (block->size == BLOCK_BYTES) {
			link = &block->next;
			continue;
		}
		*link = block->next;
		free(block);
	}
	a->used_bytes = 0;
	a->current = NULL;
	a->again = a->next = a->end = NULL;
	if (a->first)
		enter(a, a->first);
}

/* The next kept block that is large enough, or a new one behind the current. */
void arena_advance(struct arena *a, size_t size)
{
	struct arena_block *block = a->current ? a->current->next : a->first;
	if (!block || block->size < size) {
		struct arena_block *fresh = block_new(size > BLOCK_BYTES ? size : BLOCK_BYTES);
		fresh->next = block;
		if (a->current)
			a->current->next = fresh;
		else
			a->first = fresh;
		block = fresh;
	}
	enter(a, block);
}

void *arena_zalloc(struct arena *a, size_t size)
{
	return memset(arena_alloc(a, size), 0, size);
}

struct slice arena_copy(struct arena *a, struct slice s)
{
	if (s.len == 0)
		return slice_of(NULL, 0);
	return slice_of(memcpy(arena_alloc(a, s.len), s.ptr, s.len), s.len);
}
