/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"
#include "base/clock.h"
#include "pattern/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/test_ruleset_XXXXXX";
static char path[256];

static const char *file_of(const char *name, const char *text)
{
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

static struct ruleset *accepted(const char *text)
{
	struct ruleset *set = NULL;
	struct rule_errors errors = {0};
	const char *file = file_of("r.yaml", text);
	if (ruleset_load(&file, 1, &set, &errors) != 0)
		fail_msg("%s", buf_cstr(&errors.text));
	buf_done(&errors.text);
	return set;
}

/* Every line of expect starts behind "DIRECTORY/r.yaml:". */
static void refused_at(const char *text, const char *expect, const char *source, int line)
{
	struct ruleset *set = NULL;
	struct rule_errors errors = {0};
	const char *file = file_of("r.yaml", text);
	assert_int_equal(ruleset_load(&file, 1, &set, &errors), ERR_INPUT);
	assert_null(set);
	struct buf got = {0};
	size_t prefix = strlen(file) + 1, lines = 0;
	char *save = NULL, *all = strdup(buf_cstr(&errors.text));
	for (char *one = strtok_r(all, "\n", &save); one; one = strtok_r(NULL, "\n", &save), lines++)
		buf_printf(&got, "%s\n", strlen(one) > prefix ? one + prefix : one);
	if (strncmp(buf_cstr(&got), expect, strlen(expect)) != 0 || lines != errors.len) {
		print_error("got \"%s\"\nexpected \"%s\"\n", buf_cstr(&got), expect);
		_fail(source, line);
	}
	free(all);
	buf_done(&got);
	buf_done(&errors.text);
}
#define refused(text, expect) refused_at(text, expect, __FILE__, __LINE__)

static struct record log_of(const char *service, enum severity severity, const char *message)
{
	return (struct record){.kind = RECORD_LOG, .service = slice_str(service), .severity = severity, .message = slice_str(message), .duration_ns = -1};
}

/* The name of the rule that matches, "" if none does. */
static const char *named(const struct ruleset *set, struct record record, struct rule_match *match)
{
	struct rule_scratch *s = rule_scratch_new(set);
	struct rule_match naive;
	bool hit = ruleset_match(set, s, &record, match), same = ruleset_match_naive(set, s, &record, &naive);
	assert_int_equal(hit, same);
	if (hit)
		assert_int_equal(match->index, naive.index);
	rule_scratch_free(s);
	return hit ? rule_name(match->rule).ptr : "";
}

static const char checkout[] =
	"rules:\n"
	"  - name: checkout_payment_failed\n"
	"    where: {service: checkout, severity: [error, fatal]}\n"
	"    match: \"payment <id:word> failed after <took:duration>: <reason:rest>\"\n"
	"    labels: {reason: \"{reason}\", kind: \"payment/{record.region}\"}\n"
	"    duration: {from: took}\n"
	"    error: true\n"
	"    tests:\n"
	"      - message: \"payment 81422 failed after 31.2ms: pool exhausted\"\n"
	"        fields: {service: checkout, severity: error, region: eu}\n"
	"        expect: {id: \"81422\", took: 0.0312, reason: \"pool exhausted\", kind: payment/eu}\n"
	"      - message: \"payment 81422 accepted\"\n"
	"        expect: no match\n";

static void the_documented_rule_matches_captures_and_passes_its_tests(void **state)
{
	(void)state;
	struct ruleset *set = accepted(checkout);
	struct rule_match m;
	struct record r = log_of("checkout", SEVERITY_ERROR, "payment 81422 failed after 31.2ms: pool exhausted");
	assert_string_equal(named(set, r, &m), "checkout_payment_failed");
	check_slice(m.captures[0], "81422");
	check_slice(m.captures[1], "31.2ms");
	check_slice(m.captures[2], "pool exhausted");
	check(rule_duration_ns(&m) == 31200000);
	assert_int_equal(rule_error(m.rule), 1);
	assert_int_equal(rule_severity(m.rule), SEVERITY_COUNT);
	check_slice(rule_template(m.rule), "payment <id> failed after <took>: <reason>");
	struct buf out = {0};
	size_t run = 0;
	assert_int_equal(ruleset_run_tests(set, &out, &run), 0);
	assert_int_equal(run, 2);
	assert_string_equal(named(set, log_of("cart", SEVERITY_ERROR, r.message.ptr), &m), "");
	assert_string_equal(named(set, log_of("checkout", SEVERITY_INFO, r.message.ptr), &m), "");
	assert_string_equal(named(set, log_of("checkout", SEVERITY_ERROR, "payment 81422 accepted"), &m), "");
	buf_done(&out);
	ruleset_free(set);
}

static void a_failing_test_is_told_with_its_line(void **state)
{
	(void)state;
	struct ruleset *set = accepted("rules:\n"
				       "  - name: r\n"
				       "    match: \"took <t:duration> for <n:int>\"\n"
				       "    tests:\n"
				       "      - {message: took 3ms for 5, expect: {t: 0.004, n: 5}}\n"
				       "      - {message: took 3ms for x, expect: match}\n"
				       "      - {message: took 3ms for 4, expect: no match}\n");
	struct buf out = {0};
	size_t run;
	assert_int_equal(ruleset_run_tests(set, &out, &run), 3);
	const char *got = buf_cstr(&out);
	assert_non_null(strstr(got, "r.yaml:5:1: r: t is \"3ms\", expected \"0.004\"\n"));
	assert_non_null(strstr(got, "r.yaml:6:1: r: expected a match: the message fits up to byte 13; before \"x\" <n:int> is expected\n"));
	assert_non_null(strstr(got, "r.yaml:7:1: r: expected no match: matches\n"));
	buf_done(&out);
	ruleset_free(set);
}

static void the_first_rule_in_file_order_wins(void **state)
{
	(void)state;
	struct ruleset *set = accepted("rules:\n"
				       "  - {name: narrow, match: \"disk <d:word> is full\"}\n"
				       "  - {name: any_service, where: {service: disk}}\n"
				       "  - {name: wide, regex: 'disk .* full'}\n"
				       "  - {name: last, regex: '.'}\n");
	struct rule_match m;
	assert_string_equal(named(set, log_of("x", SEVERITY_INFO, "disk sda is full"), &m), "narrow");
	assert_string_equal(named(set, log_of("disk", SEVERITY_INFO, "disk sda nearly full"), &m), "any_service");
	assert_string_equal(named(set, log_of("x", SEVERITY_INFO, "disk sda nearly full"), &m), "wide");
	assert_string_equal(named(set, log_of("x", SEVERITY_INFO, "else"), &m), "last");
	assert_string_equal(named(set, log_of("x", SEVERITY_INFO, ""), &m), "");
	ruleset_free(set);
}

static void conditions_take_lists_prefixes_negation_and_numbers(void **state)
{
	(void)state;
	struct ruleset *set = accepted("rules:\n"
				       "  - {name: prefix, where: {service: \"pay*\"}}\n"
				       "  - {name: list, where: {service: [cart, shop]}}\n"
				       "  - {name: other, where: {service: [\"!web*\", \"!db\"], severity: \"!debug\"}}\n"
				       "  - {name: severe, where: {severity: \">= warn\"}}\n"
				       "  - {name: absent, where: {service: \"!*\"}}\n"
				       "    # the rest\n"
				       "  - {name: rest, where: {service: [\"*\"]}}\n");
	struct rule_match m;
	assert_string_equal(named(set, log_of("payment", SEVERITY_INFO, ""), &m), "prefix");
	assert_string_equal(named(set, log_of("shop", SEVERITY_INFO, ""), &m), "list");
	assert_string_equal(named(set, log_of("mail", SEVERITY_INFO, ""), &m), "other");
	assert_string_equal(named(set, log_of("mail", SEVERITY_DEBUG, ""), &m), "rest");
	assert_string_equal(named(set, log_of("web-1", SEVERITY_ERROR, ""), &m), "severe");
	assert_string_equal(named(set, log_of("web-1", SEVERITY_INFO, ""), &m), "rest");
	assert_string_equal(named(set, log_of("", SEVERITY_DEBUG, ""), &m), "absent");
	ruleset_free(set);
	struct where_value v = {.op = WHERE_GREATER_EQUAL, .number = 500};
	check(where_value_holds(&v, true, SLICE("500")) && where_value_holds(&v, true, SLICE("503.5")) && !where_value_holds(&v, true, SLICE("499")));
	check(!where_value_holds(&v, true, SLICE("many")) && !where_value_holds(&v, false, SLICE("")));
}

static void captures_convert_by_type_and_unit(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double seconds;
	} durations[] = {{"31.2ms", 0.0312}, {"1h30m", 5400}, {"250us", 0.00025}, {"7", 0.007}, {"2 min 5 sec", 125}, {"1.5 seconds", 1.5}, {"12\xC2\xB5s", 0.000012}};
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		double ns;
		check(convert_duration(slice_str(durations[i].text), 1e6, &ns));
		check(ns / 1e9 - durations[i].seconds < 1e-9 && durations[i].seconds - ns / 1e9 < 1e-9);
	}
	double n;
	check(!convert_duration(SLICE("soon"), 1, &n) && !convert_duration(SLICE("3 apples"), 1, &n) && !convert_duration(SLICE(""), 1, &n));
	check(convert_size(SLICE("64MiB"), &n) && n == 64 << 20);
	check(convert_size(SLICE("1.5 kB"), &n) && n == 1500);
	check(convert_size(SLICE("17"), &n) && n == 17);
}

static void every_place_type_matches_its_own_example_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLACE_STAR; i++) {
		char text[256];
		snprintf(text, sizeof(text), "rules: [{name: r, match: 'begin <x:%s> end'}]", places[i].name);
		struct ruleset *set = accepted(text);
		struct rule_match m;
		snprintf(text, sizeof(text), "begin %s end", places[i].example);
		struct record r = log_of("s", SEVERITY_INFO, text);
		if (i != PLACE_LINE && i != PLACE_REST) { /* these two take the end as well, and give it back */
			assert_string_equal(named(set, r, &m), "r");
			if (i != PLACE_QUOTED)
				check_slice(m.captures[0], places[i].example);
			else
				check_slice(m.captures[0], "disk full");
		}
		r.message = SLICE("begin  end");
		bool empty_ok = i == PLACE_LINE || i == PLACE_REST || i == PLACE_ANY;
		assert_string_equal(named(set, r, &m), empty_ok ? "r" : "");
		ruleset_free(set);
	}
}

static void a_literal_is_only_what_every_match_must_hold(void **state)
{
	(void)state;
	static const struct {
		const char *regex, *literal;
	} cases[] = {
		{"payment failed", "payment failed"}, {"^a(?<x>\\d+)bcd$", "bcd"}, {"abc|def", "abc or def"}, {"abcd?", "abc"}, {"abcd*ef", "abc"}, {"abcd+ef", "abcd"}, {"(?:abc)?def", "def"}, {"(abcdef)+gh", "abcdef"},
		{"(abc|abd)efg", "efg"}, {"(abcd|abde)efg", "abcd or abde"}, {"abc|d", ""}, {"(abcd|)efg", "efg"}, {"(?:abcd|efgh)?ijk", "ijk"}, {"abc|def|(?:ghi|jkl)", "abc or def or ghi or jkl"}, {"abc{0,3}defg", "defg"}, {"abc{2}", "abc"}, {"abc{x}", "abc{x}"}, {"a\\.b\\.c", "a.b.c"}, {"\\Qa.b\\Ec", "a.bc"}, {"abc(?=defg)", "abc"}, {"abc(?!defgh)", "abc"},
		{"(?i)abc", "abc"}, {"(?x) abc", ""}, {"a(?#x)bcd", ""}, {"(x)\\1abc", ""}, {"[abc]defg[^]h]ijklm", "ijklm"}, {"[[:alpha:]]abcd", "abcd"}, {"[[:x]a|b]cccc", ""}, {"\\x61bcd", "bcd"}, {"\\p{Lu}abc", "abc"},
		{"ab.cd", ""}, {"abc\\E*def", ""}, {"(?R)?abc", ""}, {"\xC3\xA9""abc", "abc"}, {"(?:(?:abcd))e", "abcd"}, {"\\babc\\b", "abc"}, {"", ""}, {"a\\tbc", "a\tbc"},
	};
	struct arena arena = {0};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool caseless;
		struct slice *got;
		struct buf all = {0};
		for (size_t k = 0, n = regex_literals(&arena, slice_str(cases[i].regex), &got, &caseless); k < n; k++)
			buf_printf(&all, "%s%.*s", k ? " or " : "", (int)got[k].len, got[k].ptr);
		if (!slice_eq(buf_slice(&all), slice_str(cases[i].literal)))
			print_error("regex %s\n", cases[i].regex);
		check_slice(buf_slice(&all), cases[i].literal);
		buf_done(&all);
		assert_int_equal(caseless, strstr(cases[i].regex, "(?i)") != NULL);
	}
	arena_done(&arena);
}

static void a_prefix_is_only_what_every_match_starts_with(void **state)
{
	(void)state;
	static const struct {
		const char *regex, *prefix;
	} cases[] = {
		{"^payment failed", "payment failed"}, {"\\Apayment", "payment"}, {"payment", ""}, {"^\\[pay\\]\\[(?<x>.)", "[pay]["}, {"^abc|def", ""}, {"^(?:abc|def)", ""}, {"^ab(?:c|d)", "ab"}, {"^abc?d", "ab"},
		{"^abc{0,2}", "ab"}, {"^abc+", "ab"}, {"^abc.*", "abc"}, {"^abc\\d", "abc"}, {"^(?i)abc", ""}, {"^abc(?i)def", ""}, {"^", ""}, {"^^abc", ""}, {"^*abc", ""}, {"^abc$", "abc"},
		{"^ab\xC3\xA9", "ab"}, {"^abc\\Kd", ""}, {"^a\\tbc", "a"}, {"^abc[d|e]f", "abc"}, {"(^abc)", ""}, {"^abc(?x) d", ""}, {"(?m)^abc", ""}, {"^ab]c}d", "ab]c}d"}, {"^\\Qab\\E", ""},
	};
	struct arena arena = {0};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice got = regex_prefix(&arena, slice_str(cases[i].regex));
		if (!slice_eq(got, slice_str(cases[i].prefix)))
			print_error("regex %s\n", cases[i].regex);
		check_slice(got, cases[i].prefix);
	}
	arena_done(&arena);
}

static void labels_map_values_and_leave_out_empty_ones(void **state)
{
	(void)state;
	struct ruleset *set = accepted("rules:\n"
				       "  - name: access\n"
				       "    regex: '^(?<method>[A-Z]+) (?<path>\\S+) (?<status>\\d+) (?<took>[\\d.]+)(?: (?<extra>\\w+))?$'\n"
				       "    duration: {from: took, unit: ms}\n"
				       "    error: {status: \">= 500\"}\n"
				       "    labels:\n"
				       "      class: {from: status, map: {\"5*\": server_error, \"4*\": client_error}, default: ok}\n"
				       "      extra: \"{extra}\"\n"
				       "      both: \"{method}-{extra}\"\n");
	struct rule_scratch *s = rule_scratch_new(set);
	struct rule_match m;
	struct rule_label labels[RULE_LABELS_MAX];
	struct record r = log_of("x", SEVERITY_INFO, "GET /a/7 503 12.5 slow");
	check(ruleset_match(set, s, &r, &m));
	assert_int_equal(rule_labels(&m, &r, s, labels), 3);
	check_slice(labels[0].value, "server_error");
	check_slice(labels[1].value, "slow");
	check_slice(labels[2].value, "GET-slow");
	assert_int_equal(rule_match_error(&m), 1);
	assert_int_equal(rule_error(m.rule), -1);
	check(rule_duration_ns(&m) == 12500000);
	struct rule_http http;
	rule_match_http(&m, &http);
	assert_int_equal(http.status, 503);
	check_slice(http.method, "GET");
	check_slice(http.path, "/a/7");
	check_slice(http.route, "");
	r.message = SLICE("GET / 200 1");
	check(ruleset_match(set, s, &r, &m));
	assert_int_equal(rule_labels(&m, &r, s, labels), 2);
	check_slice(labels[0].value, "ok");
	check_slice(labels[1].value, "GET-");
	assert_int_equal(rule_match_error(&m), 0);
	rule_scratch_free(s);
	ruleset_free(set);
}

static void all_mistakes_of_a_file_are_told_at_once(void **state)
{
	(void)state;
	refused("rules:\n"
		"  - nane: a\n"
		"    match: \"x <a:wrod> y <b:int>\"\n"
		"    lables: {c: d}\n"
		"  - name: b\n"
		"    regex: 'a(b'\n"
		"    where: {severity: eror}\n"
		"  - name: b\n"
		"    match: \"took <took:duration>\"\n"
		"    duration: {from: tok, unit: parsecs}\n"
		"    error: maybe\n"
		"  - name: c\n"
		"rule: 1\n",
		"13:1: unknown key \"rule\"; did you mean \"rules\"?\n"
		"2:5: unknown key \"nane\"; did you mean \"name\"?\n"
		"4:5: unknown key \"lables\"; did you mean \"labels\"?\n"
		"3:15: unknown type \"wrod\"; did you mean \"word\"? (a literal < is written <<)\n"
		"2:5: a rule needs a name\n"
		"7:23: \"eror\" is no severity; did you mean \"error\"?\n"
		"6:16: regex: missing closing parenthesis\n"
		"10:22: \"tok\" is not captured by this rule; did you mean \"took\"?\n"
		"10:33: \"parsecs\" is no unit: ns, us, ms, s, m, h or d\n"
		"11:12: \"maybe\" is neither true nor false\n"
		"12:5: a rule needs match, grok, regex or where\n"
		"8:5: duplicate name \"b\" (first at /tmp/");
}

static void labels_that_look_like_ids_are_refused(void **state)
{
	(void)state;
	refused("rules: [{name: a, match: \"user <u:word>\", labels: {user_id: \"{u}\"}}]", "1:52: label \"user_id\" looks like an id: one series for each value; say allow_unbounded_label: true if it is bounded after all\n");
	refused("rules: [{name: a, match: \"from <x:ip>\", labels: {peer: \"{x}\"}}]",
		"1:56: label \"peer\" takes a capture whose type has no end of values: one series for each value; say allow_unbounded_label: true if it is bounded after all\n");
	refused("rules: [{name: a, match: \"from <x:word>\", labels: {severity: \"{y}\", \"a-b\": c}}]",
		"1:52: the label \"severity\" is winnow's own\n"
		"1:62: \"{y}\" is not captured by this rule; did you mean \"x\"?\n"
		"1:69: \"a-b\" is no label name: letters, digits and _, not starting with a digit or __\n");
	ruleset_free(accepted("rules: [{name: a, match: \"user <u:word>\", labels: {user_id: \"{u}\"}, allow_unbounded_label: true}]"));
}

static void grok_names_expand_and_convert(void **state)
{
	(void)state;
	struct ruleset *set = accepted("grok_patterns: {CART: 'cart-%{INT}'}\n"
				       "rules:\n"
				       "  - name: a\n"
				       "    grok: '%{IP:client} %{WORD:method} %{URIPATHPARAM:path} %{NUMBER:status:int} %{NUMBER:took:float} %{CART:cart} %{IPORHOST:[server][name]}'\n"
				       "    duration: {from: took, unit: ms}\n"
				       "  - {name: b, grok: '%{COMBINEDAPACHELOG}'}\n"
				       "  - {name: c, grok: '^%{TIMESTAMP_ISO8601:time} %{LOGLEVEL:level} %{GREEDYDATA:text}'}\n"
				       "  - {name: d, grok: '%{SYSLOGBASE} %{GREEDYDATA:text}'}\n");
	struct rule_match m;
	assert_string_equal(named(set, log_of("x", SEVERITY_INFO, "10.0.0.7 GET /cart/17?x=1 200 12.5 cart-7 db-1.internal"), &m), "a");
	check_slice(m.captures[0], "10.0.0.7");
	check_slice(m.captures[2], "/cart/17?x=1");
	check_slice(m.captures[5], "cart-7");
	check_slice(rule_capture_name(m.rule, 6), "server_name");
	check(rule_duration_ns(&m) == 12500000);
	assert_string_equal(named(set, log_of("x", SEVERITY_INFO, "2001:db8::1 - bob [04/Mar/2026:09:15:02 +0100] \"GET /a HTTP/1.1\" 304 - \"-\" \"curl\""), &m), "b");
	assert_string_equal(named(set, log_of("x", SEVERITY_INFO, "2026-03-04T09:15:02.481Z ERROR no disk"), &m), "c");
	check_slice(m.captures[1], "ERROR");
	assert_string_equal(named(set, log_of("x", SEVERITY_INFO, "Mar  4 09:15:02 host-1 sshd[31]: bye"), &m), "d");
	check_slice(m.captures[4], "sshd");
	assert_string_equal(named(set, log_of("x", SEVERITY_INFO, "nothing of the kind"), &m), "");
	ruleset_free(set);
	refused("grok_patterns: {A: '%{B}', B: 'x%{A}'}\n"
		"rules:\n"
		"  - {name: a, grok: 'x %{WORDD:w}'}\n"
		"  - {name: b, grok: '%{INT:n:integer}'}\n"
		"  - {name: c, grok: 'y %{A}'}\n"
		"  - {name: d, grok: '%{INT:n} %{INT:n}'}\n",
		"1:33: the grok name \"A\" is defined by itself\n"
		"3:24: unknown grok name \"WORDD\"; did you mean \"WORD\"?\n"
		"4:21: unknown grok type \"integer\": string, int, float, duration or size\n"
		"6:31: two places named \"n\"\n");
}

static void every_grok_name_compiles_and_a_bomb_is_one_mistake(void **state)
{
	(void)state;
	struct buf names = {0}, text = {0};
	size_t count = 0;
	rule_print_grok(&names);
	buf_add_str(&text, "rules:\n");
	char *save = NULL, *all = strdup(buf_cstr(&names));
	for (char *name = strtok_r(all, "`,. \n", &save); name; name = strtok_r(NULL, "`,. \n", &save), count++)
		buf_printf(&text, "  - {name: %s, grok: 'x %%{%s}'}\n", name, name);
	free(all);
	struct ruleset *set = accepted(buf_cstr(&text));
	assert_int_equal(ruleset_len(set), count);
	check(count > 360);
	ruleset_free(set);
	buf_reset(&text);
	buf_add_str(&text, "grok_patterns:\n  A0: xxxxxxxxxx\n");
	for (int i = 1; i < 22; i++)
		buf_printf(&text, "  A%d: '%%{A%d}%%{A%d}'\n", i, i - 1, i - 1);
	buf_add_str(&text, "rules: [{name: a, grok: '%{A21}'}]\n");
	refused(buf_cstr(&text), "14:15: larger than 64 KiB once expanded\n");
	buf_done(&names);
	buf_done(&text);
}

static void a_rule_has_one_text_and_old_keys_are_named(void **state)
{
	(void)state;
	refused("rules: [{name: a, match: x, regex: y}]", "1:9: a rule has one of match, grok and regex\n");
	refused("rules: [{name: a, match: x, counter: y}]", "1:29: unknown key \"counter\"; did you mean \"counters\"?\n");
}

static void mistakes_in_counters_and_histograms_are_named(void **state)
{
	(void)state;
	refused("rules: [{name: a, match: 'x <n:int> <t:duration>', counters: [{name: paid}]}]", "1:70: the name of a counter ends in _total: \"paid_total\"\n");
	refused("rules: [{name: a, match: 'x <n:int>', counters: [{name: 9a_total}]}]", "1:57: \"9a_total\" is no metric name");
	refused("rules: [{name: a, match: 'x <n:int>', counters: [{name: winnow_x_total}]}]", "1:57: metric names that start with winnow_ are not for rules\n");
	refused("rules: [{name: a, match: 'x <n:int>', histograms: [{name: x_sum, from: n}]}]", "1:59: the name of a histogram does not end in _sum");
	refused("rules: [{name: a, match: 'x <n:int>', histograms: [{name: x, from: m}]}]", "1:68: \"m\" is not captured by this rule");
	refused("rules: [{name: a, match: 'x <n:ip>', counters: [{name: x_total, value: n}]}]", "1:72: a capture of the type ip is no number\n");
	refused("rules: [{name: a, match: 'x <n:duration>', histograms: [{name: x, from: n}]}]", "1:64: this is counted in seconds: the name should be \"x_seconds\"\n");
	refused("rules: [{name: a, match: 'x <n:int>', histograms: [{name: x_seconds, from: n, unit: fortnight}]}]", "1:85: \"fortnight\" is no unit");
	refused("rules: [{name: a, match: 'x <n:int>', histograms: [{name: x, from: n, buckets: [1, 1]}]}]", "1:84: bounds rise: 1 is not above 1\n");
	refused("rules: [{name: a, match: 'x <n:int>', histograms: [{name: x, frm: n}]}]", "1:62: unknown key \"frm\"; did you mean \"from\"?\n1:52: a histogram needs from");
	refused("rules: [{name: a, match: 'x <n:int>', counters: [{name: x_total, labels: {user_id: '{n}'}}]}]", "1:75: label \"user_id\" looks like an id");
	refused("rules: [{name: a, match: 'x <n:int>', counters: [{name: x_total}, {name: x_total}]}]", "1:67: this rule counts in \"x_total\" twice\n");
	refused("rules: [{name: a, match: 'x <n:int>', drop: true, counters: [{name: x_total}]}]", "1:9: a rule that drops counts nothing");
	refused("rules: [{name: a, match: 'x <n:int>', counters: {name: x_total}}]", "1:49: expected a list of counters");
	refused("rules:\n"
		"  - {name: a, match: 'x <n:int>', histograms: [{name: x, from: n, buckets: [1, 2]}]}\n"
		"  - {name: b, match: 'y <n:int>', histograms: [{name: x, from: n, buckets: [1, 3]}]}\n"
		"  - {name: c, match: 'z <n:int>', counters: [{name: y_total, labels: {n: '{n}'}}]}\n"
		"  - {name: d, match: 'w <n:int>', counters: [{name: y_total}]}\n",
		"3:55: the metric \"x\" differs in its buckets from the one at ");
}

static void what_a_match_counts_in_its_rules_metrics(void **state)
{
	(void)state;
	struct ruleset *set = accepted("rules:\n"
		"  - name: moved\n"
		"    regex: '^moved (?<size>\\S+) in (?<took>\\S+)$'\n"
		"    counters: [{name: moves_total, labels: {how: 'from {took}'}}]\n"
		"    histograms: [{name: move_seconds, from: took, unit: ms}, {name: moved_things, from: size, help: Things.}]\n"
		"  - {name: other, match: 'also <n:int>', histograms: [{name: moved_things, from: n}]}\n");
	struct rule_match match;
	struct rule_measure m;
	struct record record = log_of("a", SEVERITY_INFO, "moved 17 in 40");
	struct rule_scratch *s = rule_scratch_new(set);
	assert_int_equal(ruleset_metrics_len(set), 3);
	check(ruleset_match(set, s, &record, &match));
	assert_int_equal(rule_measures_len(match.rule), 3);
	check(rule_measure(&match, &record, s, 0, &m) && m.counter && m.value == 1);
	check_slice(m.labels[0].value, "from 40");
	check(rule_measure(&match, &record, s, 1, &m) && m.value == 0.04 && !m.counter);
	check(rule_measure(&match, &record, s, 2, &m) && m.value == 17);
	record = log_of("a", SEVERITY_INFO, "moved house in 2min");
	check(ruleset_match(set, s, &record, &match));
	check(rule_measure(&match, &record, s, 1, &m) && m.value == 120);
	check(!rule_measure(&match, &record, s, 2, &m)); /* no number */
	record = log_of("a", SEVERITY_INFO, "also 5");
	check(ruleset_match(set, s, &record, &match));
	check(rule_measure(&match, &record, s, 0, &m) && m.metric == 2);
	struct rule_metric_view view;
	ruleset_metric_at(set, 2, &view);
	check_slice(view.name, "moved_things");
	check_slice(view.help, "Things.");
	rule_scratch_free(s);
	ruleset_free(set);
}

static void files_that_cannot_be_read_are_named(void **state)
{
	(void)state;
	struct ruleset *set = NULL;
	struct rule_errors errors = {0};
	const char *paths[] = {"/nowhere/x.yaml"};
	assert_int_equal(ruleset_load(paths, 1, &set, &errors), ERR_INPUT);
	assert_string_equal(buf_cstr(&errors.text), "/nowhere/x.yaml: No such file or directory\n");
	buf_done(&errors.text);
}

static void a_directory_is_read_in_name_order_and_the_hash_tells_it_apart(void **state)
{
	(void)state;
	char sub[] = "/tmp/test_ruledir_XXXXXX";
	assert_non_null(mkdtemp(sub));
	static const char *const names[] = {"b.yaml", "a.yml", ".hidden.yaml", "c.txt"};
	char file[4][64];
	uint64_t hashes[2];
	for (int i = 0; i < 4; i++) {
		snprintf(file[i], sizeof(file[i]), "%s/%s", sub, names[i]);
		FILE *f = fopen(file[i], "w");
		fprintf(f, "rules: [{name: r%d, match: 'x'}]\n", i);
		fclose(f);
	}
	const char *paths[] = {sub};
	for (int i = 0; i < 2; i++) {
		struct ruleset *set = NULL;
		struct rule_errors errors = {0};
		assert_int_equal(ruleset_load(paths, 1, &set, &errors), 0);
		assert_int_equal(ruleset_len(set), 2);
		check_slice(rule_name(ruleset_at(set, 0)), "r1");
		hashes[i] = ruleset_hash(set);
		ruleset_free(set);
		FILE *f = fopen(file[0], "a");
		fputs("# changed\n", f);
		fclose(f);
	}
	check(hashes[0] != hashes[1]);
	for (int i = 0; i < 4; i++)
		unlink(file[i]);
	rmdir(sub);
}

static void a_hostile_message_ends_at_the_limit_and_is_counted(void **state)
{
	(void)state;
	struct ruleset *set = accepted("rules:\n  - {name: bad, regex: '^(\\w+\\s?)*$'}\n  - {name: good, regex: '!$'}\n");
	struct rule_scratch *s = rule_scratch_new(set);
	struct rule_match m;
	struct record r = log_of("x", SEVERITY_INFO, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
	check(ruleset_match(set, s, &r, &m));
	assert_int_equal(m.index, 1);
	assert_int_equal(rule_scratch_limit_hits(s, 0), 1);
	struct buf out = {0};
	check(ruleset_lint(set, &out) >= 2);
	assert_non_null(strstr(buf_cstr(&out), "r.yaml:2:5: bad: some messages of 1 to 6 kB make this regex try so many ways"));
	buf_done(&out);
	rule_scratch_free(s);
	ruleset_free(set);
}

static void hostile_regexes_take_bounded_time_on_any_line_and_check_finds_them(void **state)
{
	(void)state;
	static const char *const regexes[] = {"^(a+)+$", "^(a|aa)+$", "^(\\w+\\s?)*$", "(a+)\\1+b", "(.*?,){20}Z", "^(?:(a|b|ab)c?)*$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"};
	enum { REGEXES = sizeof(regexes) / sizeof(regexes[0]), LINE = 1 << 20 };
	struct buf file = {0}, remarks = {0};
	buf_add_str(&file, "rules:\n");
	for (size_t i = 0; i < REGEXES; i++)
		buf_printf(&file, "  - {name: h%zu, regex: '%s'}\n", i, regexes[i]);
	buf_add_str(&file, "  - {name: last, regex: '!'}\n");
	struct ruleset *set = accepted(buf_cstr(&file));
	struct rule_scratch *s = rule_scratch_new(set);
	char *line = malloc(LINE + 1);
	uint64_t given_up = 0;
	for (int kind = 0; kind < 5; kind++) {
		for (size_t i = 0; i < LINE; i++)
			line[i] = "a,x "[kind == 4 ? i % 4 : (size_t)kind];
		line[40] = '!';
		struct record record = {.severity = SEVERITY_INFO, .message = slice_of(line, kind % 2 ? LINE : 60), .duration_ns = -1};
		struct rule_match match;
		int64_t start = clock_mono_ns();
		check(ruleset_match(set, s, &record, &match));
		check_slice(rule_name(match.rule), "last"); /* each of them was left in time, and the next one tried */
		check(clock_mono_ns() - start < 5 * NS_PER_S);
	}
	for (size_t i = 0; i < REGEXES; i++)
		given_up += rule_scratch_limit_hits(s, i);
	check(given_up >= 5);
	check(rule_scratch_take_given_up(s) >= 0);
	ruleset_lint(set, &remarks);
	for (const char *name = "h0"; name; name = strcmp(name, "h0") == 0 ? "h1" : NULL) {
		char expect[64];
		snprintf(expect, sizeof(expect), "%s: some messages of", name);
		check(slice_search(buf_slice(&remarks), slice_str(expect)) < remarks.len);
	}
	free(line);
	buf_done(&file);
	buf_done(&remarks);
	rule_scratch_free(s);
	ruleset_free(set);
}

static void mistakes_of_all_files_are_told_at_once(void **state)
{
	(void)state;
	static const char *const files[][2] = {
		{"a.yaml", "rules:\n  - name: a\n    match: \"x <n:int>\"\n    lables: {}\n  - {name: a, grok: \"%{INTT:n}\"}\n  - {name: c, match: \"y <took:num>\", duration: {from: tok, unit: fortnight}}\n"},
		{"b.yaml", "rules:\n  - name: [a\n"}, {"c.yaml", "\xFF\x01\x02"}, {"d.yaml", "grok_patterns: {A: \"%{B}\", B: \"%{A}\"}\nrules:\n  - {name: g, grok: \"%{A:x} end\"}\n"},
	};
	static const char *const expected[] = {"a.yaml:4:5: unknown key \"lables\"; did you mean \"labels\"?", "a.yaml:5:21: unknown grok name \"INTT\"; did you mean \"INT\"?", "a.yaml:5:5: duplicate name \"a\"",
		"\"tok\" is not captured by this rule; did you mean \"took\"?", "\"fortnight\" is no unit", "b.yaml:3:1: not YAML", "c.yaml:1:1: not UTF-8 text", "d.yaml:1:31: the grok name \"A\" is defined by itself"};
	char sub[] = "/tmp/test_rulemistakes_XXXXXX", file[128];
	assert_non_null(mkdtemp(sub));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(file, sizeof(file), "%s/%s", sub, files[i][0]);
		FILE *f = fopen(file, "w");
		fputs(files[i][1], f);
		fclose(f);
	}
	struct ruleset *set = NULL;
	struct rule_errors errors = {0};
	const char *paths[] = {sub};
	assert_int_equal(ruleset_load(paths, 1, &set, &errors), ERR_INPUT);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (slice_search(buf_slice(&errors.text), slice_str(expected[i])) == errors.text.len)
			fail_msg("no \"%s\" in\n%s", expected[i], buf_cstr(&errors.text));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(file, sizeof(file), "%s/%s", sub, files[i][0]);
		unlink(file);
	}
	rmdir(sub);
	buf_done(&errors.text);
}

static void a_long_message_is_no_hostile_one(void **state)
{
	(void)state;
	struct ruleset *set = accepted("rules: [{name: r, match: 'begin <x:any> end <y:int>'}]\n");
	struct buf text = {0};
	struct rule_match m;
	buf_add_str(&text, "begin ");
	for (int i = 0; i < 12000; i++)
		buf_add_str(&text, "line ");
	buf_add_str(&text, "end 17");
	struct record r = {.message = buf_slice(&text), .duration_ns = -1};
	assert_string_equal(named(set, r, &m), "r");
	check_slice(m.captures[1], "17");
	buf_done(&text);
	ruleset_free(set);
}

static void lints_find_shadowed_untested_and_slow_rules(void **state)
{
	(void)state;
	struct ruleset *set = accepted("rules:\n"
				       "  - {name: wide, regex: 'error', tests: [{message: error, expect: match}, {message: x, expect: no match}]}\n"
				       "  - {name: late, regex: 'error \\d', tests: [{message: error 1, expect: match}, {message: x, expect: no match}]}\n"
				       "  - {name: slow, regex: '\\d', tests: [{message: 1, expect: match}]}\n"
				       "  - {name: many, match: 'user <user_id:word> left', labels: {user_id: '{user_id}'}, allow_unbounded_label: true, tests: [{message: user ann left, expect: match}, {message: x, expect: no match}]}\n");
	struct buf out = {0};
	assert_int_equal(ruleset_lint(set, &out), 4);
	const char *got = buf_cstr(&out);
	assert_non_null(strstr(got, "late: this example is taken by the rule \"wide\""));
	assert_non_null(strstr(got, "slow: no text of 3 or more characters"));
	assert_non_null(strstr(got, "slow: no test of a message that it must not match"));
	assert_non_null(strstr(got, "many: nothing but budgets.label_values bounds the label \"user_id\""));
	buf_done(&out);
	ruleset_free(set);
}

static void explain_says_why_a_rule_does_not_match(void **state)
{
	(void)state;
	struct ruleset *set = accepted("rules:\n"
				       "  - {name: a, where: {severity: error}, match: x}\n"
				       "  - {name: b, where: {service: cart}, match: x}\n"
				       "  - {name: c, match: 'paid <n:int> euros'}\n"
				       "  - {name: d, match: 'paid <n:int> dollars'}\n"
				       "  - {name: e, match: 'paid <n:any>'}\n"
				       "  - {name: f, match: 'never'}\n");
	struct rule_scratch *s = rule_scratch_new(set);
	struct record r = log_of("shop", SEVERITY_INFO, "paid x dollars");
	struct buf out = {0};
	ruleset_explain(set, s, &r, &(struct ruleset_explain_opts){0}, &out);
	const char *got = buf_cstr(&out);
	assert_non_null(strstr(got, "a ("));
	assert_non_null(strstr(got, ": severity is info, which `where` does not take\n"));
	assert_non_null(strstr(got, ": service is \"shop\", which `where` does not take\n"));
	assert_non_null(strstr(got, ": the message fits up to byte 5\n  paid x dollars\n       ^ here <n:int> is expected\n"));
	assert_non_null(strstr(got, "e ("));
	assert_non_null(strstr(got, ": matches\n"));
	assert_null(strstr(got, "f ("));
	buf_done(&out);
	rule_scratch_free(s);
	ruleset_free(set);
}

static void captures_may_be_fields_of_the_record(void **state)
{
	(void)state;
	struct ruleset *set = accepted("rules:\n"
		"  - name: access\n"
		"    where: {res.code: \"*\"}\n"
		"    captures: {method: req.verb, path: req.target, status: res.code, took: res.ms}\n"
		"    duration: {from: took, unit: ms}\n"
		"    labels: {verb: \"{method}\"}\n"
		"    tests:\n"
		"      - fields: {req.verb: GET, req.target: /a/7, res.code: 503, res.ms: 12.5}\n"
		"        expect: {method: GET, path: /a/7, status: 503, took: 0.0125, verb: GET}\n"
		"      - fields: {res.code: 503}\n"
		"        expect: {status: 503, method: \"\"}\n"
		"      - fields: {req.verb: GET}\n"
		"        expect: no match\n"
		"  - name: told\n"
		"    match: \"answered <code:int> to <who:word>\"\n"
		"    captures: {zone: k8s.zone}\n"
		"    tests:\n"
		"      - {message: answered 7 to me, fields: {k8s.zone: a1}, expect: {code: 7, who: me, zone: a1}}\n"
		"      - {message: answered no, expect: no match}\n");
	struct buf out = {0};
	size_t run;
	if (ruleset_run_tests(set, &out, &run))
		fail_msg("%s", buf_cstr(&out));
	assert_int_equal(run, 5);
	struct rule_scratch *s = rule_scratch_new(set);
	const struct rule_test test = ruleset_at(set, 0)->tests[0];
	struct record r = log_of("x", SEVERITY_INFO, "");
	struct rule_match m;
	struct rule_http http;
	s->test = &test;
	check(ruleset_match(set, s, &r, &m));
	rule_match_http(&m, &http);
	assert_int_equal(http.status, 503);
	check_slice(http.method, "GET");
	check_slice(http.path, "/a/7");
	check(rule_duration_ns(&m) == 12500000);
	rule_scratch_free(s);
	ruleset_free(set);
	buf_done(&out);
	refused("rules:\n  - name: x\n    match: \"a <b:int>\"\n    captures: {b: req.verb, \"c d\": q, e: \"\", f: [1]}\n", "4:16: two places named \"b\"\n"
		"4:29: \"c d\" is no name for a place: letters, digits and _, at most 32\n4:42: expected the name of a field, as in {status: response.code}\n"
		"4:49: expected a text, not a list\n");
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_documented_rule_matches_captures_and_passes_its_tests), cmocka_unit_test(a_failing_test_is_told_with_its_line),
		cmocka_unit_test(the_first_rule_in_file_order_wins), cmocka_unit_test(conditions_take_lists_prefixes_negation_and_numbers),
		cmocka_unit_test(captures_convert_by_type_and_unit), cmocka_unit_test(every_place_type_matches_its_own_example_only),
		cmocka_unit_test(a_literal_is_only_what_every_match_must_hold), cmocka_unit_test(a_prefix_is_only_what_every_match_starts_with), cmocka_unit_test(labels_map_values_and_leave_out_empty_ones),
		cmocka_unit_test(all_mistakes_of_a_file_are_told_at_once), cmocka_unit_test(labels_that_look_like_ids_are_refused),
		cmocka_unit_test(grok_names_expand_and_convert), cmocka_unit_test(every_grok_name_compiles_and_a_bomb_is_one_mistake), cmocka_unit_test(a_rule_has_one_text_and_old_keys_are_named), cmocka_unit_test(mistakes_in_counters_and_histograms_are_named), cmocka_unit_test(what_a_match_counts_in_its_rules_metrics), cmocka_unit_test(files_that_cannot_be_read_are_named),
		cmocka_unit_test(a_directory_is_read_in_name_order_and_the_hash_tells_it_apart), cmocka_unit_test(a_hostile_message_ends_at_the_limit_and_is_counted),
		cmocka_unit_test(hostile_regexes_take_bounded_time_on_any_line_and_check_finds_them), cmocka_unit_test(mistakes_of_all_files_are_told_at_once),
		cmocka_unit_test(a_long_message_is_no_hostile_one), cmocka_unit_test(lints_find_shadowed_untested_and_slow_rules), cmocka_unit_test(captures_may_be_fields_of_the_record), cmocka_unit_test(explain_says_why_a_rule_does_not_match),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
