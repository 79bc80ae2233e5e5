/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

static void *or_die(void *p)
{
	if (p)
		return p;
	fputs("winnow: out of memory\n", stderr);
	abort();
}

void *mem_zalloc(size_t count, size_t size)
{
	return or_die(calloc(count ? count : 1, size ? size : 1));
}

void *mem_realloc(void *old, size_t count, size_t size)
{
	return or_die(reallocarray(old, count ? count : 1, size ? size : 1));
}

char *mem_strdup(struct slice s)
{
	char *copy = or_die(malloc(s.len + 1));
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = 0;
	return copy;
}

void *mem_grow(void *items, size_t len, size_t *cap, size_t size)
{
	if (items && len < *cap)
		return items;
	*cap = *cap ? *cap * 2 : 8;
	return mem_realloc(items, *cap, size);
}
