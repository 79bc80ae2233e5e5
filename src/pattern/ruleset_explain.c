/* SPDX-License-Identifier: Apache-2.0 */
/* Why a record matched this rule and not that one. */
#include "pattern/rule_why.h"

enum { SMALL_SET = 10, PREFIX_MIN = 4, VALUE_BYTES = 200 };

struct explaining {
	const struct ruleset *set;
	struct rule_scratch *scratch;
	const struct record *record;
	const struct ruleset_explain_opts *opts;
	struct buf *out;
	size_t lacking, elsewhere; /* rules that are only counted */
};

/* Whether one of the texts that a rule needs stands in the message; true for rules without such texts. */
static bool has_text(const struct rule *rule, struct slice message)
{
	for (size_t i = 0; i < rule->literals_len; i++)
		if (rule->literals_caseless || slice_search(message, rule->literals[i]) < message.len)
			return true;
	return rule->literals_len == 0;
}

/* It begins like the rule: that is the one people ask about. */
static bool begins_alike(const struct rule *rule, struct slice message)
{
	return rule->prefix.len >= PREFIX_MIN && slice_starts(message, slice_sub(rule->prefix, 0, PREFIX_MIN * 2));
}

/* Counts a rule that is of no interest; false if it is of some. */
static bool pass_over(struct explaining *x, const struct rule *rule, enum rule_miss miss)
{
	if (x->opts->all || ruleset_len(x->set) <= SMALL_SET)
		return false;
	if (miss == RULE_MISS_SEVERITY || miss == RULE_MISS_FIELD) {
		x->elsewhere++;
		return true;
	}
	if (miss != RULE_MISS_TEXT || has_text(rule, x->record->message) || begins_alike(rule, x->record->message))
		return false;
	x->lacking++;
	return true;
}

static void say_value(struct buf *out, struct slice value)
{
	struct slice cut = slice_sub(value, 0, VALUE_BYTES);
	buf_add_char(out, '"');
	buf_add_json(out, cut);
	buf_add_str(out, cut.len < value.len ? "...\"" : "\"");
}

static void say_match(const struct explaining *x, const struct rule_match *match)
{
	struct rule_label labels[RULE_LABELS_MAX];
	const struct rule *rule = match->rule;
	for (size_t i = 0; i < rule->captures_len; i++) {
		double number;
		bool converts = (rule->captures[i].type == PLACE_DURATION || rule->captures[i].type == PLACE_SIZE || i == rule->duration) && convert_capture(rule, i, match->captures[i], &number);
		buf_printf(x->out, "  %-12s ", rule->captures[i].name.ptr);
		say_value(x->out, match->captures[i]);
		if (converts)
			buf_printf(x->out, " = %.9g%s", number, rule->captures[i].type == PLACE_SIZE ? " bytes" : " s");
		buf_add_str(x->out, i == rule->duration ? ", the duration\n" : "\n");
	}
	size_t len = rule_labels(match, x->record, x->scratch, labels);
	for (size_t i = 0; i < len; i++) {
		buf_printf(x->out, "  label %-6.*s ", (int)labels[i].name.len, labels[i].name.ptr);
		say_value(x->out, labels[i].value);
		buf_add_char(x->out, '\n');
	}
}

/* Whether the rule matched. */
static bool explain_rule(struct explaining *x, size_t index)
{
	const struct rule *rule = ruleset_at(x->set, index);
	struct rule_match match;
	size_t field = 0;
	enum rule_miss miss = rule_try(rule, index, x->scratch, x->record, &match, &field);
	if (pass_over(x, rule, miss))
		return false;
	buf_printf(x->out, "%s (%s:%d): ", rule->name.ptr, rule->file, rule->line);
	if (miss != RULE_MISS_TEXT || !rule_show_stop(rule, x->scratch, x->record->message, x->out)) {
		rule_say_miss(miss, rule, field, x->record, x->scratch, x->out);
		buf_add_char(x->out, '\n');
	}
	if (miss == RULE_HIT)
		say_match(x, &match);
	return miss == RULE_HIT;
}

size_t ruleset_find(const struct ruleset *set, struct slice name)
{
	size_t i = 0;
	while (i < ruleset_len(set) && !slice_eq(ruleset_at(set, i)->name, name))
		i++;
	return i;
}

void ruleset_explain(const struct ruleset *set, struct rule_scratch *scratch, const struct record *record, const struct ruleset_explain_opts *opts, struct buf *out)
{
	struct explaining x = {.set = set, .scratch = scratch, .record = record, .opts = opts, .out = out};
	size_t len = ruleset_len(set), i = 0;
	bool found = false;
	if (opts->rule.len) {
		size_t index = ruleset_find(set, opts->rule);
		if (index < len)
			explain_rule(&x, index);
		return;
	}
	for (; i < len && !found; i++)
		found = explain_rule(&x, i);
	if (x.lacking)
		buf_printf(out, "%zu rule%s: no text of theirs stands in the message\n", x.lacking, x.lacking == 1 ? "" : "s");
	if (x.elsewhere)
		buf_printf(out, "%zu rule%s: `where` does not take the record\n", x.elsewhere, x.elsewhere == 1 ? "" : "s");
	if (found && i < len)
		buf_printf(out, "%zu rule%s behind it %s not tried: the first match wins\n", len - i, len - i == 1 ? "" : "s", len - i == 1 ? "is" : "are");
}
