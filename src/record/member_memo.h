/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of the objects in a list, remembered: a writer gives each of them the same ones in the same order.
 *
 * Idea: which keys an object's names are is looked up once. The next object whose names are equal, one by one, has the same keys at the same places. There are a few memos, found by how long an object is
 * in its document: those with a member more or less have others.
 *
 * Invariants: a memo is made of an object that object_scan let pass, and used only where every name is equal, so it says what that would say. Names longer than MEMBER_NAME, and objects of more than MEMBERS
 * members, have none. Private to the room.
 */
#ifndef WINNOW_RECORD_MEMBER_MEMO_H
#define WINNOW_RECORD_MEMBER_MEMO_H

#include "record/json.h"
#include "record/key.h"

enum { MEMBER_MEMOS = 8, MEMBERS = 20, MEMBER_NAME = 32 };

struct member_name {
	uint64_t first, last; /* eight bytes each, as in key.h */
	uint64_t mask;        /* of the bytes of `first` that are the name's */
	uint32_t head;        /* the upper half of the word of a string as long as this */
	uint16_t len;
	uint16_t key;
	char text[MEMBER_NAME];
};

struct member_memo {
	size_t len; /* 0: there is none yet */
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

/* Whether the member's name stands at text, where head is the upper half of its word. Up to 24 bytes are compared in three pieces, which may lie over each other: names are too short for a call. */
static inline bool member_is(const struct member_name *m, uint32_t head, const char *text)
{
	if (m->head != head || m->first != (load_u64(text) & m->mask))
		return false;
	if (m->len <= 8)
		return true;
	if (m->last != load_u64(text + m->len - 8))
		return false;
	return m->len <= 16 || (load_u64(m->text + 8) == load_u64(text + 8) && (m->len <= 24 || memcmp(m->text + 16, text + 16, m->len - 16u) == 0));
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

/* Behind an object_scan that went well. */
void member_memo_learn(struct member_memo *memo, const struct key_table *keys, const struct key_set *seen, const struct json *json, uint32_t root);

#endif
