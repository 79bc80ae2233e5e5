/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/pair.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/wire.h"
#include "metric/point.h"

#include <stddef.h>
#include <stdlib.h>

static bool is_pair(const void *item, const void *key)
{
	const struct label known = pair_label(item), *label = key;
	return slice_eq(known.name, label->name) && slice_eq(known.value, label->value);
}

static enum pair_place place_of(struct slice name)
{
	int order = slice_cmp(name, SLICE("__name__"));
	if (order <= 0)
		return order < 0 ? PAIR_BEFORE_NAME : PAIR_NAME;
	order = slice_cmp(name, SLICE("le"));
	return order < 0 ? PAIR_BETWEEN : order == 0 ? PAIR_LE : PAIR_AFTER_LE;
}

/* --- texts --- */

static bool is_text(const void *item, const void *key)
{
	const struct pair_text *t = item;
	return slice_eq(slice_of(t->text, t->len), *(const struct slice *)key);
}

struct pair_text *pair_text_find(const struct label_pairs *p, uint64_t hash, struct slice text)
{
	return map_get(&p->texts, hash, is_text, &text);
}

static struct pair_text *text_new(struct slice text)
{
	enum { VARINT_MAX = 10 };
	struct pair_text *t = mem_zalloc(1, sizeof(*t) + VARINT_MAX + text.len + PAIR_PAD);
	uint8_t *at = put_bytes((uint8_t *)(t + 1), 0, text.len ? text.ptr : "", text.len); /* a tag of no use comes first */
	t->len = (uint32_t)text.len;
	t->text = (const char *)at - text.len;
	return t;
}

/* The text of one pair alone gets a second user: it becomes an object of its own. */
static struct pair_text *part_text(struct pair_text *own)
{
	struct pair *first = (struct pair *)(void *)((char *)own - offsetof(struct pair, own));
	struct pair_text *t = text_new(slice_of(own->text, own->len));
	t->epoch = own->epoch;
	t->ref = own->ref;
	t->users = 1;
	first->value = t;
	return t;
}

/* own: where the text is kept until a second pair has it (its text is set); NULL: it is an object of its own at once. */
static struct pair_text *text_get(struct label_pairs *p, struct slice text, struct pair_text *own)
{
	uint64_t hash = hash_bytes(text);
	struct pair_text *t = pair_text_find(p, hash, text);
	if (t && t->users == 0) {
		map_remove(&p->texts, hash, is_text, &text);
		t = part_text(t);
		map_put(&p->texts, hash, t);
	} else if (!t) {
		t = own ? own : text_new(text);
		map_put(&p->texts, hash, t);
	}
	t->users += t != own;
	return t;
}

static void text_drop(struct label_pairs *p, struct pair_text *t)
{
	struct slice text = slice_of(t->text, t->len);
	bool alone = t->users == 0;
	if (!alone && --t->users)
		return;
	map_remove(&p->texts, hash_bytes(text), is_text, &text);
	if (!alone)
		free(t);
}

/* --- pairs --- */

static size_t pair_size(size_t encoded_len)
{
	return sizeof(struct pair) + encoded_len;
}

static struct pair *pair_new(struct label_pairs *p, const struct label *label)
{
	struct buf bytes = {0};
	wire_add_tag(&bytes, 1, WIRE_BYTES);
	wire_add_varint(&bytes, 2 + wire_varint_len(label->name.len) + label->name.len + wire_varint_len(label->value.len) + label->value.len);
	wire_add_bytes(&bytes, 1, label->name);
	wire_add_bytes(&bytes, 2, label->value);
	struct pair *pair = pool_zalloc(&p->pool, pair_size(bytes.len));
	memcpy(pair->encoded, bytes.data, bytes.len);
	pair->encoded_len = (uint32_t)bytes.len;
	pair->own.len = (uint32_t)label->value.len;
	pair->own.text = (const char *)pair->encoded + bytes.len - label->value.len;
	pair->name = text_get(p, label->name, NULL);
	pair->value = text_get(p, label->value, &pair->own);
	pair->place = (uint8_t)place_of(label->name);
	buf_done(&bytes);
	return pair;
}

static uint64_t hash_label(const struct label *label)
{
	return hash_pair(hash_bytes(label->name), hash_bytes(label->value));
}

struct pair *pair_get(struct label_pairs *p, struct slice name, struct slice value)
{
	const struct label label = {name, value};
	uint64_t hash = hash_label(&label);
	struct pair *pair = map_get(&p->map, hash, is_pair, &label);
	if (!pair) {
		pair = pair_new(p, &label);
		map_put(&p->map, hash, pair);
	}
	pair->users++;
	return pair;
}

void pair_drop(struct label_pairs *p, struct pair *pair)
{
	if (--pair->users)
		return;
	const struct label label = pair_label(pair);
	map_remove(&p->map, hash_label(&label), is_pair, &label);
	text_drop(p, pair->value);
	text_drop(p, pair->name);
	pool_free(&p->pool, pair, pair_size(pair->encoded_len));
}

/* A label named __name__ or le is ours to send: two of a name would be refused for ever. */
struct pair_order pair_sort(struct pair **pairs, size_t len)
{
	struct pair_order order = {0};
	struct pair *unsent[LABELS_MAX];
	size_t unsent_len = 0;
	for (size_t i = 0; i < len; i++) {
		struct pair *pair = pairs[i];
		if ((pair->place == PAIR_NAME || pair->place == PAIR_LE) && unsent_len < LABELS_MAX) {
			unsent[unsent_len++] = pair;
			continue;
		}
		order.before_name = (uint8_t)(order.before_name + (pair->place == PAIR_BEFORE_NAME));
		order.before_le = (uint8_t)(order.before_le + (pair->place < PAIR_LE));
		order.encoded_len += pair->encoded_len;
		pairs[order.len++] = pair;
	}
	for (size_t i = 0; i < unsent_len; i++)
		pairs[order.len + i] = unsent[i];
	return order;
}

void label_pairs_done(struct label_pairs *p)
{
	map_done(&p->map);
	map_done(&p->texts);
	pool_done(&p->pool);
}
