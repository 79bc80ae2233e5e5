/* SPDX-License-Identifier: Apache-2.0 */
#include "record/member_memo.h"

void member_memo_learn(struct member_memo *memo, const struct key_table *keys, const struct key_set *seen, const struct json *json, uint32_t root)
{
	memo->len = 0;
	memo->seen = *seen;
	size_t len = 0;
	for (uint32_t i = json_first(root), end = json_end(json, root); i < end; i = json_next(json, i + 1), len++) {
		struct slice name = json_string(json, i);
		if (len == MEMBERS || name.len > MEMBER_NAME || name.len == 0)
			return;
		struct member_name *m = &memo->members[len];
		*m = (struct member_name){.first = key_load(name.ptr, name.len), .last = name.len > 8 ? key_load(name.ptr + name.len - 8, 8) : 0,
			.mask = name.len < 8 ? (UINT64_C(1) << name.len * 8) - 1 : UINT64_MAX, .head = (uint32_t)(json_string_word(0, name.len) >> 32), .len = (uint16_t)name.len, .key = (uint16_t)key_find(keys, name)};
		memcpy(m->text, name.ptr, name.len);
	}
	memo->len = len;
}
