/* SPDX-License-Identifier: Apache-2.0 */
/* The prefiltered engine against trying every rule's regex in turn: random rule sets (templates, regexes, grok, `where`, text beyond ASCII) and random messages, most of
 * them made to fit one of the rules or nearly so. The seed is printed; WINNOW_SEED repeats a run. */
#include "../check.h"
#include "random.h"
#include "base/buf.h"
#include "pattern/rule.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SETS = 400, MESSAGES = 30, RULES_MAX = 90 };

static const char *const words[] = {"pay", "payment", "failed", "fail", "abc", "ab", "a", "order", "ord", "err", "error", "x", "disk full", "s3://", "k", "K", "is", "=", ": ", "caf\xC3\xA9", "[", "."};

static const char *word(void)
{
	return words[rnd(sizeof(words) / sizeof(words[0]))];
}

static void add_escaped(struct buf *regex, const char *text)
{
	for (; *text; text++) {
		if (ispunct((unsigned char)*text))
			buf_add_char(regex, '\\');
		buf_add_char(regex, *text);
	}
}

static void add_case(struct buf *sample, const char *text, bool caseless)
{
	for (; *text; text++)
		buf_add_char(sample, caseless && isalpha((unsigned char)*text) && rnd(2) ? (char)(*text ^ 32) : *text);
}

static void add_sequence(struct buf *regex, struct buf *sample, unsigned depth, bool caseless, unsigned *groups);

static void add_group(struct buf *regex, struct buf *sample, unsigned depth, bool caseless, unsigned *groups)
{
	static const struct {
		const char *text;
		unsigned least, most;
	} repeats[] = {{"", 1, 1}, {"", 1, 1}, {"?", 0, 1}, {"*", 0, 3}, {"+", 1, 3}, {"{2}", 2, 2}, {"{0,2}", 0, 2}, {"??", 0, 1}, {"++", 1, 2}};
	struct buf inner = {0}, text = {0};
	unsigned repeat = rnd(9), times = repeats[repeat].least + rnd(repeats[repeat].most - repeats[repeat].least + 1), ways = 1 + (rnd(3) == 0 ? 1 + rnd(2) : 0), taken = rnd(ways);
	for (unsigned i = 0; i < ways; i++) {
		struct buf other = {0};
		if (i)
			buf_add_char(&inner, '|');
		add_sequence(&inner, i == taken ? &text : &other, depth + 1, caseless, groups);
		buf_done(&other);
	}
	if (rnd(2))
		buf_printf(regex, "(?<g%u>", (*groups)++);
	else
		buf_add_str(regex, rnd(4) ? "(?:" : "(?>");
	buf_add_slice(regex, buf_slice(&inner));
	buf_printf(regex, ")%s", repeats[repeat].text);
	for (unsigned i = 0; i < times; i++)
		buf_add_slice(sample, buf_slice(&text));
	buf_done(&inner);
	buf_done(&text);
}

static void add_atom(struct buf *regex, struct buf *sample, unsigned depth, bool caseless, unsigned *groups)
{
	static const struct {
		const char *regex, *sample;
	} atoms[] = {{"\\d+", "17"}, {"\\S+", "xyz"}, {".*", "anything at all"}, {".", "q"}, {"[abc]", "b"}, {"[^]x]+", "yy"}, {"[[:alpha:]]*", "abc"}, {"\\b", ""}, {"\\x61", "a"}, {"x{0}", ""},
		{"pay?", "pa"}, {"fail+ed", "faillled"}, {"abc*", "abcc"}, {"\\Qa.b\\E", "a.b"}, {"(?=.)", ""}, {"(?!nothing)", ""}, {"\\s*", " "}, {"error{2,3}", "errorrr"}, {"{", "{"}, {"]", "]"}};
	unsigned kind = rnd(10);
	if (kind < 5) {
		const char *text = word();
		add_escaped(regex, text);
		add_case(sample, text, caseless);
	} else if (kind < 8 || depth > 2) {
		size_t i = rnd(sizeof(atoms) / sizeof(atoms[0]));
		buf_add_str(regex, atoms[i].regex);
		buf_add_str(sample, atoms[i].sample);
	} else {
		add_group(regex, sample, depth, caseless, groups);
	}
}

static void add_sequence(struct buf *regex, struct buf *sample, unsigned depth, bool caseless, unsigned *groups)
{
	for (unsigned i = 0, n = 1 + rnd(5); i < n; i++)
		add_atom(regex, sample, depth, caseless, groups);
}

/* What a place may meet: what it is for, and what it nearly is. */
static const char *place_text(enum place_type type)
{
	static const char *const durations[] = {"31.2ms", "5", "1h30m", "2 min 5 sec", "3s", "12 ms", "7.", "4ns:", "9ms x", "1.5.2s", "6months", "8us9"};
	static const char *const numbers[] = {"17", "-3", "+4.5", "1e9", "2e", ".5", "6.", "7.5.1", "0x1f", "1,000"};
	static const char *const quotes[] = {"\"disk full\"", "'it'", "\"a\\\"b\"", "\"open", "''", "\"a\"b\""};
	static const char *const paths[] = {"/api/orders/17", "/", "/a?b=c", "/x#y", "/caf\xC3\xA9/z"};
	static const char *const texts[] = {"order-17", "a b", "", "x\ny", "pay: failed", "\xFF\xFE", "caf\xC3\xA9", " lead", "trail ", "[]"};
	if (rnd(4) == 0)
		return texts[rnd(sizeof(texts) / sizeof(texts[0]))];
	if (type == PLACE_DURATION)
		return durations[rnd(sizeof(durations) / sizeof(durations[0]))];
	if (type == PLACE_INT || type == PLACE_NUM)
		return numbers[rnd(sizeof(numbers) / sizeof(numbers[0]))];
	if (type == PLACE_QUOTED)
		return quotes[rnd(sizeof(quotes) / sizeof(quotes[0]))];
	if (type == PLACE_PATH)
		return paths[rnd(sizeof(paths) / sizeof(paths[0]))];
	return places[type].example;
}

static void add_template(struct buf *match, struct buf *sample)
{
	for (unsigned i = 0, n = 1 + rnd(5); i < n; i++) {
		enum place_type type = (enum place_type)rnd(PLACE_STAR);
		if (rnd(3)) {
			const char *text = word();
			buf_add_str(match, text);
			buf_add_str(sample, text);
		} else {
			buf_printf(match, "<p%u:%s>", i, places[type].name);
			buf_add_str(sample, place_text(type));
		}
	}
}

/* Rules that begin alike, and are told apart by what stands behind their first word. */
static void add_opening(struct buf *match, struct buf *sample)
{
	static const char *const starts[] = {"pay", "payment ", "order ", "[order][", "orders of "}, *const behind[] = {" failed", " failed after", " was accepted by ", " was accepted by the ", " was accepted by the office", "\tis"};
	const char *start = starts[rnd(5)], *text = behind[rnd(6)];
	buf_printf(match, "%s<p:word>%s", start, text);
	buf_printf(sample, "%s%s%s", start, rnd(8) ? "order-17" : "", text);
	add_template(match, sample);
}

static void add_grok(struct buf *grok, struct buf *sample)
{
	static const struct {
		const char *name, *sample;
	} names[] = {{"INT", "-17"}, {"NUMBER", "3.5"}, {"WORD", "order"}, {"NOTSPACE", "a=b"}, {"IP", "10.0.0.7"}, {"LOGLEVEL", "ERROR"}, {"DATA", "any thing"}, {"GREEDYDATA", "rest of it"}, {"TIMESTAMP_ISO8601", "2026-03-04T09:15:02Z"},
		{"UUID", "6f1c2d9e-8f6a-4d3b-9c1e-2f7a5b0c4d8e"}};
	for (unsigned i = 0, n = 1 + rnd(4); i < n; i++) {
		unsigned at = rnd(sizeof(names) / sizeof(names[0]));
		if (rnd(2)) {
			buf_printf(grok, "%%{%s:g%u}", names[at].name, i);
			buf_add_str(sample, names[at].sample);
		} else {
			const char *text = word();
			add_escaped(grok, text);
			buf_add_str(sample, text);
		}
	}
}

static void add_quoted(struct buf *out, struct slice s)
{
	buf_add_char(out, '\'');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\'')
			buf_add_char(out, '\'');
		buf_add_char(out, s.ptr[i]);
	}
	buf_add_char(out, '\'');
}

static bool compiles(struct slice regex)
{
	int code;
	size_t offset;
	pcre2_code *re = pcre2_compile((PCRE2_SPTR)regex.ptr, regex.len, 0, &code, &offset, NULL);
	pcre2_code_free(re);
	return re != NULL;
}

static const char *const services[] = {"cart", "shop", "pay", ""};

enum form { FORM_TEMPLATE, FORM_OPENING, FORM_GROK, FORM_REGEX, FORM_CASELESS };

static enum form random_form(void)
{
	if (rnd(3) == 0)
		return rnd(2) ? FORM_OPENING : FORM_TEMPLATE;
	if (rnd(5) == 0)
		return FORM_GROK;
	return rnd(5) == 0 ? FORM_CASELESS : FORM_REGEX;
}

static void add_regex(struct buf *regex, struct buf *sample, bool caseless)
{
	unsigned groups = 0;
	do {
		buf_reset(regex);
		buf_reset(sample);
		if (rnd(3) == 0)
			buf_add_str(regex, rnd(2) ? "^" : "\\A");
		if (caseless)
			buf_add_str(regex, "(?i)");
		add_sequence(regex, sample, 0, caseless, &groups);
	} while (!compiles(buf_slice(regex)));
}

static const char *add_text(struct buf *text, struct buf *sample)
{
	enum form form = random_form();
	switch (form) {
	case FORM_TEMPLATE:
		add_template(text, sample);
		return "match";
	case FORM_OPENING:
		add_opening(text, sample);
		return "match";
	case FORM_GROK:
		if (rnd(3) == 0)
			buf_add_str(text, "^");
		add_grok(text, sample);
		return "grok";
	default:
		add_regex(text, sample, form == FORM_CASELESS);
		return "regex";
	}
}

/* One rule into the file, and a text that should fit it. */
static void add_rule(struct buf *file, unsigned number, struct buf *sample)
{
	struct buf text = {0};
	const char *key = add_text(&text, sample);
	buf_printf(file, "  - name: r%u\n", number);
	if (rnd(12)) {
		buf_printf(file, "    %s: ", key);
		add_quoted(file, buf_slice(&text));
		buf_add_char(file, '\n');
		if (rnd(3) == 0)
			buf_printf(file, "    where: {service: [%s, %s]}\n", services[rnd(3)], services[rnd(3)]);
	} else {
		buf_printf(file, "    where: {service: %s, severity: '>= %s'}\n", services[rnd(3)], rnd(2) ? "warn" : "fatal");
	}
	buf_done(&text);
}

static void mutate(struct buf *message)
{
	if (rnd(3) == 0 && message->len)
		message->data[rnd((unsigned)message->len)] ^= (char)(1 + rnd(64));
	if (rnd(4) == 0 && message->len)
		message->len = rnd((unsigned)message->len);
	if (rnd(4) == 0)
		buf_add_str(message, word());
}

static void compare(const struct ruleset *set, struct rule_scratch *s, const struct record *record, unsigned *matched)
{
	struct rule_match fast = {0}, naive = {0};
	bool hit = ruleset_match(set, s, record, &fast);
	if (hit != ruleset_match_naive(set, s, record, &naive) || (hit && fast.index != naive.index)) {
		print_error("message \"%.*s\": prefiltered %d, naive %d (regex %s)\n", (int)record->message.len, record->message.ptr, hit ? (int)fast.index : -1, naive.rule ? (int)naive.index : -1,
			naive.rule ? naive.rule->regex_text.ptr : "");
		fail();
	}
	for (size_t i = 0; hit && i < rule_captures_len(fast.rule); i++) {
		struct slice x = fast.captures[i], y = naive.captures[i];
		if (x.len == y.len && (!x.len || x.ptr == y.ptr))
			continue;
		print_error("message \"%.*s\", regex %s: capture %zu is \"%.*s\" at %td, naive \"%.*s\" at %td\n", (int)record->message.len, record->message.ptr, fast.rule->regex_text.ptr, i, (int)x.len, x.ptr,
			x.ptr - record->message.ptr, (int)y.len, y.ptr, y.ptr - record->message.ptr);
		fail();
	}
	*matched += hit;
}

static void the_prefilter_never_changes_the_answer(void **state)
{
	(void)state;
	char path[] = "/tmp/test_prefilter_XXXXXX";
	const char *paths[] = {path};
	unsigned pairs = 0, matched = 0, filtered = 0, programs = 0, rules = 0;
	close(mkstemp(path));
	const char *given = getenv("WINNOW_SEED");
	seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
	print_message("WINNOW_SEED=%llu\n", (unsigned long long)seed);
	for (unsigned round = 0; round < SETS; round++) {
		struct buf file = {0}, samples[RULES_MAX] = {0}, message = {0};
		unsigned n = 1 + rnd(RULES_MAX);
		struct ruleset *set = NULL;
		struct rule_errors errors = {0};
		buf_add_str(&file, "rules:\n");
		for (unsigned i = 0; i < n; i++)
			add_rule(&file, i, &samples[i]);
		FILE *f = fopen(path, "w");
		fwrite(file.data, 1, file.len, f);
		fclose(f);
		if (ruleset_load(paths, 1, &set, &errors))
			fail_msg("%s", buf_cstr(&errors.text));
		struct rule_scratch *s = rule_scratch_new(set);
		for (unsigned i = 0; i < MESSAGES; i++, pairs++) {
			buf_reset(&message);
			if (rnd(3) == 0)
				buf_add_str(&message, word());
			buf_add_slice(&message, buf_slice(&samples[rnd(n)]));
			mutate(&message);
			struct record record = {.service = slice_str(services[rnd(4)]), .severity = (enum severity)rnd(SEVERITY_COUNT), .message = buf_slice(&message), .duration_ns = -1};
			compare(set, s, &record, &matched);
		}
		for (size_t i = 0; i < ruleset_len(set); i++, rules++) {
			filtered += ruleset_at(set, i)->literals_len > 0;
			programs += ruleset_at(set, i)->program != NULL;
		}
		for (unsigned i = 0; i < n; i++)
			buf_done(&samples[i]);
		buf_done(&file);
		buf_done(&message);
		rule_scratch_free(s);
		ruleset_free(set);
	}
	unlink(path);
	print_message("%u pairs, %u matched, %u of %u rules behind the prefilter, %u with a program\n", pairs, matched, filtered, rules, programs);
	check(pairs >= 10000 && matched > pairs / 4 && filtered > rules / 4 && programs > rules / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_prefilter_never_changes_the_answer)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
