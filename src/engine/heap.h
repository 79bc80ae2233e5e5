/* SPDX-License-Identifier: Apache-2.0 */
/* Where payloads wait while the traces in them are undecided: each copied once, freed with the last of its spans. Private to the engine room; one thread. */
#ifndef WINNOW_ENGINE_HEAP_H
#define WINNOW_ENGINE_HEAP_H

#include "base/slice.h"
#include "record/decoder.h"

struct heap_chunk;

/* A payload; behind it lie the runs of its spans. */
struct heap_payload {
	struct heap_chunk *chunk;
	uint32_t len;
	uint16_t format;
	char bytes[];
};

/* Spans of one trace that follow each other in a payload: the records that it decodes to, from index on. */
struct heap_run {
	struct heap_run *next;    /* of the same trace */
	struct heap_chunk *chunk; /* that both lie in: letting go asks nothing of the payload */
	uint32_t payload;         /* where in the chunk */
	uint32_t index, len;
};

struct heap {
	struct heap_chunk *current, *spare;
	size_t bytes;           /* of all chunks */
};

void heap_done(struct heap *h);
/* Copies a payload, with room for so many runs. */
struct heap_payload *heap_payload(struct heap *h, struct slice bytes, enum format format, size_t runs);
/* A run of one span in the payload made last. */
struct heap_run *heap_run(struct heap *h, struct heap_payload *payload, size_t index);
void heap_drop(struct heap *h, struct heap_run *run);
const struct heap_payload *heap_payload_of(const struct heap_run *run);
struct slice heap_bytes(const struct heap_payload *payload);

#endif
