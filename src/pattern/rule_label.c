/* SPDX-License-Identifier: Apache-2.0 */
/* A rule's labels: "{capture}" templates and maps. A label multiplies series, so what looks like an id is refused unless the rule insists. */
#include "pattern/rule.h"

#include <ctype.h>

static bool label_name_ok(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum((unsigned char)name.ptr[i]) && name.ptr[i] != '_')
			return false;
	return name.len > 0 && name.len <= 64 && !isdigit((unsigned char)name.ptr[0]) && !slice_starts(name, SLICE("__"));
}

static bool is_one_of(struct slice name, const char *const *names)
{
	for (; *names; names++)
		if (slice_eq_nocase(name, slice_str(*names)))
			return true;
	return false;
}

/* Names whose values are as many as there are users or requests. */
static bool looks_like_id(struct slice name)
{
	static const char *const words[] = {"id", "uuid", "guid", "email", "mail", "session", "token", "ip", "addr", "address", "timestamp", "url", "uri", "path", "query", "user", "username", "userid",
		"requestid", "traceid", "spanid", "sessionid", "client", "pid", "tid", "offset", "hash", "key", NULL};
	if (is_one_of(name, words))
		return true;
	for (size_t i = name.len; i-- > 0;)
		if (name.ptr[i] == '_')
			return is_one_of(slice_sub(name, i + 1, name.len), words);
	return false;
}

struct label_load {
	struct rule_loader *l;
	const struct rule *rule;
	struct label_rule *label; /* at hand */
	bool allow_unbounded;
};

static void refuse_unbounded(struct label_load *load, const struct yaml *at, size_t offset, struct slice name, const char *why)
{
	if (load->allow_unbounded)
		load->label->unbounded = true;
	else
		rule_complain_inside(load->l, at, offset, "label \"%.*s\" %s: one series for each value; say allow_unbounded_label: true if it is bounded after all", (int)name.len, name.ptr, why);
}

/* What {inside} refers to; false after a complaint. */
static bool find_reference(struct label_load *load, const struct yaml *at, size_t offset, struct slice inside, struct label_piece *ret)
{
	const struct rule *rule = load->rule;
	if (slice_starts(inside, SLICE("record.")) && inside.len > 7) {
		*ret = (struct label_piece){.text = rule_keep(load->l, slice_sub(inside, 7, inside.len)), .capture = RULE_NO_CAPTURE, .field = true};
		return true;
	}
	const char *names[RULE_CAPTURES_MAX + 1] = {0};
	for (size_t i = 0; i < rule->captures_len; i++)
		names[i] = rule->captures[i].name.ptr;
	uint32_t capture = rule_capture_find(rule, inside);
	*ret = (struct label_piece){.capture = capture};
	if (capture != RULE_NO_CAPTURE)
		return true;
	const char *nearest = err_nearest(inside, names);
	rule_complain_inside(load->l, at, offset, "\"{%.*s}\" is not captured by this rule%s%s%s", (int)inside.len, inside.ptr, nearest ? "; did you mean \"" : " ({record.FIELD} is a field of the record)", nearest ? nearest : "",
		nearest ? "\"?" : "");
	return false;
}

static void check_piece(struct label_load *load, const struct yaml *at, size_t offset, struct slice label, const struct label_piece *piece)
{
	if (piece->field) {
		if (looks_like_id(piece->text))
			refuse_unbounded(load, at, offset, label, "takes a field that looks like an id");
		return;
	}
	const struct rule_capture *capture = &load->rule->captures[piece->capture];
	if (looks_like_id(capture->name))
		refuse_unbounded(load, at, offset, label, "takes a capture that looks like an id");
	else if (places[capture->type].unbounded)
		refuse_unbounded(load, at, offset, label, "takes a capture whose type has no end of values");
}

static void load_template(struct label_load *load, const struct yaml *node, struct label_rule *label)
{
	struct slice s;
	if (!rule_text(load->l, node, &s))
		return;
	label->pieces = arena_zalloc(load->l->arena, (s.len + 1) * sizeof(*label->pieces));
	for (size_t i = 0; i < s.len;) {
		size_t open = slice_find(s, '{', i), close = slice_find(s, '}', open);
		if (close == s.len)
			open = s.len; /* a brace without its partner is text */
		if (open > i)
			label->pieces[label->len++] = (struct label_piece){.text = slice_sub(s, i, open - i), .capture = RULE_NO_CAPTURE};
		if (open == s.len)
			break;
		struct label_piece *piece = &label->pieces[label->len];
		if (find_reference(load, node, open, slice_sub(s, open + 1, close - open - 1), piece)) {
			check_piece(load, node, open, label->name, piece);
			label->len++;
		}
		i = close + 1;
	}
}

static void load_cases(struct label_load *load, const struct yaml *node, struct label_rule *label)
{
	if (node->kind != YAML_MAP) {
		rule_complain(load->l, node, "expected a map from values to what they become, for example {\"5*\": server_error}");
		return;
	}
	label->keys = arena_zalloc(load->l->arena, (node->len + 1) * sizeof(*label->keys));
	label->becomes = arena_zalloc(load->l->arena, (node->len + 1) * sizeof(*label->becomes));
	for (size_t i = 0; i < node->len; i++) {
		struct yaml key = {.kind = YAML_SCALAR, .text = node->keys[i], .line = node->key_lines[i], .column = node->key_columns[i]};
		if (where_load_value(load->l, &key, &label->keys[i]))
			rule_text(load->l, &node->items[i], &label->becomes[i]);
		label->map_len++;
	}
}

static void load_map(struct label_load *load, const struct yaml *node, struct label_rule *label)
{
	const struct yaml *from = yaml_get(node, "from"), *map = yaml_get(node, "map"), *fallback = yaml_get(node, "default");
	struct slice reference;
	rule_check_keys(load->l, node, rule_label_keys);
	if (!from || !map) {
		rule_complain(load->l, node, "a label with a map needs from and map");
		return;
	}
	label->pieces = arena_zalloc(load->l->arena, sizeof(*label->pieces));
	if (rule_text(load->l, from, &reference) && find_reference(load, from, 0, reference, label->pieces))
		label->len = 1;
	load_cases(load, map, label);
	label->has_fallback = fallback && rule_text(load->l, fallback, &label->fallback);
	if (!fallback && label->len == 1)
		check_piece(load, node, 0, label->name, label->pieces); /* values that the map does not name stay as they are */
}

void rule_load_labels(struct rule_loader *l, const struct yaml *node, bool allow_unbounded, const struct rule *rule, struct label_rule **ret, size_t *ret_len)
{
	static const char *const reserved[] = {"service_name", "severity", "pattern_id", "template", "origin", "rule", "le", "quantile", "job", "instance", NULL};
	struct label_load load = {.l = l, .rule = rule, .allow_unbounded = allow_unbounded};
	if (node->kind != YAML_MAP) {
		rule_complain(l, node, "expected a map of label names and values, for example {reason: \"{reason}\"}");
		return;
	}
	if (node->len > RULE_LABELS_MAX) {
		rule_complain(l, node, "%zu labels; at most %d", node->len, RULE_LABELS_MAX);
		return;
	}
	*ret = arena_zalloc(l->arena, (node->len + 1) * sizeof(**ret));
	for (size_t i = 0; i < node->len; i++) {
		struct yaml at = {.line = node->key_lines[i], .column = node->key_columns[i]};
		struct label_rule *label = load.label = &(*ret)[(*ret_len)++];
		label->name = rule_keep(l, node->keys[i]);
		if (!label_name_ok(label->name))
			rule_complain(l, &at, "\"%.*s\" is no label name: letters, digits and _, not starting with a digit or __", (int)label->name.len, label->name.ptr);
		else if (is_one_of(label->name, reserved))
			rule_complain(l, &at, "the label \"%.*s\" is winnow's own", (int)label->name.len, label->name.ptr);
		else if (looks_like_id(label->name))
			refuse_unbounded(&load, &at, 0, label->name, "looks like an id");
		if (node->items[i].kind == YAML_MAP)
			load_map(&load, &node->items[i], label);
		else
			load_template(&load, &node->items[i], label);
	}
}
