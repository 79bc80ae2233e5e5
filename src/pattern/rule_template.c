/* SPDX-License-Identifier: Apache-2.0 */
/* The template form of a rule: a log line with typed places, "payment <id:word> failed after <took:duration>". Literal text matches itself, the whole
 * message must match, << is a literal <. A < that opens no place (as in "a < b") is literal too. */
#include "pattern/rule.h"

#include <ctype.h>

/* The two bytes of the micro sign stand as escapes: they fit both ways of matching, by bytes and by characters. */
#define UNIT "(?:ns|us|\\xC2?\\xB5s|ms|msecs?|millis(?:econds?)?|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)"

const struct place places[PLACE_TYPES] = {
	[PLACE_WORD] = {"word", "\\S+?", "text without white space, as short as the rest of the template allows", "order-17", false},
	[PLACE_INT] = {"int", "[+-]?\\d+", "whole number", "-42", false},
	[PLACE_NUM] = {"num", "[+-]?(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][+-]?\\d+)?", "number", "3.14", false},
	[PLACE_IP] = {"ip", "(?:\\d{1,3}(?:\\.\\d{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+)", "IPv4 or IPv6 address", "10.0.0.7", true},
	[PLACE_UUID] = {"uuid", "[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}", "UUID", "6f1c2d9e-8f6a-4d3b-9c1e-2f7a5b0c4d8e", true},
	[PLACE_PATH] = {"path", "/[^\\s?#\"']*", "path of a file or URL, without query", "/api/orders/17", true},
	[PLACE_URL] = {"url", "[A-Za-z][A-Za-z0-9+.-]*://[^\\s\"'<>]+", "URL with its scheme", "https://shop.example/cart?id=1", true},
	[PLACE_DURATION] = {"duration", "\\d+(?:\\.\\d+)?(?:\\s?" UNIT "(?:\\s?\\d+(?:\\.\\d+)?" UNIT ")*)?(?![A-Za-z])", "duration; a bare number takes the rule's `unit`", "31.2ms", true},
	[PLACE_SIZE] = {"size", "\\d+(?:\\.\\d+)?\\s?(?:[kKMGTP]i?)?(?:[bB](?:ytes?)?)?", "size, in bytes", "64MiB", true},
	[PLACE_HEX] = {"hex", "(?:0[xX])?[0-9A-Fa-f]+", "hexadecimal number", "0x7f3a", true},
	[PLACE_QUOTED] = {"quoted", "\"(?:[^\"\\\\]|\\\\.)*+\"|'(?:[^'\\\\]|\\\\.)*+'", "text in quotes; the capture is what is inside", "\"disk full\"", false},
	[PLACE_HOST] = {"host", "[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?(?::\\d+)?", "host name, with or without port", "db-1.internal:5432", false},
	[PLACE_EMAIL] = {"email", "[^\\s@<>\"']+@[A-Za-z0-9.-]+", "mail address", "a@example.com", true},
	[PLACE_TIME] = {"time",
			"(?:\\d{4}[-/.]\\d\\d[-/.]\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d+)?(?:\\s?(?:Z|[A-Z]{3,4}|[+-]\\d\\d:?\\d\\d))?|\\d\\d/[A-Z][a-z]{2}/\\d{4}:\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?(?: [+-]\\d{4})?|(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ \\d]?\\d \\d\\d:\\d\\d:\\d\\d(?:[.,]\\d+)?(?: \\d{4})?|\\d\\d? [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d(?:[.,]\\d+)?)",
			"date and time, in the forms that logs use", "2026-03-04 09:15:02.123", true},
	[PLACE_LINE] = {"line", "[^\\n]*", "the rest of this line, may be empty", "any text", false},
	[PLACE_REST] = {"rest", ".*", "everything to the end, newlines included, may be empty", "any text", false},
	[PLACE_ANY] = {"any", ".*?", "anything, as short as the rest of the template allows, may be empty", "any text", false},
	[PLACE_STAR] = {"*", ".*?", "the same, for places without a name: `<*>`", "any text", false},
};

static enum place_type type_find(struct slice name)
{
	size_t i = 0;
	while (i < PLACE_TYPES && !slice_eq(name, slice_str(places[i].name)))
		i++;
	return (enum place_type)i;
}

static const char *type_nearest(struct slice name)
{
	const char *names[PLACE_TYPES + 1] = {0};
	for (size_t i = 0; i < PLACE_TYPES; i++) {
		names[i] = places[i].name;
		if (name.len >= 2 && slice_starts(slice_str(names[i]), name))
			return names[i]; /* cut short: dur */
	}
	return err_nearest(name, names);
}

static void add_literal(struct buf *regex, char c)
{
	if (strchr("\\^$.[]|()?*+{}-#", c) && c)
		buf_add_char(regex, '\\');
	if (c == '\n')
		buf_add_str(regex, "\\n");
	else
		buf_add_char(regex, c);
}

/* Length of the place that starts at s (with its angle brackets), 0 if s does not start one. */
static size_t place_len(struct slice s)
{
	size_t end = slice_find(s, '>', 0);
	if (end == s.len || end < 2)
		return 0;
	struct slice inside = slice_sub(s, 1, end - 1);
	if (slice_eq(inside, SLICE("*")))
		return end + 1;
	for (size_t i = 0; i < inside.len; i++)
		if (!isalnum((unsigned char)inside.ptr[i]) && !strchr("_:*.-", inside.ptr[i]))
			return 0;
	return isalpha((unsigned char)inside.ptr[0]) || inside.ptr[0] == '_' ? end + 1 : 0;
}

static bool name_ok(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum((unsigned char)name.ptr[i]) && name.ptr[i] != '_')
			return false;
	return name.len > 0 && name.len <= 32 && !isdigit((unsigned char)name.ptr[0]);
}

bool rule_add_capture(struct rule_loader *l, const struct yaml *node, size_t offset, struct rule *rule, struct slice name, enum place_type type)
{
	if (!name_ok(name)) {
		rule_complain_inside(l, node, offset, "\"%.*s\" is no name for a place: letters, digits and _, at most 32", (int)name.len, name.ptr);
		return false;
	}
	if (rule_capture_find(rule, name) != RULE_NO_CAPTURE) {
		rule_complain_inside(l, node, offset, "two places named \"%.*s\"", (int)name.len, name.ptr);
		return false;
	}
	if (rule->captures_len == RULE_CAPTURES_MAX) {
		rule_complain_inside(l, node, offset, "more than %d named places", RULE_CAPTURES_MAX);
		return false;
	}
	rule->captures[rule->captures_len++] = (struct rule_capture){.name = rule_keep(l, name), .type = type};
	return true;
}

static bool add_place(struct rule_loader *l, const struct yaml *node, size_t offset, struct slice inside, const char *word, struct rule *rule, struct buf *regex, struct buf *shown)
{
	size_t colon = slice_find(inside, ':', 0);
	struct slice name = slice_sub(inside, 0, colon), type_name = colon < inside.len ? slice_sub(inside, colon + 1, inside.len) : inside;
	enum place_type type = type_find(type_name);
	if (type == PLACE_TYPES) {
		const char *nearest = type_nearest(type_name);
		rule_complain_inside(l, node, offset, "unknown type \"%.*s\"%s%s%s (a literal < is written <<)", (int)type_name.len, type_name.ptr, nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
		return false;
	}
	buf_printf(shown, "<%.*s>", (int)name.len, name.ptr);
	if (colon == inside.len) {
		buf_printf(regex, "(?:%s)", type == PLACE_WORD ? word : places[type].regex);
		return true;
	}
	if (!rule_add_capture(l, node, offset, rule, name, type))
		return false;
	buf_printf(regex, "(?<%.*s>%s)", (int)name.len, name.ptr, type == PLACE_WORD ? word : places[type].regex);
	return true;
}

/* Whether the place ending at i is followed by text that could also be part of a word: then the shortest word is meant, else all of it. */
static const char *word_regex(struct slice s, size_t i)
{
	if (i == s.len || isspace((unsigned char)s.ptr[i]))
		return "\\S++";
	return s.ptr[i] == '<' && place_len(slice_sub(s, i, s.len)) ? "\\S+" : places[PLACE_WORD].regex;
}

/* A place without a name that takes anything says nothing at either end of a template: it is left out, with the anchor, and the search is quicker. */
static bool is_open_end(struct slice place)
{
	return slice_eq(place, SLICE("<any>")) || slice_eq(place, SLICE("<rest>")) || slice_eq(place, SLICE("<*>"));
}

static size_t next_piece(struct slice s, size_t i, size_t *ret_place)
{
	*ret_place = s.ptr[i] == '<' ? place_len(slice_sub(s, i, s.len)) : 0;
	if (*ret_place)
		return *ret_place;
	return slice_starts(slice_sub(s, i, s.len), SLICE("<<")) ? 2 : 1;
}

/* The pieces of the template, literal text put together, for its program. */
struct pieces {
	struct template_piece *items;
	size_t len;
	char *text;
};

static void add_text(struct pieces *p, char c)
{
	if (!p->len || p->items[p->len - 1].place)
		p->items[p->len++] = (struct template_piece){.capture = RULE_NO_CAPTURE, .text = slice_of(p->text, 0)};
	*p->text++ = c;
	p->items[p->len - 1].text.len++;
}

static void add_piece(struct pieces *p, struct slice inside, size_t captures_before, size_t captures_after)
{
	size_t colon = slice_find(inside, ':', 0);
	struct slice type = colon < inside.len ? slice_sub(inside, colon + 1, inside.len) : inside;
	uint32_t capture = captures_after > captures_before ? (uint32_t)captures_before : RULE_NO_CAPTURE;
	p->items[p->len++] = (struct template_piece){.place = true, .type = (int)type_find(type), .capture = capture};
}

bool rule_compile_template(struct rule_loader *l, const struct yaml *node, struct rule *rule, struct buf *regex)
{
	struct slice s = node->text;
	struct buf shown = {0};
	size_t first = s.len; /* place */
	bool ok = true, open = false;
	struct pieces pieces = {.items = arena_zalloc(l->arena, (s.len + 1) * sizeof(*pieces.items)), .text = arena_alloc(l->arena, s.len + 1)};
	for (size_t i = 0, place, len; i < s.len; i += len) {
		len = next_piece(s, i, &place);
		open = place && is_open_end(slice_sub(s, i, place));
		if (place && first == s.len)
			first = i;
		size_t captures = rule->captures_len;
		if (i == 0 && !open)
			buf_add_str(regex, "\\A");
		if (open && (i == 0 || i + place == s.len))
			buf_add_slice(&shown, slice_sub(s, i, place));
		else if (place) {
			ok &= add_place(l, node, i, slice_sub(s, i + 1, place - 2), word_regex(s, i + place), rule, regex, &shown);
			add_piece(&pieces, slice_sub(s, i + 1, place - 2), captures, rule->captures_len);
		} else {
			add_literal(regex, s.ptr[i]);
			add_text(&pieces, s.ptr[i]);
			buf_add_char(&shown, s.ptr[i]);
		}
	}
	if (!open)
		buf_add_str(regex, "\\s*\\z");
	rule->shown = rule_keep(l, buf_slice(&shown));
	rule->prefix = slice_search(s, SLICE("<<")) < first ? (struct slice){0} : rule_keep(l, slice_sub(s, 0, first));
	buf_done(&shown);
	if (ok && slice_starts(buf_slice(regex), SLICE("\\A"))) /* it does not search */
		rule->program = program_compile(l->arena, pieces.items, pieces.len, open);
	return ok;
}
