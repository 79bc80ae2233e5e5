/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the resources of OTLP batches are called, remembered: a process says the same of itself in each of its messages.
 *
 * Idea: the three texts that are taken from a resource are places in its bytes, be they a message's or a document's, so where the same bytes come again, they are at the same places.
 *
 * Invariants: a memo is made of a resource that was read and found well-formed, and whose texts lie in its bytes (those with escapes do not); it is used only where all bytes are equal. Longer
 * ones than RESOURCE_BYTES have none. Private to the room.
 */
#ifndef WINNOW_RECORD_RESOURCE_MEMO_H
#define WINNOW_RECORD_RESOURCE_MEMO_H

#include "record/record.h"

enum { RESOURCE_MEMOS = 64, RESOURCE_SHIFT = 58, RESOURCE_BYTES = 488 };

struct resource_text {
	uint16_t at, len;
};

struct resource_memo {
	uint16_t len; /* 0: there is none yet */
	struct resource_text service, service_namespace, service_instance;
	char bytes[RESOURCE_BYTES];
};

struct resource_memos {
	struct resource_memo at[RESOURCE_MEMOS];
};

/* NULL: this one has none. The last bytes are mostly an id's. */
static inline struct resource_memo *resource_memo_for(struct resource_memos *memos, struct slice bytes)
{
	if (bytes.len < sizeof(uint64_t) || bytes.len > RESOURCE_BYTES)
		return NULL;
	return &memos->at[(load_u64(bytes.ptr + bytes.len - sizeof(uint64_t)) + bytes.len) * UINT64_C(0x9E3779B97F4A7C15) >> RESOURCE_SHIFT];
}

static inline struct slice resource_text_in(struct resource_text text, struct slice bytes)
{
	return text.len ? slice_of(bytes.ptr + text.at, text.len) : slice_of(NULL, 0);
}

/* Whether these are the memo's bytes; what it knows goes into r. */
static inline bool resource_memo_take(const struct resource_memo *m, struct slice bytes, struct record *r)
{
	if (m->len != bytes.len || memcmp(m->bytes, bytes.ptr, bytes.len) != 0)
		return false;
	r->service = resource_text_in(m->service, bytes);
	r->service_namespace = resource_text_in(m->service_namespace, bytes);
	r->service_instance = resource_text_in(m->service_instance, bytes);
	return true;
}

static inline bool resource_text_find(struct slice text, struct slice bytes, struct resource_text *ret)
{
	uintptr_t at = (uintptr_t)text.ptr - (uintptr_t)bytes.ptr;
	*ret = (struct resource_text){0, 0};
	if (text.len == 0)
		return true;
	if (at > bytes.len || text.len > bytes.len - at)
		return false;
	*ret = (struct resource_text){(uint16_t)at, (uint16_t)text.len};
	return true;
}

/* r's texts are what these bytes say. */
static inline void resource_memo_learn(struct resource_memo *m, struct slice bytes, const struct record *r)
{
	m->len = 0;
	if (!resource_text_find(r->service, bytes, &m->service) || !resource_text_find(r->service_namespace, bytes, &m->service_namespace) || !resource_text_find(r->service_instance, bytes, &m->service_instance))
		return;
	m->len = (uint16_t)bytes.len;
	memcpy(m->bytes, bytes.ptr, bytes.len);
}

#endif
