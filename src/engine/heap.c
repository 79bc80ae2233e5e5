/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads lie one behind the other in chunks, in order of arrival, each with the runs of its spans right behind it. Traces are decided in nearly that order, so chunks empty one after the other: a chunk
 * counts its live runs and goes when none is left and it is not the one being filled. Nothing is copied or moved again, and nothing is allocated per span: one chunk is kept to be filled next. A payload that
 * is larger than a chunk gets one of its own. */
#include "engine/heap.h"

#include "base/mem.h"

#include <stdlib.h>

enum { CHUNK_BYTES = 1 << 18, ALIGN = 8 };

struct heap_chunk {
	size_t cap, used, live;
	char at[];
};

void heap_done(struct heap *h)
{
	free(h->current);
	free(h->spare);
	*h = (struct heap){0};
}

static size_t aligned(size_t n)
{
	return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static void chunk_free(struct heap *h, struct heap_chunk *c)
{
	if (c->cap == CHUNK_BYTES && !h->spare) {
		h->spare = c;
		return;
	}
	h->bytes -= sizeof(*c) + c->cap;
	free(c);
}

static struct heap_chunk *chunk_for(struct heap *h, size_t need)
{
	struct heap_chunk *c = h->current;
	if (c && c->cap - c->used >= need)
		return c;
	if (c && c->live == 0)
		chunk_free(h, c);
	if (need <= CHUNK_BYTES && h->spare) {
		c = h->spare;
		h->spare = NULL;
	} else {
		size_t cap = need > CHUNK_BYTES ? need : CHUNK_BYTES;
		c = mem_realloc(NULL, 1, sizeof(*c) + cap);
		c->cap = cap;
		h->bytes += sizeof(*c) + cap;
	}
	c->used = c->live = 0;
	return h->current = c;
}

struct heap_payload *heap_payload(struct heap *h, struct slice bytes, enum format format, size_t runs)
{
	size_t head = aligned(sizeof(struct heap_payload) + bytes.len);
	struct heap_chunk *c = chunk_for(h, head + runs * sizeof(struct heap_run));
	struct heap_payload *p = (struct heap_payload *)(void *)(c->at + c->used);
	c->used += head;
	p->chunk = c;
	p->len = (uint32_t)bytes.len;
	p->format = (uint16_t)format;
	memcpy(p->bytes, bytes.ptr, bytes.len);
	return p;
}

struct heap_run *heap_run(struct heap *h, struct heap_payload *payload, size_t index)
{
	struct heap_chunk *c = payload->chunk;
	struct heap_run *run = (struct heap_run *)(void *)(c->at + c->used);
	(void)h;
	c->used += sizeof(*run);
	c->live++;
	*run = (struct heap_run){.chunk = c, .payload = (uint32_t)((char *)payload - c->at), .index = (uint32_t)index, .len = 1};
	return run;
}

const struct heap_payload *heap_payload_of(const struct heap_run *run)
{
	return (const struct heap_payload *)(const void *)(run->chunk->at + run->payload);
}

void heap_drop(struct heap *h, struct heap_run *run)
{
	struct heap_chunk *c = run->chunk;
	if (--c->live == 0 && c != h->current)
		chunk_free(h, c);
}

struct slice heap_bytes(const struct heap_payload *payload)
{
	return slice_of(payload->bytes, payload->len);
}
