/* SPDX-License-Identifier: Apache-2.0 */
/* Series that the receiver refuses: which one a place was, and setting it aside. */
#include "ledger/walk.h"

#include "base/mem.h"

static void write_name(const struct series *s, struct buf *out)
{
	buf_add_str(out, family_get(s->family)->name);
	buf_add_char(out, '{');
	for (size_t i = 0; i < s->labels_len; i++) {
		if (i)
			buf_add_char(out, ',');
		buf_add_slice(out, s->labels[i].name);
		buf_add_char(out, '=');
		buf_add_json_string(out, s->labels[i].value);
	}
	buf_add_char(out, '}');
}

uint64_t ledger_place_name(const struct ledger *l, int64_t step, bool anchors, uint32_t place, struct buf *out)
{
	if (l->closed_len == 0 || l->steps[0]->number != step)
		return 0;
	struct walk w = {.l = l, .step = l->steps[0]};
	for (uint32_t i = 0; walk_place(&w, anchors); i++) {
		if (i != place)
			continue;
		write_name(w.series, out);
		return w.series->hash;
	}
	return 0;
}

void ledger_set_aside(struct ledger *l, uint64_t key, bool aside)
{
	for (size_t i = 0; i < l->series_len; i++)
		if (l->series[i]->hash == key)
			l->series[i]->aside = aside;
	uint64_t *known = map_get(&l->aside, key, NULL, NULL);
	if (aside && !known) {
		l->aside_keys = mem_grow(l->aside_keys, l->aside_len, &l->aside_cap, sizeof(uint64_t *));
		known = l->aside_keys[l->aside_len++] = mem_zalloc(1, sizeof(*known));
		*known = key;
		map_put(&l->aside, key, known);
	} else if (!aside && known) {
		map_remove(&l->aside, key, NULL, NULL); /* the key itself is freed with the ledger */
	}
}
