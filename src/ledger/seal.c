/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/seal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

/* BLOCK_RATIO: a block of zstd is at most 128 KiB and takes at least four bytes. */
enum { INTRO = 8, FRAME = INTRO + 8 + 4, DEFLATE_VERSION = 1, DEFLATE_RATIO = 1032, BLOCK_RATIO = 32768, SCRATCH_KEPT = 16 << 20, LEVEL = 1 };

static void add_u32(struct buf *out, size_t value)
{
	for (unsigned shift = 0; shift < 32; shift += 8)
		buf_add_char(out, (char)(value >> shift));
}

static size_t read_u32(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;
	return (size_t)b[0] | (size_t)b[1] << 8 | (size_t)b[2] << 16 | (size_t)b[3] << 24;
}

static size_t checksum(const char *bytes, size_t len)
{
	return crc32_z(0, (const Bytef *)bytes, len);
}

/* Level 1 of zstd: a fifth of the time of deflate's level 1, and a twentieth fewer bytes. Records live for minutes. */
static size_t pack(struct buf *out, struct slice body)
{
	if (body.len == 0)
		return 0;
	size_t most = ZSTD_compressBound(body.len), len = ZSTD_compress(buf_reserve(out, most), most, body.ptr, body.len, LEVEL);
	if (ZSTD_isError(len))
		abort(); /* out of memory: the bound makes anything else impossible */
	out->len += len;
	return len;
}

void seal_close(struct buf *out, char kind, struct slice head, struct slice body)
{
	size_t start = out->len;
	const char intro[4] = {'w', 'n', kind, SEAL_VERSION};
	buf_add(out, intro, sizeof(intro));
	add_u32(out, head.len);
	buf_add_slice(out, head);
	add_u32(out, body.len);
	size_t place = out->len;
	add_u32(out, 0);
	size_t packed = pack(out, body);
	for (unsigned i = 0; i < 4; i++)
		out->data[place + i] = (char)(packed >> (8 * i));
	add_u32(out, checksum(out->data + start, out->len - start));
}

static bool unpack(int version, struct slice packed, char *to, size_t raw)
{
	uLongf len = raw;
	if (version == DEFLATE_VERSION)
		return uncompress((Bytef *)to, &len, (const Bytef *)packed.ptr, packed.len) == Z_OK && len == raw;
	return ZSTD_decompress(to, raw, packed.ptr, packed.len) == raw;
}

static int open_body(int version, struct slice packed, size_t raw, size_t max, struct buf *scratch, struct slice *ret)
{
	size_t ratio = version == DEFLATE_VERSION ? DEFLATE_RATIO : BLOCK_RATIO;
	if (scratch->cap > SCRATCH_KEPT)
		buf_done(scratch);
	buf_reset(scratch);
	*ret = (struct slice){0};
	if (raw == 0)
		return packed.len == 0 ? 0 : ERR_CORRUPT;
	/* a claim that the format cannot hold is refused before memory is taken for it */
	if (raw > max || packed.len < 8 || raw / ratio > packed.len)
		return ERR_CORRUPT;
	if (!unpack(version, packed, buf_reserve(scratch, raw), raw))
		return ERR_CORRUPT;
	scratch->len = raw;
	*ret = buf_slice(scratch);
	return 0;
}

int seal_open(struct slice record, struct buf *scratch, char *ret_kind, struct slice *ret_head, struct slice *ret_body)
{
	if (record.len < FRAME || memcmp(record.ptr, "wn", 2) != 0 || (record.ptr[3] != SEAL_VERSION && record.ptr[3] != DEFLATE_VERSION))
		return ERR_CORRUPT;
	size_t head = read_u32(record.ptr + 4);
	if (head > record.len - FRAME || checksum(record.ptr, record.len - 4) != read_u32(record.ptr + record.len - 4))
		return ERR_CORRUPT;
	size_t raw = read_u32(record.ptr + INTRO + head), packed = read_u32(record.ptr + INTRO + head + 4);
	if (packed != record.len - FRAME - head)
		return ERR_CORRUPT;
	*ret_kind = record.ptr[2];
	*ret_head = slice_of(record.ptr + INTRO, head);
	/* the bound on what a record may unpack to; snapshots are our own and as large as the state */
	size_t max = *ret_kind == SEAL_SNAPSHOT ? (size_t)SEAL_SNAPSHOT_MAX : SEAL_BODY_MAX;
	return open_body(record.ptr[3], slice_of(record.ptr + INTRO + head + 8, packed), raw, max, scratch, ret_body);
}

size_t seal_len(struct slice bytes)
{
	if (bytes.len < FRAME || memcmp(bytes.ptr, "wn", 2) != 0)
		return 0;
	size_t head = read_u32(bytes.ptr + 4);
	if (head > bytes.len - FRAME)
		return 0;
	size_t packed = read_u32(bytes.ptr + INTRO + head + 4);
	return packed <= bytes.len - FRAME - head ? FRAME + head + packed : 0;
}

struct slice seal_head(struct slice bytes)
{
	return slice_of(bytes.ptr + INTRO, read_u32(bytes.ptr + 4));
}
