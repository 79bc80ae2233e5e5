/* SPDX-License-Identifier: Apache-2.0 */
/* Grok: %{NAME}, %{NAME:capture} and %{NAME:capture:type} inside a regex. The names are those of the tables (grok.h) and a rule file's own, which win.
 *
 * A name is expanded where it stands, as a group of its own. In definitions a capture may come more than once, for their alternatives; the rule then has the
 * first that matched. The own definitions are tried each by itself when their file is loaded, what one refers to before itself, so that a mistake in one is
 * shown once, where it stands, and not at every rule that uses it. */
#include "pattern/grok.h"
#include "pattern/rule.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* PCRE2 takes names of groups up to 32 characters: of longer captures the group is named by the number, rule_grok_group() */
enum { DEPTH_MAX = 24, EXPANDED_MAX = 64 << 10, GROK_NAME_MAX = 64, REGEX_NAME_MAX = 32 };

struct grok {
	struct rule_loader *l;
	const struct yaml *node;
	const struct grok_own *own;   /* the definition that is tried; NULL: a rule */
	struct rule *rule;
	struct buf *regex;
	struct slice open[DEPTH_MAX]; /* names being expanded */
	size_t depth;
	uint32_t top;                 /* captures that the rule itself names, a bit each */
	bool too_large;
};

__attribute__((format(printf, 3, 4))) static bool complain(struct grok *g, size_t offset, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (g->own && g->own->file) {
		buf_printf(&g->l->errors->text, "%s:%d:%zu: %s\n", g->own->file, g->own->line, g->own->column + offset, text);
		g->l->errors->len++;
	} else {
		rule_complain_inside(g->l, g->node, offset, "%s", text);
	}
	return false;
}

static struct grok_own *find_own(const struct grok *g, struct slice name)
{
	struct grok_own *found = NULL;
	for (struct grok_own *own = g->l->grok; own; own = own->next)
		if (slice_eq(own->name, name))
			found = own;
	return found;
}

static bool complain_unknown(struct grok *g, size_t offset, struct slice name)
{
	size_t len;
	const char **names = grok_all(&len), *nearest = err_nearest(name, names);
	complain(g, offset, "unknown grok name \"%.*s\"%s%s%s", (int)(name.len < 100 ? name.len : 100), name.ptr, nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
	free(names);
	return false;
}

/* Captures named [source][ip] or source.ip become source_ip. */
static struct slice capture_name(struct grok *g, struct slice raw)
{
	struct buf name = {0};
	for (size_t i = 0; i < raw.len; i++)
		if (raw.ptr[i] == '_' || isalnum((unsigned char)raw.ptr[i]))
			buf_add_char(&name, raw.ptr[i]);
		else if (name.len && (raw.ptr[i] == '.' || raw.ptr[i] == '[' || raw.ptr[i] == '-'))
			buf_add_char(&name, '_');
	struct slice kept = rule_keep(g->l, buf_slice(&name));
	buf_done(&name);
	return kept;
}

static bool type_of(struct grok *g, size_t offset, struct slice text, enum place_type *ret)
{
	static const struct {
		const char *name;
		enum place_type type;
	} types[] = {{"", PLACE_WORD}, {"string", PLACE_WORD}, {"int", PLACE_INT}, {"long", PLACE_INT}, {"float", PLACE_NUM}, {"double", PLACE_NUM}, {"num", PLACE_NUM}, {"duration", PLACE_DURATION}, {"size", PLACE_SIZE}};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (slice_eq(text, slice_str(types[i].name))) {
			*ret = types[i].type;
			return true;
		}
	return complain(g, offset, "unknown grok type \"%.*s\": string, int, float, duration or size", (int)(text.len < 100 ? text.len : 100), text.ptr);
}

static bool expand(struct grok *g, struct slice text, size_t offset);
static bool try_own(struct rule_loader *l, struct grok_own *own);

/* What a name stands for; false after a complaint, here or where it is defined. */
static bool define(struct grok *g, struct slice name, size_t offset, struct slice *ret)
{
	struct grok_own *own = find_own(g, name);
	bool open = own && own->state == GROK_OPEN;
	for (size_t i = 0; i < g->depth; i++)
		open |= slice_eq(g->open[i], name);
	if (open)
		return complain(g, offset, "the grok name \"%.*s\" is defined by itself", (int)(name.len < 100 ? name.len : 100), name.ptr);
	if (g->depth == DEPTH_MAX || g->l->grok_depth == DEPTH_MAX)
		return complain(g, offset, "grok names more than %d deep", DEPTH_MAX);
	if (own) {
		*ret = own->regex;
		return try_own(g->l, own);
	}
	const char *regex = grok_find(name);
	if (!regex)
		return complain_unknown(g, offset, name);
	*ret = slice_str(regex);
	return true;
}

static bool add_capture(struct grok *g, size_t offset, struct slice name, enum place_type type)
{
	uint32_t known = rule_capture_find(g->rule, name);
	bool in_definition = g->depth > 0 || g->own;
	if (known != RULE_NO_CAPTURE && in_definition && !(g->top & 1u << known))
		return true;
	if (g->rule->captures_len == RULE_CAPTURES_MAX)
		return complain(g, offset, "more than %d named places", RULE_CAPTURES_MAX);
	if (name.len == 0 || name.len > GROK_NAME_MAX || isdigit((unsigned char)name.ptr[0]))
		return complain(g, offset, "\"%.*s\" is no name for a place: letters, digits and _, at most %d", (int)(name.len < 100 ? name.len : 100), name.ptr, GROK_NAME_MAX);
	if (known != RULE_NO_CAPTURE) {
		g->top &= ~(1u << known); /* said once */
		return complain(g, offset, "two places named \"%.*s\"", (int)name.len, name.ptr);
	}
	g->rule->captures[g->rule->captures_len++] = (struct rule_capture){.name = rule_keep(g->l, name), .type = type};
	if (!in_definition)
		g->top |= 1u << (g->rule->captures_len - 1);
	return true;
}

static bool check_size(struct grok *g, size_t offset)
{
	if (!g->too_large && g->regex->len > EXPANDED_MAX) {
		complain(g, offset, "larger than 64 KiB once expanded");
		g->too_large = true;
	}
	return !g->too_large;
}

/* %{NAME:capture:type}: inside is what stands in the braces. */
static bool expand_reference(struct grok *g, struct slice inside, size_t offset)
{
	size_t colon = slice_find(inside, ':', 0), second = slice_find(inside, ':', colon + (colon < inside.len));
	struct slice name = slice_sub(inside, 0, colon), definition, capture = {0}, type_text = slice_sub(inside, second + 1, inside.len);
	enum place_type type = PLACE_TYPES;
	if (!check_size(g, offset) || !define(g, name, offset, &definition))
		return false;
	if (!type_of(g, offset, second < inside.len ? type_text : SLICE(""), &type))
		return false;
	if (colon < inside.len)
		capture = capture_name(g, slice_sub(inside, colon + 1, second - colon - 1));
	if (colon < inside.len && !add_capture(g, offset, capture, type))
		return false;
	if (capture.len > REGEX_NAME_MAX)
		buf_printf(g->regex, "(?<_%u>", rule_capture_find(g->rule, capture));
	else if (capture.len)
		buf_printf(g->regex, "(?<%s>", capture.ptr);
	else
		buf_add_str(g->regex, "(?:");
	g->open[g->depth++] = name;
	bool ok = expand(g, definition, offset);
	g->depth--;
	buf_add_char(g->regex, ')');
	return ok;
}

/* (?<[source][ip]>...): how other programs write a group that is named by its field. */
static size_t expand_group(struct grok *g, struct slice rest)
{
	size_t end = slice_find(rest, '>', 0);
	if (end == rest.len)
		return 0;
	buf_printf(g->regex, "(?<%s>", capture_name(g, slice_sub(rest, 3, end - 3)).ptr);
	return end + 1;
}

static bool expand(struct grok *g, struct slice text, size_t offset)
{
	bool ok = true, top = g->depth == 0;
	for (size_t i = 0, len; i < text.len && !g->too_large; i += len) {
		struct slice rest = slice_sub(text, i, text.len);
		size_t end = slice_starts(rest, SLICE("%{")) ? slice_find(rest, '}', 0) : rest.len;
		len = slice_starts(rest, SLICE("(?<[")) ? expand_group(g, rest) : 0;
		if (len)
			continue;
		if (end < rest.len) {
			ok &= expand_reference(g, slice_sub(rest, 2, end - 2), top ? i : offset);
			len = end + 1;
		} else {
			buf_add_char(g->regex, rest.ptr[0]);
			len = 1;
		}
	}
	return ok;
}

bool rule_compile_grok(struct rule_loader *l, const struct yaml *node, struct rule *rule, struct buf *regex)
{
	struct grok g = {.l = l, .node = node, .rule = rule, .regex = regex};
	rule->shown = rule_keep(l, node->text);
	rule->same_names = true;
	return expand(&g, node->text, 0) && check_size(&g, 0);
}

uint32_t rule_grok_group(const struct rule *rule, struct slice group)
{
	int64_t number;
	if (!rule->same_names || !slice_starts(group, SLICE("_")) || !slice_to_i64(slice_sub(group, 1, group.len), &number) || number < 0 || (size_t)number >= rule->captures_len)
		return RULE_NO_CAPTURE;
	return rule->captures[number].name.len > REGEX_NAME_MAX ? (uint32_t)number : RULE_NO_CAPTURE;
}

static bool compiles(struct grok *g)
{
	PCRE2_UCHAR why[256];
	size_t offset;
	int code;
	pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)buf_cstr(g->regex), g->regex->len, PCRE2_DOTALL | PCRE2_NEVER_BACKSLASH_C | PCRE2_DUPNAMES, &code, &offset, NULL);
	pcre2_code_free(compiled);
	if (compiled)
		return true;
	pcre2_get_error_message(code, why, sizeof(why));
	return complain(g, 0, "regex: %s", (const char *)why);
}

static bool try_own(struct rule_loader *l, struct grok_own *own)
{
	if (own->state != GROK_UNTRIED)
		return own->state == GROK_GOOD;
	struct rule rule = {0};
	struct buf regex = {0};
	struct grok g = {.l = l, .node = own->node, .own = own, .rule = &rule, .regex = &regex};
	own->state = GROK_OPEN;
	l->grok_depth++;
	bool ok = expand(&g, own->regex, 0) && check_size(&g, 0) && compiles(&g);
	l->grok_depth--;
	own->state = ok ? GROK_GOOD : GROK_BAD;
	buf_done(&regex);
	return ok;
}

void rule_check_grok(struct rule_loader *l)
{
	for (struct grok_own *own = l->grok; own; own = own->next)
		try_own(l, own);
}

void rule_print_grok(struct buf *out)
{
	size_t len;
	const char **names = grok_all(&len);
	for (size_t i = 0; i < len; i++)
		buf_printf(out, "%s`%s`", i ? ", " : "", names[i]);
	buf_add_str(out, ".\n");
	free(names);
}
