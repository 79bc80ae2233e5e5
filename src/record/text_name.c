/* SPDX-License-Identifier: Apache-2.0 */
/* Names of loggers in a line of text. Words are dangerous, so each needs proof: a line number, two dots, or a separator behind it. */
#include "record/text_name.h"

const unsigned short text_classes[256] = {
	['0' ... '9'] = DIGIT | WORD | ID | LOGGER, ['a' ... 'z'] = LETTER | WORD | ID | LOGGER, ['A' ... 'Z'] = LETTER | WORD | ID | LOGGER, ['_'] = WORD | ID | LOGGER,
	['-'] = ID | LOGGER | LEVEL_END | SEPARATOR, ['.'] = LOGGER, ['$'] = LOGGER, ['['] = LOGGER, [']'] = LOGGER | LEVEL_END, ['/'] = LOGGER,
	[' '] = BLANK | LEVEL_END | TOKEN_END, ['\t'] = BLANK | LEVEL_END | TOKEN_END, ['\n'] = LEVEL_END | TOKEN_END, [':'] = LEVEL_END | SEPARATOR, ['|'] = LEVEL_END | SEPARATOR, [','] = LEVEL_END | SEPARATOR,
};

/* What the characters of a token say about its being a logger's name. */
struct name_marks {
	size_t len;    /* of the token */
	size_t dots;
	size_t others; /* brackets and slashes */
	size_t hash;   /* where the first '#' is; len: nowhere */
	bool wrong;    /* holds what no name does */
};

/* What the character at `at`, which is of the token and of no word, says. */
static inline void mark(struct name_marks *m, struct slice text, size_t at)
{
	char c = text.ptr[at];
	if (c == '#' && m->hash == SIZE_MAX)
		m->hash = at;
	m->dots += c == '.';
	m->others += c == '[' || c == ']' || c == '/';
	m->wrong |= !is(c, LOGGER) && m->hash == SIZE_MAX && !(c == ':' && (at + 1 == text.len || is(text.ptr[at + 1], TOKEN_END)));
}

/* Sixteen bytes at a time, as far as there are as many; true if the token ended. */
static bool mark_blocks(struct name_marks *m, struct slice text, size_t most)
{
	for (; m->len + BLOCK <= most; m->len += BLOCK) {
		block c = block_load(text.ptr + m->len);
		unsigned ends = token_ends(c), before = ends ? (ends & (0 - ends)) - 1 : 0xFFFF;
		for (unsigned marks = ~block_bits(block_words(c)) & before; marks; marks &= marks - 1)
			mark(m, text, m->len + (unsigned)__builtin_ctz(marks));
		if (ends) {
			m->len += (unsigned)__builtin_ctz(ends);
			return true;
		}
	}
	return false;
}

static struct name_marks marks_of(struct slice text)
{
	struct name_marks m = {.hash = SIZE_MAX};
	size_t most = text.len < LONGEST_TOKEN ? text.len : LONGEST_TOKEN;
	if (mark_blocks(&m, text, most))
		return m;
	for (; m.len < most && !is(text.ptr[m.len], TOKEN_END); m.len++)
		if (!is(text.ptr[m.len], WORD))
			mark(&m, text, m.len);
	return m;
}

/* " - " or " : " */
static bool is_separator(struct slice text)
{
	return text.len > 1 && (text.ptr[0] == '-' || text.ptr[0] == ':') && is_blank(text.ptr[1]);
}

/* Length of a logger's name at the start of text, its line number included; 0 if it does not look like one. */
size_t text_logger_len(struct slice text, size_t *ret_own)
{
	if (text.len < 2 || !is(text.ptr[0], LETTER))
		return 0;
	struct name_marks m = marks_of(text);
	if (m.len < 2 || m.wrong)
		return 0;
	bool colon = text.ptr[m.len - 1] == ':';
	*ret_own = m.hash;
	if (m.hash != SIZE_MAX)
		return m.hash + 1 < m.len - colon && is(text.ptr[m.len - colon - 1], DIGIT) ? m.len : 0;
	struct slice next = after_blanks(behind(text, m.len));
	if (is_separator(next) || (colon && m.dots + m.others) || m.dots >= 2)
		return m.len;
	return m.dots && next.len && next.ptr[0] == '[' ? m.len : 0;
}

static bool is_dotted_or_word(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is(text.ptr[i], WORD) && text.ptr[i] != '.')
			return false;
	return text.len > 0;
}

/* Loguru's "name:function:line - ", logback's "name:line - "; the length of all but the separator, or 0. */
size_t text_loguru_len(struct slice text, size_t *ret_name)
{
	struct slice whole = token(text);
	size_t first = slice_find(whole, ':', 0), second = slice_find(whole, ':', first + 1);
	if (second >= whole.len && first + 1 < whole.len) /* "shop.pay.Charge:42" */
		second = first;
	if (second >= whole.len || second + 1 == whole.len || !is_dotted_or_word(slice_sub(whole, 0, first)) || !is_separator(after_blanks(slice_sub(text, whole.len, text.len))))
		return 0;
	for (size_t i = second + 1; i < whole.len; i++)
		if (!is(whole.ptr[i], DIGIT))
			return 0;
	*ret_name = first;
	return whole.len;
}

/* Rust's "shop::pay: "; the length of all but the colon, or 0. */
size_t text_module_len(struct slice text)
{
	size_t n = 0, colons = 0;
	while (n < text.len && n < LONGEST_TOKEN && (is_word_char(text.ptr[n]) || slice_starts(slice_sub(text, n, 2), SLICE("::")))) {
		bool path = text.ptr[n] == ':';
		colons += path;
		n += 1 + path;
	}
	return colons && n + 1 < text.len && text.ptr[n] == ':' && is_blank(text.ptr[n + 1]) ? n : 0;
}
