/* SPDX-License-Identifier: Apache-2.0 */
/* Idea. The regex of a template tries, at each place, its first choice, then the rest, then its next choice. In almost every message that matches, all first
 * choices are the right ones, and in one pass without going back they are found by plain scanning. If that pass comes to the end, its answer is the regex's
 * answer: the same first choices. If it fails before any place had a second choice, no choice could have helped: the regex would fail too. In every other case
 * the pass says that it is not sure, and the regex decides. So the program decides most, and nothing differently.
 *
 * Why. With a thousand rules in use, each match runs other machine code, and fetching that costs more than running it. A program is some 60 bytes, and what
 * runs it is always the same.
 *
 * Layout. Operations one behind the other: code, capture (NONE: not kept), length (2 bytes, low first), then that many bytes of text. */
#include "pattern/rule_program.h"

#include "pattern/rule.h"

#include <ctype.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { NONE = 0xFF, HEAD = 4, TEXT_MAX = 60000 };

enum op {
	OP_TEXT,      /* these bytes */
	OP_WORD,      /* all of a word */
	OP_WORD_TO,   /* a word up to the text, which the next operation takes */
	OP_ANY_TO,    /* anything up to the text */
	OP_INT, OP_NUM, OP_DURATION, OP_QUOTED, OP_PATH,
	OP_LINE, OP_REST, /* last */
	OP_END,       /* white space and the end */
	OP_HIT,       /* whatever follows */
};

struct run {
	const char *at, *end;
	bool choice;   /* a place before has another choice */
	bool unsure;
};

/* PCRE2's \s */
static inline bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline const char *digits(const char *p, const char *end)
{
	while (p < end && is_digit(*p))
		p++;
	return p;
}

/* Each takes its place's first choice and returns where it ends, NULL: there is none. */

static const char *take_word(const struct run *r)
{
	const char *p = r->at;
	while (p < r->end && !is_space(*p))
		p++;
	return p > r->at ? p : NULL;
}

static const char *take_word_to(struct run *r, struct slice text)
{
	const char *stop = take_word(r);
	if (!stop)
		return NULL;
	for (const char *p = r->at + 1; p < stop; p++) {
		p = memchr(p, text.ptr[0], (size_t)(stop - p));
		if (!p)
			return NULL;
		if ((size_t)(r->end - p) >= text.len && memcmp(p, text.ptr, text.len) == 0) {
			r->choice = true;
			return p;
		}
	}
	return NULL;
}

static const char *take_any_to(struct run *r, struct slice text)
{
	const char *p = memmem(r->at, (size_t)(r->end - r->at), text.ptr, text.len);
	r->choice |= p != NULL;
	return p;
}

static const char *take_int(const struct run *r)
{
	const char *p = r->at;
	if (p < r->end && (*p == '+' || *p == '-'))
		p++;
	const char *stop = digits(p, r->end);
	return stop > p ? stop : NULL;
}

static const char *take_exponent(const char *p, const char *end)
{
	const char *q = p + 1;
	if (p == end || (*p != 'e' && *p != 'E'))
		return p;
	if (q < end && (*q == '+' || *q == '-'))
		q++;
	return q < end && is_digit(*q) ? digits(q, end) : p;
}

static const char *take_num(const struct run *r)
{
	const char *p = r->at;
	if (p < r->end && (*p == '+' || *p == '-'))
		p++;
	const char *stop = digits(p, r->end);
	if (stop > p)
		stop = stop < r->end && *stop == '.' ? digits(stop + 1, r->end) : stop;
	else if (p + 1 < r->end && *p == '.' && is_digit(p[1]))
		stop = digits(p + 1, r->end);
	else
		return NULL;
	return take_exponent(stop, r->end);
}

static bool is_short_unit(const char *unit, size_t len)
{
	return len == 0 || (len == 1 && strchr("smhd", *unit)) || (len == 2 && unit[1] == 's' && strchr("num", *unit));
}

/* Whether the regex might take more at p, behind a number (unit false) or its unit. */
static bool may_go_on(const char *p, const char *end, bool unit)
{
	if (p == end)
		return false;
	if ((unsigned char)*p >= 0x80 || (unit && is_digit(*p)))
		return true;
	if (!is_space(*p) || p + 1 == end)
		return false;
	return is_digit(p[1]) || (!unit && (is_letter(p[1]) || (unsigned char)p[1] >= 0x80));
}

/* One number with one short unit, or none; all else is left to the regex. */
static const char *take_duration(struct run *r)
{
	const char *p = digits(r->at, r->end), *unit;
	if (p == r->at)
		return NULL;
	if (p + 1 < r->end && *p == '.' && is_digit(p[1]))
		p = digits(p + 1, r->end);
	for (unit = p; p < r->end && is_letter(*p);)
		p++;
	r->unsure = !is_short_unit(unit, (size_t)(p - unit)) || may_go_on(p, r->end, p > unit);
	return p;
}

static const char *take_quoted(const struct run *r)
{
	if (r->at == r->end || (*r->at != '"' && *r->at != '\''))
		return NULL;
	for (const char *p = r->at + 1; p < r->end; p++) {
		if (*p == *r->at)
			return p + 1;
		if (*p == '\\')
			p++;
	}
	return NULL;
}

static const char *take_path(const struct run *r)
{
	const char *p = r->at;
	if (p == r->end || *p != '/')
		return NULL;
	while (p < r->end && !is_space(*p) && !strchr("?#\"'", *p ? *p : 'x'))
		p++;
	return p;
}

static const char *take_line(const struct run *r)
{
	const char *p = memchr(r->at, '\n', (size_t)(r->end - r->at));
	return p ? p : r->end;
}

static bool only_space(const char *p, const char *end)
{
	while (p < end && is_space(*p))
		p++;
	return p == end;
}

static const char *take(struct run *r, enum op op, struct slice text)
{
	switch (op) {
	case OP_TEXT:
		return (size_t)(r->end - r->at) >= text.len && memcmp(r->at, text.ptr, text.len) == 0 ? r->at + text.len : NULL;
	case OP_WORD:
		return take_word(r);
	case OP_WORD_TO:
		return take_word_to(r, text);
	case OP_ANY_TO:
		return take_any_to(r, text);
	case OP_INT:
		return take_int(r);
	case OP_NUM:
		return take_num(r);
	case OP_DURATION:
		return take_duration(r);
	case OP_QUOTED:
		return take_quoted(r);
	case OP_PATH:
		return take_path(r);
	case OP_LINE:
		return take_line(r);
	case OP_REST:
		return r->end;
	default:
		return only_space(r->at, r->end) ? r->end : NULL;
	}
}

enum program_answer program_run(const uint8_t *program, struct slice message, struct slice *captures)
{
	const char *begin = message.ptr ? message.ptr : "";
	struct run r = {.at = begin, .end = begin + message.len};
	for (const uint8_t *op = program; *op != OP_HIT;) {
		size_t len = op[2] | (size_t)op[3] << 8;
		const char *to = take(&r, (enum op)*op, slice_of((const char *)op + HEAD, len));
		if (r.unsure || (!to && r.choice))
			return PROGRAM_UNSURE;
		if (!to)
			return PROGRAM_MISS;
		if (op[1] != NONE) {
			bool quoted = *op == OP_QUOTED;
			captures[op[1]] = slice_of(r.at + quoted, (size_t)(to - r.at) - 2 * quoted);
		}
		r.at = to;
		op += HEAD + len;
	}
	return PROGRAM_HIT;
}

/* ---- compiling ---- */

static void put(struct buf *out, enum op op, uint32_t capture, struct slice text)
{
	const char head[HEAD] = {(char)op, (char)(capture == RULE_CAPTURES_MAX ? NONE : capture), (char)(text.len & 0xFF), (char)(text.len >> 8)};
	buf_add(out, head, HEAD);
	buf_add_slice(out, text);
}

/* Whether giving back some of what a place took could let the text behind it fit: then there is a choice that a program does not try. */
static bool clear_end(int type, char next)
{
	switch (type) {
	case PLACE_INT:
		return !is_digit(next);
	case PLACE_NUM:
		return !is_digit(next) && !strchr(".eE+-", next); /* 0 among them */
	case PLACE_DURATION:
		return !is_digit(next) && next != '.' && !is_letter(next) && (unsigned char)next < 0x80;
	case PLACE_PATH:
		return is_space(next) || (next && strchr("?#\"'", next));
	default:
		return type == PLACE_QUOTED;
	}
}

static const struct {
	int type;
	enum op op;
} plain[] = {{PLACE_INT, OP_INT}, {PLACE_NUM, OP_NUM}, {PLACE_DURATION, OP_DURATION}, {PLACE_QUOTED, OP_QUOTED}, {PLACE_PATH, OP_PATH}};

static bool put_plain(struct buf *out, const struct template_piece *p, const struct template_piece *next)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (plain[i].type == p->type) {
			put(out, plain[i].op, p->capture, slice_of(NULL, 0));
			return !next || clear_end(p->type, next->text.ptr[0]);
		}
	return false;
}

/* next: the text behind the place, NULL at the end. */
static bool put_place(struct buf *out, const struct template_piece *p, const struct template_piece *next, bool open)
{
	struct slice none = slice_of(NULL, 0);
	if (next && next->place)
		return false;
	if (p->type == PLACE_WORD) {
		bool all = !next || is_space(next->text.ptr[0]);
		put(out, all ? OP_WORD : OP_WORD_TO, p->capture, all ? none : next->text);
	} else if (p->type == PLACE_ANY || p->type == PLACE_STAR) {
		put(out, OP_ANY_TO, p->capture, next ? next->text : none);
		return next != NULL;
	} else if (p->type == PLACE_LINE || p->type == PLACE_REST) {
		put(out, p->type == PLACE_LINE ? OP_LINE : OP_REST, p->capture, none);
		return !next && !open;
	} else {
		return put_plain(out, p, next);
	}
	return true;
}

const uint8_t *program_compile(struct arena *arena, const struct template_piece *pieces, size_t len, bool open)
{
	struct buf out = {0};
	bool ok = true;
	for (size_t i = 0; ok && i < len; i++) {
		ok = out.len + pieces[i].text.len < TEXT_MAX;
		if (!pieces[i].place)
			put(&out, OP_TEXT, RULE_CAPTURES_MAX, pieces[i].text);
		else
			ok &= put_place(&out, &pieces[i], i + 1 < len ? &pieces[i + 1] : NULL, open);
	}
	if (!open)
		put(&out, OP_END, RULE_CAPTURES_MAX, slice_of(NULL, 0));
	put(&out, OP_HIT, RULE_CAPTURES_MAX, slice_of(NULL, 0));
	const uint8_t *program = ok ? (const uint8_t *)arena_copy(arena, buf_slice(&out)).ptr : NULL;
	buf_done(&out);
	return program;
}

size_t program_len(const uint8_t *program)
{
	size_t at = 0;
	for (; program[at] != OP_HIT; at += HEAD + (program[at + 2] | (size_t)program[at + 3] << 8))
		;
	return at + HEAD;
}

static struct slice op_text(const uint8_t *op)
{
	return slice_of((const char *)op + HEAD, op[2] | (size_t)op[3] << 8);
}

struct slice program_behind_word(const uint8_t *program)
{
	const uint8_t *word = program + HEAD + op_text(program).len;
	if (*program != OP_TEXT || *word != OP_WORD || word[HEAD] != OP_TEXT)
		return slice_of(NULL, 0);
	return op_text(word + HEAD);
}

size_t program_word_end(struct slice message, size_t at)
{
#ifdef __SSE2__
	if (at + 16 <= message.len) { /* how long a word is cannot be foreseen: no branch for each byte */
		__m128i c = _mm_loadu_si128((const __m128i *)(const void *)(message.ptr + at));
		__m128i control = _mm_cmplt_epi8(_mm_add_epi8(c, _mm_set1_epi8((char)(-128 - '\t'))), _mm_set1_epi8(-128 + 5));
		unsigned spaces = (unsigned)_mm_movemask_epi8(_mm_or_si128(control, _mm_cmpeq_epi8(c, _mm_set1_epi8(' '))));
		if (spaces)
			return at + (unsigned)__builtin_ctz(spaces);
		at += 16;
	}
#endif
	while (at < message.len && !is_space(message.ptr[at]))
		at++;
	return at;
}
