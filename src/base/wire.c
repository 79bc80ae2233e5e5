/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wire.h"

#include "base/err.h"

void wire_add_varint(struct buf *b, uint64_t value)
{
	uint8_t *at = (uint8_t *)buf_reserve(b, 10);
	size_t n = 0;
	while (value >= 0x80) {
		at[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	at[n++] = (uint8_t)value;
	b->len += n;
}

void wire_add_tag(struct buf *b, uint32_t field, enum wire_type type)
{
	wire_add_varint(b, (uint64_t)field << 3 | (uint64_t)type);
}

void wire_add_u64(struct buf *b, uint32_t field, uint64_t value)
{
	wire_add_tag(b, field, WIRE_VARINT);
	wire_add_varint(b, value);
}

void wire_add_sint64(struct buf *b, uint32_t field, int64_t value)
{
	wire_add_u64(b, field, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

void wire_add_fixed64(struct buf *b, uint32_t field, uint64_t value)
{
	uint8_t bytes[8];
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	wire_add_tag(b, field, WIRE_FIXED64);
	buf_add(b, bytes, sizeof(bytes));
}

void wire_add_double(struct buf *b, uint32_t field, double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	wire_add_fixed64(b, field, bits);
}

void wire_add_bytes(struct buf *b, uint32_t field, struct slice bytes)
{
	wire_add_tag(b, field, WIRE_BYTES);
	wire_add_varint(b, bytes.len);
	buf_add_slice(b, bytes);
}

bool wire_read_varint(struct wire *w, uint64_t *ret)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 70 && w->next < w->end; shift += 7) {
		uint8_t byte = *w->next++;
		if (shift == 63 && byte > 1)
			return false;
		value |= (uint64_t)(byte & 0x7F) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static bool read_fixed(struct wire *w, unsigned n, uint64_t *ret)
{
	if ((size_t)(w->end - w->next) < n)
		return false;
	*ret = 0;
	for (unsigned i = 0; i < n; i++)
		*ret |= (uint64_t)w->next[i] << 8 * i;
	w->next += n;
	return true;
}

static bool read_bytes(struct wire *w, struct slice *ret)
{
	uint64_t len;
	if (!wire_read_varint(w, &len) || len > (uint64_t)(w->end - w->next))
		return false;
	*ret = slice_of((const char *)w->next, (size_t)len);
	w->next += len;
	return true;
}

int wire_next(struct wire *w, struct wire_field *ret)
{
	uint64_t tag;
	bool ok;
	if (w->next >= w->end)
		return 0;
	if (!wire_read_varint(w, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1FFFFFFF)
		return ERR_CORRUPT;
	ret->number = (uint32_t)(tag >> 3);
	ret->type = (enum wire_type)(tag & 7);
	ret->bytes = slice_of(NULL, 0);
	switch (ret->type) {
	case WIRE_VARINT: ok = wire_read_varint(w, &ret->value); break;
	case WIRE_FIXED64: ok = read_fixed(w, 8, &ret->value); break;
	case WIRE_BYTES: ok = read_bytes(w, &ret->bytes); break;
	case WIRE_FIXED32: ok = read_fixed(w, 4, &ret->value); break;
	default: ok = false;
	}
	return ok ? 1 : ERR_CORRUPT;
}

double wire_to_double(uint64_t bits)
{
	double value;
	memcpy(&value, &bits, sizeof(value));
	return value;
}
