/* SPDX-License-Identifier: Apache-2.0 */
#include "slo/labels.h"
#include "base/mem.h"

#include <stdlib.h>

void slo_labels_done(struct slo_labels *l)
{
	free(l->items);
	*l = (struct slo_labels){0};
}

void slo_labels_set(struct slo_labels *l, struct slice name, struct slice value)
{
	size_t at = 0;
	while (at < l->len && slice_cmp(l->items[at].name, name) < 0)
		at++;
	if (at == l->len || !slice_eq(l->items[at].name, name)) {
		l->items = mem_grow(l->items, l->len, &l->cap, sizeof(*l->items));
		memmove(l->items + at + 1, l->items + at, (l->len - at) * sizeof(*l->items));
		l->len++;
	}
	l->items[at] = (struct slo_label){name, value};
}

void slo_labels_merge(struct slo_labels *into, const struct slo_labels *from)
{
	for (size_t i = 0; i < from->len; i++)
		slo_labels_set(into, from->items[i].name, from->items[i].value);
}

struct slice slo_labels_get(const struct slo_labels *l, struct slice name)
{
	for (size_t i = 0; i < l->len; i++)
		if (slice_eq(l->items[i].name, name))
			return l->items[i].value;
	return slice_of(NULL, 0);
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool slo_label_name_ok(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!is_word(name.ptr[i]) && !(i > 0 && name.ptr[i] >= '0' && name.ptr[i] <= '9'))
			return false;
	return name.len > 0 && !slice_starts(name, SLICE("__"));
}

void slo_promql_string(struct buf *out, struct slice value)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		if (c == '"' || c == '\\')
			buf_add_char(out, '\\');
		if (c == '\n')
			buf_add_str(out, "\\n");
		else
			buf_add_char(out, c);
	}
	buf_add_char(out, '"');
}

void slo_labels_print(struct buf *out, const struct slo_labels *l)
{
	buf_add_char(out, '{');
	for (size_t i = 0; i < l->len; i++) {
		buf_add_str(out, i ? "," : "");
		buf_add_slice(out, l->items[i].name);
		buf_add_char(out, '=');
		slo_promql_string(out, l->items[i].value);
	}
	buf_add_char(out, '}');
}
