/* SPDX-License-Identifier: Apache-2.0 */
/* What costs much of a seed's time and is proved elsewhere, wrapped at link time; one seed in 64 takes the real thing.
 *
 * - zstd and snappy: bodies are stored as they are, and sealed with XXH3 in place of CRC-32.
 * - delta_decode: the instances read the very same bytes, so a record is decoded once and shown to all of them. */
#include "store.h"

#include "base/hash.h"
#include "base/mem.h"
#include "world.h"

#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { HEAD = 8 };
#define REFUSED ((size_t)-1) /* an error of zstd's */

static bool real;

size_t __real_ZSTD_compress(void *dest, size_t dest_cap, const void *source, size_t source_len, int level);
size_t __real_ZSTD_decompress(void *dest, size_t dest_cap, const void *source, size_t source_len);
/* Libraries that are linked call them too, by their own name; some linkers want the wrappers visible for that. */
#define VISIBLE __attribute__((visibility("default")))
VISIBLE size_t __wrap_ZSTD_compress(void *dest, size_t dest_cap, const void *source, size_t source_len, int level);
VISIBLE size_t __wrap_ZSTD_decompress(void *dest, size_t dest_cap, const void *source, size_t source_len);

void store_real(bool use)
{
	real = use;
}

size_t __wrap_ZSTD_compress(void *dest, size_t dest_cap, const void *source, size_t source_len, int level)
{
	uint64_t len = source_len;
	if (real)
		return __real_ZSTD_compress(dest, dest_cap, source, source_len, level);
	if (dest_cap < HEAD + source_len)
		return REFUSED;
	memcpy(dest, &len, HEAD);
	memcpy((char *)dest + HEAD, source, source_len);
	return HEAD + source_len;
}

size_t __wrap_ZSTD_decompress(void *dest, size_t dest_cap, const void *source, size_t source_len)
{
	uint64_t len;
	if (real)
		return __real_ZSTD_decompress(dest, dest_cap, source, source_len);
	if (source_len < HEAD)
		return REFUSED;
	memcpy(&len, source, HEAD);
	if (len != source_len - HEAD || len > dest_cap)
		return REFUSED;
	memcpy(dest, (const char *)source + HEAD, len);
	return len;
}

uLong __real_crc32_z(uLong crc, const Bytef *bytes, z_size_t len);
uLong __wrap_crc32_z(uLong crc, const Bytef *bytes, z_size_t len);
snappy_status __real_snappy_compress(const char *in, size_t in_len, char *out, size_t *out_len);
snappy_status __wrap_snappy_compress(const char *in, size_t in_len, char *out, size_t *out_len);
snappy_status __real_snappy_uncompress(const char *in, size_t in_len, char *out, size_t *out_len);
snappy_status __wrap_snappy_uncompress(const char *in, size_t in_len, char *out, size_t *out_len);
snappy_status __real_snappy_uncompressed_length(const char *in, size_t in_len, size_t *ret);
snappy_status __wrap_snappy_uncompressed_length(const char *in, size_t in_len, size_t *ret);

uLong __wrap_crc32_z(uLong crc, const Bytef *bytes, z_size_t len)
{
	return real ? __real_crc32_z(crc, bytes, len) : hash_bytes(slice_of((const char *)bytes, len)) & UINT32_MAX;
}

static snappy_status copy(const char *in, size_t in_len, char *out, size_t *out_len)
{
	if (*out_len < in_len)
		return SNAPPY_BUFFER_TOO_SMALL;
	memcpy(out, in, in_len);
	*out_len = in_len;
	return SNAPPY_OK;
}

snappy_status __wrap_snappy_compress(const char *in, size_t in_len, char *out, size_t *out_len)
{
	return real ? __real_snappy_compress(in, in_len, out, out_len) : copy(in, in_len, out, out_len);
}

snappy_status __wrap_snappy_uncompress(const char *in, size_t in_len, char *out, size_t *out_len)
{
	return real ? __real_snappy_uncompress(in, in_len, out, out_len) : copy(in, in_len, out, out_len);
}

snappy_status __wrap_snappy_uncompressed_length(const char *in, size_t in_len, size_t *ret)
{
	if (real)
		return __real_snappy_uncompressed_length(in, in_len, ret);
	*ret = in_len;
	return SNAPPY_OK;
}

/* --- decoding --- */

int __real_delta_decode(struct slice record, struct arena *arena, struct buf *scratch, struct delta *ret);
int __wrap_delta_decode(struct slice record, struct arena *arena, struct buf *scratch, struct delta *ret);

/* What the records of this seed were decoded to. */
static struct decoded {
	const char *record; /* whose bytes; NULL: not decoded yet */
	struct delta delta;
	struct buf scratch;
	int rc;
} *shown;
static size_t shown_cap, next_shown = SIZE_MAX;
static struct arena shown_arena;

void store_show(size_t number)
{
	next_shown = real ? SIZE_MAX : number;
}

void store_forget(void)
{
	for (size_t i = 0; i < shown_cap; i++)
		shown[i].record = NULL;
	arena_reset(&shown_arena);
}

static struct decoded *decoded_at(size_t number)
{
	while (number >= shown_cap) {
		size_t cap = shown_cap ? shown_cap * 2 : 1024;
		shown = mem_realloc(shown, cap, sizeof(*shown));
		memset(shown + shown_cap, 0, (cap - shown_cap) * sizeof(*shown));
		shown_cap = cap;
	}
	return &shown[number];
}

int __wrap_delta_decode(struct slice record, struct arena *arena, struct buf *scratch, struct delta *ret)
{
	if (next_shown == SIZE_MAX)
		return __real_delta_decode(record, arena, scratch, ret);
	struct decoded *d = decoded_at(next_shown);
	next_shown = SIZE_MAX;
	if (d->record != record.ptr) {
		d->record = record.ptr;
		d->rc = __real_delta_decode(record, &shown_arena, &d->scratch, &d->delta);
	}
	*ret = d->delta;
	return d->rc;
}
