/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/pack.h"

/* The tag and the lowest width bytes of value, big-endian. */
static void put(struct buf *b, uint8_t tag, unsigned width, uint64_t value)
{
	uint8_t *at = (uint8_t *)buf_reserve(b, 9);
	*at = tag;
	for (unsigned i = width; i > 0; i--, value >>= 8)
		at[i] = (uint8_t)value;
	b->len += 1 + width;
}

/* Every number in the shortest form there is for it. */
void pack_u64(struct buf *b, uint64_t value)
{
	if (value < 0x80)
		put(b, (uint8_t)value, 0, 0);
	else if (value <= UINT8_MAX)
		put(b, 0xcc, 1, value);
	else if (value <= UINT16_MAX)
		put(b, 0xcd, 2, value);
	else if (value <= UINT32_MAX)
		put(b, 0xce, 4, value);
	else
		put(b, 0xcf, 8, value);
}

void pack_i64(struct buf *b, int64_t value)
{
	if (value >= 0)
		pack_u64(b, (uint64_t)value);
	else if (value >= -32)
		put(b, (uint8_t)value, 0, 0);
	else if (value >= INT8_MIN)
		put(b, 0xd0, 1, (uint64_t)value);
	else if (value >= INT16_MIN)
		put(b, 0xd1, 2, (uint64_t)value);
	else if (value >= INT32_MIN)
		put(b, 0xd2, 4, (uint64_t)value);
	else
		put(b, 0xd3, 8, (uint64_t)value);
}

void pack_double(struct buf *b, double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	put(b, 0xcb, 8, bits);
}

void pack_bool(struct buf *b, bool value)
{
	put(b, value ? 0xc3 : 0xc2, 0, 0);
}

void pack_bytes(struct buf *b, struct slice bytes)
{
	if (bytes.len <= UINT8_MAX)
		put(b, 0xc4, 1, bytes.len);
	else if (bytes.len <= UINT16_MAX)
		put(b, 0xc5, 2, bytes.len);
	else
		put(b, 0xc6, 4, bytes.len);
	buf_add_slice(b, bytes);
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
