/* SPDX-License-Identifier: Apache-2.0 */
/* The few words of English, and of those who write log statements, that tell what stands beside them. Looked up by hash. */
#ifndef WINNOW_PATTERN_WORD_H
#define WINNOW_PATTERN_WORD_H

#include "base/slice.h"

enum {
	WORD_STATE = 1,      /* up, failed, enabled, true: says how something stands, is never a mere value */
	WORD_FUNCTION = 2,   /* is, not, from: never a name */
	WORD_ANNOUNCES = 4,  /* user, host, driver: a name follows */
	WORD_FOR = 8,        /* for X from: X is a name */
	WORD_FROM = 16,
	WORD_NULL = 32,      /* null, nil: the value that is not there */
	WORD_CALENDAR = 64,  /* Jan, Mon */
	WORD_EXTENSION = 128,/* exe, conf: what file names end with */
	WORD_TEXTY = 256,    /* msg, message: the field's value is the message */
	WORD_METHOD = 512,   /* GET, POST: a request's path follows */
	WORD_BEFORE = 2048,  /* from, to: a name follows if it is capitalised */
	WORD_CURRENCY = 1024,/* EUR, USD */
};

static inline uint32_t word_hash(struct slice word)
{
	const char *p = word.ptr;
	size_t len = word.len;
	uint64_t h = len;
	uint64_t v;
	for (; len > 8; p += 8, len -= 8) {
		memcpy(&v, p, 8);
		h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	v = 0;
	for (size_t i = 0; i < len; i++)
		v |= (uint64_t)(uint8_t)p[i] << (8 * i);
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 32;
	return (uint32_t)(h >> 8);
}

/* WORD_* of the word with this hash. */
unsigned word_class(uint32_t hash);
/* FAIL_TASK_CLEANUP, NEW: enumerators say how something stands as well. */
bool word_is_enumerator(struct slice word);
/* Whether the word is a state word by list or an enumerator. */
static inline bool word_is_state(struct slice word)
{
	return (word_class(word_hash(word)) & WORD_STATE) || word_is_enumerator(word);
}

#endif
