/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/pack.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <msgpack/pack.h>
#pragma GCC diagnostic pop

static int add(void *data, const char *bytes, size_t len)
{
	buf_add(data, bytes, len);
	return 0;
}

static msgpack_packer packer(struct buf *b)
{
	msgpack_packer p;
	msgpack_packer_init(&p, b, add);
	return p;
}

void pack_u64(struct buf *b, uint64_t value)
{
	msgpack_packer p = packer(b);
	msgpack_pack_uint64(&p, value);
}

void pack_i64(struct buf *b, int64_t value)
{
	msgpack_packer p = packer(b);
	msgpack_pack_int64(&p, value);
}

void pack_double(struct buf *b, double value)
{
	msgpack_packer p = packer(b);
	msgpack_pack_double(&p, value);
}

void pack_bool(struct buf *b, bool value)
{
	msgpack_packer p = packer(b);
	if (value)
		msgpack_pack_true(&p);
	else
		msgpack_pack_false(&p);
}

void pack_bytes(struct buf *b, struct slice bytes)
{
	msgpack_packer p = packer(b);
	msgpack_pack_bin(&p, bytes.len);
	if (bytes.len)
		msgpack_pack_bin_body(&p, bytes.ptr, bytes.len);
}

static bool fail(struct unpack *u)
{
	u->bad = true;
	u->next = u->end;
	return false;
}

/* The next width bytes as a big-endian number. */
static bool take(struct unpack *u, unsigned width, uint64_t *ret)
{
	uint64_t value = 0;
	if ((size_t)(u->end - u->next) < width)
		return fail(u);
	for (unsigned i = 0; i < width; i++)
		value = value << 8 | u->next[i];
	u->next += width;
	*ret = value;
	return true;
}

/* The next value as a 64-bit integer; *ret_negative tells whether it is to be read as signed. */
static uint64_t take_integer(struct unpack *u, bool *ret_negative)
{
	uint64_t tag, value = 0;
	*ret_negative = false;
	if (!take(u, 1, &tag))
		return 0;
	if (tag < 0x80)
		return tag;
	if (tag >= 0xe0) {
		*ret_negative = true;
		return (uint64_t)(int64_t)(int8_t)tag;
	}
	if (tag >= 0xcc && tag <= 0xcf) {
		take(u, 1u << (tag - 0xcc), &value);
		return value;
	}
	if (tag < 0xd0 || tag > 0xd3) {
		fail(u);
		return 0;
	}
	unsigned width = 1u << (tag - 0xd0);
	if (!take(u, width, &value))
		return 0;
	unsigned shift = 64 - 8 * width;
	int64_t extended = (int64_t)(value << shift) >> shift;
	*ret_negative = extended < 0;
	return (uint64_t)extended;
}

uint64_t unpack_u64(struct unpack *u)
{
	bool negative;
	uint64_t value = take_integer(u, &negative);
	if (negative) {
		fail(u);
		return 0;
	}
	return value;
}

int64_t unpack_i64(struct unpack *u)
{
	bool negative;
	uint64_t value = take_integer(u, &negative);
	if (!negative && value > INT64_MAX) {
		fail(u);
		return 0;
	}
	return (int64_t)value;
}

double unpack_double(struct unpack *u)
{
	uint64_t tag, bits = 0;
	double value;
	if (take(u, 1, &tag) && tag != 0xcb)
		fail(u);
	take(u, 8, &bits);
	if (u->bad)
		bits = 0;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

bool unpack_bool(struct unpack *u)
{
	uint64_t tag = 0;
	if (take(u, 1, &tag) && tag != 0xc2 && tag != 0xc3)
		fail(u);
	return !u->bad && tag == 0xc3;
}

struct slice unpack_bytes(struct unpack *u)
{
	uint64_t tag, len = 0;
	if (!take(u, 1, &tag))
		return (struct slice){0};
	if (tag < 0xc4 || tag > 0xc6)
		fail(u);
	else
		take(u, 1u << (tag - 0xc4), &len);
	if (u->bad || len > (size_t)(u->end - u->next)) {
		fail(u);
		return (struct slice){0};
	}
	struct slice bytes = slice_of((const char *)u->next, len);
	u->next += len;
	return bytes;
}

uint64_t unpack_upto(struct unpack *u, uint64_t max)
{
	uint64_t value = unpack_u64(u);
	if (value > max) {
		fail(u);
		return 0;
	}
	return value;
}

size_t unpack_count(struct unpack *u, size_t max, size_t min_bytes)
{
	size_t count = unpack_upto(u, max);
	if (count > (size_t)(u->end - u->next) / min_bytes) {
		fail(u);
		return 0;
	}
	return count;
}
