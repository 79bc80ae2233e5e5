/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idea: a row per kind: what a payload of it begins with, what unpacks it. Kafka's own compression is the client's business and never seen here; this is for shippers
 * and applications that pack the value themselves.
 *
 * Bounds: output grows by pieces and stops behind DECODER_LARGEST, whatever the payload says of its own size; zstd's window is at most as large, so a few
 * bytes that ask for more memory are refused before it is taken.
 *
 *     gzip            1F 8B 08                    RFC 1952; one or more members
 *     zstd            28 B5 2F FD                 RFC 8878; one or more frames
 *     snappy, framed  FF 06 00 00 "sNaPpY"        chunks of type, length (3 bytes, little-endian), CRC-32C masked, body (framing_format.txt of snappy)
 *     snappy, Java's  82 "SNAPPY" 00, 8 bytes     blocks of length (4 bytes, big-endian), body (SnappyOutputStream of snappy-java)
 */
#include "record/packed.h"

#include "record/gzip.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { PIECE = 64 * 1024, ZSTD_WINDOW_LOG = 23, CHUNK_HEAD = 4, SUM = 4, CHUNK_LARGEST = 65536, JAVA_HEAD = 16 };

typedef enum undecodable unpack_fn(struct packed *p, struct slice payload);
static unpack_fn open_gzip, open_zstd, open_framed, open_java;

static const struct {
	const char *name;
	struct slice magic;
	unpack_fn *open;
} kinds[] = {
	{"gzip", {"\x1F\x8B\x08", 3}, open_gzip},
	{"zstd", {"\x28\xB5\x2F\xFD", 4}, open_zstd},
	{"snappy", {"\xFF\x06\0\0sNaPpY", 10}, open_framed},
	{"snappy, as Java writes it", {"\x82SNAPPY\0", 8}, open_java},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

void packed_done(struct packed *p)
{
	buf_done(&p->plain);
	ZSTD_freeDCtx(p->zstd);
	p->zstd = NULL;
}

static size_t kind_of(struct slice payload)
{
	size_t i = 0;
	while (i < KINDS && !slice_starts(payload, kinds[i].magic))
		i++;
	return i;
}

const char *packed_kind(struct slice payload)
{
	size_t kind = kind_of(payload);
	return kind < KINDS ? kinds[kind].name : NULL;
}

enum undecodable packed_open(struct packed *p, struct slice payload)
{
	buf_reset(&p->plain);
	enum undecodable reason = kinds[kind_of(payload)].open(p, payload);
	return p->plain.len > DECODER_LARGEST ? UNDECODABLE_TOO_LARGE : reason;
}

static enum undecodable open_gzip(struct packed *p, struct slice payload)
{
	return gzip_unpack(payload, &p->plain);
}

static enum undecodable open_zstd(struct packed *p, struct slice payload)
{
	ZSTD_inBuffer in = {.src = payload.ptr, .size = payload.len};
	size_t left = 1;
	if (!p->zstd && !(p->zstd = ZSTD_createDCtx()))
		abort();
	ZSTD_DCtx_reset(p->zstd, ZSTD_reset_session_only);
	ZSTD_DCtx_setParameter(p->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
	while (p->plain.len <= DECODER_LARGEST) {
		ZSTD_outBuffer out = {.dst = buf_reserve(&p->plain, PIECE), .size = PIECE};
		left = ZSTD_decompressStream(p->zstd, &out, &in);
		if (ZSTD_isError(left))
			return ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge ? UNDECODABLE_TOO_LARGE : UNDECODABLE_ZSTD;
		p->plain.len += out.pos;
		if (in.pos == in.size && out.pos < out.size)
			break;
	}
	return left ? UNDECODABLE_ZSTD : UNDECODABLE_NONE;
}

/* A snappy block behind what is unpacked already; false if it is none. One that says it is too large counts as that large. */
static bool open_block(struct buf *plain, struct slice block)
{
	size_t size;
	if (snappy_uncompressed_length(block.ptr, block.len, &size) != SNAPPY_OK)
		return false;
	if (size > DECODER_LARGEST - plain->len) {
		plain->len = DECODER_LARGEST + 1;
		return true;
	}
	char *to = buf_reserve(plain, size + 1);
	if (snappy_uncompress(block.ptr, block.len, to, &size) != SNAPPY_OK)
		return false;
	plain->len += size;
	return true;
}

/* CRC-32C (Castagnoli), four bits at a time. */
static uint32_t crc32c(struct slice bytes)
{
	uint32_t crc = UINT32_MAX, table[16];
	for (uint32_t i = 0; i < 16; i++) {
		table[i] = i;
		for (unsigned bit = 0; bit < 4; bit++)
			table[i] = table[i] & 1 ? table[i] >> 1 ^ 0x82F63B78 : table[i] >> 1;
	}
	for (size_t i = 0; i < bytes.len; i++) {
		crc ^= (unsigned char)bytes.ptr[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

static bool sum_fits(const unsigned char *sum, struct slice plain)
{
	uint32_t crc = crc32c(plain), masked = (crc >> 15 | crc << 17) + UINT32_C(0xA282EAD8);
	return masked == ((uint32_t)sum[0] | (uint32_t)sum[1] << 8 | (uint32_t)sum[2] << 16 | (uint32_t)sum[3] << 24);
}

/* One chunk of the framing format. */
static bool open_chunk(struct buf *plain, unsigned char type, struct slice chunk)
{
	struct slice body = slice_sub(chunk, SUM, chunk.len);
	size_t before = plain->len;
	if (type >= 0x80)
		return true; /* padding, the stream's name again, or to be skipped */
	if (type > 1 || chunk.len < SUM)
		return false;
	if (type == 1)
		buf_add_slice(plain, body);
	else if (!open_block(plain, body))
		return false;
	if (plain->len > DECODER_LARGEST)
		return true;
	struct slice unpacked = slice_sub(buf_slice(plain), before, plain->len);
	return unpacked.len <= CHUNK_LARGEST && sum_fits((const unsigned char *)chunk.ptr, unpacked);
}

static enum undecodable open_framed(struct packed *p, struct slice payload)
{
	while (payload.len && p->plain.len <= DECODER_LARGEST) {
		const unsigned char *head = (const unsigned char *)payload.ptr;
		size_t len = payload.len < CHUNK_HEAD ? payload.len : (size_t)head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16;
		if (payload.len < CHUNK_HEAD || len > payload.len - CHUNK_HEAD || !open_chunk(&p->plain, head[0], slice_sub(payload, CHUNK_HEAD, len)))
			return UNDECODABLE_SNAPPY;
		payload = slice_sub(payload, CHUNK_HEAD + len, payload.len);
	}
	return UNDECODABLE_NONE;
}

static enum undecodable open_java(struct packed *p, struct slice payload)
{
	if (payload.len < JAVA_HEAD)
		return UNDECODABLE_SNAPPY;
	payload = slice_sub(payload, JAVA_HEAD, payload.len);
	while (payload.len && p->plain.len <= DECODER_LARGEST) {
		const unsigned char *head = (const unsigned char *)payload.ptr;
		size_t len = payload.len < SUM ? payload.len : (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
		if (payload.len < SUM || len > payload.len - SUM || !open_block(&p->plain, slice_sub(payload, SUM, len)))
			return UNDECODABLE_SNAPPY;
		payload = slice_sub(payload, SUM + len, payload.len);
	}
	return UNDECODABLE_NONE;
}
