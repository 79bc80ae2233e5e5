/* SPDX-License-Identifier: Apache-2.0 */
/* Where a rule stops.
 *
 * Idea. A template, a grok expression and most regexes are a row of pieces: a letter, a class, a group, each with its repetition. If the whole row does not
 * match, the longest start of the row that does, tells how far the message fits, and the piece behind it what is missing. A start of a start that matches
 * matches too, so the longest is found by halving. Rows with an alternative at the top, or with something that cannot be cut (\Q, conditions), are not
 * followed. */
#include "pattern/rule_why.h"

#include <ctype.h>

enum { PIECES_MAX = 1024, SHOWN_BEFORE = 60, SHOWN_BEHIND = 40, EXPECTED_BYTES = 80 };

/* ends[i]: where piece i ends in the regex. */
struct pieces {
	struct slice regex;
	uint32_t ends[PIECES_MAX];
	size_t len;
};

static size_t skip_class(struct slice s, size_t at)
{
	at++;
	if (at < s.len && s.ptr[at] == '^')
		at++;
	if (at < s.len && s.ptr[at] == ']')
		at++;
	while (at < s.len && s.ptr[at] != ']') {
		if (s.ptr[at] == '[' && at + 1 < s.len && s.ptr[at + 1] == ':') {
			size_t end = slice_search(slice_sub(s, at, s.len), SLICE(":]"));
			at += end + 1 < s.len - at ? end + 1 : 0;
		}
		at += s.ptr[at] == '\\' ? 2 : 1;
	}
	return at + 1;
}

/* Behind the braces, angle brackets or quotes at `at`; at itself if there are none. */
static size_t skip_argument(struct slice s, size_t at)
{
	static const char open[] = "{<'", close[] = "}>'";
	for (size_t i = 0; at < s.len && open[i]; i++)
		if (s.ptr[at] == open[i])
			return slice_find(s, close[i], at + 1) + 1;
	return at;
}

/* Behind an escape; 0 if it cannot stand at the end of a piece. */
static size_t skip_escape(struct slice s, size_t at)
{
	char c = at + 1 < s.len ? s.ptr[at + 1] : 'Q';
	if (c == 'Q' || c == 'E' || c == 'c' || isdigit((unsigned char)c))
		return 0;
	size_t end = at + 2;
	if (strchr("xopPgkN", c))
		end = skip_argument(s, end);
	for (size_t i = at + 2; c == 'x' && i < at + 4 && i == end && i < s.len && isxdigit((unsigned char)s.ptr[i]); i++)
		end++;
	return end;
}

static size_t skip_group(struct slice s, size_t at)
{
	size_t depth = 0;
	while (at < s.len) {
		char c = s.ptr[at];
		if (c == '[') {
			at = skip_class(s, at);
			continue;
		}
		depth += c == '(';
		depth -= c == ')';
		at += c == '\\' ? 2 : 1;
		if (depth == 0)
			return at;
	}
	return 0;
}

static size_t skip_repetition(struct slice s, size_t at)
{
	size_t end = at;
	if (at < s.len && strchr("*+?", s.ptr[at]) && s.ptr[at])
		end++;
	else if (at + 1 < s.len && s.ptr[at] == '{' && (isdigit((unsigned char)s.ptr[at + 1]) || s.ptr[at + 1] == ','))
		end = slice_find(s, '}', at) + 1;
	if (end > at && end < s.len && strchr("+?", s.ptr[end]) && s.ptr[end])
		end++;
	return end;
}

static bool cut(struct slice regex, struct pieces *ret)
{
	*ret = (struct pieces){.regex = regex};
	for (size_t at = 0; at < regex.len;) {
		char c = regex.ptr[at];
		if (c == '|' || ret->len == PIECES_MAX)
			return false;
		if (c == '\\')
			at = skip_escape(regex, at);
		else if (c == '[')
			at = skip_class(regex, at);
		else if (c == '(')
			at = skip_group(regex, at);
		else
			for (at++; at < regex.len && ((unsigned char)regex.ptr[at] & 0xc0) == 0x80;)
				at++;
		if (at == 0 || at > regex.len)
			return false;
		at = skip_repetition(regex, at);
		ret->ends[ret->len++] = (uint32_t)at;
	}
	return ret->len > 0;
}

static struct slice piece_at(const struct pieces *p, size_t i)
{
	size_t from = i ? p->ends[i - 1] : 0;
	return slice_sub(p->regex, from, p->ends[i] - from);
}

/* How far the first n pieces take the message; -1 if they do not match. */
static long reach(const struct pieces *p, size_t n, const struct rule *rule, struct rule_scratch *scratch, struct slice message)
{
	int code;
	size_t offset;
	long end = -1;
	if (n == 0)
		return 0;
	uint32_t options = PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | (rule->utf ? PCRE2_UTF | PCRE2_MATCH_INVALID_UTF : 0);
	pcre2_code *start = pcre2_compile((PCRE2_SPTR)p->regex.ptr, p->ends[n - 1], options, &code, &offset, NULL);
	if (start && pcre2_match(start, (PCRE2_SPTR)(message.len ? message.ptr : ""), message.len, 0, PCRE2_NO_JIT, scratch->data, scratch->context) >= 0)
		end = (long)pcre2_get_ovector_pointer(scratch->data)[1];
	pcre2_code_free(start);
	return end;
}

/* The text that a piece stands for, a single character; empty if it is something else. */
static struct slice literal_of(struct slice piece)
{
	bool character = piece.len == 1 || ((unsigned char)piece.ptr[0] & (unsigned char)piece.ptr[piece.len - 1]) >= 0x80;
	if (character && !strchr(".^$", piece.ptr[0]))
		return piece;
	if (piece.len != 2 || piece.ptr[0] != '\\')
		return (struct slice){0};
	return piece.ptr[1] == 'n' ? SLICE("\n") : isalnum((unsigned char)piece.ptr[1]) ? (struct slice){0} : slice_sub(piece, 1, 1);
}

static void say_literal(const struct pieces *p, size_t i, struct buf *out)
{
	struct buf text = {0};
	struct slice c;
	for (; i < p->len && text.len < EXPECTED_BYTES && (c = literal_of(piece_at(p, i))).len; i++)
		buf_add_slice(&text, c);
	buf_add_char(out, '"');
	buf_add_json(out, buf_slice(&text));
	buf_add_char(out, '"');
	buf_done(&text);
}

/* The %{NAME:name} of a grok expression that captures this; empty if there is none. */
static struct slice grok_reference(struct slice grok, struct slice name)
{
	for (size_t from = 0, end; from < grok.len; from = end) {
		from += slice_search(slice_sub(grok, from, grok.len), SLICE("%{"));
		end = slice_find(grok, '}', from);
		struct slice inside = slice_sub(grok, from, end - from);
		struct slice rest = slice_sub(inside, slice_find(inside, ':', 0), inside.len);
		if (slice_starts(slice_sub(rest, 1, rest.len), name) && (rest.len == name.len + 1 || rest.ptr[name.len + 1] == ':'))
			return slice_sub(grok, from, end - from + 1);
	}
	return (struct slice){0};
}

/* A place of a template as it is written: <took:duration>, or <duration> for one without a name; a capture of grok by its name. */
static bool say_place(const struct rule *rule, struct slice piece, struct buf *out)
{
	if (slice_eq(rule->shown, rule->regex_text))
		return false; /* a regex, which says best itself what it wants */
	if (slice_starts(piece, SLICE("(?<")) && !slice_starts(piece, SLICE("(?<=")) && !slice_starts(piece, SLICE("(?<!"))) {
		struct slice name = slice_sub(piece, 3, slice_find(piece, '>', 3) - 3);
		uint32_t capture = rule_capture_find(rule, name);
		if (capture == RULE_NO_CAPTURE)
			return false;
		struct slice grok = grok_reference(rule->shown, name);
		if (grok.len)
			buf_add_slice(out, grok);
		else
			buf_printf(out, "<%.*s:%s>", (int)name.len, name.ptr, places[rule->captures[capture].type].name);
		return true;
	}
	if (!slice_starts(piece, SLICE("(?:")))
		return false;
	struct slice inside = slice_sub(piece, 3, piece.len - 4);
	size_t type = PLACE_WORD;
	if (!slice_starts(inside, SLICE("\\S+")))
		type++;
	while (type < PLACE_TYPES && type != PLACE_WORD && !slice_eq(inside, slice_str(places[type].regex)))
		type++;
	if (type < PLACE_TYPES)
		buf_printf(out, "<%s>", places[type].name);
	return type < PLACE_TYPES;
}

static void say_expected(const struct pieces *p, size_t i, const struct rule *rule, struct buf *out)
{
	struct slice piece = piece_at(p, i);
	bool blanks_first = slice_eq(piece, SLICE("\\s*")) && i + 1 < p->len;
	struct slice last = blanks_first ? piece_at(p, i + 1) : piece;
	if (slice_eq(last, SLICE("\\z")) || slice_eq(last, SLICE("$")))
		buf_add_str(out, "the end of the message");
	else if (literal_of(piece).len)
		say_literal(p, i, out);
	else if (!say_place(rule, piece, out)) {
		struct slice shown = slice_sub(piece, 0, EXPECTED_BYTES);
		buf_add_slice(out, shown);
		buf_add_str(out, shown.len < piece.len ? "..." : "");
	}
}

static bool is_lazy(struct slice piece)
{
	return slice_ends(piece, SLICE("+?)")) || slice_ends(piece, SLICE("*?)")) || slice_ends(piece, SLICE("+?")) || slice_ends(piece, SLICE("*?"));
}

bool rule_stop_find(const struct rule *rule, struct rule_scratch *scratch, struct slice message, struct rule_stop *ret)
{
	struct pieces cut_up, *p = &cut_up;
	*ret = (struct rule_stop){0};
	if (!rule->code || !cut(rule->regex_text, p))
		return false;
	pcre2_set_match_limit(scratch->context, 100000);
	size_t low = 0, high = p->len;
	long at = 0, end;
	while (low < high) {
		size_t middle = (low + high + 1) / 2;
		end = reach(p, middle, rule, scratch, message);
		if (end >= 0) {
			low = middle;
			at = end;
		} else {
			high = middle - 1;
		}
	}
	if (low == p->len)
		return false;
	/* a place that takes as little as it can has only begun: what it waits for is not there at all */
	bool waits = low > 1 && is_lazy(piece_at(p, low - 1)) && (end = reach(p, low - 1, rule, scratch, message)) >= 0;
	if (waits) {
		at = end;
		say_expected(p, low - 1, rule, &ret->expected);
		buf_add_str(&ret->expected, " and then ");
	}
	ret->at = (size_t)at;
	ret->start = slice_starts(rule->regex_text, SLICE("\\A")) || slice_starts(rule->regex_text, SLICE("^"));
	say_expected(p, low, rule, &ret->expected);
	return true;
}

/* ---- in words ---- */

static void add_excerpt(struct buf *out, struct slice text)
{
	size_t from = out->len;
	buf_add_utf8(out, text);
	for (size_t i = from; i < out->len; i++)
		if ((unsigned char)out->data[i] < ' ' || out->data[i] == 0x7f)
			out->data[i] = ' ';
}

static bool lacks_literal(const struct rule *rule, struct slice message)
{
	return rule->literals_len == 1 && !rule->literals_caseless && slice_search(message, rule->literals[0]) == message.len;
}

static void say_text_miss(const struct rule *rule, struct slice message, struct rule_scratch *scratch, struct buf *out)
{
	struct rule_stop stop;
	if (rule_stop_find(rule, scratch, message, &stop) && (stop.at > 0 || stop.start)) {
		buf_printf(out, "the message fits up to byte %zu; ", stop.at);
		if (stop.at < message.len) {
			buf_add_str(out, "before \"");
			add_excerpt(out, slice_sub(message, stop.at, SHOWN_BEHIND));
			buf_add_str(out, stop.at + SHOWN_BEHIND < message.len ? "...\" " : "\" ");
		}
		buf_add_slice(out, buf_slice(&stop.expected));
		buf_add_str(out, " is expected");
	} else if (lacks_literal(rule, message)) {
		buf_add_str(out, "the message does not hold \"");
		buf_add_slice(out, rule->literals[0]);
		buf_add_str(out, "\"");
	} else {
		buf_add_str(out, "the message does not fit");
	}
	buf_done(&stop.expected);
}

void rule_say_miss(enum rule_miss miss, const struct rule *rule, size_t field, const struct record *record, struct rule_scratch *scratch, struct buf *out)
{
	struct slice text = {0};
	switch (miss) {
	case RULE_HIT:
		buf_add_str(out, "matches");
		break;
	case RULE_MISS_SEVERITY:
		buf_printf(out, "severity is %s, which `where` does not take", severity_name(record->severity));
		break;
	case RULE_MISS_FIELD:
		if (rule_field(scratch, record, rule->where.fields[field].path, &text))
			buf_printf(out, "%s is \"%.*s\", which `where` does not take", rule->where.fields[field].path.ptr, (int)(text.len < 200 ? text.len : 200), text.len ? text.ptr : "");
		else
			buf_printf(out, "the record has no field %s", rule->where.fields[field].path.ptr);
		break;
	case RULE_MISS_LIMIT:
		buf_add_str(out, "given up at the match limit");
		break;
	case RULE_MISS_TEXT:
		say_text_miss(rule, slice_sub(record->message, 0, RULE_MESSAGE_MAX), scratch, out);
	}
}

/* Characters as a terminal counts them, nearly. */
static size_t columns(struct slice s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
	return n;
}

bool rule_show_stop(const struct rule *rule, struct rule_scratch *scratch, struct slice message, struct buf *out)
{
	struct rule_stop stop;
	bool known = rule_stop_find(rule, scratch, slice_sub(message, 0, RULE_MESSAGE_MAX), &stop) && (stop.at > 0 || stop.start);
	if (known) {
		size_t from = stop.at > SHOWN_BEFORE ? stop.at - SHOWN_BEFORE : 0;
		while (from > 0 && ((unsigned char)message.ptr[from] & 0xc0) == 0x80)
			from--;
		struct slice behind = slice_sub(message, stop.at, SHOWN_BEHIND);
		behind.len = slice_utf8_prefix(behind) ? slice_utf8_prefix(behind) : behind.len;
		buf_printf(out, "the message fits up to byte %zu\n  %s", stop.at, from ? "..." : "");
		size_t start = out->len;
		add_excerpt(out, slice_sub(message, from, stop.at - from));
		size_t width = columns(slice_sub(buf_slice(out), start, out->len)) + (from ? 3 : 0);
		add_excerpt(out, behind);
		buf_add_str(out, stop.at + behind.len < message.len ? "...\n" : "\n");
		buf_printf(out, "  %*s^ here %s is expected\n", (int)width, "", buf_cstr(&stop.expected));
	}
	buf_done(&stop.expected);
	return known;
}
