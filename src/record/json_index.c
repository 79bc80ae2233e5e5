/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading along simdjson's index.
 *
 * Idea: simdjson's first stage has done what is hard about JSON: UTF-8 and control characters are checked, quotes are paired, and every bracket, colon, comma,
 * string and scalar has its place in the index. What its second stage adds for any document, a record that looks like the one before does not need: strings
 * without escapes stay where they are, for their ends are known from what comes next in the index, and the names of objects are not read but
 * compared with those that came last time (outline.h).
 *
 * Invariants: what is accepted here is what simdjson accepts, and means the same. Everything else is left to it, for it has the last word: errors, numbers that
 * are not plain (exponents, more digits than a double surely holds), deep nesting. Escapes are its own work too, but for a line's end at a string's end. test_json_parser.c and fuzz_json.c
 * compare the two ways.
 *
 * Bounds: behind the index stands the text's length, twice, and a NUL is at that place in the text. No rule accepts it, and no step is more than two
 * places ahead of the last that was accepted, so nothing asks where the end is.
 */
#include "record/json_index.h"

#include "record/json.h"

enum { DEEPEST = 64, MOST_DIGITS = 19 };

struct reader {
	const struct json_index *index;
	const char *base;
	const uint32_t *next;
	uint64_t *free;
	const char *escape; /* the first backslash that was not passed yet, or the text's end */
	char *spare;
	unsigned depth;
	struct outline_node *outer; /* along the outline: the bracket of the member of the outermost object that is open; NULL: none */
};

static inline uint64_t word_of(char type, uint64_t value)
{
	return (uint64_t)(unsigned char)type << 56 | value;
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Every line of a container ends with "\\n", and mostly that is all: it is undone where it stands. */
static __attribute__((noinline)) bool unescape(struct reader *r, uint32_t from, uint32_t quote)
{
	const struct json_index *x = r->index;
	const char *text_end = r->base + x->len;
	size_t first = (size_t)(r->escape - r->base);
	if (first + 2 == quote && r->base[first + 1] == 'n') {
		x->base[first] = '\n';
		*r->free++ = json_string_word(from, first + 1 - from);
	} else {
		char *end = json_shim_unescape(x->shim, r->base + from, r->spare);
		if (!end)
			return false;
		*r->free++ = json_string_word((size_t)(r->spare - r->base), (size_t)(end - r->spare));
		r->spare = end;
	}
	r->escape = memchr(r->base + quote, '\\', x->len - quote);
	r->escape = r->escape ? r->escape : text_end;
	return true;
}

/* The string that begins at `from` behind its quote, and ends before the index's next place: nothing but blanks lies between its last quote and that. */
static inline bool read_string(struct reader *r, uint32_t from, uint32_t behind)
{
	uint32_t quote = behind - 1;
	while (r->base[quote] != '"')
		quote--;
	if (__builtin_expect(r->base + quote > r->escape, 0))
		return unescape(r, from, quote);
	*r->free++ = json_string_word(from, quote - from);
	return true;
}

/* The number whose digits these eight bytes are, the first one the lowest. (Johnny Lee's way, see "Faster integer parsing".) */
static inline uint64_t eight_of(uint64_t word)
{
	word = word * 2561 >> 8;
	word = (word & UINT64_C(0x00FF00FF00FF00FF)) * 6553601 >> 16;
	return (word & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001) >> 32;
}

/* Up to eight digits at p; how many. */
static inline unsigned eight_digits(const char *p, uint64_t *ret_value)
{
	uint64_t word = load_u64(p);
	uint64_t odd = ((word & UINT64_C(0xF0F0F0F0F0F0F0F0)) ^ UINT64_C(0x3030303030303030)) | (((word + UINT64_C(0x0606060606060606)) & UINT64_C(0xF0F0F0F0F0F0F0F0)) ^ UINT64_C(0x3030303030303030));
	unsigned n = odd ? (unsigned)__builtin_ctzll(odd) / 8 : 8;
	if (n == 0)
		return 0;
	*ret_value = eight_of(word << (64 - 8 * n) & UINT64_C(0x0F0F0F0F0F0F0F0F));
	return n;
}

/* Appends the digits at p to *value; how many there are. More than MOST_DIGITS may have lost some. */
static inline size_t digits(const char *p, uint64_t *value)
{
	static const uint32_t scale[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	size_t len = 0;
	uint64_t more;
	for (unsigned n = 8; n == 8 && len <= MOST_DIGITS; len += n) {
		n = eight_digits(p + len, &more);
		if (n)
			*value = *value * scale[n] + more;
	}
	return len;
}

/* Correctly rounded: by one exact division where both sides fit a double (Clinger), else by one with more bits, if those do not leave it open which way
 * to round. */
static bool decimal(uint64_t all, size_t places, double *ret)
{
	static const double scale[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
	if (all >> 53 == 0) {
		*ret = (double)all / scale[places];
		return true;
	}
	long double near = (long double)all / (long double)scale[places], step = near / (long double)(UINT64_C(1) << 62);
	*ret = (double)near;
	double below = (double)(near - step), above = (double)(near + step);
	return memcmp(&below, &above, sizeof(below)) == 0;
}

/* Digits behind the point. */
static bool read_fraction(struct reader *r, const char *p, const char *end, uint64_t whole, size_t whole_len, bool negative)
{
	double value;
	size_t len = digits(p, &whole);
	if (len == 0 || whole_len + len > MOST_DIGITS || p + len != end || !decimal(whole, len, &value))
		return false;
	value = negative ? -value : value;
	*r->free++ = word_of('d', 0);
	memcpy(r->free++, &value, sizeof(value));
	return true;
}

/* "184.2239": up to eight characters with a point among the digits, which is taken out of their word. */
static inline bool read_short_decimal(struct reader *r, const char *p, const char *end)
{
	static const double scale[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
	const uint64_t point = '.' ^ '0', ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	size_t others = 64 - 8 * (size_t)(end - p);
	if (others > 40 || *p < '0' || (*p == '0' && p[1] != '.') || end[-1] == '.' || *p == '.')
		return false;
	uint64_t word = (load_u64(p) ^ ones * '0') << others, differ = word ^ ones * point, found = (differ - ones) & ~differ & tops;
	if (!found)
		return false;
	unsigned at = (unsigned)__builtin_ctzll(found) - 7; /* the lowest one is surely a point; a second is no digit */
	uint64_t below = (UINT64_C(1) << at) - 1;
	word = (word & below) << 8 | (word & ~below & ~(UINT64_C(0xFF) << at));
	if (((word + UINT64_C(0x7676767676767676)) | word) & tops)
		return false;
	double value = (double)eight_of(word) / scale[(56 - at) / 8];
	*r->free++ = word_of('d', 0);
	memcpy(r->free++, &value, sizeof(value));
	return true;
}

/* A plain number that fills the text up to `end`. */
static bool read_decimal(struct reader *r, const char *p, const char *end)
{
	bool negative = *p == '-';
	uint64_t value = 0;
	if (end - p <= 8 && read_short_decimal(r, p, end))
		return true;
	p += negative;
	size_t len = digits(p, &value);
	if (len == 0 || len > MOST_DIGITS || (len > 1 && *p == '0'))
		return false;
	if (p[len] == '.')
		return read_fraction(r, p + len + 1, end, value, len, negative);
	if (p + len != end || value > INT64_MAX)
		return false;
	*r->free++ = word_of('l', 0);
	*r->free++ = negative ? 0 - value : value;
	return true;
}

/* The number at p. Most are whole, without a sign and short. */
static inline bool read_number(struct reader *r, const char *p)
{
	const char *end = r->base + *r->next;
	while (is_blank(end[-1]))
		end--;
	size_t others = 64 - 8 * (size_t)(end - p);
	if (others > 56 || (*p == '0' && others < 56))
		return read_decimal(r, p, end);
	uint64_t word = (load_u64(p) ^ UINT64_C(0x3030303030303030)) << others;
	if (((word + UINT64_C(0x7676767676767676)) | word) & UINT64_C(0x8080808080808080))
		return read_decimal(r, p, end);
	*r->free++ = word_of('l', 0);
	*r->free++ = eight_of(word);
	return true;
}

static inline bool read_constant(struct reader *r, const char *p, const char *word, size_t len)
{
	const char *end = r->base + *r->next;
	while (is_blank(end[-1]))
		end--;
	if ((size_t)(end - p) != len || memcmp(p, word, len) != 0)
		return false;
	*r->free++ = word_of(*word, 0);
	return true;
}

static bool read_object(struct reader *r);
static bool read_array(struct reader *r);

/* The value at the index's next place. */
static inline __attribute__((always_inline)) bool read_value(struct reader *r)
{
	uint32_t at = *r->next++;
	const char *p = r->base + at;
	if (*p == '"')
		return read_string(r, at + 1, *r->next);
	if (*p == '-' || (unsigned)(*p - '0') <= 9)
		return read_number(r, p);
	switch (*p) {
	case '{':
		return read_object(r);
	case '[':
		return read_array(r);
	case 't':
		return read_constant(r, p, "true", 4);
	case 'f':
		return read_constant(r, p, "false", 5);
	case 'n':
		return read_constant(r, p, "null", 4);
	default:
		return false;
	}
}

static inline void close_bracket(struct reader *r, uint64_t *open, char type)
{
	const uint64_t *tape = r->index->tape;
	*r->free++ = word_of((char)(type + 2), (uint64_t)(open - tape));
	*open = word_of(type, (uint64_t)(r->free - tape));
	r->depth--;
}

static __attribute__((noinline)) bool read_other(struct reader *r, const uint32_t *next, uint64_t *free)
{
	r->next = next;
	r->free = free;
	return read_value(r);
}

/* The value at *next. Where the reader stands is kept in registers by those who read many; plain strings are nearly all, and of the rest many are a single digit (enums, flags). */
static inline __attribute__((always_inline)) bool read_quickly(struct reader *r, const uint32_t **next, uint64_t **free)
{
	uint32_t value = (*next)[0], quote = (*next)[1] - 1;
	if (r->base[value] == '"' && r->base[quote] == '"' && r->base + quote < r->escape) {
		*(*free)++ = json_string_word(value + 1, quote - value - 1);
		*next += 1;
		return true;
	}
	if ((unsigned)(r->base[value] - '0') <= 9 && quote == value) {
		(*free)[0] = word_of('l', 0);
		(*free)[1] = (uint64_t)(r->base[value] - '0');
		*free += 2;
		*next += 1;
		return true;
	}
	if (!read_other(r, *next, *free))
		return false;
	*next = r->next;
	*free = r->free;
	return true;
}

/* Members, and what comes behind the last. Names are plain strings that end before their colon. */
static __attribute__((noinline)) bool read_members(struct reader *r)
{
	const char *const base = r->base;
	const uint32_t *next = r->next;
	uint64_t *free = r->free;
	for (;;) {
		uint32_t name = next[0], colon = next[1];
		if (base[name] != '"' || base[colon] != ':')
			return false;
		if (base[colon - 1] == '"' && base + colon <= r->escape) {
			*free++ = json_string_word(name + 1, colon - name - 2);
		} else {
			if (!read_other(r, next, free))
				return false;
			free = r->free;
		}
		next += 2;
		if (!read_quickly(r, &next, &free))
			return false;
		if (base[*next++] == ',')
			continue;
		r->next = next;
		r->free = free;
		return true;
	}
}

/* Recursion: at most DEEPEST. */
static bool read_object(struct reader *r)
{
	uint64_t *open = r->free++;
	if (++r->depth > DEEPEST)
		return false;
	if (r->base[*r->next] == '}') {
		r->next++;
		close_bracket(r, open, '{');
		return true;
	}
	if (!read_members(r))
		return false;
	close_bracket(r, open, '{');
	return r->base[r->next[-1]] == '}';
}

static bool read_array(struct reader *r)
{
	uint64_t *open = r->free++;
	if (++r->depth > DEEPEST)
		return false;
	if (r->base[*r->next] == ']') {
		r->next++;
		close_bracket(r, open, '[');
		return true;
	}
	const uint32_t *next = r->next;
	uint64_t *free = r->free;
	do
		if (!read_quickly(r, &next, &free))
			return false;
	while (r->base[*next++] == ',');
	r->next = next;
	r->free = free;
	close_bracket(r, open, '[');
	return r->base[r->next[-1]] == ']';
}

/* --- along the outline --- */

/* Where a walk along it is: kept in registers, so its address is given to nobody who is not inlined. */
struct way {
	const uint32_t *next;
	uint64_t *free;
	struct outline_node *node; /* what came last; nowhere: it is only read from here on */
	struct outline_step *step; /* the next */
	unsigned depth;            /* objects and arrays that are open */
	char within;               /* the bracket of the last of them */
	/* these stay */
	const char *base;
	const uint64_t *tape;
	const struct outline_step *end;
};

enum progress { BROKEN, READ, OPENED, DONE };

/* The way cannot be followed any further. What kept it from that lies in `outer`, if anything does: the next time, that one is opaque. */
static struct outline_node *lost(struct reader *r)
{
	if (r->outer)
		r->outer->opaque = true;
	return outline_nowhere(r->index->walk->outline);
}

/* The node of a name that is not the one expected: another that came before, or a new one; nowhere if there can be none, as for a name with escapes. */
static __attribute__((noinline)) struct outline_node *turn(struct reader *r, struct outline_node *parent, const struct outline_step *step, const uint32_t *next)
{
	struct outline_walk *walk = r->index->walk;
	struct outline_node *nowhere = outline_nowhere(walk->outline), *node = nowhere;
	uint32_t name = next[0], quote = next[1] - 1;
	if (parent == nowhere || r->base[name] != '"')
		return nowhere;
	if (step == walk->steps + OUTLINE_MEMBERS)
		return lost(r);
	while (r->base[quote] != '"')
		quote--;
	if (r->base + quote <= r->escape)
		node = outline_search(walk->outline, parent, slice_of(r->base + name, quote + 1 - name));
	return node == nowhere ? lost(r) : node;
}

/* The same for a bracket. */
static __attribute__((noinline)) struct outline_node *turn_bracket(struct reader *r, struct outline_node *parent, char bracket)
{
	struct outline *o = r->index->walk->outline;
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
	uint32_t name = w->next[0];
	struct outline_node *expected = w->node->first;
	if (__builtin_expect(w->step == w->end || !outline_is(expected, w->base + name), 0)) {
		expected = turn(r, w->node, w->step, w->next);
		if (expected == outline_nowhere(r->index->walk->outline)) {
			w->node = expected;
			return w->base[name] == '"' && w->base[w->next[1]] == ':' && read_quickly(r, &w->next, &w->free) && w->next++;
		}
	}
	if (w->base[w->next[1]] != ':')
		return false;
	*w->free++ = expected->word + name + 1;
	w->node = expected;
	w->step->node = expected;
	w->step->at = (uint32_t)(w->free - w->tape);
	w->step++;
	w->next += 2;
	return true;
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

/* Into an object or an array; past it, if it is opaque or empty. */
static inline __attribute__((always_inline)) enum progress follow_in(struct reader *r, struct way *w, uint64_t **open, char bracket)
{
	struct outline_node *node = w->node = pass(r, w->node, bracket);
	if (node->opaque) {
		r->index->walk->opaque = true;
		bool good = read_other(r, w->next, w->free);
		w->next = r->next;
		w->free = r->free;
		return good ? READ : BROKEN;
	}
	if (w->depth == 1)
		r->outer = node;
	w->within = bracket;
	open[w->depth++] = w->free;
	*w->free++ = word_of(bracket, 0);
	w->next++;
	if (w->base[*w->next] != bracket + 2)
		return OPENED;
	w->next++;
	follow_out(r, w, open);
	return READ;
}

/* A value, of an array's elements only objects are followed. */
static inline __attribute__((always_inline)) enum progress follow_value(struct reader *r, struct way *w, uint64_t **open)
{
	uint32_t value = w->next[0], quote = w->next[1] - 1;
	char c = w->base[value];
	if (c == '"' && w->base[quote] == '"' && w->base + quote < r->escape) {
		*w->free++ = json_string_word(value + 1, quote - value - 1);
		w->next++;
		return READ;
	}
	if ((c == '{' || (c == '[' && w->within == '{')) && w->depth < OUTLINE_DEPTH)
		return follow_in(r, w, open, c);
	return read_quickly(r, &w->next, &w->free) ? READ : BROKEN;
}

/* What comes behind a value: a comma, or the ends of what is open. */
static inline __attribute__((always_inline)) enum progress follow_end(struct reader *r, struct way *w, uint64_t **open)
{
	for (;;) {
		char c = w->base[*w->next++];
		if (c == ',')
			return OPENED;
		if (c != w->within + 2)
			return BROKEN;
		follow_out(r, w, open);
		if (w->depth == 0)
			return DONE;
	}
}

/* As read_object for the outermost object, along the outline. */
static bool read_outermost(struct reader *r)
{
	struct outline_walk *walk = r->index->walk;
	uint64_t *open[OUTLINE_DEPTH];
	enum progress now;
	outline_begin(walk->outline);
	struct way w = {.next = r->next + 1, .free = r->free + 1, .node = outline_root(walk->outline), .step = walk->steps, .depth = 1, .within = '{', .base = r->base, .tape = r->index->tape, .end = walk->steps + OUTLINE_MEMBERS};
	r->depth = OUTLINE_DEPTH;
	open[0] = r->free;
	*r->free = word_of('{', 0);
	do {
		if (w.within == '{' && !follow_name(r, &w))
			return false;
		now = follow_value(r, &w, open);
		if (now == READ)
			now = follow_end(r, &w, open);
	} while (now == OPENED);
	r->next = w.next;
	r->free = w.free;
	walk->end = w.node;
	walk->len = w.node == outline_nowhere(walk->outline) ? 0 : (size_t)(w.step - walk->steps);
	return now == DONE;
}

static bool read_document(struct reader *r)
{
	bool object = r->base[r->next[0]] == '{' && r->base[r->next[1]] != '}';
	return object ? read_outermost(r) : read_value(r);
}

bool json_index_read(struct json_index *x)
{
	const char *escape = x->escapes ? memchr(x->base, '\\', x->len) : NULL;
	struct reader r = {.index = x, .base = x->base, .next = x->at, .free = x->tape + 1, .escape = escape ? escape : x->base + x->len, .spare = x->spare};
	x->walk->len = 0;
	x->walk->opaque = false;
	if (!read_document(&r) || r.next != x->at + x->at_len)
		return false;
	*r.free++ = word_of('r', 0);
	*x->tape = word_of('r', (uint64_t)(r.free - x->tape));
	x->spare = r.spare;
	return true;
}
