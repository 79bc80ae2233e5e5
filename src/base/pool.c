/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { POOLED = false };
#else
enum { POOLED = true };
#endif
enum { BLOCK_BYTES = 1 << 16 };

struct pool_piece {
	struct pool_piece *next;
};

struct pool_block {
	struct pool_block *next;
	_Alignas(POOL_GRAIN) char bytes[];
};

static void add_block(struct pool *p, struct pool_size *s)
{
	struct pool_block *block = mem_zalloc(1, sizeof(*block) + BLOCK_BYTES);
	block->next = p->blocks;
	p->blocks = block;
	s->next = block->bytes;
	s->end = block->bytes + BLOCK_BYTES;
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
		free(p->blocks);
		p->blocks = next;
	}
	*p = (struct pool){0};
}
