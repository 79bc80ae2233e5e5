/* SPDX-License-Identifier: Apache-2.0 */
/* MessagePack as a stream of plain values: written into a buffer, read by a bounds-checked cursor that builds no tree. One thread. */
#ifndef WINNOW_LEDGER_PACK_H
#define WINNOW_LEDGER_PACK_H

#include "base/buf.h"

void pack_u64(struct buf *b, uint64_t value);
void pack_i64(struct buf *b, int64_t value);
void pack_double(struct buf *b, double value);
void pack_bool(struct buf *b, bool value);
void pack_bytes(struct buf *b, struct slice bytes);

/* The first value that is missing, of another type or out of range sets bad; from then on every read gives zero. */
struct unpack {
	const uint8_t *next;
	const uint8_t *end;
	bool bad;
};

static inline struct unpack unpack_of(struct slice s)
{
	return (struct unpack){.next = (const uint8_t *)s.ptr, .end = (const uint8_t *)s.ptr + s.len};
}
uint64_t unpack_u64(struct unpack *u);
int64_t unpack_i64(struct unpack *u);
double unpack_double(struct unpack *u);
bool unpack_bool(struct unpack *u);
/* A view into the input. */
struct slice unpack_bytes(struct unpack *u);
/* A number at most max; more is bad. */
uint64_t unpack_upto(struct unpack *u, uint64_t max);
/* How many things follow: at most max, and no more than the bytes left can hold at min_bytes each. */
size_t unpack_count(struct unpack *u, size_t max, size_t min_bytes);
/* Whether everything was read and nothing was bad. */
static inline bool unpack_whole(const struct unpack *u)
{
	return !u->bad && u->next == u->end;
}

#endif
