/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for very many small things of a few sizes that are gone through in the order they were made: those of one size lie side by side, without what malloc keeps
 * between its pieces. Freed pieces are used again for the same size, and go back to the system only with the pool. Zero-initialise. One thread.
 * A size that has come to many is given huge pages, if the system has any: going through them, the processor does not wait for its page tables.
 * Under AddressSanitizer every piece comes from malloc, so that it sees what is used after it was freed. */
#ifndef WINNOW_BASE_POOL_H
#define WINNOW_BASE_POOL_H

#include <stddef.h>

/* Sizes are rounded up to POOL_GRAIN; beyond POOL_SIZES of it, pieces come from malloc. */
enum { POOL_GRAIN = 16, POOL_SIZES = 64 };

struct pool_piece;
struct pool_block;

struct pool {
	struct pool_block *blocks;
	struct pool_size {
		struct pool_piece *freed;
		char *next, *end;  /* what the size's newest block has left */
		size_t blocks;
	} sizes[POOL_SIZES];
};

/* Zeroed. */
void *pool_zalloc(struct pool *p, size_t size) __attribute__((malloc, returns_nonnull));
/* size: as it was asked for. */
void pool_free(struct pool *p, void *piece, size_t size);
/* Frees all pieces but those that came from malloc. */
void pool_done(struct pool *p);

#endif
