/* SPDX-License-Identifier: Apache-2.0 */
#include "record/outline.h"

#include "base/mem.h"
#include "record/json.h"

#include <stdlib.h>

void outline_done(struct outline *o)
{
	free(o->nodes);
	arena_done(&o->notes);
	*o = (struct outline){0};
}

void outline_begin(struct outline *o)
{
	if (o->nodes && o->len + OUTLINE_MEMBERS <= OUTLINE_NODES)
		return;
	if (!o->nodes)
		o->nodes = mem_zalloc(OUTLINE_NODES, sizeof(*o->nodes));
	arena_reset(&o->notes);
	memset(o->guesses, 0, sizeof(o->guesses));
	o->nodes[0] = (struct outline_node){.masks = {UINT64_MAX, UINT64_MAX}, .first = o->nodes, .other = o->nodes};
	memset(o->nodes[0].text, 0xFF, sizeof(o->nodes[0].text)); /* nowhere in UTF-8 */
	o->nodes[1] = o->nodes[0];
	o->len = 2;
	o->resets++;
}

static struct outline_node *learn(struct outline *o, struct outline_node *parent, struct slice text)
{
	if (o->len == OUTLINE_NODES || text.len > OUTLINE_TEXT || parent == o->nodes)
		return o->nodes;
	struct outline_node *node = &o->nodes[o->len++];
	unsigned char mask[sizeof(node->masks)] = {0};
	*node = (struct outline_node){.len = (uint16_t)text.len, .parent = (uint16_t)(parent - o->nodes), .first = o->nodes, .other = parent->first};
	node->word = json_string_word(0, text.len > 2 ? text.len - 2 : 0);
	memcpy(node->text, text.ptr, node->len);
	memset(mask, 0xFF, node->len < sizeof(mask) ? node->len : sizeof(mask));
	memcpy(node->masks, mask, sizeof(mask));
	parent->first = node;
	return node;
}

/* Among all children; the one found is the first from now on. */
static struct outline_node *search(struct outline *o, struct outline_node *parent, struct slice text)
{
	size_t branches = 0;
	struct outline_node **link = &parent->first;
	for (struct outline_node *i = *link; i != o->nodes; link = &i->other, i = *link) {
		branches++;
		if (!outline_is(i, text.ptr))
			continue;
		*link = i->other;
		i->other = parent->first;
		parent->first = i;
		return i;
	}
	return branches < OUTLINE_BRANCHES ? learn(o, parent, text) : o->nodes;
}

struct outline_node *outline_search(struct outline *o, struct outline_node *parent, struct slice text)
{
	struct outline_node *found = outline_guess(o, parent, text.ptr);
	if (found)
		return found;
	found = search(o, parent, text);
	o->guesses[outline_place(o, parent, text.ptr)] = found == o->nodes ? NULL : found;
	return found;
}

struct outline_node *outline_search_bracket(struct outline *o, struct outline_node *parent, char bracket)
{
	char text[sizeof(((struct outline_node *)NULL)->masks)] = {bracket};
	return outline_search(o, parent, slice_of(text, 1));
}
