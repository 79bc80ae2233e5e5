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

static uint16_t learn(struct outline *o, uint16_t parent, struct slice name)
{
	if (o->len == OUTLINE_NODES || name.len + 2 > OUTLINE_TEXT)
		return 0;
	uint16_t fresh = (uint16_t)o->len++;
	struct outline_node *node = &o->nodes[fresh];
	unsigned char mask[sizeof(node->masks)] = {0};
	*node = (struct outline_node){.len = (uint16_t)(name.len + 2), .other = o->nodes[parent].first};
	memcpy(node->text, name.ptr - 1, node->len);
	memset(mask, 0xFF, node->len < sizeof(mask) ? node->len : sizeof(mask));
	memcpy(node->masks, mask, sizeof(mask));
	o->nodes[parent].first = fresh;
	return fresh;
}

uint16_t outline_search(struct outline *o, uint16_t parent, struct slice name)
{
	size_t branches = 0;
	uint16_t *link = &o->nodes[parent].first;
	for (uint16_t i = *link; i; link = &o->nodes[i].other, i = *link) {
		branches++;
		if (!outline_is(&o->nodes[i], name.ptr - 1))
			continue;
		*link = o->nodes[i].other;
		o->nodes[i].other = o->nodes[parent].first;
		o->nodes[parent].first = i;
		return i;
	}
	return branches < OUTLINE_BRANCHES ? learn(o, parent, name) : 0;
}
