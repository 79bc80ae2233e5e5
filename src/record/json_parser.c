/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text to a document.
 *
 * Idea: log lines are short, so what a parser does before it begins and after it ends counts as much as its pace. One pass over a copy of the text, which
 * has room behind it, so nothing asks where the end is: the NUL there fits no rule. Strings are passed sixteen bytes at a time and stay where they are;
 * those with escapes are written out anew behind the copy. The names of the outermost object are not read but compared with the ones that came last time
 * (outline.h). A text with a byte above 7F is checked as UTF-8 as a whole, since such bytes may stand only in strings.
 *
 * What is rare is left to simdjson, which also has the last word on everything that is refused here: numbers of more than eighteen digits or with an
 * exponent, unpaired surrogates, deep nesting, every error. So what is accepted here has to be right, and nothing else: test_json_parser.c and
 * fuzz_json.c compare the two.
 *
 * Layout of the buffer: the tape; the text, SLACK zero bytes, the strings that had escapes, slack again.
 */
#include "record/json_parser.h"

#include "base/mem.h"

#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { SLACK = 64, SMALLEST = 16 * 1024, LARGEST_KEPT = 1024 * 1024, DEEPEST = 64, BLOCK = 16, MOST_DIGITS = 18, PAGE = 4096 };

struct json_parser {
	struct json_shim *shim;
	uint64_t *tape;  /* owns the buffer */
	char *bytes;
	size_t capacity;
	size_t bytes_used;
	struct outline outline;
	struct outline_walk way;
};

struct walk {
	char *base;
	char *spare;     /* where the next string with escapes goes */
	uint64_t *tape;
	uint64_t *next;  /* free word */
	unsigned depth;
};

struct json_parser *json_parser_new(void)
{
	struct json_parser *p = mem_zalloc(1, sizeof(*p));
	p->shim = json_shim_new();
	if (p->shim)
		return p;
	free(p);
	return NULL;
}

void json_parser_free(struct json_parser *parser)
{
	if (!parser)
		return;
	json_shim_free(parser->shim);
	outline_done(&parser->outline);
	free(parser->tape);
	free(parser);
}

size_t json_parser_bytes(const struct json_parser *parser)
{
	return parser->bytes_used;
}

/* A text of n bytes has at most n + 8 words: only a number takes more words than bytes, and but for the last there is a comma with it. */
static void fit(struct json_parser *p, size_t len)
{
	if (p->tape && len <= p->capacity && (p->capacity <= LARGEST_KEPT || len > LARGEST_KEPT))
		return;
	size_t capacity = SMALLEST;
	while (capacity < len)
		capacity *= 2;
	size_t words = (capacity + 8) * sizeof(*p->tape), bytes = 2 * (capacity + SLACK);
	/* half a page apart: a load from where another one's low twelve bits were just stored to is held up */
	size_t apart = (PAGE + PAGE / 2 - words % PAGE) % PAGE;
	free(p->tape);
	p->tape = mem_zalloc(1, words + apart + bytes);
	p->bytes = (char *)p->tape + words + apart;
	p->capacity = capacity;
}

/* --- blocks of sixteen bytes --- */

#ifdef __SSE2__
typedef __m128i block;

static inline block block_load(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline void block_store(char *p, block b)
{
	_mm_storeu_si128((__m128i *)(void *)p, b);
}

static inline block block_or(block a, block b)
{
	return _mm_or_si128(a, b);
}

/* Bit i: byte i is above 7F. */
static inline unsigned block_high(block b)
{
	return (unsigned)_mm_movemask_epi8(b);
}

/* Bit i: byte i ends a string, begins an escape or is a control character. */
static inline unsigned block_stops(block b)
{
	block quote = _mm_cmpeq_epi8(b, _mm_set1_epi8('"')), escape = _mm_cmpeq_epi8(b, _mm_set1_epi8('\\'));
	block control = _mm_cmpeq_epi8(_mm_min_epu8(b, _mm_set1_epi8(0x1F)), b);
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, escape), control));
}

/* Bit i: byte i is the same in both. */
static inline unsigned block_same(block a, block b)
{
	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(a, b));
}
#else
typedef unsigned char block __attribute__((vector_size(BLOCK)));

static inline block block_load(const char *p)
{
	block b;
	memcpy(&b, p, sizeof(b));
	return b;
}

static inline void block_store(char *p, block b)
{
	memcpy(p, &b, sizeof(b));
}

static inline block block_or(block a, block b)
{
	return a | b;
}

static inline unsigned block_high(block b)
{
	unsigned bits = 0;
	for (unsigned i = 0; i < BLOCK; i++)
		bits |= (unsigned)(b[i] >> 7) << i;
	return bits;
}

static inline unsigned block_stops(block b)
{
	return block_high((block)(b == '"') | (block)(b == '\\') | (block)(b < 0x20));
}

static inline unsigned block_same(block a, block b)
{
	return block_high((block)(a == b));
}
#endif

/* Copies the text and says whether all of it is ASCII. */
static bool copy_text(char *to, const char *from, size_t len)
{
	block all = {0};
	unsigned char few = 0;
	size_t i = 0;
	for (; i + BLOCK <= len; i += BLOCK) {
		block b = block_load(from + i);
		all = block_or(all, b);
		block_store(to + i, b);
	}
	if (len >= BLOCK) {
		block b = block_load(from + len - BLOCK);
		all = block_or(all, b);
		block_store(to + len - BLOCK, b);
	} else {
		for (; i < len; i++) {
			few |= (unsigned char)from[i];
			to[i] = from[i];
		}
	}
	return !block_high(all) && few < 0x80;
}

/* --- values; each function gets the place behind what it was known by and returns the one behind the value, or NULL --- */

static inline void push(struct walk *w, char type, uint64_t low)
{
	*w->next++ = (uint64_t)(unsigned char)type << 56 | low;
}

static inline void push_string(struct walk *w, const char *from, size_t len)
{
	push(w, '"', (uint64_t)len << 28 | (uint64_t)(from - w->base));
}

static inline char *blank(char *p)
{
	if (__builtin_expect((unsigned char)*p > ' ', 1))
		return p;
	while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

static int hex4(const char *p)
{
	int value = 0;
	for (int i = 0; i < 4; i++) {
		int digit = p[i], letter = digit | 32;
		if (digit >= '0' && digit <= '9')
			value = value << 4 | (digit - '0');
		else if (letter >= 'a' && letter <= 'f')
			value = value << 4 | (letter - 'a' + 10);
		else
			return -1;
	}
	return value;
}

static char *add_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		*out++ = (char)code;
		return out;
	}
	if (code < 0x800) {
		*out++ = (char)(0xC0 | code >> 6);
	} else {
		if (code < 0x10000) {
			*out++ = (char)(0xE0 | code >> 12);
		} else {
			*out++ = (char)(0xF0 | code >> 18);
			*out++ = (char)(0x80 | (code >> 12 & 0x3F));
		}
		*out++ = (char)(0x80 | (code >> 6 & 0x3F));
	}
	*out++ = (char)(0x80 | (code & 0x3F));
	return out;
}

/* Behind "\u". */
static char *code_point(char *p, char **out)
{
	int code = hex4(p), low;
	if (code < 0)
		return NULL;
	p += 4;
	if (code >= 0xD800 && code <= 0xDFFF) {
		if (code > 0xDBFF || p[0] != '\\' || p[1] != 'u')
			return NULL;
		low = hex4(p + 2);
		if (low < 0xDC00 || low > 0xDFFF)
			return NULL;
		code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
		p += 6;
	}
	*out = add_utf8(*out, (uint32_t)code);
	return p;
}

/* A string from its first backslash on. */
static char *escaped_string(struct walk *w, const char *from, char *p)
{
	static const char plain[256] = {['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
	char *out = w->spare + (p - from);
	memcpy(w->spare, from, (size_t)(p - from));
	while (*p != '"') {
		unsigned stops;
		if (*p != '\\')
			return NULL;
		char meant = plain[(unsigned char)p[1]];
		if (meant) {
			*out++ = meant;
			p += 2;
		} else if (p[1] != 'u' || !(p = code_point(p + 2, &out))) {
			return NULL;
		}
		for (;;) {
			block b = block_load(p);
			block_store(out, b);
			stops = block_stops(b);
			if (stops)
				break;
			p += BLOCK;
			out += BLOCK;
		}
		p += __builtin_ctz(stops);
		out += __builtin_ctz(stops);
	}
	push_string(w, w->spare, (size_t)(out - w->spare));
	w->spare = out;
	return p + 1;
}

static inline char *string(struct walk *w, char *p)
{
	const char *from = p;
	unsigned stops;
	while (!(stops = block_stops(block_load(p))))
		p += BLOCK;
	p += __builtin_ctz(stops);
	if (__builtin_expect(*p != '"', 0))
		return escaped_string(w, from, p);
	push_string(w, from, (size_t)(p - from));
	return p + 1;
}

/* Eight digits at once (see "Faster integer parsing", Johnny Lee). */
static inline bool eight_digits(const char *p, uint64_t *value)
{
	uint64_t eight;
	memcpy(&eight, p, sizeof(eight));
	if (((eight & UINT64_C(0xF0F0F0F0F0F0F0F0)) | ((eight + UINT64_C(0x0606060606060606)) & UINT64_C(0xF0F0F0F0F0F0F0F0)) >> 4) != UINT64_C(0x3333333333333333))
		return false;
	eight = (eight & UINT64_C(0x0F0F0F0F0F0F0F0F)) * 2561 >> 8;
	eight = (eight & UINT64_C(0x00FF00FF00FF00FF)) * 6553601 >> 16;
	*value = *value * 100000000 + ((eight & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001) >> 32);
	return true;
}

static inline char *digits(char *p, uint64_t *value)
{
	char *few = p + 4;
	for (unsigned digit; (digit = (unsigned)(*p - '0')) <= 9; p++) {
		*value = *value * 10 + digit;
		if (p == few)
			while (eight_digits(p + 1, value))
				p += 8;
	}
	return p;
}

/* Correctly rounded: by one exact division where both sides fit a double, else by one with more bits, if those do not leave it open which way to round. */
static bool decimal(uint64_t digits, unsigned places, double *ret)
{
	static const double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
	if (digits <= UINT64_C(1) << 53) {
		*ret = (double)digits / tens[places];
		return true;
	}
	long double near = (long double)digits / (long double)tens[places], step = near / (long double)(UINT64_C(1) << 62);
	*ret = (double)near;
	double below = (double)(near - step), above = (double)(near + step);
	return !(below < above);
}

static char *number(struct walk *w, char *p)
{
	bool negative = *p == '-';
	uint64_t value = 0;
	char *from = p += negative;
	double real;
	p = digits(p, &value);
	size_t count = (size_t)(p - from), places = 0;
	if (count == 0 || count > MOST_DIGITS || (*from == '0' && count > 1))
		return NULL;
	if (*p == '.') {
		char *point = p;
		p = digits(p + 1, &value);
		places = (size_t)(p - point) - 1;
		if (places == 0 || count + places > MOST_DIGITS)
			return NULL;
	}
	if ((*p | 32) == 'e')
		return NULL;
	if (places == 0) {
		push(w, 'l', 0);
		*w->next++ = negative ? 0 - value : value;
		return p;
	}
	if (!decimal(value, (unsigned)places, &real))
		return NULL;
	real = negative ? -real : real;
	push(w, 'd', 0);
	memcpy(w->next++, &real, sizeof(real));
	return p;
}

static inline bool is_word(const char *p, const char *word)
{
	return memcmp(p, word, 4) == 0;
}

static char *constant(struct walk *w, char *p)
{
	bool is_false = is_word(p, "fals") && p[4] == 'e';
	if (!is_word(p, "true") && !is_word(p, "null") && !is_false)
		return NULL;
	push(w, *p, 0);
	return p + 4 + is_false;
}

static char *object(struct walk *w, char *p);
static char *array(struct walk *w, char *p);

static inline __attribute__((always_inline)) char *value(struct walk *w, char *p)
{
	char c = *p;
	if (c == '"')
		return string(w, p + 1);
	if ((unsigned)(c - '0') <= 9 || c == '-')
		return number(w, p);
	if (c == '{')
		return object(w, p + 1);
	return c == '[' ? array(w, p + 1) : constant(w, p);
}

/* The bracket's word, to be closed. */
static inline uint64_t *open_bracket(struct walk *w, char type)
{
	push(w, type, 0);
	return w->next - 1;
}

static inline void close_bracket(struct walk *w, uint64_t *open, char type)
{
	push(w, type, (uint64_t)(open - w->tape));
	*open |= (uint64_t)(w->next - w->tape);
}

/* A name's colon and its value; p is behind the name, or NULL. */
static inline __attribute__((always_inline)) char *member_value(struct walk *w, char *p)
{
	if (!p)
		return NULL;
	p = blank(p);
	return *p == ':' ? value(w, blank(p + 1)) : NULL;
}

/* Recursion: bounded by DEEPEST. */
static char *object(struct walk *w, char *p)
{
	uint64_t *open = open_bracket(w, '{');
	if (++w->depth > DEEPEST)
		return NULL;
	p = blank(p);
	while (*p == '"') {
		p = member_value(w, string(w, p + 1));
		if (!p)
			return NULL;
		p = blank(p);
		if (*p != ',')
			break;
		p = blank(p + 1);
		if (*p != '"')
			return NULL;
	}
	if (*p != '}')
		return NULL;
	close_bracket(w, open, '}');
	w->depth--;
	return p + 1;
}

static char *array(struct walk *w, char *p)
{
	uint64_t *open = open_bracket(w, '[');
	if (++w->depth > DEEPEST)
		return NULL;
	p = blank(p);
	if (*p != ']')
		for (;;) {
			p = value(w, p);
			if (!p)
				return NULL;
			p = blank(p);
			if (*p != ',')
				break;
			p = blank(p + 1);
		}
	if (*p != ']')
		return NULL;
	close_bracket(w, open, ']');
	w->depth--;
	return p + 1;
}

/* --- the outermost object --- */

/* Whether the text at p is the node's. */
static inline bool is_text(const struct outline_node *node, const char *p)
{
	const char *text = node->text;
	if (node->mask & ~block_same(block_load(p), block_load(text)))
		return false;
	for (size_t done = BLOCK; done < node->len; done += BLOCK) {
		unsigned differ = ~block_same(block_load(p + done), block_load(text + done)) & 0xFFFF;
		if (differ && done + (unsigned)__builtin_ctz(differ) < node->len)
			return false;
	}
	return true;
}

/* From the bracket or comma at p to the next value, which has to come; NULL for anything else. *node moves on, to 0 if the tree cannot hold it. */
static char *new_name(struct walk *w, char *p, struct outline *outline, uint16_t *node)
{
	char *name = blank(p + 1), *end;
	if (*name != '"')
		return NULL;
	end = string(w, ++name);
	end = end ? blank(end) : NULL;
	if (!end || *end != ':')
		return NULL;
	end = blank(end + 1);
	uint64_t word = w->next[-1];
	bool plain = w->base + (word & 0xFFFFFFF) == name;
	*node = plain && outline ? outline_learn(outline, *node, slice_of(p, (size_t)(end - p)), slice_of(name, word >> 28 & 0xFFFFFFF)) : 0;
	return end;
}

/* As above, where the tree may know what comes. */
static inline char *next_name(struct walk *w, char *p, struct outline *outline, uint16_t *node)
{
	struct outline_node *nodes = outline->nodes, *parent = &nodes[*node];
	uint16_t *link = &parent->first;
	for (uint16_t i = *link; i; link = &nodes[i].other, i = *link) {
		if (!is_text(&nodes[i], p))
			continue;
		if (link != &parent->first) {
			*link = nodes[i].other;
			nodes[i].other = parent->first;
			parent->first = i;
		}
		push_string(w, p + nodes[i].name, nodes[i].name_len);
		*node = i;
		return p + nodes[i].len;
	}
	return NULL;
}

/* As object(), but along the outline, from the bracket on; way->len is 0 if that has no room for it. */
static char *outermost(struct walk *w, char *p, struct outline *outline, struct outline_walk *way)
{
	uint64_t *open = open_bracket(w, '{');
	const char *first = p;
	uint16_t node = 0;
	size_t len = 0;
	for (;; p = blank(p)) {
		char *next = outline ? next_name(w, p, outline, &node) : NULL;
		if (!next) {
			if (*p != ',' && p != first)
				break;
			next = new_name(w, p, outline, &node);
			if (!next)
				break;
		}
		if (node && len < OUTLINE_MEMBERS) {
			way->nodes[len] = node;
			way->at[len++] = (uint32_t)(w->next - w->tape);
		} else {
			outline = NULL;
		}
		p = value(w, next);
		if (!p)
			return NULL;
	}
	p = p == first ? blank(p + 1) : p;
	if (*p != '}')
		return NULL;
	close_bracket(w, open, '}');
	way->len = outline ? len : 0;
	return p + 1;
}

enum json_status json_parser_quick(struct json_parser *parser, const char *bytes, size_t len, struct json *ret)
{
	fit(parser, len);
	bool ascii = copy_text(parser->bytes, bytes, len);
	if (!ascii && !slice_is_utf8(slice_of(bytes, len)))
		return JSON_UTF8;
	memset(parser->bytes + len, 0, SLACK);
	struct walk w = {.base = parser->bytes, .spare = parser->bytes + len + SLACK, .tape = parser->tape, .next = parser->tape + 1};
	char *p = blank(parser->bytes);
	outline_begin(&parser->outline);
	parser->way.len = 0;
	p = *p == '{' ? outermost(&w, p, &parser->outline, &parser->way) : value(&w, p);
	if (!p || blank(p) != parser->bytes + len)
		return JSON_SYNTAX;
	push(&w, 'r', 0);
	w.tape[0] = (uint64_t)'r' << 56 | (uint64_t)(w.next - w.tape);
	parser->way.outline = &parser->outline;
	parser->bytes_used = (size_t)(w.spare - w.base) + SLACK;
	*ret = (struct json){.tape = w.tape, .bytes = w.base, .walk = parser->way.len ? &parser->way : NULL};
	return JSON_OK;
}

/* simdjson's words for strings into ours. */
static void translate(uint64_t *tape, const unsigned char *strings)
{
	uint32_t len, words = (uint32_t)tape[0];
	for (uint32_t i = 1; i < words; i++) {
		char type = (char)(tape[i] >> 56);
		uint64_t offset = tape[i] & UINT64_C(0x00FFFFFFFFFFFFFF);
		if (type == 'l' || type == 'u' || type == 'd')
			i++;
		if (type != '"')
			continue;
		memcpy(&len, strings + offset, sizeof(len));
		tape[i] = (uint64_t)'"' << 56 | (uint64_t)len << 28 | (offset + sizeof(len));
	}
}

enum json_status json_parser_slow(struct json_parser *parser, const char *bytes, size_t len, struct json *ret)
{
	struct json_shim_tape shim;
	if (len == 0)
		return JSON_SYNTAX;
	enum json_status status = json_shim_parse(parser->shim, bytes, len, &shim);
	if (status != JSON_OK)
		return status;
	translate(shim.tape, shim.strings);
	parser->bytes_used = json_shim_strings_bound(len);
	*ret = (struct json){.tape = shim.tape, .bytes = (const char *)shim.strings};
	return JSON_OK;
}

enum json_status json_parser_parse(struct json_parser *parser, const char *bytes, size_t len, struct json *ret)
{
	enum json_status status = json_parser_quick(parser, bytes, len, ret);
	return status == JSON_OK ? status : json_parser_slow(parser, bytes, len, ret);
}
