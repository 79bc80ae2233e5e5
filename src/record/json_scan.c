/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in one pass, for records that look like the ones before.
 *
 * Idea: what makes JSON costly to read is that anything may come next. In a topic mostly the same thing comes next: the names of objects are not read but
 * compared with those that came last time (outline.h), and what lies between two names is a bracket, a number or a string, whose end is found sixteen
 * bytes at a time. Strings without escapes stay where they are; every other goes to the spare room behind the text.
 *
 * Invariants: what is accepted here is what simdjson accepts, and means the same. Everything else is left to it, for it has the last word: errors, numbers
 * that are not plain (exponents, more digits than a double surely holds), deep nesting. Escapes by number are its own work too, and whether bytes are UTF-8:
 * a text that has any that are not ASCII is looked through once more, at its end. test_json_parser.c and fuzz_json.c compare the two, word for word.
 *
 * Bounds: behind the text stand zeros. No rule accepts one, and no step reads more than a block, a word or a name of the outline ahead, so nothing asks where
 * the end is. A word of the tape is written only for a byte that was read.
 *
 * A reader returns the place behind what it has read, or NULL. Where it is and what comes next on the tape are kept in registers by those who read many;
 * those who are called seldom have them in struct reader.
 */
#include "record/json_scan.h"

#include "record/json.h"
#include "record/json_number.h"
#include "record/text_block.h"

enum { DEEPEST = 64 };

struct reader {
	const struct json_scan *scan;
	const char *text;
	uint64_t *free; /* of the tape */
	char *spare;
	bool wide;      /* there are bytes that are not ASCII */
	unsigned depth;
	struct outline_node *outer; /* along the outline: the bracket of the member of the outermost object that is open; NULL: none */
};

static inline uint64_t word_of(char type, uint64_t value)
{
	return (uint64_t)(unsigned char)type << 56 | value;
}

static inline uint32_t offset(const struct reader *r, const char *p)
{
	return (uint32_t)(p - r->text);
}

static __attribute__((noinline)) const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
		p++;
	return p;
}

static inline __attribute__((always_inline)) const char *skip(const char *p)
{
	return __builtin_expect((unsigned char)*p > ' ', 1) ? p : skip_blanks(p);
}

/* --- strings --- */

/* What ends a string's plain bytes: a quote, an escape, a control character. */
static inline unsigned stops(block b)
{
	return block_bits(block_is(b, '"') | block_is(b, '\\') | block_within(b, 0, 0x1F));
}

/* The same, and bytes that are not ASCII. */
static inline unsigned stops_or_wide(block b)
{
	return block_bits(block_is(b, '"') | block_is(b, '\\') | (block)((block_signed)b < 0x20));
}

static inline void note_wide(struct reader *r, block b)
{
	r->wide |= block_bits(block_within(b, -128, -1)) != 0;
}

/* Past plain bytes. */
static const char *pass_plain(struct reader *r, const char *p)
{
	for (;; p += BLOCK) {
		block b = block_load(p);
		unsigned bits = stops(b);
		note_wide(r, b);
		if (bits)
			return p + __builtin_ctz(bits);
	}
}

/* The same, and they go to *to. */
static inline const char *copy_plain(struct reader *r, const char *p, char **to)
{
	for (;; p += BLOCK, *to += BLOCK) {
		block b = block_load(p);
		unsigned bits = stops(b), n;
		note_wide(r, b);
		memcpy(*to, &b, sizeof(b));
		if (!bits)
			continue;
		n = (unsigned)__builtin_ctz(bits);
		*to += n;
		return p + n;
	}
}

static inline void put_spare(struct reader *r, char *end)
{
	*r->free++ = json_string_word(offset(r, r->spare), (size_t)(end - r->spare));
	r->spare = end;
}

/* A string that simdjson undoes; p is at one of its escapes. */
static const char *read_escaped(struct reader *r, const char *p, uint32_t from)
{
	while (*p == '\\')
		p = pass_plain(r, p + 2);
	char *end = *p == '"' ? json_shim_unescape(r->scan->shim, r->text + from, r->spare) : NULL;
	if (!end)
		return NULL;
	put_spare(r, end);
	return p + 1;
}

/* A string whose first escape is at p. Every line of a container ends with one, and mostly that is all: it is undone where it stands. */
static const char *undo_escapes(struct reader *r, const char *p, uint32_t from)
{
	static const char meanings[256] = {['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
	uint32_t at = offset(r, p);
	char *to = r->spare + (at - from);
	if (p[1] == 'n' && p[2] == '"') {
		r->scan->text[at] = '\n';
		*r->free++ = json_string_word(from, at + 1 - from);
		return p + 3;
	}
	memcpy(r->spare, r->text + from, at - from);
	while (*p == '\\') {
		*to = meanings[(unsigned char)p[1]];
		if (!*to++)
			return read_escaped(r, p, from);
		p = copy_plain(r, p + 2, &to);
	}
	if (*p != '"')
		return NULL;
	put_spare(r, to);
	return p + 1;
}

/* A string that begins at `from`, and at p has something else than its plain bytes or its end. */
static __attribute__((noinline)) const char *read_special(struct reader *r, const char *p, uint32_t from, uint64_t *free)
{
	r->free = free;
	if ((unsigned char)*p >= 0x80)
		p = pass_plain(r, p);
	if (*p == '\\')
		return undo_escapes(r, p, from);
	if (*p != '"')
		return NULL;
	*r->free++ = json_string_word(from, offset(r, p) - from);
	return p + 1;
}

/* The string whose first byte is at p. */
static inline __attribute__((always_inline)) const char *read_string(struct reader *r, const char *p, uint64_t **free)
{
	uint32_t from = offset(r, p);
	unsigned bits;
	while ((bits = stops_or_wide(block_load(p))) == 0)
		p += BLOCK;
	p += __builtin_ctz(bits);
	if (__builtin_expect(*p != '"', 0)) {
		p = read_special(r, p, from, *free);
		*free = r->free;
		return p;
	}
	*(*free)++ = json_string_word(from, offset(r, p) - from);
	return p + 1;
}

/* --- numbers --- */

static __attribute__((noinline)) const char *read_decimal(struct reader *r, const char *p, uint64_t *free)
{
	union json_number n;
	char type;
	p = json_number(p, &type, &n);
	free[0] = word_of(type, 0);
	free[1] = n.bits;
	r->free = free + 2;
	return p;
}

/* The number at p. Most are whole, without a sign and short. What comes behind it is looked at by who reads on. */
static inline const char *read_number(struct reader *r, const char *p, uint64_t **free)
{
	uint64_t value;
	unsigned len = json_number_short(p, &value);
	if (!len) {
		p = read_decimal(r, p, *free);
		*free = r->free;
		return p;
	}
	(*free)[0] = word_of('l', 0);
	(*free)[1] = value;
	*free += 2;
	return p + len;
}

/* --- values that no outline leads to --- */

static const char *read_value(struct reader *r, const char *p);

static const char *read_constant(struct reader *r, const char *p)
{
	size_t len = *p == 'f' ? 5 : 4;
	if (memcmp(p, "true", 4) != 0 && memcmp(p, "false", 5) != 0 && memcmp(p, "null", 4) != 0)
		return NULL;
	*r->free++ = word_of(*p, 0);
	return p + len;
}

static inline void close_bracket(struct reader *r, uint64_t *open, char type)
{
	const uint64_t *tape = r->scan->tape;
	*r->free++ = word_of((char)(type + 2), (uint64_t)(open - tape));
	*open = word_of(type, (uint64_t)(r->free - tape));
	r->depth--;
}

/* A name and its colon, and what is between it and the value. */
static const char *read_name(struct reader *r, const char *p)
{
	p = *p == '"' ? read_string(r, p + 1, &r->free) : NULL;
	p = p ? skip(p) : NULL;
	return p && *p == ':' ? skip(p + 1) : NULL;
}

/* A member or an element, and what comes behind it but blanks. */
static inline const char *read_item(struct reader *r, const char *p, char type)
{
	p = type == '{' ? read_name(r, p) : p;
	p = p ? read_value(r, p) : NULL;
	return p ? skip(p) : NULL;
}

/* An object or an array. Recursion: at most DEEPEST. */
static const char *read_inside(struct reader *r, const char *p)
{
	char type = *p;
	uint64_t *open = r->free++;
	if (++r->depth > DEEPEST)
		return NULL;
	p = skip(p + 1);
	if (*p != type + 2) {
		while ((p = read_item(r, p, type)) && *p == ',')
			p = skip(p + 1);
		if (!p || *p != type + 2)
			return NULL;
	}
	close_bracket(r, open, type);
	return p + 1;
}

static const char *read_value(struct reader *r, const char *p)
{
	if (*p == '"')
		return read_string(r, p + 1, &r->free);
	if (*p == '-' || (unsigned)(*p - '0') <= 9)
		return read_number(r, p, &r->free);
	if (*p == '{' || *p == '[')
		return read_inside(r, p);
	return read_constant(r, p);
}

static __attribute__((noinline)) const char *read_other(struct reader *r, const char *p, uint64_t *free)
{
	r->free = free;
	return read_value(r, p);
}

/* --- along the outline --- */

/* Where a walk along it is: its address is given to nobody who is not inlined. */
struct way {
	const char *p;
	uint64_t *free;
	struct outline_node *node; /* what came last; nowhere: it is only read from here on */
	struct outline_step *step; /* the next */
	unsigned depth;            /* objects and arrays that are open */
	char within;               /* the bracket of the last of them */
	/* these stay */
	const uint64_t *tape;
	const struct outline_step *end;
};

enum progress { BROKEN, READ, OPENED, DONE };

/* The way cannot be followed any further. What kept it from that lies in `outer`, if anything does: the next time, that one is opaque. */
static struct outline_node *lost(struct reader *r)
{
	if (r->outer)
		r->outer->opaque = true;
	return outline_nowhere(r->scan->walk->outline);
}

/* The node of a name that is not the one expected: another that came before, or a new one; nowhere if there can be none, as for a name with escapes. */
static __attribute__((noinline)) struct outline_node *turn(struct reader *r, struct outline_node *parent, const struct outline_step *step, const char *name)
{
	struct outline_walk *walk = r->scan->walk;
	struct outline_node *nowhere = outline_nowhere(walk->outline), *node;
	const char *quote = name + 1;
	bool wide = false;
	if (parent == nowhere || *name != '"')
		return nowhere;
	if (step == walk->steps + OUTLINE_MEMBERS)
		return lost(r);
	node = outline_guess(walk->outline, parent, name);
	if (node)
		return node;
	node = nowhere;
	for (; (unsigned char)*quote >= ' ' && *quote != '"' && *quote != '\\'; quote++)
		wide |= (unsigned char)*quote >= 0x80;
	if (*quote == '"' && (!wide || json_shim_is_utf8(name, (size_t)(quote - name))))
		node = outline_search(walk->outline, parent, slice_of(name, (size_t)(quote + 1 - name)));
	return node == nowhere ? lost(r) : node;
}

/* The same for a bracket. */
static __attribute__((noinline)) struct outline_node *turn_bracket(struct reader *r, struct outline_node *parent, char bracket)
{
	struct outline *o = r->scan->walk->outline;
	struct outline_node *node = outline_search_bracket(o, parent, bracket);
	return node == outline_nowhere(o) && parent != node ? lost(r) : node;
}

static inline __attribute__((always_inline)) struct outline_node *pass(struct reader *r, struct outline_node *parent, char bracket)
{
	return __builtin_expect(parent->first->text[0] == bracket, 1) ? parent->first : turn_bracket(r, parent, bracket);
}

/* A member's name and the colon behind it. */
static inline __attribute__((always_inline)) bool follow_name(struct reader *r, struct way *w)
{
	const char *name = w->p;
	struct outline_node *expected = w->node->first;
	if (__builtin_expect(w->step == w->end || *name != '"' || !outline_is(expected, name), 0)) { /* what is expected may be a bracket */
		expected = turn(r, w->node, w->step, name);
		if (expected == outline_nowhere(r->scan->walk->outline)) {
			w->node = expected;
			r->free = w->free;
			w->p = read_name(r, name);
			w->free = r->free;
			return w->p;
		}
	}
	const char *p = name + expected->len;
	*w->free++ = expected->word + offset(r, name + 1);
	w->node = expected;
	w->step->node = expected;
	w->step->at = (uint32_t)(w->free - w->tape);
	w->step++;
	p = __builtin_expect(*p == ':', 1) ? p : skip_blanks(p);
	w->p = skip(p + 1);
	return *p == ':';
}

/* Writes the bracket that closes what was opened last. */
static inline __attribute__((always_inline)) void follow_out(struct reader *r, struct way *w, uint64_t **open)
{
	uint64_t *opened = open[--w->depth];
	char closing = (char)(w->within + 2);
	*w->free++ = word_of(closing, (uint64_t)(opened - w->tape));
	*opened = word_of(w->within, (uint64_t)(w->free - w->tape));
	if (w->depth == 0)
		return;
	w->node = pass(r, w->node, closing);
	w->within = (char)(*open[w->depth - 1] >> 56);
	if (w->depth == 1)
		r->outer = NULL;
}

static inline __attribute__((always_inline)) enum progress follow_other(struct reader *r, struct way *w)
{
	w->p = read_other(r, w->p, w->free);
	w->free = r->free;
	return w->p ? READ : BROKEN;
}

/* Into an object or an array; past it, if it is opaque or empty. */
static inline __attribute__((always_inline)) enum progress follow_in(struct reader *r, struct way *w, uint64_t **open, char bracket)
{
	struct outline_node *node = w->node = pass(r, w->node, bracket);
	if (node->opaque) {
		r->scan->walk->opaque = true;
		return follow_other(r, w);
	}
	if (w->depth == 1)
		r->outer = node;
	w->within = bracket;
	open[w->depth++] = w->free;
	*w->free++ = word_of(bracket, 0);
	w->p = skip(w->p + 1);
	if (*w->p != bracket + 2)
		return OPENED;
	w->p++;
	follow_out(r, w, open);
	return READ;
}

/* A value, of an array's elements only objects are followed. */
static inline __attribute__((always_inline)) enum progress follow_value(struct reader *r, struct way *w, uint64_t **open)
{
	char c = *w->p;
	if (c == '"') {
		w->p = read_string(r, w->p + 1, &w->free);
		return w->p ? READ : BROKEN;
	}
	if ((unsigned)(c - '0') <= 9) {
		w->p = read_number(r, w->p, &w->free);
		return w->p ? READ : BROKEN;
	}
	if ((c == '{' || (c == '[' && w->within == '{')) && w->depth < OUTLINE_DEPTH)
		return follow_in(r, w, open, c);
	return follow_other(r, w);
}

/* What comes behind a value: a comma, or the ends of what is open. */
static inline __attribute__((always_inline)) enum progress follow_end(struct reader *r, struct way *w, uint64_t **open)
{
	for (;;) {
		w->p = skip(w->p);
		char c = *w->p++;
		if (c == ',') {
			w->p = skip(w->p);
			return OPENED;
		}
		if (c != w->within + 2)
			return BROKEN;
		follow_out(r, w, open);
		if (w->depth == 0)
			return DONE;
	}
}

/* As read_inside for the outermost object, which is not empty, along the outline; p is its first name. */
static const char *read_outermost(struct reader *r, const char *p)
{
	struct outline_walk *walk = r->scan->walk;
	uint64_t *open[OUTLINE_DEPTH];
	enum progress now;
	outline_begin(walk->outline);
	struct way w = {.p = p, .free = r->free + 1, .node = outline_root(walk->outline), .step = walk->steps, .depth = 1, .within = '{', .tape = r->scan->tape, .end = walk->steps + OUTLINE_MEMBERS};
	r->depth = OUTLINE_DEPTH;
	open[0] = r->free;
	*r->free = word_of('{', 0);
	do {
		if (w.within == '{' && !follow_name(r, &w))
			return NULL;
		now = follow_value(r, &w, open);
		if (now == READ)
			now = follow_end(r, &w, open);
	} while (now == OPENED);
	r->free = w.free;
	walk->end = w.node;
	walk->len = w.node == outline_nowhere(walk->outline) ? 0 : (size_t)(w.step - walk->steps);
	return now == DONE ? w.p : NULL;
}

static const char *read_document(struct reader *r, const char *p)
{
	p = skip(p);
	if (*p != '{')
		return read_value(r, p);
	p = skip(p + 1);
	if (*p != '}')
		return read_outermost(r, p);
	r->depth++;
	close_bracket(r, r->free++, '{');
	return p + 1;
}

bool json_scan_read(struct json_scan *x)
{
	struct reader r = {.scan = x, .text = x->text, .free = x->tape + 1, .spare = x->spare};
	x->walk->len = 0;
	x->walk->opaque = false;
	const char *p = read_document(&r, x->text);
	if (!p)
		return false;
	p = p == r.text + x->len ? p : skip_blanks(p);
	if (p != r.text + x->len || (r.wide && !json_shim_is_utf8(x->text, x->len)))
		return false;
	*r.free++ = word_of('r', 0);
	*x->tape = word_of('r', (uint64_t)(r.free - x->tape));
	x->spare = r.spare;
	return true;
}
