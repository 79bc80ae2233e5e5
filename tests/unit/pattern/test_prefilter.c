/* SPDX-License-Identifier: Apache-2.0 */
/* The prefiltered engine against trying every rule in turn: random rule sets and random messages, most of them made to fit one of the rules or nearly so. */
#include "../check.h"
#include "base/buf.h"
#include "pattern/rule.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SETS = 400, MESSAGES = 30, RULES_MAX = 90 };

static uint64_t seed = 20240517;

static unsigned rnd(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % below;
}

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
			buf_add_str(sample, places[type].example);
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

/* One rule into the file, and a text that should fit it. */
static void add_rule(struct buf *file, unsigned number, struct buf *sample)
{
	struct buf text = {0};
	unsigned groups = 0;
	bool template = rnd(3) == 0, caseless = !template && rnd(5) == 0;
	do {
		buf_reset(&text);
		buf_reset(sample);
		if (caseless)
			buf_add_str(&text, "(?i)");
		if (template)
			add_template(&text, sample);
		else
			add_sequence(&text, sample, 0, caseless, &groups);
	} while (!template && !compiles(buf_slice(&text)));
	buf_printf(file, "  - name: r%u\n", number);
	if (rnd(12)) {
		buf_printf(file, "    %s: ", template ? "match" : "regex");
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
	for (size_t i = 0; hit && i < rule_captures_len(fast.rule); i++)
		check(fast.captures[i].ptr == naive.captures[i].ptr && fast.captures[i].len == naive.captures[i].len);
	*matched += hit;
}

static void the_prefilter_never_changes_the_answer(void **state)
{
	(void)state;
	char path[] = "/tmp/test_prefilter_XXXXXX";
	const char *paths[] = {path};
	unsigned pairs = 0, matched = 0, filtered = 0, rules = 0;
	close(mkstemp(path));
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
		for (size_t i = 0; i < ruleset_len(set); i++, rules++)
			filtered += ruleset_at(set, i)->literals_len > 0;
		for (unsigned i = 0; i < n; i++)
			buf_done(&samples[i]);
		buf_done(&file);
		buf_done(&message);
		rule_scratch_free(s);
		ruleset_free(set);
	}
	unlink(path);
	print_message("%u pairs, %u matched, %u of %u rules behind the prefilter\n", pairs, matched, filtered, rules);
	check(pairs >= 10000 && matched > pairs / 4 && filtered > rules / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_prefilter_never_changes_the_answer)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
