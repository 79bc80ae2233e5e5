/* SPDX-License-Identifier: Apache-2.0 */
/* Heap memory that is there or the process ends: the books balance over a crash, so no caller carries an untested out-of-memory path
 * (docs/decisions/0001-out-of-memory.md). Input never sizes one of these calls beyond the limits its reader enforces. */
#ifndef WINNOW_BASE_MEM_H
#define WINNOW_BASE_MEM_H

#include "base/slice.h"

/* Zeroed memory for count items of size bytes; the caller frees with free(). Never NULL. */
void *mem_zalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* As realloc for count items of size bytes; the new part is not zeroed. Never NULL. */
void *mem_realloc(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
/* A NUL-terminated copy of s on the heap. */
char *mem_strdup(struct slice s) __attribute__((malloc, returns_nonnull));
/* Room for one more item in a growing array: doubles *cap when len reaches it and returns the (possibly moved) items. */
void *mem_grow(void *items, size_t len, size_t *cap, size_t size) __attribute__((returns_nonnull));

#endif
