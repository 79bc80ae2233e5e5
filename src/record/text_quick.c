/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual elements behind a line's time, at a glance.
 *
 * Idea: text_header.c asks at each token, one after the other, all readers of elements that may come. Nearly all lines of programs consist of a few kinds of them: separators, a level, a logger's name of
 * plain characters with a proof behind it, a thread in brackets, Sleuth's ids. Each is known here by its first byte and one look at the next sixteen.
 *
 * Invariants: whatever is read here, text_header.c would read in the same way: each test is that of the reader which would take the element and of all those that are asked before it, or a stricter one.
 * Where anything is unusual nothing is done, and text_header.c goes on from there. test_text_quick sets lines read with and without this file against each other.
 */
#include "record/text_scan.h"

#include "record/level.h"

enum { LONGEST_NAME = 64, LONGEST_INSIDE = 96, LEVEL_LETTERS = 12, REQUEST = 36, SPRING_IDS = 49 };

/* How many letters stand at p, at most a block. */
static inline unsigned letters(const char *p)
{
	return (unsigned)__builtin_ctz(~block_bits(block_letters(block_load(p))) | 1U << BLOCK);
}

/* The levels that most lines have, with the blank behind them: their lengths are said and not reckoned, so that the processor need not wait for them. */
static inline size_t usual_level(const char *p, enum severity *ret)
{
	static const enum severity kinds[] = {SEVERITY_INFO, SEVERITY_WARN, SEVERITY_ERROR, SEVERITY_DEBUG};
	int kind = memcmp(p, "INFO ", 5) == 0 ? 0 : memcmp(p, "WARN ", 5) == 0 ? 1 : memcmp(p, "ERROR ", 6) == 0 ? 2 : memcmp(p, "DEBUG ", 6) == 0 ? 3 : -1;
	if (kind < 0)
		return 0;
	*ret = kinds[kind];
	if (kind < 2)
		return 4;
	return 5;
}

/* A level behind a time, with neither Python's ":name:" nor logrus' "[0012]" behind it. n: of letters. The bytes used, or 0. */
static inline size_t quick_level(struct text_header *h, const char *p, unsigned n)
{
	if (n < 3 || n >= LEVEL_LETTERS || p[n] == ':' || !is(p[n], LEVEL_END))
		return 0;
	h->severity = level_word(slice_of(p, n));
	return h->severity ? n : 0;
}

/* Length of the word of letters, digits, '_', '-', '.' and '/' at the start of text, if a blank ends it; else 0. ret_dots: none, one, or more. */
static inline size_t plain_name(struct slice text, unsigned *ret_dots)
{
	*ret_dots = 0;
	for (size_t n = 0; n + BLOCK <= text.len && n < LONGEST_NAME; n += BLOCK) {
		block c = block_load(text.ptr + n);
		unsigned others = ~block_bits(block_letters(c) | block_within(c, '-', '9') | block_is(c, '_')) & 0xFFFF, end = others & (0 - others);
		unsigned dots = block_bits(block_is(c, '.')) & (end - 1);
		*ret_dots += dots & (dots - 1) ? 2 : dots != 0;
		if (others)
			return text.ptr[n + (unsigned)__builtin_ctz(others)] == ' ' ? n + (unsigned)__builtin_ctz(others) : 0;
	}
	return 0;
}

/* A logger's name: no ':' or '#' is in it, so Monolog's channels and line numbers are not. No level begins it: that was asked before. The bytes used, or 0. */
static inline size_t quick_name(struct text_header *h, struct slice text)
{
	unsigned dots;
	size_t len = plain_name(text, &dots);
	if (len < 2)
		return 0;
	struct slice next = after_blanks(behind(text, len));
	bool separated = next.len > 1 && (next.ptr[0] == '-' || next.ptr[0] == ':') && is_blank(next.ptr[1]);
	if (!separated && dots < 2 && !(dots && next.len && next.ptr[0] == '['))
		return 0;
	h->logger = slice_of(text.ptr, len);
	return len;
}

/* Where the bracket that opens text closes; 0 if that is not near, or if there is "rac" inside, as in the names of ids. ret_commas: whether there is any inside. */
static inline size_t bracket_end(struct slice text, bool *ret_commas)
{
	unsigned commas = 0, races = 0;
	for (size_t n = 0; n + BLOCK + 2 <= text.len && n < LONGEST_INSIDE; n += BLOCK) {
		block c = block_load(text.ptr + n);
		unsigned ends = block_bits(block_is(c, ']')), before = (ends & (0 - ends)) - 1;
		commas |= block_bits(block_is(c, ',')) & before;
		races |= block_bits(block_is(c, 'r') & block_is(block_load(text.ptr + n + 1), 'a') & block_is(block_load(text.ptr + n + 2), 'c')) & before;
		*ret_commas = commas;
		if (ends)
			return races ? 0 : n + (unsigned)__builtin_ctz(ends);
	}
	return 0;
}

/* The thread behind Spring's dashes, where no bracket follows. */
static inline bool quick_spring_thread(struct slice inside, struct slice after)
{
	struct slice next = after_blanks(after);
	return inside.len != SPRING_IDS && next.len && next.ptr[0] != '[';
}

/* A thread between a time and a usual level. */
static inline bool quick_thread(struct slice inside, struct slice after)
{
	enum severity severity;
	struct slice next = after_blanks(after);
	if (inside.len < 2 || next.len < sizeof("DEBUG") || !usual_level(next.ptr, &severity))
		return false;
	return !level_word(inside) && !slice_eq(inside, SLICE("Note")) && !slice_eq(inside, SLICE("System"));
}

/* The bytes used, or 0. */
static inline size_t quick_bracket(struct text_header *h, struct slice text, bool dashes)
{
	bool commas, read;
	size_t end = bracket_end(text, &commas);
	if (end < 2)
		return 0;
	struct slice inside = slice_trim(slice_of(text.ptr + 1, end - 1)), after = behind(text, end + 1);
	if (inside.len == 0)
		return 0;
	if (dashes)
		read = !h->logger.len && quick_spring_thread(inside, after);
	else
		read = commas ? text_sleuth_read(h, inside) : !h->severity && quick_thread(inside, after);
	return read ? end + 1 : 0;
}

/* What begins with a letter; the bytes used, or 0. ret_end: it is the message, since the header has everything. */
static inline __attribute__((always_inline)) size_t quick_word(struct text_header *h, struct slice text, bool *ret_end)
{
	size_t used = h->severity ? 0 : usual_level(text.ptr, &h->severity);
	if (used)
		return used;
	unsigned n = letters(text.ptr);
	used = h->severity ? 0 : quick_level(h, text.ptr, n);
	if (used || text_id_begins(text))
		return used;
	if (!h->logger.len)
		return quick_name(h, text);
	*ret_end = h->severity != SEVERITY_UNKNOWN;
	return 0;
}

bool text_quick_read(struct scan *s, int *left)
{
	const char *p = s->rest.ptr, *end = p + s->rest.len;
	bool message = false;
	int n = *left;
	while (n) {
		while (p < end && *p == ' ')
			p++;
		struct slice rest = slice_of(p, (size_t)(end - p));
		if (rest.len <= BLOCK + 1 || (rest.len > REQUEST && p[REQUEST] == '\t'))
			break;
		size_t used = 0;
		if (is(*p, SEPARATOR) && is_blank(p[1]))
			used = 1;
		else if (is(*p, LETTER))
			used = quick_word(s->h, rest, &message);
		else if (*p == '[')
			used = quick_bracket(s->h, rest, s->dashes);
		if (!used)
			break;
		p += used;
		n--;
	}
	s->rest = slice_of(p, (size_t)(end - p));
	*left = n;
	return message || n == 0;
}
