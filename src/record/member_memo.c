/* SPDX-License-Identifier: Apache-2.0 */
#include "record/member_memo.h"

void member_memo_learn(struct member_memo *memo, const struct key_table *keys, const struct key_set *seen, const struct json *json, uint32_t root)
{
	bool even = true;
	memo->len = memo->words = 0;
	memo->form = 0;
	memo->seen = *seen;
	size_t len = 0;
	for (uint32_t i = json_first(root), end = json_end(json, root); i < end; i = json_next(json, i + 1), len++) {
		struct slice name = json_string(json, i);
		if (len == MEMBERS || name.len > MEMBER_NAME || name.len == 0)
			return;
		struct member_name *m = &memo->members[len];
		size_t head = name.len < sizeof(m->first) ? name.len : sizeof(m->first);
		*m = (struct member_name){.head = (uint32_t)(json_string_word(0, name.len) >> 32), .len = (uint16_t)name.len, .key = (uint16_t)key_find(keys, name)};
		char type = json_type(json, i + 1);
		even &= type == '"' || type == 'l';
		m->type = (uint8_t)type;
		m->words = type == 'l' ? 3 : 2;
		memset(m->mask, 0xFF, head);
		memcpy(m->first, name.ptr, head);
		if (name.len > sizeof(m->last))
			memcpy(m->last, name.ptr + name.len - sizeof(m->last), sizeof(m->last));
	}
	memo->len = len;
	memo->words = even ? json_end(json, root) - root : 0;
}
