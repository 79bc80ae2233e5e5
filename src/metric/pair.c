/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/pair.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/wire.h"
#include "metric/write2.h"

#include <stdlib.h>

static bool is_pair(const void *item, const void *key)
{
	const struct pair *pair = item;
	const struct label *label = key;
	return slice_eq(pair->label.name, label->name) && slice_eq(pair->label.value, label->value);
}

static enum pair_place place_of(struct slice name)
{
	int order = slice_cmp(name, SLICE("__name__"));
	if (order <= 0)
		return order < 0 ? PAIR_BEFORE_NAME : PAIR_NAME;
	order = slice_cmp(name, SLICE("le"));
	return order < 0 ? PAIR_BETWEEN : order == 0 ? PAIR_LE : PAIR_AFTER_LE;
}

static bool is_name(const void *item, const void *key)
{
	return slice_eq(((const struct pair_name *)item)->text, *(const struct slice *)key);
}

static struct pair_name *name_get(struct label_pairs *p, struct slice text)
{
	uint64_t hash = hash_bytes(text);
	struct pair_name *name = map_get(&p->names, hash, is_name, &text);
	if (!name) {
		name = mem_zalloc(1, sizeof(*name));
		name->text = slice_of(mem_strdup(text), text.len);
		name->hash = write2_hash(text);
		map_put(&p->names, hash, name);
	}
	name->users++;
	return name;
}

static void name_drop(struct label_pairs *p, struct pair_name *name)
{
	if (--name->users)
		return;
	map_remove(&p->names, hash_bytes(name->text), is_name, &name->text);
	free((char *)(uintptr_t)name->text.ptr);
	free(name);
}

static struct pair *pair_new(struct label_pairs *p, const struct label *label, uint64_t hash)
{
	struct buf bytes = {0};
	wire_add_tag(&bytes, 1, WIRE_BYTES);
	wire_add_varint(&bytes, 2 + wire_varint_len(label->name.len) + label->name.len + wire_varint_len(label->value.len) + label->value.len);
	wire_add_bytes(&bytes, 1, label->name);
	size_t name_end = bytes.len;
	wire_add_bytes(&bytes, 2, label->value);
	struct pair *pair = mem_zalloc(1, sizeof(*pair) + bytes.len + PAIR_PAD);
	memcpy(pair->encoded, bytes.data, bytes.len);
	const char *texts = (const char *)pair->encoded;
	pair->label.name = slice_of(texts + name_end - label->name.len, label->name.len);
	pair->label.value = slice_of(texts + bytes.len - label->value.len, label->value.len);
	pair->encoded_len = (uint32_t)bytes.len;
	pair->hash = hash;
	pair->name = name_get(p, label->name);
	pair->value_hash = write2_hash(label->value);
	pair->place = (uint8_t)place_of(label->name);
	buf_done(&bytes);
	return pair;
}

struct pair *pair_get(struct label_pairs *p, struct slice name, struct slice value)
{
	const struct label label = {name, value};
	uint64_t hash = hash_pair(hash_bytes(name), hash_bytes(value));
	struct pair *pair = map_get(&p->map, hash, is_pair, &label);
	if (!pair) {
		pair = pair_new(p, &label, hash);
		map_put(&p->map, hash, pair);
	}
	pair->users++;
	return pair;
}

void pair_drop(struct label_pairs *p, struct pair *pair)
{
	if (--pair->users)
		return;
	map_remove(&p->map, pair->hash, is_pair, &pair->label);
	name_drop(p, pair->name);
	free(pair);
}

void label_pairs_done(struct label_pairs *p)
{
	map_done(&p->map);
	map_done(&p->names);
}
