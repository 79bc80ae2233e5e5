/* SPDX-License-Identifier: Apache-2.0 */
/* Builds a document (json.h's layout) from something that is no JSON, so that the shapes read it as they read JSON. Private to the room. */
#ifndef WINNOW_RECORD_TAPE_H
#define WINNOW_RECORD_TAPE_H

#include "record/reader.h"

static inline void tape_word(struct decoder *d, uint64_t word)
{
	memcpy(buf_reserve(&d->tape, sizeof(word)), &word, sizeof(word));
	d->tape.len += sizeof(word);
}

static inline uint32_t tape_at(const struct decoder *d)
{
	return (uint32_t)(d->tape.len / sizeof(uint64_t));
}

static inline void tape_begin(struct decoder *d)
{
	buf_reset(&d->tape);
	buf_reset(&d->strings);
	tape_word(d, (uint64_t)'r' << 56);
}

static inline void tape_string(struct decoder *d, struct slice s)
{
	tape_word(d, json_string_word(d->strings.len, s.len));
	buf_add_slice(&d->strings, s);
	buf_add_char(&d->strings, 0);
}

static inline void tape_i64(struct decoder *d, int64_t value)
{
	tape_word(d, (uint64_t)'l' << 56);
	tape_word(d, (uint64_t)value);
}

static inline void tape_u64(struct decoder *d, uint64_t value)
{
	if (value <= INT64_MAX) {
		tape_i64(d, (int64_t)value);
		return;
	}
	tape_word(d, (uint64_t)'u' << 56);
	tape_word(d, value);
}

static inline void tape_double(struct decoder *d, double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	tape_word(d, (uint64_t)'d' << 56);
	tape_word(d, bits);
}

/* 't', 'f' or 'n'. */
static inline void tape_constant(struct decoder *d, char type)
{
	tape_word(d, (uint64_t)(unsigned char)type << 56);
}

/* '{' or '['; returns what tape_close wants. */
static inline uint32_t tape_open(struct decoder *d, char type)
{
	tape_word(d, (uint64_t)(unsigned char)type << 56);
	return tape_at(d) - 1;
}

static inline void tape_close(struct decoder *d, uint32_t opened)
{
	uint64_t word;
	char *at = d->tape.data + (size_t)opened * sizeof(word);
	memcpy(&word, at, sizeof(word));
	tape_word(d, (word >> 56 == '{' ? (uint64_t)'}' : (uint64_t)']') << 56 | opened);
	word |= tape_at(d);
	memcpy(d->tape.data + (size_t)opened * sizeof(word), &word, sizeof(word));
}

/* The document, in the arena: it lives as long as the records do. */
static inline void tape_finish(struct decoder *d, struct json *ret)
{
	char *strings = arena_alloc(&d->arena, d->strings.len + JSON_STRING_SLACK);
	tape_word(d, (uint64_t)'r' << 56);
	uint64_t *words = arena_alloc(&d->arena, d->tape.len);
	memcpy(words, d->tape.data, d->tape.len);
	if (d->strings.len)
		memcpy(strings, d->strings.data, d->strings.len);
	memset(strings + d->strings.len, 0, JSON_STRING_SLACK);
	*ret = (struct json){.tape = words, .strings = (const unsigned char *)strings};
}

#endif
