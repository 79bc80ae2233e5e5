/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that make a regex try too many ways.
 *
 * Idea. Whether a regex can be made to backtrack without end is hard to read off it, and easy to try: a start that brings it to its repetition, then one piece many
 * times over, then an end that fits nothing. Starts are those of the rule's examples and the texts in the regex, pieces are common ones and, where
 * repetitions are nested, the regex's own letters and texts. PCRE2 gives up at once where a letter that every match needs is missing, so the end holds every
 * letter of the regex, each by itself between bytes that nothing expects. */
#include "pattern/rule_why.h"

#include <ctype.h>

enum { REPEATS = 1000, RUNS_MAX = 12, PIECES_MAX = 40, LETTERS_MAX = 64, STARTS_MAX = 32, LONG_BYTES = 6000, EXAMPLE_MAX = 1000 };

struct hostile {
	const struct rule *rule;
	struct rule_scratch *scratch;
	size_t ends[RUNS_MAX];              /* of the texts in the regex, in runs_text */
	size_t runs_len;
	char letters[LETTERS_MAX];          /* each once */
	size_t letters_len;
	struct slice starts[STARTS_MAX], pieces[PIECES_MAX];
	size_t starts_len, pieces_len;
	struct buf runs_text, end, all, text;
};

static void add_letter(struct hostile *h, char c)
{
	if (h->letters_len < LETTERS_MAX && !memchr(h->letters, c, h->letters_len))
		h->letters[h->letters_len++] = c;
}

static void end_run(struct hostile *h)
{
	size_t last = h->runs_len ? h->ends[h->runs_len - 1] : 0;
	if (h->runs_text.len > last && h->runs_len < RUNS_MAX)
		h->ends[h->runs_len++] = h->runs_text.len;
}

static struct slice run_at(const struct hostile *h, size_t i)
{
	size_t from = i ? h->ends[i - 1] : 0;
	return slice_of(h->runs_text.data + from, h->ends[i] - from);
}

/* What an escape stands for, or 0. */
static char letter_of_escape(char c)
{
	return c == 'd' ? '0' : c == 'w' || c == 'S' ? 'a' : c == 's' ? ' ' : isalnum((unsigned char)c) ? 0 : c;
}

/* Behind the opening of a group, with its name or options. */
static size_t skip_opening(struct slice s, size_t at)
{
	if (at + 1 < s.len && s.ptr[at + 1] == '?')
		for (at += 2; at < s.len && !strchr(">:)=!|", s.ptr[at]);)
			at++;
	return at + 1;
}

/* A class, whose first members are letters; returns where it ends. */
static size_t take_class(struct hostile *h, struct slice s, size_t at)
{
	size_t from = ++at;
	while (at < s.len && (s.ptr[at] != ']' || at == from)) {
		char c = s.ptr[at] == '\\' && at + 1 < s.len ? letter_of_escape(s.ptr[at + 1]) : s.ptr[at];
		if (c && s.ptr[from] != '^')
			add_letter(h, c);
		at += s.ptr[at] == '\\' ? 2 : 1;
	}
	return at + 1;
}

/* The texts and letters of the regex, roughly: they only have to be good guesses. */
static void read_regex(struct hostile *h)
{
	struct slice s = h->rule->regex_text;
	for (size_t at = 0; at < s.len;) {
		char c = s.ptr[at];
		bool escape = c == '\\' && at + 1 < s.len;
		if (escape)
			c = letter_of_escape(s.ptr[at + 1]);
		bool literal = escape ? c && !isalnum((unsigned char)s.ptr[at + 1]) : !strchr("()[]{}*+?|^$.", c);
		if (c && (literal || escape))
			add_letter(h, c);
		if (literal)
			buf_add_char(&h->runs_text, c);
		else
			end_run(h);
		if (!escape && c == '(')
			at = skip_opening(s, at);
		else if (!escape && c == '[')
			at = take_class(h, s, at);
		else
			at += escape ? 2 : 1;
	}
	end_run(h);
}

static void add_piece(struct hostile *h, struct slice piece)
{
	if (piece.len && h->pieces_len < PIECES_MAX)
		h->pieces[h->pieces_len++] = piece;
}

static void add_start(struct hostile *h, struct slice start)
{
	if (h->starts_len < STARTS_MAX)
		h->starts[h->starts_len++] = start;
}

static bool nests_repetitions(struct slice regex)
{
	static const char *const signs[] = {")+", ")*", "){", "\\1", ".*.*", ".*)(.*", ".+.+", ".+)(.+"};
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (slice_search(regex, slice_str(signs[i])) < regex.len)
			return true;
	return false;
}

static void collect(struct hostile *h)
{
	static const char *const common[] = {"a", "0", " ", "a ", "0.", "a,", "/a", "\"", "a=0 ", ":"};
	const struct rule *rule = h->rule;
	read_regex(h);
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		add_piece(h, slice_str(common[i]));
	add_start(h, SLICE(""));
	for (size_t i = 0; i < rule->tests_len; i++)
		for (size_t quarter = 1; quarter <= 4 && rule->tests[i].message.len < EXAMPLE_MAX; quarter++)
			add_start(h, slice_sub(rule->tests[i].message, 0, rule->tests[i].message.len * quarter / 4));
	buf_add_char(&h->end, 1);
	for (size_t i = 0; i < h->letters_len; i++) {
		buf_add_char(&h->end, h->letters[i]);
		buf_add_char(&h->end, 1);
	}
	if (!nests_repetitions(rule->regex_text))
		return;
	for (size_t i = 0; i < h->runs_len; i++) {
		add_start(h, run_at(h, i));
		add_piece(h, run_at(h, i));
		buf_add_slice(&h->all, run_at(h, i));
	}
	for (size_t i = 0; i < h->letters_len; i++)
		add_piece(h, slice_of(&h->letters[i], 1));
	add_piece(h, slice_sub(buf_slice(&h->all), 0, h->all.len ? h->all.len - 1 : 0));
}

static bool gives_up(struct hostile *h, struct slice start, struct slice piece, struct slice end)
{
	buf_reset(&h->text);
	buf_add_slice(&h->text, start);
	for (int i = 0; i < REPEATS && h->text.len < LONG_BYTES; i++)
		buf_add_slice(&h->text, piece);
	buf_add_slice(&h->text, end);
	int code = rule_exec(h->rule, h->scratch, buf_slice(&h->text));
	return code < 0 && code != PCRE2_ERROR_NOMATCH;
}

bool rule_is_hostile(const struct rule *rule, struct rule_scratch *scratch)
{
	struct hostile h = {.rule = rule, .scratch = scratch};
	bool found = false;
	if (!rule->code)
		return false;
	collect(&h);
	for (size_t s = 0; s < h.starts_len && !found; s++)
		for (size_t p = 0; p < h.pieces_len && !found; p++)
			found = gives_up(&h, h.starts[s], h.pieces[p], SLICE("\1")) || gives_up(&h, h.starts[s], h.pieces[p], buf_slice(&h.end));
	buf_done(&h.runs_text);
	buf_done(&h.end);
	buf_done(&h.all);
	buf_done(&h.text);
	return found;
}
