/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/red_memo.h"

enum { MEMOS = 8192 };

static bool memo_is(const void *item, const void *key)
{
	const struct memo *m = item;
	return slice_eq(slice_of(m->key, m->len), *(const struct slice *)key);
}

void memos_forget(struct red *r)
{
	map_clear(&r->memos);
	arena_reset(&r->memo_texts);
	memset(r->near, 0, sizeof(r->near));
}

struct memo *memo_get(struct red *r, bool *ret_new)
{
	struct slice key = buf_slice(&r->key);
	uint64_t hash = hash_bytes(key);
	struct memo *m = map_get(&r->memos, hash, memo_is, &key);
	*ret_new = !m || (m->refusal && m->names != r->names);
	if (m) {
		if (*ret_new) {
			m->refusal = RED_FITS;
			m->spot = (struct tally_spot){0};
		}
		m->names = r->names;
		return m;
	}
	if (r->memos.len >= MEMOS)
		memos_forget(r);
	m = arena_zalloc(&r->memo_texts, sizeof(*m) + key.len);
	*m = (struct memo){.hash = hash, .len = key.len, .names = r->names, .series = {NONE, NONE, NONE, NONE}};
	memcpy(m->key, key.ptr, key.len);
	map_put(&r->memos, hash, m);
	return m;
}

size_t red_memos(const struct red *r)
{
	return r->memos.len;
}

void red_spans_forget(struct red *r)
{
	memos_forget(r);
	r->near_text = NULL;
	red_targets_forget(r);
}
