/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf wire format (https://protobuf.dev/programming-guides/encoding/): a writer over struct buf and a bounds-checked cursor. */
#ifndef WINNOW_BASE_WIRE_H
#define WINNOW_BASE_WIRE_H

#include "base/buf.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* Number of bytes of value as a varint: 1 to 10. */
static inline size_t wire_varint_len(uint64_t value)
{
	return value == 0 ? 1 : (size_t)(70 - __builtin_clzll(value)) / 7;
}

void wire_add_varint(struct buf *b, uint64_t value);
void wire_add_tag(struct buf *b, uint32_t field, enum wire_type type);
/* Field writers; proto3's rule that zero is left out is the caller's. */
void wire_add_u64(struct buf *b, uint32_t field, uint64_t value);
void wire_add_sint64(struct buf *b, uint32_t field, int64_t value); /* zigzag */
void wire_add_double(struct buf *b, uint32_t field, double value);
void wire_add_fixed64(struct buf *b, uint32_t field, uint64_t value);
void wire_add_bytes(struct buf *b, uint32_t field, struct slice bytes);

struct wire {
	const uint8_t *next;
	const uint8_t *end;
};

struct wire_field {
	uint32_t number;
	enum wire_type type;
	uint64_t value;     /* varint, fixed64, fixed32 */
	struct slice bytes; /* WIRE_BYTES: a view into the input */
};

static inline struct wire wire_of(struct slice s)
{
	return (struct wire){.next = (const uint8_t *)s.ptr, .end = (const uint8_t *)s.ptr + s.len};
}
static inline uint64_t wire_load64(const uint8_t *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	value = __builtin_bswap64(value);
#endif
	return value;
}

/* 1: *ret is the next field; 0: clean end; ERR_CORRUPT: truncated, overlong varint, group, or field number 0. */
int wire_next(struct wire *w, struct wire_field *ret);
/* The same, inline, for the forms that nearly all fields have: a tag of one byte, then eight bytes, or a value of one byte, or a length of one or two. */
static inline int wire_step(struct wire *w, struct wire_field *ret)
{
	size_t left = (size_t)(w->end - w->next);
	if (left < 2)
		return left ? wire_next(w, ret) : 0;
	uint8_t tag = w->next[0], second = w->next[1];
	ret->number = tag >> 3;
	ret->type = (enum wire_type)(tag & 7);
	switch (tag & 0x87) {
	case WIRE_BYTES:;
		size_t head = 2 + (second >> 7), len = second;
		if (head == 3)
			len = left > 2 && w->next[2] - 1u < 0x7F ? (second & 0x7F) | (size_t)w->next[2] << 7 : left;
		if (head + len > left || tag < 8)
			break;
		ret->bytes = (struct slice){.ptr = (const char *)w->next + head, .len = len};
		w->next += head + len;
		return 1;
	case WIRE_VARINT:
		if (second >= 0x80 || tag < 8)
			break;
		ret->value = second;
		ret->bytes = (struct slice){.ptr = 0, .len = 0};
		w->next += 2;
		return 1;
	case WIRE_FIXED64:
		if (left < 9 || tag < 8)
			break;
		ret->value = wire_load64(w->next + 1);
		ret->bytes = (struct slice){.ptr = 0, .len = 0};
		w->next += 9;
		return 1;
	default:
		break;
	}
	return wire_next(w, ret);
}
/* Takes the next field if it is bytes with this tag of one byte and a length of one or two; else nothing happens. */
static inline bool wire_take(struct wire *w, uint8_t tag, struct slice *ret)
{
	const uint8_t *p = w->next;
	size_t left = (size_t)(w->end - p), head = 2;
	if (left < 3 || p[0] != tag)
		return false;
	size_t len = p[1];
	if (len >= 0x80) {
		if (p[2] - 1u >= 0x7F)
			return false;
		len = (len & 0x7F) | (size_t)p[2] << 7;
		head = 3;
	}
	if (head + len > left)
		return false;
	*ret = slice_of((const char *)p + head, len);
	w->next = p + head + len;
	return true;
}
/* Passes over fields of bytes with this tag of one byte, as many as stand there in a row and have lengths of one or two bytes. */
static inline void wire_pass(struct wire *w, uint8_t tag)
{
	const uint8_t *p = w->next;
	for (size_t left; (left = (size_t)(w->end - p)) > 2 && p[0] == tag;) {
		size_t len = p[1] < 0x80 ? p[1] + (size_t)2 : ((p[1] & 0x7Fu) | (size_t)p[2] << 7) + 3;
		if (len > left || (p[1] >= 0x80 && p[2] - 1u >= 0x7F))
			break;
		p += len;
	}
	w->next = p;
}
bool wire_read_varint(struct wire *w, uint64_t *ret);
static inline int64_t wire_zigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}
double wire_to_double(uint64_t bits);

#endif
