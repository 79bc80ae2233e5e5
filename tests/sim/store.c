/* SPDX-License-Identifier: Apache-2.0 */
/* zlib's two functions that seals use, in front of the library's: bodies are stored as they are, which halves the time of a seed. Every sixteenth seed has the
 * library's own (store_real). */
#include "store.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { HEAD = 8 };

static bool real;

void store_real(bool use)
{
	real = use;
}

/* The library's own; dlsym gives an object pointer, which ISO C does not turn into a function's. */
static void next_symbol(const char *name, void *ret)
{
	void *found = dlsym(RTLD_NEXT, name);
	if (!found)
		abort();
	memcpy(ret, &found, sizeof(found));
}

int compress2(Bytef *dest, uLongf *dest_len, const Bytef *source, uLong source_len, int level)
{
	if (real) {
		int (*next)(Bytef *, uLongf *, const Bytef *, uLong, int);
		next_symbol("compress2", &next);
		return next(dest, dest_len, source, source_len, level);
	}
	uint64_t len = source_len;
	if (*dest_len < HEAD + source_len)
		return Z_BUF_ERROR;
	memcpy(dest, &len, HEAD);
	memcpy(dest + HEAD, source, source_len);
	*dest_len = HEAD + source_len;
	return Z_OK;
}

int uncompress(Bytef *dest, uLongf *dest_len, const Bytef *source, uLong source_len)
{
	if (real) {
		int (*next)(Bytef *, uLongf *, const Bytef *, uLong);
		next_symbol("uncompress", &next);
		return next(dest, dest_len, source, source_len);
	}
	uint64_t len;
	if (source_len < HEAD)
		return Z_DATA_ERROR;
	memcpy(&len, source, HEAD);
	if (len != source_len - HEAD || len > *dest_len)
		return Z_DATA_ERROR;
	memcpy(dest, source + HEAD, len);
	*dest_len = len;
	return Z_OK;
}
