/* SPDX-License-Identifier: Apache-2.0 */
/* How both versions of remote write spell numbers and points, written through a plain pointer into room that is there. Private to the metric room. */
#ifndef WINNOW_METRIC_POINT_H
#define WINNOW_METRIC_POINT_H

#include "base/wire.h"
#include "metric/tally.h"

#include <math.h>

static inline uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

/* The same for what mostly is below 0x4000. */
static inline uint8_t *put_short_varint(uint8_t *at, size_t value)
{
	if (value >= 0x4000)
		return put_varint(at, value);
	if (value >= 0x80)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)(value >= 0x80 ? value >> 7 : value);
	return at;
}

static inline uint8_t *put_bytes(uint8_t *at, uint8_t tag, const char *bytes, size_t len)
{
	*at++ = tag;
	at = put_varint(at, len);
	memcpy(at, bytes, len);
	return at + len;
}

static inline uint64_t bits_of(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* Copies len bytes in pieces of 32: both sides have that much room behind their ends. */
static inline uint8_t *put_padded(uint8_t *at, const uint8_t *from, size_t len)
{
	memcpy(at, from, 32);
	for (size_t done = 32; __builtin_expect(done < len, 0); done += 32)
		memcpy(at + done, from + done, 32);
	return at + len;
}

static inline uint8_t *put_bits(uint8_t *at, uint64_t bits)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	bits = __builtin_bswap64(bits);
#endif
	memcpy(at, &bits, 8);
	return at + 8;
}

static inline uint8_t *put_double(uint8_t *at, uint8_t tag, uint64_t bits)
{
	*at++ = tag;
	return put_bits(at, bits);
}

/* Zero values and zero times are left out, as proto3 has it; -0.0 is not zero. */
static inline size_t point_len(uint64_t bits, int64_t timestamp_ms)
{
	return (bits ? 9 : 0) + (timestamp_ms ? 1 + wire_varint_len((uint64_t)timestamp_ms) : 0);
}

static inline uint8_t *put_point(uint8_t *at, uint8_t value_tag, uint64_t bits, uint8_t time_tag, int64_t timestamp_ms)
{
	if (bits)
		at = put_double(at, value_tag, bits);
	if (timestamp_ms) {
		*at++ = time_tag;
		at = put_varint(at, (uint64_t)timestamp_ms);
	}
	return at;
}


/* Whether a receiver would keep this exemplar. */
static inline bool point_takes(const struct exemplar *e)
{
	return e && e->rank > 0 && e->trace_len <= EXEMPLAR_TRACE_MAX && e->span_len <= EXEMPLAR_SPAN_MAX && e->trace_len + e->span_len > 0
		&& isfinite(e->value) && slice_is_utf8(slice_of(e->trace_id, e->trace_len)) && slice_is_utf8(slice_of(e->span_id, e->span_len));
}

#endif
