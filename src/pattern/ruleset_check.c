/* SPDX-License-Identifier: Apache-2.0 */
/* What people ask of a rule set: do the rules' tests pass, what is risky about them, why did a record match this rule and not that one. */
#include "pattern/rule_why.h"

#include <math.h>

static void put(struct buf *out, const struct rule *rule, int line, int column)
{
	buf_printf(out, "%s:%d:%d: %s: ", rule->file, line, column, rule->name.ptr);
}

/* ---- tests ---- */

/* The record that a test describes: members from the fields of their name, the rest through scratch->test. */
static struct record record_of(const struct rule_test *test)
{
	struct record r = {.kind = RECORD_LOG, .shape = "test", .message = test->message, .duration_ns = -1};
	for (size_t i = 0; i < test->fields_len; i++) {
		struct slice name = test->fields[i].name, value = test->fields[i].value;
		if (slice_eq(name, SLICE("service")))
			r.service = value;
		else if (slice_eq(name, SLICE("severity")) && severity_find(value) != SEVERITY_COUNT)
			r.severity = severity_find(value);
	}
	return r;
}

static enum rule_miss try_test(const struct ruleset *set, size_t index, const struct rule_test *test, struct rule_scratch *scratch, struct record *record, struct rule_match *match, size_t *ret_field)
{
	*record = record_of(test);
	scratch->test = test;
	enum rule_miss miss = rule_try(ruleset_at(set, index), index, scratch, record, match, ret_field);
	scratch->test = NULL;
	return miss;
}

/* Texts are equal as texts, or as numbers once the capture is converted: "31.2ms" is 0.0312. */
static bool same_value(const struct rule_match *match, uint32_t capture, struct slice got, struct slice expect)
{
	double a, b;
	if (slice_eq(got, expect))
		return true;
	if (!convert_capture(match->rule, capture, got, &a) || !slice_to_double(expect, &b))
		return false;
	return fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b));
}

static struct slice label_value(const struct rule_label *labels, size_t len, struct slice name)
{
	for (size_t i = 0; i < len; i++)
		if (slice_eq(labels[i].name, name))
			return labels[i].value;
	return (struct slice){0};
}

static bool check_values(const struct rule_test *test, struct rule_scratch *scratch, const struct record *record, const struct rule_match *match, struct buf *out)
{
	struct rule_label labels[RULE_LABELS_MAX];
	scratch->test = test;
	size_t len = rule_labels(match, record, scratch, labels);
	scratch->test = NULL;
	bool ok = true;
	for (size_t i = 0; i < test->expect_len; i++) {
		struct slice name = test->expect[i].name, expect = test->expect[i].value;
		uint32_t capture = rule_capture_find(match->rule, name);
		struct slice got = capture == RULE_NO_CAPTURE ? label_value(labels, len, name) : match->captures[capture];
		if (capture == RULE_NO_CAPTURE ? slice_eq(got, expect) : same_value(match, capture, got, expect))
			continue;
		put(out, match->rule, test->line, 1);
		buf_printf(out, "%s is \"%.*s\", expected \"%.*s\"\n", name.ptr, (int)got.len, got.len ? got.ptr : "", (int)expect.len, expect.ptr);
		ok = false;
	}
	return ok;
}

static bool run_test(const struct ruleset *set, size_t index, const struct rule_test *test, struct rule_scratch *scratch, struct buf *out)
{
	struct record record;
	struct rule_match match;
	size_t field = 0;
	const struct rule *rule = ruleset_at(set, index);
	enum rule_miss miss = try_test(set, index, test, scratch, &record, &match, &field);
	if (miss == RULE_HIT && !test->no_match)
		return check_values(test, scratch, &record, &match, out);
	if (miss != RULE_HIT && test->no_match && miss != RULE_MISS_LIMIT)
		return true;
	put(out, rule, test->line, 1);
	buf_add_str(out, test->no_match ? "expected no match: " : "expected a match: ");
	scratch->test = test;
	rule_say_miss(miss, rule, field, &record, scratch, out);
	scratch->test = NULL;
	buf_add_char(out, '\n');
	return false;
}

size_t ruleset_run_tests(const struct ruleset *set, struct buf *out, size_t *ret_run)
{
	struct rule_scratch *scratch = rule_scratch_new(set);
	size_t failed = 0;
	*ret_run = 0;
	for (size_t i = 0; i < ruleset_len(set); i++) {
		const struct rule *rule = ruleset_at(set, i);
		for (size_t k = 0; k < rule->tests_len; k++) {
			failed += !run_test(set, i, &rule->tests[k], scratch, out);
			++*ret_run;
		}
	}
	rule_scratch_free(scratch);
	return failed;
}

/* ---- lints ---- */

static size_t lint_literal(const struct rule *rule, struct buf *out)
{
	if (!rule->code || rule->literals_len || rule->where.services_len)
		return 0;
	put(out, rule, rule->line, rule->column);
	buf_printf(out, "no text of %d or more characters that every match must hold, so the rule is tried on every record\n", RULE_LITERAL_MIN);
	return 1;
}

static size_t lint_tests(const struct rule *rule, struct buf *out)
{
	bool positive = false, negative = false;
	for (size_t i = 0; i < rule->tests_len; i++) {
		positive |= !rule->tests[i].no_match;
		negative |= rule->tests[i].no_match;
	}
	if (positive && negative)
		return 0;
	put(out, rule, rule->line, rule->column);
	buf_printf(out, "%s\n", positive ? "no test of a message that it must not match" : negative ? "no test of a message that it must match" : "no tests");
	return 1;
}

static size_t lint_shadow(const struct ruleset *set, size_t index, struct rule_scratch *scratch, struct buf *out)
{
	const struct rule *rule = ruleset_at(set, index);
	for (size_t i = 0; i < rule->tests_len; i++) {
		const struct rule_test *test = &rule->tests[i];
		struct rule_match match;
		struct record record = record_of(test);
		scratch->test = test;
		bool taken = !test->no_match && ruleset_match(set, scratch, &record, &match) && match.index < index;
		scratch->test = NULL;
		if (!taken)
			continue;
		put(out, rule, test->line, 1);
		buf_printf(out, "this example is taken by the rule \"%s\" (%s:%d), which stands earlier\n", match.rule->name.ptr, match.rule->file, match.rule->line);
		return 1;
	}
	return 0;
}

static size_t lint_labels(const struct rule *rule, const struct label_rule *labels, size_t len, struct buf *out)
{
	size_t found = 0;
	for (size_t i = 0; i < len; i++) {
		if (!labels[i].unbounded)
			continue;
		put(out, rule, rule->line, rule->column);
		buf_printf(out, "nothing but budgets.label_values bounds the label \"%s\": past it, values become other\n", labels[i].name.ptr);
		found++;
	}
	return found;
}

static size_t lint_unbounded(const struct rule *rule, struct buf *out)
{
	size_t found = lint_labels(rule, rule->labels, rule->labels_len, out);
	for (size_t i = 0; i < rule->metrics_len; i++)
		found += lint_labels(rule, rule->metrics[i].labels, rule->metrics[i].labels_len, out);
	return found;
}

static size_t lint_hostile(const struct rule *rule, struct rule_scratch *scratch, struct buf *out)
{
	if (!rule_is_hostile(rule, scratch))
		return 0;
	put(out, rule, rule->line, rule->column);
	buf_add_str(out, "some messages of 1 to 6 kB make this regex try so many ways that it is given up (nested repetition?)\n");
	return 1;
}

size_t ruleset_lint(const struct ruleset *set, struct buf *out)
{
	struct rule_scratch *scratch = rule_scratch_new(set);
	size_t found = 0;
	for (size_t i = 0; i < ruleset_len(set); i++) {
		const struct rule *rule = ruleset_at(set, i);
		found += lint_literal(rule, out) + lint_tests(rule, out) + lint_unbounded(rule, out) + lint_shadow(set, i, scratch, out) + lint_hostile(rule, scratch, out);
	}
	rule_scratch_free(scratch);
	return found;
}

void rule_print_places(struct buf *out)
{
	buf_add_str(out, "| type | matches | example | in a label |\n|---|---|---|---|\n");
	for (size_t i = 0; i < PLACE_TYPES; i++)
		buf_printf(out, "| `%s` | %s | `%s` | %s |\n", places[i].name, places[i].help, places[i].example, places[i].unbounded ? "refused: no end of values" : "yes");
}
