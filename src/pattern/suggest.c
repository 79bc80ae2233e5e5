/* SPDX-License-Identifier: Apache-2.0 */
/* Suggested rules, written and proven.
 *
 * Idea. A suggestion that does not load, or does not match what it was made from, costs more time than it saves. So every rule is written as it will
 * stand in the file, loaded as `run` loads it, and held against its examples; its tests hold what it really captured. If it misses an example its
 * places are loosened and it is proven again. What still fails is left out, with the reason.
 *
 * Order. First match wins, so a rule that takes the example of another must stand behind it: each new rule goes before the first that would take its
 * example, else to the end. */
#include "base/mem.h"
#include "pattern/suggest_draft.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { OTHERS_TRIED = 64, OTHER_BYTES = 400, COMMENT_BYTES = 200 };

struct suggestion {
	const struct suggest_pattern *pattern;
	struct draft *draft;
	struct buf name, rule, test; /* of the file: the rule up to its tests, the tests */
	struct ruleset *set;         /* the rule alone */
	struct rule_scratch *scratch;
	size_t matched;              /* examples */
};

struct suggest {
	struct arena arena;
	struct suggestion **items;   /* in the order of the file */
	size_t len, cap;
	const struct suggest_pattern *patterns;
	size_t patterns_len;
};

/* ---- YAML ---- */

/* Length of the UTF-8 character at s, which is well-formed, and its code point. */
static size_t take_character(struct slice s, uint32_t *ret)
{
	unsigned char c = (unsigned char)s.ptr[0];
	size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	uint32_t code = len == 1 ? c : c & (0xffu >> (len + 1));
	for (size_t i = 1; i < len && i < s.len; i++)
		code = code << 6 | ((unsigned char)s.ptr[i] & 0x3f);
	*ret = code;
	return len;
}

static bool stands_for_itself(uint32_t c)
{
	return c >= 0x20 && c != 0x7f && (c < 0x80 || c > 0x9f) && c != 0x2028 && c != 0x2029 && c != 0xfeff && (c & 0xfffe) != 0xfffe;
}

/* A text in double quotes. */
static void add_quoted(struct buf *out, struct slice text)
{
	static const char *const escapes[] = {['\n'] = "\\n", ['\t'] = "\\t", ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\"};
	struct buf clean = {0};
	uint32_t c;
	buf_add_utf8(&clean, text);
	struct slice s = buf_slice(&clean);
	buf_add_char(out, '"');
	for (size_t i = 0, len; i < s.len; i += len) {
		len = take_character(slice_sub(s, i, 4), &c);
		if (c < sizeof(escapes) / sizeof(escapes[0]) && escapes[c])
			buf_add_str(out, escapes[c]);
		else if (stands_for_itself(c))
			buf_add_slice(out, slice_sub(s, i, len));
		else
			buf_printf(out, c < 0x100 ? "\\x%02X" : c < 0x10000 ? "\\u%04X" : "\\U%08X", c);
	}
	buf_add_char(out, '"');
	buf_done(&clean);
}

/* Words that may stand without quotes: names as they usually are. */
static void add_word(struct buf *out, struct slice word)
{
	static const char *const special[] = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"};
	bool plain = word.len > 0 && word.ptr[0] >= 'a' && word.ptr[0] <= 'z';
	for (size_t i = 0; i < word.len; i++)
		plain &= (word.ptr[i] >= 'a' && word.ptr[i] <= 'z') || (i && strchr("0123456789-_", word.ptr[i]) && word.ptr[i]);
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		plain &= !slice_eq(word, slice_str(special[i]));
	if (plain)
		buf_add_slice(out, word);
	else
		add_quoted(out, word);
}

/* One line of a comment. */
static void add_comment(struct buf *out, struct slice text)
{
	struct buf clean = {0};
	uint32_t c;
	buf_add_utf8(&clean, slice_sub(text, 0, COMMENT_BYTES));
	struct slice s = buf_slice(&clean);
	for (size_t i = 0, len; i < s.len; i += len) {
		len = take_character(slice_sub(s, i, 4), &c);
		buf_add_slice(out, stands_for_itself(c) ? slice_sub(s, i, len) : SLICE(" "));
	}
	if (COMMENT_BYTES < text.len)
		buf_add_str(out, "...");
	buf_done(&clean);
}

/* ---- one rule ---- */

/* Whether `where` would take the service for something other than its name. */
static bool is_condition(struct slice service)
{
	return service.len == 0 || strchr("!<>", service.ptr[0]) || slice_ends(service, SLICE("*")) || slice_trim(service).len < service.len || !slice_is_utf8(service);
}

static void write_rule(struct suggestion *s)
{
	struct buf match = {0}, *out = &s->rule;
	const struct suggest_pattern *p = s->pattern;
	const struct draft *d = s->draft;
	buf_reset(out);
	draft_match(d, &match);
	buf_printf(out, "  - name: %s\n", buf_cstr(&s->name));
	if (!is_condition(p->service)) {
		buf_add_str(out, "    where: {service: ");
		add_word(out, p->service);
		buf_add_str(out, "}\n");
	}
	buf_add_str(out, "    match: ");
	add_quoted(out, buf_slice(&match));
	buf_add_char(out, '\n');
	if (d->duration < d->len) {
		buf_printf(out, "    duration: {from: %s", d->parts[d->duration].name);
		buf_printf(out, d->unit ? ", unit: %s}\n" : "}\n", d->unit);
	}
	if (p->error)
		buf_add_str(out, "    error: true\n");
	buf_done(&match);
}

/* Loads a text as a rule file. */
static struct ruleset *load(struct slice text, struct rule_errors *errors)
{
	char path[40];
	struct ruleset *set = NULL;
	int fd = memfd_create("suggested.yaml", MFD_CLOEXEC);
	if (fd < 0)
		return NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	const char *paths[] = {path};
	if (write(fd, text.ptr, text.len) == (ssize_t)text.len && ruleset_load(paths, 1, &set, errors))
		set = NULL;
	close(fd);
	return set;
}

static void forget(struct suggestion *s)
{
	rule_scratch_free(s->scratch);
	ruleset_free(s->set);
	s->scratch = NULL;
	s->set = NULL;
}

static bool takes(struct suggestion *s, struct slice service, struct slice message, struct rule_match *ret)
{
	struct record record = {.kind = RECORD_LOG, .shape = "", .service = service, .message = message, .duration_ns = -1};
	return ruleset_match(s->set, s->scratch, &record, ret);
}

/* Writes, loads and holds it against the examples; what it says when it does not load. */
static bool prove(struct suggestion *s, struct buf *why)
{
	struct buf text = {0};
	struct rule_errors errors = {0};
	struct rule_match match;
	forget(s);
	write_rule(s);
	buf_add_str(&text, "rules:\n");
	buf_add_slice(&text, buf_slice(&s->rule));
	s->set = load(buf_slice(&text), &errors);
	s->matched = 0;
	if (s->set) {
		s->scratch = rule_scratch_new(s->set);
		for (size_t i = 0; i < s->pattern->examples_len; i++)
			s->matched += takes(s, s->pattern->service, s->pattern->examples[i], &match);
	}
	bool first = s->set && takes(s, s->pattern->service, s->pattern->examples[0], &match);
	buf_reset(why);
	if (!s->set)
		buf_printf(why, "what was made of it does not load: %s", buf_cstr(&errors.text));
	else if (!first)
		buf_add_str(why, "what was made of it does not match its own example");
	buf_done(&text);
	buf_done(&errors.text);
	return first;
}

static bool has_literal(const struct suggestion *s)
{
	return ruleset_at(s->set, 0)->literals_len > 0;
}

static struct draft *copy_draft(const struct draft *from)
{
	struct draft *copy = arena_alloc(from->arena, sizeof(*copy));
	*copy = *from;
	return copy;
}

/* As typed; looser, if that takes more of the examples. */
static bool find_rule(struct suggestion *s, struct buf *why)
{
	if (!draft_align(s->draft, s->pattern)) {
		buf_add_str(why, slice_trim(s->pattern->template_text).len ? "its template does not fit its example" : "its messages are empty");
		return false;
	}
	draft_name(s->draft);
	draft_rule_name(s->draft, s->pattern, &s->name);
	bool good = prove(s, why);
	size_t matched = s->matched;
	if (!good || matched < s->pattern->examples_len) {
		struct draft *typed = s->draft;
		s->draft = copy_draft(typed);
		draft_loosen(s->draft);
		draft_name(s->draft);
		bool looser = prove(s, why);
		if (good && (!looser || s->matched <= matched)) {
			s->draft = typed;
			looser = prove(s, why);
		}
		good = looser;
	}
	if (good && !has_literal(s)) {
		buf_add_str(why, "it has no text of its own, so a rule would take everything");
		return false;
	}
	return good;
}

/* ---- its tests ---- */

static void write_fields(const struct suggestion *s, struct buf *out)
{
	if (is_condition(s->pattern->service))
		return;
	buf_add_str(out, "        fields: {service: ");
	add_word(out, s->pattern->service);
	buf_add_str(out, "}\n");
}

/* What the rule captures, as it will be read: durations in seconds, texts as texts. */
static void write_expect(struct suggestion *s, struct buf *out)
{
	struct rule_match match;
	const struct rule *rule = ruleset_at(s->set, 0);
	takes(s, s->pattern->service, s->pattern->examples[0], &match);
	if (rule->captures_len == 0)
		buf_add_str(out, "        expect: match\n");
	else
		buf_add_str(out, "        expect: {");
	for (size_t i = 0; i < rule->captures_len; i++) {
		double number;
		bool seconds = i == rule->duration && convert_capture(rule, i, match.captures[i], &number);
		buf_printf(out, "%s%s: ", i ? ", " : "", rule->captures[i].name.ptr);
		if (seconds)
			buf_printf(out, "%.12g", number);
		else
			add_quoted(out, match.captures[i]);
	}
	if (rule->captures_len)
		buf_add_str(out, "}\n");
}

static bool refuses(struct suggestion *s, struct slice message)
{
	struct rule_match match;
	return message.len > 0 && slice_is_utf8(message) && !takes(s, s->pattern->service, message, &match);
}

/* A message that the rule must not take: one of another pattern, of the same service if there is one; else a part of its own example. */
static struct slice find_other(const struct suggest *all, struct suggestion *s)
{
	struct slice found = {0}, own = s->pattern->examples[0];
	size_t tried = 0;
	for (size_t i = 0; i < all->patterns_len && tried < OTHERS_TRIED; i++) {
		const struct suggest_pattern *other = &all->patterns[i];
		bool same = slice_eq(other->service, s->pattern->service);
		if (other == s->pattern || other->examples_len == 0 || other->examples[0].len > OTHER_BYTES || (found.len && !same))
			continue;
		tried++;
		if (!refuses(s, other->examples[0]))
			continue;
		found = other->examples[0];
		if (same)
			return found;
	}
	for (size_t quarter = 2; quarter > 0 && !found.len; quarter--) {
		struct slice part = slice_sub(own, 0, own.len * quarter / 4);
		part = slice_trim(slice_sub(part, 0, slice_utf8_prefix(part)));
		if (refuses(s, part))
			found = part;
	}
	return found.len ? found : SLICE("something else");
}

static void write_tests(const struct suggest *all, struct suggestion *s)
{
	struct buf *out = &s->test;
	buf_add_str(out, "    tests:\n      - message: ");
	add_quoted(out, s->pattern->examples[0]);
	buf_add_char(out, '\n');
	write_fields(s, out);
	write_expect(s, out);
	buf_add_str(out, "      - message: ");
	add_quoted(out, find_other(all, s));
	buf_add_char(out, '\n');
	write_fields(s, out);
	buf_add_str(out, "        expect: no match\n");
}

/* Many places that take anything, side by side, may cost a hostile message more tries than matching allows: then words have to do. */
static bool is_slow(const struct suggestion *s)
{
	struct buf text = {0}, remarks = {0};
	struct rule_errors errors = {0};
	buf_add_str(&text, "rules:\n");
	buf_add_slice(&text, buf_slice(&s->rule));
	buf_add_slice(&text, buf_slice(&s->test));
	struct ruleset *set = load(buf_slice(&text), &errors);
	bool slow = set && ruleset_lint(set, &remarks);
	ruleset_free(set);
	buf_done(&text);
	buf_done(&remarks);
	buf_done(&errors.text);
	return slow;
}

static void rewrite_tests(const struct suggest *all, struct suggestion *s)
{
	buf_reset(&s->test);
	write_tests(all, s);
}

static void make_fast(const struct suggest *all, struct suggestion *s)
{
	struct draft *before = s->draft;
	struct buf why = {0};
	size_t matched = s->matched;
	if (!is_slow(s))
		return;
	s->draft = copy_draft(before);
	draft_tighten(s->draft);
	draft_name(s->draft);
	bool good = prove(s, &why) && s->matched == matched && has_literal(s);
	if (good)
		rewrite_tests(all, s);
	if (!good || is_slow(s)) {
		s->draft = before;
		prove(s, &why);
		rewrite_tests(all, s);
	}
	buf_done(&why);
}

/* ---- the file ---- */

static void free_suggestion(struct suggestion *s)
{
	forget(s);
	buf_done(&s->name);
	buf_done(&s->rule);
	buf_done(&s->test);
	free(s);
}

static void make_unique(const struct suggest *all, struct buf *name)
{
	size_t stem = name->len;
	for (unsigned n = 2;; n++) {
		bool taken = false;
		for (size_t i = 0; i < all->len; i++)
			taken |= slice_eq(buf_slice(&all->items[i]->name), buf_slice(name));
		if (!taken)
			return;
		name->len = stem;
		buf_printf(name, "_%u", n);
	}
}

/* A rule there that takes this one's example, while this one takes that one's. */
static struct suggestion *find_twin(const struct suggest *all, struct suggestion *s)
{
	struct rule_match match;
	for (size_t i = 0; i < all->len; i++) {
		const struct suggest_pattern *other = all->items[i]->pattern;
		if (takes(all->items[i], s->pattern->service, s->pattern->examples[0], &match) && takes(s, other->service, other->examples[0], &match))
			return all->items[i];
	}
	return NULL;
}

static void insert(struct suggest *all, struct suggestion *s)
{
	struct rule_match match;
	size_t at = 0;
	while (at < all->len && !takes(all->items[at], s->pattern->service, s->pattern->examples[0], &match))
		at++;
	all->items = mem_grow(all->items, all->len, &all->cap, sizeof(*all->items));
	memmove(all->items + at + 1, all->items + at, (all->len - at) * sizeof(*all->items));
	all->items[at] = s;
	all->len++;
}

static void suggest_one(struct suggest *all, const struct suggest_pattern *p, struct buf *left_out)
{
	struct buf why = {0};
	struct suggestion *s = mem_zalloc(1, sizeof(*s));
	s->pattern = p;
	s->draft = arena_zalloc(&all->arena, sizeof(*s->draft));
	s->draft->arena = &all->arena;
	struct suggestion *twin = NULL;
	bool found = find_rule(s, &why) && !(twin = find_twin(all, s));
	if (twin)
		buf_printf(&why, "the rule %s takes the same", buf_cstr(&twin->name));
	if (found) {
		make_unique(all, &s->name);
		write_rule(s);
		write_tests(all, s);
		make_fast(all, s);
		insert(all, s);
	} else {
		buf_printf(left_out, "pattern %016llx ", (unsigned long long)p->id);
		add_comment(left_out, p->template_text);
		buf_printf(left_out, ": %s\n", buf_cstr(&why));
		free_suggestion(s);
	}
	buf_done(&why);
}

static void write_suggestion(const struct suggestion *s, struct buf *out)
{
	const struct suggest_pattern *p = s->pattern;
	buf_add_str(out, "\n  # ");
	if (p->count)
		buf_printf(out, "%llu record%s, ", (unsigned long long)p->count, p->count == 1 ? "" : "s");
	buf_printf(out, "pattern %016llx: ", (unsigned long long)p->id);
	add_comment(out, p->template_text);
	buf_add_char(out, '\n');
	if (s->matched < p->examples_len)
		buf_printf(out, "  # it takes %zu of %zu examples: the others differ in blanks or in what stands between the places\n", s->matched, p->examples_len);
	buf_add_slice(out, buf_slice(&s->rule));
	buf_add_slice(out, buf_slice(&s->test));
}

size_t suggest_rules(const struct suggest_pattern *patterns, size_t wanted, size_t len, struct slice title, struct buf *out, struct buf *left_out)
{
	struct suggest all = {.patterns = patterns, .patterns_len = len};
	for (size_t i = 0; i < wanted; i++)
		if (patterns[i].examples_len)
			suggest_one(&all, &patterns[i], left_out);
	if (all.len) {
		buf_add_str(out, "# ");
		add_comment(out, title);
		buf_add_str(out, "\n# Give rules and places the names that you want to see, drop what you do not need. A place of few values can be a label:\n# labels: {reason: \"{reason}\"}\nrules:");
	}
	for (size_t i = 0; i < all.len; i++) {
		write_suggestion(all.items[i], out);
		free_suggestion(all.items[i]);
	}
	size_t found = all.len;
	free(all.items);
	arena_done(&all.arena);
	return found;
}
