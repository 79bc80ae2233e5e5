/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { POOLED = false };
#else
enum { POOLED = true };
#endif
enum { BLOCK_BYTES = 1 << 16, HUGE_BYTES = 1 << 21 };

struct pool_piece {
	struct pool_piece *next;
};

struct pool_block {
	struct pool_block *next;
	bool huge;
	_Alignas(POOL_GRAIN) char bytes[];
};

/* Zeroed memory that the system may make one page; NULL if there is none. */
static void *map_huge(void)
{
	char *all = mmap(NULL, 2 * (size_t)HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		return NULL;
	size_t before = -(uintptr_t)all & (HUGE_BYTES - 1);
	if (before)
		munmap(all, before);
	munmap(all + before + HUGE_BYTES, HUGE_BYTES - before);
	madvise(all + before, HUGE_BYTES, MADV_HUGEPAGE);
	return all + before;
}

static void add_block(struct pool *p, struct pool_size *s)
{
	struct pool_block *block = s->blocks >= HUGE_BYTES / BLOCK_BYTES ? map_huge() : NULL;
	size_t bytes = block ? HUGE_BYTES : sizeof(*block) + BLOCK_BYTES;
	if (block)
		block->huge = true;
	else
		block = mem_zalloc(1, bytes);
	block->next = p->blocks;
	p->blocks = block;
	s->blocks++;
	s->next = block->bytes;
	s->end = (char *)block + bytes;
}

/* Its place among the sizes. */
static size_t size_of(size_t size)
{
	return size ? (size - 1) / POOL_GRAIN : 0;
}

void *pool_zalloc(struct pool *p, size_t size)
{
	size_t at = size_of(size), len = (at + 1) * POOL_GRAIN;
	if (!POOLED || at >= POOL_SIZES)
		return mem_zalloc(1, size);
	struct pool_size *s = &p->sizes[at];
	struct pool_piece *piece = s->freed;
	if (piece) {
		s->freed = piece->next;
		return memset(piece, 0, len);
	}
	if ((size_t)(s->end - s->next) < len)
		add_block(p, s);
	void *fresh = s->next;
	s->next += len;
	return fresh;
}

void pool_free(struct pool *p, void *piece, size_t size)
{
	size_t at = size_of(size);
	if (!POOLED || at >= POOL_SIZES) {
		free(piece);
		return;
	}
	struct pool_piece *freed = piece;
	freed->next = p->sizes[at].freed;
	p->sizes[at].freed = freed;
}

void pool_done(struct pool *p)
{
	while (p->blocks) {
		struct pool_block *next = p->blocks->next;
		if (p->blocks->huge)
			munmap(p->blocks, HUGE_BYTES);
		else
			free(p->blocks);
		p->blocks = next;
	}
	*p = (struct pool){0};
}
