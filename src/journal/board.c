/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/board_kind.h"

void board_close(struct board *b)
{
	if (b)
		b->kind->close(b);
}

static bool is_plain(struct slice s)
{
	return slice_find(s, '\n', 0) == s.len && slice_find(s, '\t', 0) == s.len;
}

int board_put(struct board *b, struct slice key, struct slice text, struct err *err)
{
	if (key.len == 0 || !is_plain(key) || !is_plain(text))
		return err_set(err, ERR_INPUT, "a notice has a key, and neither tabs nor line breaks");
	return b->kind->put(b, key, text, err);
}

int board_read(struct board *b, int64_t timeout_ns, struct board_notice *ret, struct err *err)
{
	*ret = (struct board_notice){0};
	return b->kind->read(b, timeout_ns, ret, err);
}
