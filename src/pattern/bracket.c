/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/bracket.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BLOCK = 64 };

/* Where the bytes that matter stand in a block. */
struct marks {
	uint64_t open;
	uint64_t close;
	uint64_t list; /* commas and double quotes */
	uint64_t name; /* colons with a blank behind */
};

#ifdef __SSE2__
static inline uint64_t equal(__m128i v, char c)
{
	return (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(c)));
}

static inline struct marks marks_of(const char *p)
{
	struct marks m = {0, 0, 0, 0};
	uint64_t colon = 0;
	uint64_t blank = 0;
	for (unsigned i = 0; i < BLOCK; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		__m128i folded = _mm_or_si128(v, _mm_set1_epi8(0x20)); /* [ to {, ] to } */
		m.open |= (equal(v, '(') | equal(folded, '{')) << i;
		m.close |= (equal(v, ')') | equal(folded, '}')) << i;
		m.list |= (equal(v, ',') | equal(v, '"')) << i;
		colon |= equal(v, ':') << i;
		blank |= equal(v, ' ') << i;
	}
	m.name = colon & (blank >> 1 | (uint64_t)(p[BLOCK] == ' ') << 63);
	return m;
}
#else
static inline struct marks marks_of(const char *p)
{
	struct marks m = {0, 0, 0, 0};
	for (unsigned i = 0; i < BLOCK; i++) {
		char c = p[i];
		m.open |= (uint64_t)(c == '(' || c == '[' || c == '{') << i;
		m.close |= (uint64_t)(c == ')' || c == ']' || c == '}') << i;
		m.list |= (uint64_t)(c == ',' || c == '"') << i;
		m.name |= (uint64_t)(c == ':' && p[i + 1] == ' ') << i;
	}
	return m;
}
#endif

struct open {
	uint32_t item; /* in items, or BRACKET_NONE for one that is not kept */
	char closer;
};

struct pairing {
	struct brackets *b;
	struct open stack[BRACKETS_DEPTH];
	size_t depth;
	size_t deeper; /* open ones that no longer fit the stack */
	size_t list; /* one past the last mark seen, 0 if there was none */
	size_t name;
};

static void opens(struct pairing *p, char c, size_t at)
{
	if (p->depth == BRACKETS_DEPTH) {
		p->deeper++;
		return;
	}
	uint32_t item = BRACKET_NONE;
	if (p->b->len < BRACKETS_MAX && (p->depth < 3 || p->b->len < BRACKETS_MAX / 2)) {
		item = (uint32_t)p->b->len++;
		p->b->items[item] = (struct bracket){.open = (uint32_t)at, .close = BRACKET_NONE};
	}
	p->stack[p->depth++] = (struct open){item, c == '(' ? ')' : c == '[' ? ']' : '}'};
}

static void settle(struct pairing *p, const struct open *o, uint32_t close)
{
	if (o->item == BRACKET_NONE)
		return;
	struct bracket *b = &p->b->items[o->item];
	b->close = close;
	b->listed = p->list > b->open + 1;
	b->named = p->name > b->open + 1;
}

/* The innermost open bracket of that kind closes; those inside it never do. */
static void closes(struct pairing *p, char c, size_t at)
{
	if (p->deeper) {
		p->deeper--;
		return;
	}
	size_t i = p->depth;
	while (i > 0 && p->stack[i - 1].closer != c)
		i--;
	if (i == 0)
		return;
	while (p->depth > i)
		settle(p, &p->stack[--p->depth], BRACKET_NONE);
	settle(p, &p->stack[--p->depth], (uint32_t)at);
}

/* One past the last of the marks, or what it was before. */
static inline size_t last_mark(uint64_t marks, size_t base, size_t before)
{
	return marks ? base + 64 - (size_t)__builtin_clzll(marks) : before;
}

static void pair_block(struct pairing *p, const char *block, size_t base, uint64_t valid)
{
	struct marks m = marks_of(block);
	uint64_t events = (m.open | m.close) & valid;
	size_t list = p->list;
	size_t name = p->name;
	for (; events; events &= events - 1) {
		unsigned at = (unsigned)__builtin_ctzll(events);
		uint64_t before = (UINT64_C(1) << at) - 1;
		p->list = last_mark(m.list & before, base, list);
		p->name = last_mark(m.name & before, base, name);
		if (m.open >> at & 1)
			opens(p, block[at], base + at);
		else
			closes(p, block[at], base + at);
	}
	p->list = last_mark(m.list & valid, base, list);
	p->name = last_mark(m.name & valid, base, name);
}

void brackets_find(struct brackets *b, const char *text, size_t from, size_t to)
{
	struct pairing p;
	char tail[BLOCK + 1];
	p.b = b;
	p.depth = p.deeper = p.list = p.name = 0;
	b->len = b->cursor = 0;
	for (; from + BLOCK + 1 <= to; from += BLOCK)
		pair_block(&p, text + from, from, UINT64_MAX);
	while (from < to) {
		size_t len = to - from < BLOCK ? to - from : BLOCK;
		memset(tail, 0, sizeof(tail));
		memcpy(tail, text + from, len);
		pair_block(&p, tail, from, len == BLOCK ? UINT64_MAX : (UINT64_C(1) << len) - 1);
		from += len;
	}
	while (p.depth)
		settle(&p, &p.stack[--p.depth], BRACKET_NONE);
}

const struct bracket *brackets_at(struct brackets *b, size_t offset)
{
	while (b->cursor < b->len && b->items[b->cursor].open < offset)
		b->cursor++;
	return b->cursor < b->len && b->items[b->cursor].open == offset ? &b->items[b->cursor] : NULL;
}
