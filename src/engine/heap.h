/* SPDX-License-Identifier: Apache-2.0 */
/* Where payloads wait while the traces in them are undecided: each copied once, freed with the last of its spans. Private to the engine room; one thread. */
#ifndef WINNOW_ENGINE_HEAP_H
#define WINNOW_ENGINE_HEAP_H

#include "base/slice.h"
#include "record/decoder.h"

struct heap_chunk;

/* A payload; behind it lie its spans. */
struct heap_payload {
	struct heap_chunk *chunk;
	uint32_t len;
	uint16_t format;
	char bytes[];
};

/* One span of a payload: the index-th record that it decodes to. */
struct heap_span {
	struct heap_span *next; /* of the same trace */
	struct heap_payload *payload;
	uint32_t index;
	uint32_t bytes;         /* what it is charged with */
};

struct heap {
	struct heap_chunk *current, *spare;
	size_t bytes;           /* of all chunks */
};

void heap_done(struct heap *h);
/* Copies a payload, with room for so many spans. */
struct heap_payload *heap_payload(struct heap *h, struct slice bytes, enum format format, size_t spans);
/* A span of the payload made last. */
struct heap_span *heap_span(struct heap *h, struct heap_payload *payload, size_t index);
void heap_drop(struct heap *h, struct heap_span *span);
struct slice heap_bytes(const struct heap_payload *payload);

#endif
