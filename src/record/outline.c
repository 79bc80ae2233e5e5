/* SPDX-License-Identifier: Apache-2.0 */
#include "record/outline.h"

#include "base/mem.h"

#include <stdlib.h>

void outline_done(struct outline *o)
{
	free(o->nodes);
	*o = (struct outline){0};
}

void outline_begin(struct outline *o)
{
	if (o->nodes && o->len + OUTLINE_MEMBERS <= OUTLINE_NODES)
		return;
	if (!o->nodes)
		o->nodes = mem_zalloc(OUTLINE_NODES, sizeof(*o->nodes));
	o->nodes[0] = (struct outline_node){0};
	o->len = 1;
}

uint16_t outline_learn(struct outline *o, uint16_t parent, struct slice text, struct slice name)
{
	size_t branches = 0;
	for (uint16_t i = o->nodes[parent].first; i; i = o->nodes[i].other)
		branches++;
	if (branches >= OUTLINE_BRANCHES || o->len == OUTLINE_NODES || text.len + 8 > OUTLINE_TEXT)
		return 0;
	uint16_t fresh = (uint16_t)o->len++;
	struct outline_node *node = &o->nodes[fresh];
	*node = (struct outline_node){.mask = text.len < 16 ? (1U << text.len) - 1 : 0xFFFF, .len = (uint16_t)text.len, .name = (uint16_t)(name.ptr - text.ptr), .name_len = (uint16_t)name.len, .other = o->nodes[parent].first};
	memcpy(node->text, text.ptr, text.len);
	o->nodes[parent].first = fresh;
	return fresh;
}
