/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_bytes(struct slice s)
{
	return XXH3_64bits(s.ptr ? s.ptr : "", s.len);
}

uint64_t hash_pair(uint64_t a, uint64_t b)
{
	uint64_t both[2] = {a, b};
	return XXH3_64bits(both, sizeof(both));
}
