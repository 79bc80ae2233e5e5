/* SPDX-License-Identifier: Apache-2.0 */
#include "record/key.h"

#include <assert.h>

static const char *const texts[KEY_COUNT] = {
#define X(id, text) [KEY_##id] = text,
	KEYS(X)
#undef X
};

const char *key_text(unsigned key)
{
	return key < KEY_COUNT && texts[key] ? texts[key] : "";
}

static void put(struct key_table *table, unsigned key)
{
	char name[64] = {0};
	size_t len = strlen(texts[key]);
	assert(len + 8 <= sizeof(name));
	memcpy(name, texts[key], len);
	struct key_slot slot = {.first = key_load(name, len), .last = len > 8 ? key_load(name + len - 8, 8) : 0, .len = (uint32_t)len, .key = key};
	size_t i = key_hash(slot.first, slot.last, len);
	while (table->slots[i].key != KEY_NONE)
		i = (i + 1) % KEY_SLOTS;
	table->slots[i] = slot;
}

void key_table_init(struct key_table *table)
{
	*table = (struct key_table){0};
	for (unsigned key = 1; key < KEY_COUNT; key++)
		if (texts[key])
			put(table, key);
}
