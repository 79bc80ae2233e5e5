/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of the objects in a list, remembered: a writer gives each of them the same ones in the same order.
 *
 * Idea: which keys an object's names are is looked up once. The next object whose names are equal, one by one, has the same keys at the same places. There are a few memos, found by how long an object is
 * in its document: those with a member more or less have others. Where all values are texts and whole numbers, the same ones are at the same distance from their object's beginning.
 *
 * Invariants: a memo is made of an object that object_scan let pass, and used only where every name is equal, so it says what that would say. Names longer than MEMBER_NAME, and objects of more than MEMBERS
 * members, have none. Private to the room.
 */
#ifndef WINNOW_RECORD_MEMBER_MEMO_H
#define WINNOW_RECORD_MEMBER_MEMO_H

#include "record/json.h"
#include "record/key.h"
#include "record/trace_id.h"

enum { MEMBER_MEMOS = 8, MEMBERS = 20, MEMBER_NAME = 32, MEMBER_PLACES = 7 };

struct member_name {
	uint32_t head;  /* the upper half of the word of a string as long as this */
	uint16_t len;
	uint16_t key;
	uint8_t type;   /* of the value that it had */
	uint8_t words;  /* of name and value, if that is text or a whole number */
	char mask[16];  /* of the first bytes: those that are the name's */
	char first[16]; /* those, and zeros */
	char last[16];  /* of a longer name */
};

struct member_memo {
	size_t len; /* 0: there is none yet */
	unsigned form; /* what else the format's reader knows of such objects; 0: nothing */
	uint16_t places[MEMBER_PLACES]; /* and where in them the values are that it takes */
	uint32_t words; /* of such an object, if no value of its is an object or a list; else 0 */
	struct key_set seen;
	struct member_name members[MEMBERS];
};

struct member_memos {
	struct member_memo at[MEMBER_MEMOS];
};

static inline struct member_memo *member_memo_for(struct member_memos *memos, const struct json *json, uint32_t root)
{
	return &memos->at[(json_end(json, root) - json_first(root)) % MEMBER_MEMOS];
}

/* Whether the member's name stands at text, where head is the upper half of its word: sixteen bytes at once, and the last sixteen of a longer one. */
static inline bool member_is(const struct member_name *m, uint32_t head, const char *text)
{
	typedef uint64_t v2 __attribute__((vector_size(16)));
	v2 there, mask, want;
	memcpy(&there, text, sizeof(there));
	memcpy(&mask, m->mask, sizeof(mask));
	memcpy(&want, m->first, sizeof(want));
	if (m->head != head || !trace_id_all((trace_id_v16)((trace_id_v16)(there & mask) == (trace_id_v16)want)))
		return false;
	if (m->len <= sizeof(there))
		return true;
	memcpy(&there, text + m->len - sizeof(there), sizeof(there));
	memcpy(&want, m->last, sizeof(want));
	return trace_id_all((trace_id_v16)((trace_id_v16)there == (trace_id_v16)want));
}

/* Whether the object at root has the memo's members; at[key] is then where the value of each stands. */
static inline bool member_memo_fits(const struct member_memo *memo, const struct json *json, uint32_t root, uint32_t at[])
{
	const struct member_name *m = memo->members, *last = m + memo->len;
	const uint64_t *tape = json->tape;
	const char *strings = (const char *)json->strings;
	uint32_t i = json_first(root), end = json_end(json, root);
	for (; i < end && m != last; m++) {
		uint64_t name = tape[i], value = tape[i + 1];
		if (!member_is(m, (uint32_t)(name >> 32), strings + (uint32_t)name))
			return false;
		at[m->key] = i + 1;
		i = value >> 56 == '"' ? i + 2 : json_next(json, i + 1); /* most are */
	}
	return i == end && m == last && memo->len > 0;
}

/* Whether the object at root has the memo's members, with values of the same types: all of them stand where they stood then. */
static inline bool member_memo_again(const struct member_memo *memo, const struct json *json, uint32_t root)
{
	const struct member_name *m = memo->members, *last = m + memo->len;
	const uint64_t *at = json->tape + json_first(root);
	const char *strings = (const char *)json->strings;
	if (!memo->words || json_end(json, root) - root != memo->words)
		return false;
	for (; m != last; m++) {
		if (!member_is(m, (uint32_t)(at[0] >> 32), strings + (uint32_t)at[0]) || at[1] >> 56 != m->type)
			return false;
		at += m->words;
	}
	return true;
}

/* Behind an object_scan that went well. */
void member_memo_learn(struct member_memo *memo, const struct key_table *keys, const struct key_set *seen, const struct json *json, uint32_t root);

#endif
