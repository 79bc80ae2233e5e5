/* SPDX-License-Identifier: Apache-2.0 */
/* One rule from its YAML map: a table of keys, each with its loader. Nothing stops at the first mistake. */
#include "base/clock.h"
#include "pattern/rule.h"

#include <stdarg.h>
#include <stdio.h>

void rule_complain_inside(struct rule_loader *l, const struct yaml *at, size_t offset, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* in a block scalar, or behind an escape, the offset is not the column: the value's own place then has to do */
	bool inside = offset > 0 && at->kind == YAML_SCALAR && slice_find(at->text, '\n', 0) == at->text.len;
	yaml_report(&l->errors->text, l->doc, at->line, at->column + (inside ? (int)offset + at->quoted : 0), "%s", text);
	l->errors->len++;
}

void rule_complain(struct rule_loader *l, const struct yaml *at, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	rule_complain_inside(l, at, 0, "%s", text);
}

void rule_check_keys(struct rule_loader *l, const struct yaml *map, const struct rule_key *keys)
{
	const char *names[RULE_KEYS_MAX + 1];
	rule_key_names(keys, names);
	for (size_t i = 0; map->kind == YAML_MAP && i < map->len; i++) {
		if (rule_key_find(keys, map->keys[i]))
			continue;
		yaml_report_unknown(&l->errors->text, l->doc, map, i, names);
		l->errors->len++;
	}
}

struct slice rule_keep(struct rule_loader *l, struct slice s)
{
	char *copy = arena_alloc(l->arena, s.len + 1);
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = 0;
	return slice_of(copy, s.len);
}

bool rule_text(struct rule_loader *l, const struct yaml *node, struct slice *ret)
{
	if (node->kind != YAML_SCALAR) {
		rule_complain(l, node, "expected a text, not a %s", node->kind == YAML_LIST ? "list" : "map");
		return false;
	}
	*ret = rule_keep(l, node->text);
	return true;
}

static bool load_bool(struct rule_loader *l, const struct yaml *node, bool *ret)
{
	struct slice s;
	if (!rule_text(l, node, &s))
		return false;
	*ret = slice_eq(s, SLICE("true"));
	if (*ret || slice_eq(s, SLICE("false")))
		return true;
	rule_complain(l, node, "\"%.100s\" is neither true nor false", s.ptr);
	return false;
}

uint32_t rule_capture_find(const struct rule *rule, struct slice name)
{
	for (uint32_t i = 0; i < rule->captures_len; i++)
		if (slice_eq(rule->captures[i].name, name))
			return i;
	return RULE_NO_CAPTURE;
}

void rule_complain_capture(struct rule_loader *l, const struct yaml *at, const struct rule *rule, struct slice name)
{
	const char *names[RULE_CAPTURES_MAX + 1] = {0};
	for (size_t i = 0; i < rule->captures_len; i++)
		names[i] = rule->captures[i].name.ptr;
	const char *nearest = err_nearest(name, names);
	rule_complain(l, at, "\"%.*s\" is not captured by this rule%s%s%s", (int)name.len, name.ptr, nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static void load_name(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	struct slice s;
	if (!rule_text(l, node, &s))
		return;
	if (s.len == 0 || s.len > 128)
		rule_complain(l, node, "a name has 1 to 128 characters");
	rule->name = s;
}

typedef bool compile_fn(struct rule_loader *l, const struct yaml *node, struct rule *rule, struct buf *regex);

static void load_text(struct rule_loader *l, const struct yaml *node, struct rule *rule, compile_fn *compile)
{
	struct buf regex = {0};
	struct slice s;
	if (!rule_text(l, node, &s))
		return;
	if (s.len == 0)
		rule_complain(l, node, "an empty text matches nothing");
	else if (compile(l, node, rule, &regex)) {
		rule->regex_text = rule_keep(l, buf_slice(&regex));
		rule_compile_regex(l, node, rule);
	}
	buf_done(&regex);
}

static void load_match(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	load_text(l, node, rule, rule_compile_template);
}

static void load_grok(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	load_text(l, node, rule, rule_compile_grok);
}

static void load_regex(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	if (!rule_text(l, node, &rule->regex_text))
		return;
	rule->shown = rule->regex_text;
	if (rule->regex_text.len == 0)
		rule_complain(l, node, "an empty regex");
	else
		rule_compile_regex(l, node, rule);
}

static void load_where(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	where_load(l, node, &rule->where);
}

/* The name of a capture, at the place of its key. */
static void load_field_capture(struct rule_loader *l, const struct yaml *map, size_t index, struct rule *rule)
{
	struct yaml at = {.line = map->key_lines[index], .column = map->key_columns[index]};
	struct slice path;
	if (!rule_text(l, &map->items[index], &path))
		return;
	if (path.len == 0)
		rule_complain(l, &map->items[index], "expected the name of a field, as in {status: response.code}");
	else if (rule_add_capture(l, &at, 0, rule, map->keys[index], PLACE_WORD))
		rule->field_captures[rule->field_captures_len++] = (struct rule_field_capture){.capture = (uint32_t)rule->captures_len - 1, .path = path};
}

static void load_captures(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	if (node->kind != YAML_MAP) {
		rule_complain(l, node, "expected a map of captures and fields, as in {status: response.code}");
		return;
	}
	rule->field_captures = arena_zalloc(l->arena, (node->len + 1) * sizeof(*rule->field_captures));
	for (size_t i = 0; i < node->len; i++)
		load_field_capture(l, node, i, rule);
}

static void load_duration(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	const struct yaml *from = yaml_get(node, "from"), *unit = yaml_get(node, "unit");
	struct slice s;
	rule_check_keys(l, node, rule_duration_keys);
	if (!from) {
		rule_complain(l, node, "duration needs from: the capture that holds it, for example {from: took, unit: ms}");
		return;
	}
	if (rule_text(l, from, &s)) {
		rule->duration = rule_capture_find(rule, s);
		if (rule->duration == RULE_NO_CAPTURE)
			rule_complain_capture(l, from, rule, s);
	}
	if (unit && rule_text(l, unit, &s) && !convert_unit(s, &rule->duration_unit_ns))
		rule_complain(l, unit, "\"%.100s\" is no unit: ns, us, ms, s, m, h or d", s.ptr);
}

/* true, false, or conditions on captures: {status: ">= 500"}. */
static void load_error(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	bool yes;
	if (node->kind != YAML_MAP) {
		if (load_bool(l, node, &yes))
			rule->error = yes;
		return;
	}
	where_load(l, node, &rule->error_when);
	for (size_t i = 0; i < rule->error_when.len; i++) {
		struct where_field *field = &rule->error_when.fields[i];
		field->capture = rule_capture_find(rule, field->path);
		if (field->capture == RULE_NO_CAPTURE)
			rule_complain_capture(l, node, rule, field->path);
	}
}

static void load_drop(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	load_bool(l, node, &rule->drop);
}

static void load_service(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	if (rule_text(l, node, &rule->service) && rule->service.len == 0)
		rule_complain(l, node, "an empty service");
}

static void load_severity(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	struct slice s;
	if (!rule_text(l, node, &s))
		return;
	rule->severity = severity_find(s);
	if (rule->severity == SEVERITY_COUNT)
		rule_complain(l, node, "\"%.100s\" is no severity (trace, debug, info, warn, error, fatal, unknown)", s.ptr);
}

static void load_labels(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	rule_load_labels(l, node, rule->allow_unbounded, rule, &rule->labels, &rule->labels_len);
}

static void load_counters(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	rule_load_metrics(l, node, true, rule->allow_unbounded, rule);
}

static void load_histograms(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	rule_load_metrics(l, node, false, rule->allow_unbounded, rule);
}

static void load_allow(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	load_bool(l, node, &rule->allow_unbounded);
}

static void load_description(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	struct slice ignored;
	(void)rule;
	rule_text(l, node, &ignored);
}

static bool load_pairs(struct rule_loader *l, const struct yaml *node, struct rule_pair **ret, size_t *ret_len)
{
	if (node->kind != YAML_MAP) {
		rule_complain(l, node, "expected a map of names and values");
		return false;
	}
	*ret = arena_zalloc(l->arena, (node->len + 1) * sizeof(**ret));
	for (size_t i = 0; i < node->len; i++) {
		(*ret)[i].name = rule_keep(l, node->keys[i]);
		rule_text(l, &node->items[i], &(*ret)[i].value);
	}
	*ret_len = node->len;
	return true;
}

static bool has_label(const struct rule *rule, struct slice name)
{
	for (size_t i = 0; i < rule->labels_len; i++)
		if (slice_eq(rule->labels[i].name, name))
			return true;
	return false;
}

static void load_expect(struct rule_loader *l, const struct yaml *node, const struct rule *rule, struct rule_test *test)
{
	if (node->kind == YAML_SCALAR) {
		test->no_match = slice_eq(node->text, SLICE("no match"));
		if (!test->no_match && !slice_eq(node->text, SLICE("match")))
			rule_complain(l, node, "expect is a map of captures, \"match\" or \"no match\"");
		return;
	}
	if (!load_pairs(l, node, &test->expect, &test->expect_len))
		return;
	for (size_t i = 0; i < test->expect_len; i++)
		if (rule_capture_find(rule, test->expect[i].name) == RULE_NO_CAPTURE && !has_label(rule, test->expect[i].name)) {
			struct yaml at = {.line = node->key_lines[i], .column = node->key_columns[i]};
			rule_complain_capture(l, &at, rule, test->expect[i].name);
		}
}

static void load_test(struct rule_loader *l, const struct yaml *node, const struct rule *rule, struct rule_test *test)
{
	const struct yaml *message = yaml_get(node, "message"), *fields = yaml_get(node, "fields"), *expect = yaml_get(node, "expect");
	test->line = node->line;
	if (node->kind != YAML_MAP) {
		rule_complain(l, node, "a test is a map of message, fields and expect");
		return;
	}
	rule_check_keys(l, node, rule_test_keys);
	if (message)
		rule_text(l, message, &test->message);
	else if (rule->regex_text.len)
		rule_complain(l, node, "a test needs a message");
	if (fields)
		load_pairs(l, fields, &test->fields, &test->fields_len);
	if (expect)
		load_expect(l, expect, rule, test);
	else
		rule_complain(l, node, "a test needs expect: a map of captures, \"match\" or \"no match\"");
}

static void load_tests(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	if (node->kind != YAML_LIST) {
		rule_complain(l, node, "expected a list of tests");
		return;
	}
	rule->tests = arena_zalloc(l->arena, (node->len + 1) * sizeof(*rule->tests));
	rule->tests_len = node->len;
	for (size_t i = 0; i < node->len; i++)
		load_test(l, &node->items[i], rule, &rule->tests[i]);
}

/* In the order in which they are loaded: what captures comes before what refers to captures. */
static const struct {
	const char *key;
	void (*load)(struct rule_loader *l, const struct yaml *node, struct rule *rule);
} loaders[] = {
	{"name", load_name}, {"description", load_description}, {"where", load_where}, {"match", load_match}, {"regex", load_regex}, {"grok", load_grok},
	{"captures", load_captures}, {"duration", load_duration}, {"error", load_error}, {"drop", load_drop}, {"service", load_service},
	{"severity", load_severity}, {"allow_unbounded_label", load_allow}, {"labels", load_labels}, {"counters", load_counters}, {"histograms", load_histograms}, {"tests", load_tests},
};
static uint32_t find_first(const struct rule *rule, const char *const *names)
{
	uint32_t capture = RULE_NO_CAPTURE;
	for (; *names && capture == RULE_NO_CAPTURE; names++)
		capture = rule_capture_find(rule, slice_str(*names));
	return capture;
}

/* What makes a rule an access log, by our short names or those of the Elastic Common Schema. */
static void find_http(struct rule *rule)
{
	static const char *const methods[] = {"method", "http_request_method", NULL}, *const paths[] = {"path", "url_path", "url_original", NULL}, *const routes[] = {"route", "http_route", NULL},
		*const statuses[] = {"status", "http_response_status_code", NULL};
	rule->http_method = find_first(rule, methods);
	rule->http_path = find_first(rule, paths);
	rule->http_route = find_first(rule, routes);
	rule->http_status = find_first(rule, statuses);
}

static void check_shape(struct rule_loader *l, const struct yaml *node, const struct rule *rule)
{
	int ways = (yaml_get(node, "match") != NULL) + (yaml_get(node, "regex") != NULL) + (yaml_get(node, "grok") != NULL);
	if (!yaml_get(node, "name"))
		rule_complain(l, node, "a rule needs a name");
	if (ways > 1)
		rule_complain(l, node, "a rule has one of match, grok and regex");
	if (ways == 0 && !yaml_get(node, "where"))
		rule_complain(l, node, "a rule needs match, grok, regex or where");
	if (rule->drop && (rule->labels_len || rule->metrics_len || rule->duration != RULE_NO_CAPTURE))
		rule_complain(l, node, "a rule that drops counts nothing: no labels, no duration, no counters or histograms");
}

void rule_load(struct rule_loader *l, const struct yaml *node, struct rule *rule)
{
	*rule = (struct rule){.file = rule_keep(l, slice_str(yaml_name(l->doc))).ptr, .line = node->line, .column = node->column, .where.severities = ~0u, .error = -1, .severity = SEVERITY_COUNT,
		.duration = RULE_NO_CAPTURE, .duration_unit_ns = (double)NS_PER_S};
	if (node->kind != YAML_MAP) {
		rule_complain(l, node, "a rule is a map: name, match, ...");
		return;
	}
	rule_check_keys(l, node, rule_keys);
	if (yaml_get(node, "counters") || yaml_get(node, "histograms"))
		rule->metrics = arena_zalloc(l->arena, RULE_METRICS_MAX * sizeof(*rule->metrics));
	for (size_t i = 0; i < sizeof(loaders) / sizeof(loaders[0]); i++) {
		const struct yaml *value = yaml_get(node, loaders[i].key);
		if (value)
			loaders[i].load(l, value, rule);
	}
	find_http(rule);
	if (!rule->shown.len)
		rule->shown = rule->name;
	check_shape(l, node, rule);
}

void rule_done(struct rule *rule)
{
	pcre2_code_free(rule->code);
}
