/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/frame.h"

#include <zlib.h>

static const char magic[4] = {'w', 'n', 'j', '\x01'};

static void put_u32(char *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (char)(value >> (8 * i));
}

static uint32_t get_u32(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static uint32_t checksum(struct slice bytes)
{
	return (uint32_t)crc32_z(crc32_z(0, (const Bytef *)magic, sizeof(magic)), (const Bytef *)bytes.ptr, bytes.len);
}

void frame_head(char head[FRAME_HEAD], struct slice bytes)
{
	memcpy(head, magic, sizeof(magic));
	put_u32(head + 4, (uint32_t)bytes.len);
	put_u32(head + 8, checksum(bytes));
}

int64_t frame_len(const char head[FRAME_HEAD])
{
	uint32_t len = get_u32(head + 4);
	return memcmp(head, magic, sizeof(magic)) == 0 && len <= FRAME_MAX ? (int64_t)len : -1;
}

bool frame_good(const char head[FRAME_HEAD], struct slice bytes)
{
	return get_u32(head + 8) == checksum(bytes);
}

size_t frame_at(struct slice s)
{
	if (s.len < FRAME_HEAD)
		return 0;
	int64_t len = frame_len(s.ptr);
	if (len < 0 || (size_t)len > s.len - FRAME_HEAD || !frame_good(s.ptr, slice_of(s.ptr + FRAME_HEAD, (size_t)len)))
		return 0;
	return FRAME_HEAD + (size_t)len;
}

bool frame_anywhere(struct slice s)
{
	while (s.len >= FRAME_HEAD) {
		const char *at = memmem(s.ptr, s.len, magic, sizeof(magic));
		if (!at)
			return false;
		s = slice_sub(s, (size_t)(at - s.ptr), s.len);
		if (frame_at(s))
			return true;
		s = slice_sub(s, 1, s.len);
	}
	return false;
}
