/* SPDX-License-Identifier: Apache-2.0 */
/* `where`: cheap conditions on a record's fields, tried before any text is matched. A list means any of its plain values and none of its negated ones. */
#include "pattern/rule.h"

static const struct {
	const char *text;
	enum where_op op;
} comparisons[] = {{">=", WHERE_GREATER_EQUAL}, {"<=", WHERE_LESS_EQUAL}, {">", WHERE_GREATER}, {"<", WHERE_LESS}};

enum severity severity_find(struct slice name)
{
	int i = 0;
	while (i < SEVERITY_COUNT && !slice_eq(name, slice_str(severity_name((enum severity)i))))
		i++;
	return (enum severity)i;
}

static bool load_comparison(struct rule_loader *l, const struct yaml *node, struct slice s, struct where_value *ret)
{
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
		if (!slice_starts(s, slice_str(comparisons[i].text)))
			continue;
		ret->op = comparisons[i].op;
		ret->text = slice_trim(slice_sub(s, strlen(comparisons[i].text), s.len));
		if (!slice_to_double(ret->text, &ret->number))
			rule_complain(l, node, "\"%.*s\" is no number to compare with", (int)ret->text.len, ret->text.ptr);
		return true;
	}
	return false;
}

bool where_load_value(struct rule_loader *l, const struct yaml *node, struct where_value *ret)
{
	struct slice s;
	if (!rule_text(l, node, &s))
		return false;
	*ret = (struct where_value){.op = WHERE_EQUAL};
	if (slice_starts(s, SLICE("!"))) {
		ret->negated = true;
		s = slice_trim(slice_sub(s, 1, s.len));
	}
	if (load_comparison(l, node, s, ret))
		return true;
	if (slice_ends(s, SLICE("*"))) {
		ret->op = s.len == 1 ? WHERE_PRESENT : WHERE_PREFIX;
		s.len--;
	}
	if (s.len == 0 && ret->op == WHERE_EQUAL)
		rule_complain(l, node, "an empty value; \"*\" means that the field is there, \"!*\" that it is not");
	ret->text = s;
	return true;
}

static bool compare(const struct where_value *v, struct slice text)
{
	double number;
	if (!slice_to_double(slice_trim(text), &number))
		return false;
	switch (v->op) {
	case WHERE_LESS:
		return number < v->number;
	case WHERE_LESS_EQUAL:
		return number <= v->number;
	case WHERE_GREATER:
		return number > v->number;
	default:
		return number >= v->number;
	}
}

bool where_value_holds(const struct where_value *v, bool present, struct slice text)
{
	switch (v->op) {
	case WHERE_EQUAL:
		return present && slice_eq(text, v->text);
	case WHERE_PREFIX:
		return present && slice_starts(text, v->text);
	case WHERE_PRESENT:
		return present && text.len > 0;
	default:
		return present && compare(v, text);
	}
}

bool where_field_holds(const struct where_field *field, bool present, struct slice text)
{
	bool plain = false, any = false;
	for (size_t i = 0; i < field->len; i++) {
		bool holds = where_value_holds(&field->values[i], present, text);
		if (field->values[i].negated && holds)
			return false;
		plain |= !field->values[i].negated;
		any |= !field->values[i].negated && holds;
	}
	return any || !plain;
}

/* The severities that pass, as bits; comparisons mean the order of severities. */
static uint32_t severity_bits(struct rule_loader *l, const struct yaml *node)
{
	static const char *const names[] = {"trace", "debug", "info", "warn", "error", "fatal", "unknown", NULL};
	struct slice s;
	uint32_t bits = 0;
	if (!rule_text(l, node, &s))
		return 0;
	bool negated = slice_starts(s, SLICE("!")), above = slice_starts(s, SLICE(">="));
	struct slice name = slice_trim(slice_sub(s, negated ? 1 : above ? 2 : 0, s.len));
	enum severity severity = severity_find(name);
	if (severity == SEVERITY_COUNT) {
		const char *nearest = err_nearest(name, names);
		rule_complain(l, node, "\"%.*s\" is no severity%s%s%s", (int)name.len, name.ptr, nearest ? "; did you mean \"" : " (trace, debug, info, warn, error, fatal, unknown)", nearest ? nearest : "", nearest ? "\"?" : "");
		return 0;
	}
	bits = above ? ~((1u << severity) - 1) : 1u << severity;
	return (negated ? ~bits : bits) & ((1u << SEVERITY_COUNT) - 1);
}

static void load_severities(struct rule_loader *l, const struct yaml *node, struct where *where)
{
	uint32_t plain = 0, negated = ~0u;
	size_t len = node->kind == YAML_LIST ? node->len : 1;
	const struct yaml *items = node->kind == YAML_LIST ? node->items : node;
	bool has_plain = false;
	for (size_t i = 0; i < len; i++) {
		bool is_negated = items[i].kind == YAML_SCALAR && slice_starts(items[i].text, SLICE("!"));
		if (is_negated)
			negated &= severity_bits(l, &items[i]);
		else
			plain |= severity_bits(l, &items[i]);
		has_plain |= !is_negated;
	}
	where->severities = (has_plain ? plain : ~0u) & negated;
}

/* Rules that name their services exactly are kept by service, so that those of other services cost nothing. */
static void note_services(struct rule_loader *l, struct where *where, const struct where_field *field)
{
	for (size_t i = 0; i < field->len; i++)
		if (field->values[i].op != WHERE_EQUAL || field->values[i].negated)
			return;
	where->services = arena_alloc(l->arena, field->len * sizeof(*where->services));
	for (size_t i = 0; i < field->len; i++)
		where->services[i] = field->values[i].text;
	where->services_len = field->len;
}

static void load_field(struct rule_loader *l, const struct yaml *node, struct slice path, struct where *where)
{
	size_t len = node->kind == YAML_LIST ? node->len : 1;
	const struct yaml *items = node->kind == YAML_LIST ? node->items : node;
	struct where_field *field = &where->fields[where->len];
	*field = (struct where_field){.path = rule_keep(l, path), .capture = RULE_NO_CAPTURE, .values = arena_zalloc(l->arena, (len + 1) * sizeof(*field->values))};
	for (size_t i = 0; i < len; i++)
		field->len += where_load_value(l, &items[i], &field->values[field->len]);
	if (field->len == 0)
		return;
	where->len++;
	if (slice_eq(path, SLICE("service")))
		note_services(l, where, field);
}

void where_load(struct rule_loader *l, const struct yaml *node, struct where *where)
{
	where->severities = ~0u;
	if (node->kind != YAML_MAP || node->len == 0) {
		rule_complain(l, node, "expected a map of fields and values, for example {service: checkout}");
		return;
	}
	where->fields = arena_zalloc(l->arena, node->len * sizeof(*where->fields));
	for (size_t i = 0; i < node->len; i++) {
		if (slice_eq(node->keys[i], SLICE("severity")))
			load_severities(l, &node->items[i], where);
		else
			load_field(l, &node->items[i], node->keys[i], where);
	}
}
