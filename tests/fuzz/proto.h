/* SPDX-License-Identifier: Apache-2.0 */
/* A protobuf reader of the fuzz targets' own: it shares nothing with the program, and aborts on anything that is not well-formed. */
#ifndef WINNOW_TESTS_FUZZ_PROTO_H
#define WINNOW_TESTS_FUZZ_PROTO_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct proto {
	const uint8_t *at, *end;
};

struct proto_field {
	uint32_t number;
	unsigned kind;       /* 0 varint, 1 eight bytes, 2 bytes */
	uint64_t value;      /* of kinds 0 and 1 */
	struct proto inside; /* of kind 2 */
};

static inline struct proto proto_of(const void *bytes, size_t len)
{
	return (struct proto){.at = bytes, .end = (const uint8_t *)bytes + len};
}

static inline uint64_t proto_varint(struct proto *p)
{
	uint64_t value = 0;
	for (unsigned shift = 0;; shift += 7) {
		assert(p->at < p->end && shift < 64);
		uint8_t byte = *p->at++;
		assert(shift < 63 || byte < 2);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
}

static inline int64_t proto_zigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static inline uint64_t proto_eight(struct proto *p)
{
	uint64_t value = 0;
	assert(p->end - p->at >= 8);
	for (unsigned i = 0; i < 8; i++)
		value |= (uint64_t)*p->at++ << (8 * i);
	return value;
}

/* False at the end. */
static inline bool proto_next(struct proto *p, struct proto_field *f)
{
	if (p->at == p->end)
		return false;
	uint64_t tag = proto_varint(p);
	*f = (struct proto_field){.number = (uint32_t)(tag >> 3), .kind = tag & 7};
	assert(f->number > 0 && tag >> 3 <= UINT32_MAX && f->kind <= 2);
	if (f->kind == 0) {
		f->value = proto_varint(p);
	} else if (f->kind == 1) {
		f->value = proto_eight(p);
	} else {
		uint64_t len = proto_varint(p);
		assert(len <= (uint64_t)(p->end - p->at));
		f->inside = proto_of(p->at, len);
		p->at += len;
	}
	return true;
}

static inline double proto_double(uint64_t bits)
{
	double d;
	memcpy(&d, &bits, sizeof(d));
	return d;
}

static inline bool proto_is(const struct proto *p, const char *text, size_t len)
{
	return (size_t)(p->end - p->at) == len && (len == 0 || memcmp(p->at, text, len) == 0);
}

#endif
