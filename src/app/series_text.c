/* SPDX-License-Identifier: Apache-2.0 */
#include "app/series_text.h"

bool series_leaves(const struct tally_series *s)
{
	return strncmp(family_get(s->family)->name, "winnow_", 7) != 0;
}

void series_text(struct buf *out, const struct tally_series *s, const char *id)
{
	buf_add_str(out, family_get(s->family)->name);
	buf_add_char(out, '{');
	for (size_t i = 0; i < s->labels_len; i++) {
		struct slice name = s->labels[i].name;
		buf_printf(out, "%s%.*s=\"", i ? "," : "", (int)name.len, name.ptr);
		buf_add_json(out, id && slice_eq(name, SLICE("pattern_id")) ? slice_str(id) : s->labels[i].value);
		buf_add_char(out, '"');
	}
	buf_add_char(out, '}');
}
