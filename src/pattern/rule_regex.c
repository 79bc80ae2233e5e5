/* SPDX-License-Identifier: Apache-2.0 */
/* PCRE2 for one rule, and the texts of which every match of a regex must hold one: the rule's keys in the prefilter.
 *
 * The walk below reads the regex as a concatenation of atoms. A run of literal characters grows until an atom that is no literal character; a quantifier
 * that allows zero times takes its atom back. What a concatenation requires is the best of its runs and its groups: one text, or, of a group with
 * alternatives, one text of each alternative. The best is the one whose shortest text is longest. A group that may be absent requires nothing, and of
 * look-arounds nothing is taken. Whatever the walk does not know for sure makes it give up with no text at all: a rule without one is tried on every
 * record, which is slow but never wrong, while a text that is not required would lose matches. */
#include "pattern/rule.h"

#include <ctype.h>

enum { GROUPS_MAX = 40, LITERAL_MAX = 256 };

struct walk {
	struct slice regex;
	size_t at;
	bool given_up, caseless;
	bool choice; /* between alternatives that no group holds */
	struct arena *arena;
};

/* One of these texts must be there; score is the length of the shortest, 0: nothing is required. */
struct texts {
	struct slice items[RULE_LITERALS_MAX];
	size_t len, score;
};

/* What one alternative requires so far. */
struct required {
	char run[LITERAL_MAX];
	size_t run_len;
	struct texts best;
};

static void offer(struct required *q, const struct texts *texts)
{
	if (texts->score > q->best.score || (texts->score == q->best.score && texts->len < q->best.len))
		q->best = *texts;
}

static void run_end(struct walk *w, struct required *q)
{
	if (q->run_len > q->best.score || (q->run_len && q->run_len == q->best.score && q->best.len > 1))
		q->best = (struct texts){.items = {arena_copy(w->arena, slice_of(q->run, q->run_len))}, .len = 1, .score = q->run_len};
	q->run_len = 0;
}

static void run_add(struct walk *w, struct required *q, char c)
{
	if (q->run_len == LITERAL_MAX)
		run_end(w, q);
	q->run[q->run_len++] = c;
}

/* One more alternative: either all of them require something, or they require nothing together. */
static void join(struct texts *all, const struct texts *one, bool first)
{
	if (first) {
		*all = *one;
		return;
	}
	if (!all->score || !one->score || all->len + one->len > RULE_LITERALS_MAX) {
		*all = (struct texts){0};
		return;
	}
	memcpy(all->items + all->len, one->items, one->len * sizeof(*one->items));
	all->len += one->len;
	if (one->score < all->score)
		all->score = one->score;
}

static bool next_is(const struct walk *w, const char *text)
{
	return slice_starts(slice_sub(w->regex, w->at, w->regex.len), slice_str(text));
}

static char peek(const struct walk *w)
{
	return w->at < w->regex.len ? w->regex.ptr[w->at] : 0;
}

/* {n}, {n,} or {n,m} at the walk's place: its length, 0 if the brace is literal; whether it allows zero times. */
static size_t braces(const struct walk *w, bool *ret_zero)
{
	size_t i = w->at + 1, first = i;
	const struct slice s = w->regex;
	while (i < s.len && isdigit((unsigned char)s.ptr[i]))
		i++;
	if (i == first)
		return 0;
	*ret_zero = true;
	for (size_t k = first; k < i; k++)
		*ret_zero &= s.ptr[k] == '0';
	if (i < s.len && s.ptr[i] == ',')
		for (i++; i < s.len && isdigit((unsigned char)s.ptr[i]);)
			i++;
	return i < s.len && s.ptr[i] == '}' ? i + 1 - w->at : 0;
}

enum quantifier { ONCE, AT_LEAST_ONCE, MAY_BE_ABSENT };

static enum quantifier take_quantifier(struct walk *w)
{
	enum quantifier q = ONCE;
	bool zero = false;
	char c = peek(w);
	size_t len = c == '{' ? braces(w, &zero) : 1;
	if (c == '*' || c == '?' || (c == '{' && len && zero))
		q = MAY_BE_ABSENT;
	else if (c == '+' || (c == '{' && len))
		q = AT_LEAST_ONCE;
	if (q == ONCE)
		return q;
	w->at += len;
	if (peek(w) == '+' || peek(w) == '?')
		w->at++;
	return q;
}

static void take_literal(struct walk *w, struct required *q, char c)
{
	enum quantifier times;
	if ((unsigned char)c >= 0x80) { /* a quantifier would bind to the whole character; case folding is not by byte */
		run_end(w, q);
		take_quantifier(w);
		return;
	}
	run_add(w, q, c);
	times = take_quantifier(w);
	if (times == MAY_BE_ABSENT)
		q->run_len--;
	if (times != ONCE)
		run_end(w, q);
}

static void take_class(struct walk *w)
{
	w->at++;
	if (peek(w) == '^')
		w->at++;
	if (peek(w) == ']')
		w->at++;
	while (w->at < w->regex.len && peek(w) != ']') {
		if (next_is(w, "[:") || next_is(w, "[.") || next_is(w, "[=")) {
			size_t end = w->at + 2;
			while (end < w->regex.len && (isalpha((unsigned char)w->regex.ptr[end]) || w->regex.ptr[end] == '^'))
				end++;
			w->given_up |= !slice_starts(slice_sub(w->regex, end, 2), SLICE(":]")); /* the bracket may be a plain one */
			w->at = end + 1;
		} else if (next_is(w, "\\Q")) {
			w->given_up = true;
		} else if (peek(w) == '\\') {
			w->at++;
		}
		w->at++;
	}
	w->at++;
	take_quantifier(w);
}

static void take_quoted(struct walk *w, struct required *q)
{
	while (w->at < w->regex.len && !next_is(w, "\\E")) {
		if ((unsigned char)peek(w) >= 0x80)
			run_end(w, q);
		else
			run_add(w, q, peek(w));
		w->at++;
	}
	w->at += 2;
	if (peek(w) && strchr("*?+{", peek(w)))
		w->given_up = true; /* binds to the last character, or to nothing at all */
}

/* \xHH and \p{...} carry something behind their letter. */
static void skip_argument(struct walk *w, char c)
{
	if (peek(w) == '{') {
		size_t end = slice_find(w->regex, '}', w->at);
		w->given_up |= end == w->regex.len;
		w->at = end + 1;
	} else if (c == 'x') {
		for (int i = 0; i < 2 && isxdigit((unsigned char)peek(w)); i++)
			w->at++;
	} else {
		w->at++;
	}
}

enum escape { ESCAPE_LITERAL, ESCAPE_CLASS, ESCAPE_POSITION, ESCAPE_ARGUMENT, ESCAPE_UNKNOWN };

/* By the letter behind the backslash. Unknown: back references, \g, \k, \K, \o, \c, \N{} and what may yet come. */
static enum escape escape_kind(char c, char next)
{
	if (!c || (c == 'N' && next == '{'))
		return ESCAPE_UNKNOWN;
	if (!isalnum((unsigned char)c))
		return ESCAPE_LITERAL;
	if (strchr("dDsSwWvVhHRXN", c))
		return ESCAPE_CLASS;
	if (strchr("bBAzZG", c))
		return ESCAPE_POSITION;
	return strchr("xpP", c) ? ESCAPE_ARGUMENT : ESCAPE_UNKNOWN;
}

static void take_plain_escape(struct walk *w, struct required *q, char c)
{
	enum escape kind = escape_kind(c, peek(w));
	if (kind == ESCAPE_LITERAL) {
		take_literal(w, q, c);
		return;
	}
	run_end(w, q);
	w->given_up |= kind == ESCAPE_UNKNOWN;
	if (kind == ESCAPE_ARGUMENT)
		skip_argument(w, c);
	if (kind != ESCAPE_POSITION)
		take_quantifier(w);
}

static void take_escape(struct walk *w, struct required *q)
{
	w->at++;
	char c = peek(w);
	w->at++;
	if (c == 'Q')
		take_quoted(w, q);
	else if (c == 'E')
		w->given_up |= peek(w) && strchr("*?+{", peek(w)); /* binds to what stands before */
	else if (c == 'n' || c == 't' || c == 'r')
		take_literal(w, q, c == 'n' ? '\n' : c == 't' ? '\t' : '\r');
	else
		take_plain_escape(w, q, c);
}

/* (?i), (?s-m: ...): letters up to the ) or :. What they do decides whether the walk may go on. */
static bool take_options(struct walk *w, bool *ret_group)
{
	size_t i = w->at;
	while (i < w->regex.len && strchr("imsnJU-", w->regex.ptr[i])) {
		w->caseless |= w->regex.ptr[i] == 'i';
		i++;
	}
	if (i >= w->regex.len || (w->regex.ptr[i] != ')' && w->regex.ptr[i] != ':'))
		return false;
	*ret_group = w->regex.ptr[i] == ':';
	w->at = i + 1;
	return true;
}

enum group { GROUP_PLAIN, GROUP_NOTHING, GROUP_ASSERTION, GROUP_UNKNOWN };

/* Moves past the opening of a group. */
static enum group take_opening(struct walk *w)
{
	static const char *const plain[] = {"(?:", "(?>", "(?|"}, *const assertions[] = {"(?=", "(?!", "(?<=", "(?<!"};
	for (size_t i = 0; i < sizeof(assertions) / sizeof(assertions[0]); i++)
		if (next_is(w, assertions[i])) {
			w->at += strlen(assertions[i]);
			return GROUP_ASSERTION;
		}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (next_is(w, plain[i])) {
			w->at += strlen(plain[i]);
			return GROUP_PLAIN;
		}
	if (next_is(w, "(?<") || next_is(w, "(?P<") || next_is(w, "(?'")) {
		size_t end = slice_find(w->regex, next_is(w, "(?'") ? '\'' : '>', w->at + 3);
		w->at = end + 1;
		return end < w->regex.len ? GROUP_PLAIN : GROUP_UNKNOWN;
	}
	if (next_is(w, "(*"))
		return GROUP_UNKNOWN;
	if (!next_is(w, "(?")) {
		w->at++;
		return GROUP_PLAIN;
	}
	bool group = false;
	w->at += 2;
	if (!take_options(w, &group))
		return GROUP_UNKNOWN;
	return group ? GROUP_PLAIN : GROUP_NOTHING;
}

static struct texts take_alternatives(struct walk *w, unsigned depth);

static void take_group(struct walk *w, unsigned depth, struct required *q)
{
	enum group kind = take_opening(w);
	run_end(w, q);
	if (kind == GROUP_NOTHING)
		return;
	if (kind == GROUP_UNKNOWN || depth > GROUPS_MAX) {
		w->given_up = true;
		return;
	}
	struct texts inner = take_alternatives(w, depth + 1);
	w->given_up |= peek(w) != ')';
	w->at++;
	if (take_quantifier(w) != MAY_BE_ABSENT && kind != GROUP_ASSERTION)
		offer(q, &inner);
}

/* Up to the next | or the closing ) or the end. */
static void take_sequence(struct walk *w, unsigned depth, struct required *q)
{
	while (w->at < w->regex.len && !strchr("|)", peek(w)) && !w->given_up) {
		char c = peek(w);
		if (c == '(') {
			take_group(w, depth, q);
		} else if (c == '[') {
			run_end(w, q);
			take_class(w);
		} else if (c == '\\') {
			take_escape(w, q);
		} else if (c == '.' || c == '^' || c == '$') {
			run_end(w, q);
			w->at++;
			take_quantifier(w);
		} else {
			w->at++;
			take_literal(w, q, c);
		}
	}
	run_end(w, q);
}

static struct texts take_alternatives(struct walk *w, unsigned depth)
{
	struct texts all = {0};
	bool first = true;
	do {
		struct required *q = arena_zalloc(w->arena, sizeof(*q));
		w->at += !first;
		w->choice |= !first && !depth;
		take_sequence(w, depth, q);
		join(&all, &q->best, first);
		first = false;
	} while (peek(w) == '|' && !w->given_up);
	return all;
}

size_t regex_literals(struct arena *arena, struct slice regex, struct slice **ret, bool *ret_caseless)
{
	struct arena scratch = {0};
	struct walk w = {.regex = regex, .arena = &scratch};
	struct texts all = take_alternatives(&w, 0);
	*ret_caseless = w.caseless;
	if (w.given_up || w.at < regex.len || all.score < RULE_LITERAL_MIN)
		all.len = 0;
	*ret = arena_alloc(arena, (all.len + 1) * sizeof(**ret));
	for (size_t i = 0; i < all.len; i++)
		(*ret)[i] = arena_copy(arena, all.items[i]);
	arena_done(&scratch);
	return all.len;
}

/* The literal characters behind the ^ or \A that the regex starts with; what follows them is not asked. */
static struct slice leading_text(struct arena *arena, struct slice regex)
{
	char text[LITERAL_MAX];
	size_t len = 0, at = slice_starts(regex, SLICE("^")) ? 1 : 2;
	for (; at < regex.len && len < LITERAL_MAX; len++) {
		bool escaped = regex.ptr[at] == '\\' && at + 1 < regex.len && ispunct((unsigned char)regex.ptr[at + 1]);
		char c = regex.ptr[at + escaped];
		if ((!escaped && strchr("\\[.$|()*+?{^", c)) || (unsigned char)c >= 0x80) /* 0 among them */
			break;
		text[len] = c;
		at += 1u + escaped;
	}
	if (len && at < regex.len && strchr("*?+{", regex.ptr[at])) /* which binds to the last character */
		len--;
	return arena_copy(arena, slice_of(text, len));
}

struct slice regex_prefix(struct arena *arena, struct slice regex)
{
	struct arena scratch = {0};
	struct walk w = {.regex = regex, .arena = &scratch};
	bool anchored = slice_starts(regex, SLICE("^")) || slice_starts(regex, SLICE("\\A"));
	if (anchored)
		take_alternatives(&w, 0);
	arena_done(&scratch);
	return anchored && !w.given_up && w.at == regex.len && !w.choice && !w.caseless ? leading_text(arena, regex) : slice_of("", 0);
}

static void add_alternative(struct rule_loader *l, struct rule *rule, uint32_t most, uint32_t capture, uint32_t group)
{
	if (!rule->alternatives)
		rule->alternatives = arena_alloc(l->arena, most * sizeof(*rule->alternatives));
	rule->alternatives[rule->alternatives_len++] = (struct rule_alternative){.capture = capture, .group = group};
}

static bool take_group_names(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	uint32_t count = 0, size = 0;
	PCRE2_SPTR table = NULL;
	pcre2_pattern_info(rule->code, PCRE2_INFO_NAMECOUNT, &count);
	pcre2_pattern_info(rule->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	pcre2_pattern_info(rule->code, PCRE2_INFO_NAMETABLE, &table);
	for (uint32_t i = 0; i < count; i++, table += size) {
		uint32_t group = (uint32_t)table[0] << 8 | table[1];
		struct slice name = slice_str((const char *)table + 2);
		uint32_t capture = rule_grok_group(rule, name);
		if (capture == RULE_NO_CAPTURE)
			capture = rule_capture_find(rule, name);
		if (capture == RULE_NO_CAPTURE && rule->captures_len == RULE_CAPTURES_MAX) {
			rule_complain(l, node, "more than %d named groups", RULE_CAPTURES_MAX);
			return false;
		}
		if (capture == RULE_NO_CAPTURE) {
			capture = (uint32_t)rule->captures_len++;
			rule->captures[capture] = (struct rule_capture){.name = rule_keep(l, name), .type = PLACE_WORD};
		}
		if (rule->captures[capture].group)
			add_alternative(l, rule, count, capture, group);
		else
			rule->captures[capture].group = group;
	}
	return true;
}

static bool ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] >= 0x80)
			return false;
	return true;
}

bool rule_compile_regex(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	int code;
	size_t offset;
	struct slice regex = rule->regex_text;
	/* Bytes are quicker than characters and mean the same unless the regex itself speaks of characters beyond ASCII. */
	rule->utf = !ascii(regex);
	if (rule->utf)
		rule->program = NULL;
	uint32_t options = PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | (rule->utf ? PCRE2_UTF | PCRE2_MATCH_INVALID_UTF : PCRE2_NEVER_UTF) | (rule->same_names ? PCRE2_DUPNAMES : 0);
	pcre2_code_free(rule->code); /* of a second match or regex, which is a mistake but must not leak */
	rule->code = pcre2_compile((PCRE2_SPTR)regex.ptr, regex.len, options, &code, &offset, NULL);
	if (!rule->code) {
		PCRE2_UCHAR why[256];
		pcre2_get_error_message(code, why, sizeof(why));
		rule_complain_inside(l, node, offset, "regex: %s", (const char *)why);
		return false;
	}
	size_t jit_size = 0;
	bool compiled = pcre2_jit_compile(rule->code, PCRE2_JIT_COMPLETE) == 0; /* where JIT is forbidden the interpreter does the same */
	rule->jit = compiled && pcre2_pattern_info(rule->code, PCRE2_INFO_JITSIZE, &jit_size) == 0 && jit_size > 0;
	rule->literals_len = regex_literals(l->arena, regex, &rule->literals, &rule->literals_caseless);
	if (!rule->prefix.len && !rule->utf)
		rule->prefix = regex_prefix(l->arena, regex);
	if (rule->utf && rule->literals_caseless)
		rule->literals_len = 0; /* K and S have case partners outside ASCII */
	return take_group_names(l, node, rule);
}
