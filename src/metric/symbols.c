/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE SYMBOL TABLE OF A 2.0 REQUEST.
 *
 * Idea: nearly all texts of a request are labels that the ledger keeps as pairs, where each text is one object however many pairs have it (pair.c). Such a text
 * remembers its reference in the request that is being written, so finding it takes a comparison of two numbers, and its first use a copy of bytes that lie
 * there as they leave. Other texts (exemplars, help, labels given as texts) go through a table of words; they are looked for among the pairs' texts first.
 *
 * Invariants: every text is in the table once, if the table knows the pairs; references are in first use's order, so the same points give the same bytes in every
 * instance: the hash has no part in the bytes. Tables are emptied by counting up an epoch, one count for all tables: a pair may go from one to the other.
 */
#include "metric/symbols.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>

/* More symbols than a message may have bytes for: a reference takes four bytes at most, those of a pair eight. */
enum { TAG_SYMBOL = 4 << 3 | WIRE_BYTES, FIRST_WORDS = 256, SYMBOLS_MAX = 1 << 28 };

void symbols_init(struct symbols *y)
{
	*y = (struct symbols){.words_cap = FIRST_WORDS};
	y->words = mem_zalloc(y->words_cap, sizeof(*y->words));
	symbols_begin(y);
}

void symbols_done(struct symbols *y)
{
	buf_done(&y->bytes);
	free(y->words);
}

static uint32_t add(struct symbols *y, struct slice text)
{
	buf_reserve(&y->bytes, text.len + 11);
	uint8_t *at = (uint8_t *)y->bytes.data + y->bytes.len;
	at = put_bytes(at, TAG_SYMBOL, text.len ? text.ptr : "", text.len);
	y->bytes.len = (size_t)(at - (uint8_t *)y->bytes.data);
	return y->len++;
}

void symbols_begin(struct symbols *y)
{
	static _Atomic uint32_t epochs;
	y->epoch = atomic_fetch_add(&epochs, 1) + 1;
	y->len = 0;
	y->words_len = 0;
	buf_reset(&y->bytes);
	add(y, SLICE(""));
}

/* --- the texts of pairs --- */

/* Makes a text the next symbol. */
static inline uint32_t text_add(struct symbols *y, struct pair_text *t)
{
	const size_t len = t->len, spelled = (len < 0x80 ? 1 : wire_varint_len(len)) + len;
	if (len == 0)
		return 0;
	if (y->bytes.cap - y->bytes.len < spelled + 1 + PAIR_PAD)
		buf_reserve(&y->bytes, spelled + 1 + PAIR_PAD);
	uint8_t *at = (uint8_t *)y->bytes.data + y->bytes.len;
	y->bytes.len += 1 + spelled;
	*at = TAG_SYMBOL;
	put_padded(at + 1, (const uint8_t *)t->text + len - spelled, spelled);
	t->epoch = y->epoch;
	return t->ref = y->len++;
}

static inline uint32_t text_ref(struct symbols *y, struct pair_text *t)
{
	return t->epoch == y->epoch ? t->ref : text_add(y, t);
}

static __attribute__((noinline)) uint64_t long_varint(uint32_t value, unsigned *ret_len)
{
	uint64_t word = value & 0x7f;
	unsigned len = 1;
	if (value >= SYMBOLS_MAX)
		abort();
	for (; value >= 0x80; len++) {
		value >>= 7;
		word |= (uint64_t)(0x80 | (value & 0x7f) << 8) << 8 * (len - 1);
	}
	*ret_len = len;
	return word;
}

/* A varint of at most four bytes as a number, its first byte the lowest one. */
static inline uint64_t varint_word(uint32_t value, unsigned *ret_len)
{
	*ret_len = value < 0x80 ? 1 : 2;
	if (value < 0x80)
		return value;
	return value < 0x4000 ? (value & 0x7f) | 0x80 | (value & 0x3f80) << 1 : long_varint(value, ret_len);
}

/* The references are put into the pair by one store: they are read right after, and from several smaller ones the reader would have to wait until all have
 * gone to memory. */
void symbols_look_up(struct symbols *y, struct pair *pair)
{
	const uint32_t name = text_ref(y, pair->name), value = text_ref(y, pair->value);
	unsigned name_len, value_len;
	uint64_t word = varint_word(name, &name_len);
	word |= varint_word(value, &value_len) << 8 * name_len;
	put_bits(pair->refs, word);
	pair->refs_len = (uint8_t)(name_len + value_len);
	pair->epoch = y->epoch;
}

/* --- any text --- */

static void words_grow(struct symbols *y)
{
	struct symbol_word *old = y->words;
	size_t old_cap = y->words_cap;
	y->words_cap *= 2;
	y->words = mem_zalloc(y->words_cap, sizeof(*y->words));
	for (size_t i = 0; i < old_cap; i++) {
		if (old[i].epoch != y->epoch)
			continue;
		size_t at = old[i].hash & (y->words_cap - 1);
		while (y->words[at].epoch == y->epoch)
			at = (at + 1) & (y->words_cap - 1);
		y->words[at] = old[i];
	}
	free(old);
}

static bool is_word(const struct symbols *y, const struct symbol_word *w, uint32_t hash, struct slice text)
{
	return w->hash == hash && slice_eq(slice_of(y->bytes.data + w->at, w->len), text);
}

uint32_t symbols_ref(struct symbols *y, struct slice text)
{
	if (text.len == 0)
		return 0;
	uint64_t full = hash_bytes(text);
	struct pair_text *known = y->pairs ? pair_text_find(y->pairs, full, text) : NULL;
	if (known)
		return text_ref(y, known);
	uint32_t hash = (uint32_t)full;
	if (y->words_len * 2 >= y->words_cap)
		words_grow(y);
	size_t at = hash & (y->words_cap - 1);
	for (; y->words[at].epoch == y->epoch; at = (at + 1) & (y->words_cap - 1))
		if (is_word(y, &y->words[at], hash, text))
			return y->words[at].ref;
	uint32_t ref = add(y, text);
	y->words[at] = (struct symbol_word){.epoch = y->epoch, .hash = hash, .ref = ref, .len = (uint32_t)text.len, .at = y->bytes.len - text.len};
	y->words_len++;
	return ref;
}
