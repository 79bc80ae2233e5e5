/* SPDX-License-Identifier: Apache-2.0 */
/* A rule's own counters and histograms: loading, what must hold over all rules of a set, and what one match counts in them. */
#include "base/clock.h"
#include "base/map.h"
#include "base/hash.h"
#include "base/mem.h"
#include "pattern/rule.h"

#include <ctype.h>
#include <math.h>

enum { METRIC_NAME_MAX = 128, METRIC_HELP_MAX = 512, SET_METRICS_MAX = 1000 };

static const double seconds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
static const double bytes[] = {256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864, 268435456, 1073741824};
static const double numbers[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 100000, 1000000};

struct metric_load {
	struct rule_loader *l;
	const struct yaml *node;
	struct rule *rule;
	struct rule_metric *metric;
};

/* ---- names ---- */

static const char *reserved_prefix(struct slice name)
{
	static const char *const prefixes[] = {"winnow_", "log_", "traces_", "target_", "scrape_", "ALERTS"};
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (slice_starts(name, slice_str(prefixes[i])))
			return prefixes[i];
	return NULL;
}

static bool legal(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum((unsigned char)name.ptr[i]) && name.ptr[i] != '_')
			return false;
	return name.len > 0 && name.len <= METRIC_NAME_MAX && !isdigit((unsigned char)name.ptr[0]) && !slice_starts(name, SLICE("__"));
}

static const char *sample_suffix(struct slice name)
{
	static const char *const suffixes[] = {"_total", "_bucket", "_sum", "_count", "_created", "_info"};
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (slice_ends(name, slice_str(suffixes[i])))
			return suffixes[i];
	return NULL;
}

static bool load_name(struct metric_load *m)
{
	const struct yaml *at = yaml_get(m->node, "name");
	struct slice name;
	if (!at || !rule_text(m->l, at, &name))
		return false;
	m->metric->name = name;
	m->metric->line = at->line;
	m->metric->column = at->column;
	const char *prefix = reserved_prefix(name), *suffix = sample_suffix(name);
	if (!legal(name))
		rule_complain(m->l, at, "\"%.*s\" is no metric name: letters, digits and _, not starting with a digit or __, at most %d", (int)(name.len < 200 ? name.len : 200), name.ptr, METRIC_NAME_MAX);
	else if (prefix)
		rule_complain(m->l, at, "metric names that start with %s are not for rules", prefix);
	else if (m->metric->counter && !slice_ends(name, SLICE("_total")))
		rule_complain(m->l, at, "the name of a counter ends in _total: \"%.*s_total\"", (int)name.len, name.ptr);
	else if (!m->metric->counter && suffix)
		rule_complain(m->l, at, "the name of a histogram does not end in %s: its series get endings of their own", suffix);
	else
		return true;
	return false;
}

/* What is counted in a base unit says so in its name, as Prometheus has it. */
static void check_unit(struct metric_load *m)
{
	struct slice name = m->metric->name, unit = slice_str(m->metric->unit);
	if (m->metric->counter)
		name.len -= sizeof("_total") - 1;
	if (unit.len && !(slice_ends(name, unit) && name.len > unit.len && name.ptr[name.len - unit.len - 1] == '_'))
		rule_complain(m->l, yaml_get(m->node, "name"), "this is counted in %s: the name should be \"%.*s_%s%s\"", m->metric->unit, (int)name.len, name.ptr, m->metric->unit,
			m->metric->counter ? "_total" : "");
}

/* ---- values ---- */

static bool is_number(enum place_type type)
{
	return type == PLACE_WORD || type == PLACE_INT || type == PLACE_NUM || type == PLACE_DURATION || type == PLACE_SIZE || type == PLACE_QUOTED || type == PLACE_LINE || type == PLACE_ANY ||
		type == PLACE_REST;
}

static void load_value(struct metric_load *m, const struct yaml *from)
{
	struct slice s;
	if (!rule_text(m->l, from, &s))
		return;
	uint32_t capture = rule_capture_find(m->rule, s);
	if (capture == RULE_NO_CAPTURE) {
		rule_complain_capture(m->l, from, m->rule, s);
		return;
	}
	enum place_type type = m->rule->captures[capture].type;
	m->metric->capture = capture;
	if (!is_number(type))
		rule_complain(m->l, from, "a capture of the type %s is no number", places[type].name);
	m->metric->unit = type == PLACE_DURATION ? "seconds" : type == PLACE_SIZE ? "bytes" : "";
}

static void load_unit(struct metric_load *m, const struct yaml *unit)
{
	struct slice s;
	if (!rule_text(m->l, unit, &s))
		return;
	if (!convert_unit(s, &m->metric->unit_ns))
		rule_complain(m->l, unit, "\"%.100s\" is no unit: ns, us, ms, s, m, h or d", s.ptr);
	else if (m->metric->capture == RULE_NO_CAPTURE)
		rule_complain(m->l, unit, "a unit needs a capture that it is the unit of");
	else if (strcmp(m->metric->unit, "bytes") == 0)
		rule_complain(m->l, unit, "a size has no unit of time");
	else
		m->metric->unit = "seconds";
}

static void default_bounds(struct rule_metric *metric)
{
	const double *bounds = numbers;
	metric->bounds_len = sizeof(numbers) / sizeof(numbers[0]);
	if (strcmp(metric->unit, "seconds") == 0) {
		bounds = seconds;
		metric->bounds_len = sizeof(seconds) / sizeof(seconds[0]);
	} else if (strcmp(metric->unit, "bytes") == 0) {
		bounds = bytes;
		metric->bounds_len = sizeof(bytes) / sizeof(bytes[0]);
	}
	metric->bounds = bounds;
}

static void load_bounds(struct metric_load *m, const struct yaml *node)
{
	if (node->kind != YAML_LIST || node->len == 0 || node->len > RULE_BOUNDS_MAX) {
		rule_complain(m->l, node, "expected a list of 1 to %d upper bounds", RULE_BOUNDS_MAX);
		return;
	}
	double *bounds = arena_zalloc(m->l->arena, node->len * sizeof(*bounds));
	for (size_t i = 0; i < node->len; i++) {
		const struct yaml *at = &node->items[i];
		if (at->kind != YAML_SCALAR || !slice_to_double(at->text, &bounds[i]) || !isfinite(bounds[i])) {
			rule_complain(m->l, at, "a bound is a number");
			return;
		}
		if (i > 0 && bounds[i] <= bounds[i - 1]) {
			rule_complain(m->l, at, "bounds rise: %g is not above %g", bounds[i], bounds[i - 1]);
			return;
		}
	}
	m->metric->bounds = bounds;
	m->metric->bounds_len = node->len;
}

static void load_help(struct metric_load *m, const struct yaml *node)
{
	if (!rule_text(m->l, node, &m->metric->help))
		return;
	if (m->metric->help.len > METRIC_HELP_MAX || slice_find(m->metric->help, '\n', 0) < m->metric->help.len)
		rule_complain(m->l, node, "a help is one line of at most %d bytes", METRIC_HELP_MAX);
}

/* ---- one metric ---- */

static void load_metric(struct metric_load *m, bool allow_unbounded)
{
	const struct yaml *value = yaml_get(m->node, m->metric->counter ? "value" : "from"), *unit = yaml_get(m->node, "unit"), *labels = yaml_get(m->node, "labels"), *help = yaml_get(m->node, "help"),
						*buckets = yaml_get(m->node, "buckets");
	rule_check_keys(m->l, m->node, m->metric->counter ? rule_counter_keys : rule_histogram_keys);
	if (!m->metric->counter && !value)
		rule_complain(m->l, m->node, "a histogram needs from: the capture that it observes");
	if (!yaml_get(m->node, "name"))
		rule_complain(m->l, m->node, "a %s needs a name", m->metric->counter ? "counter" : "histogram");
	bool named = load_name(m);
	if (value)
		load_value(m, value);
	if (unit)
		load_unit(m, unit);
	if (help)
		load_help(m, help);
	if (named && m->metric->unit[0])
		check_unit(m);
	if (!m->metric->counter) {
		default_bounds(m->metric);
		if (buckets)
			load_bounds(m, buckets);
	}
	if (labels)
		rule_load_labels(m->l, labels, allow_unbounded, m->rule, &m->metric->labels, &m->metric->labels_len);
}

static void complain_twice(struct metric_load *m)
{
	for (const struct rule_metric *other = m->rule->metrics; other < m->metric; other++)
		if (other->name.len && slice_eq(other->name, m->metric->name))
			rule_complain(m->l, m->node, "this rule counts in \"%.*s\" twice", (int)other->name.len, other->name.ptr);
}

void rule_load_metrics(struct rule_loader *l, const struct yaml *node, bool counters, bool allow_unbounded, struct rule *rule)
{
	if (node->kind != YAML_LIST) {
		rule_complain(l, node, "expected a list of %s, for example [{name: %s}]", counters ? "counters" : "histograms", counters ? "payments_failed_total" : "payment_seconds, from: took");
		return;
	}
	for (size_t i = 0; i < node->len; i++) {
		if (rule->metrics_len == RULE_METRICS_MAX) {
			rule_complain(l, &node->items[i], "more than %d counters and histograms", RULE_METRICS_MAX);
			return;
		}
		struct rule_metric *metric = &rule->metrics[rule->metrics_len++];
		*metric = (struct rule_metric){.counter = counters, .capture = RULE_NO_CAPTURE, .unit = "", .unit_ns = rule->duration_unit_ns, .line = node->items[i].line, .column = node->items[i].column};
		struct metric_load m = {.l = l, .node = &node->items[i], .rule = rule, .metric = metric};
		if (node->items[i].kind != YAML_MAP) {
			rule_complain(l, &node->items[i], "a %s is a map of name, %s, labels, ...", counters ? "counter" : "histogram", counters ? "value" : "from");
			continue;
		}
		load_metric(&m, allow_unbounded);
		complain_twice(&m);
	}
}

/* ---- all rules of a set ---- */

static bool has_label(const struct rule_metric *m, struct slice name)
{
	for (size_t i = 0; i < m->labels_len; i++)
		if (slice_eq(m->labels[i].name, name))
			return true;
	return false;
}

static bool same_labels(const struct rule_metric *a, const struct rule_metric *b)
{
	for (size_t i = 0; i < a->labels_len; i++)
		if (!has_label(b, a->labels[i].name))
			return false;
	return a->labels_len == b->labels_len;
}

/* In what two rules differ that count in the same metric; NULL if they agree. */
static const char *difference(const struct rule_metric *a, const struct rule_metric *b)
{
	if (a->counter != b->counter)
		return "type";
	if (strcmp(a->unit, b->unit) != 0)
		return "unit";
	if (a->bounds_len != b->bounds_len || (a->bounds_len && memcmp(a->bounds, b->bounds, a->bounds_len * sizeof(*a->bounds)) != 0))
		return "buckets";
	if (a->help.len && b->help.len && !slice_eq(a->help, b->help))
		return "help";
	return same_labels(a, b) ? NULL : "labels";
}

struct first {
	const struct rule *rule;
	struct rule_metric *metric;
};

static bool same_name(const void *item, const void *key)
{
	return slice_eq(((const struct first *)item)->metric->name, *(const struct slice *)key);
}

static void add_or_compare(struct arena *arena, struct map *names, struct rule_errors *errors, const struct rule *rule, struct rule_metric *metric, struct rule_metric **list, size_t *len)
{
	uint64_t hash = hash_bytes(metric->name);
	struct first *first = map_get(names, hash, same_name, &metric->name);
	if (!first) {
		first = arena_alloc(arena, sizeof(*first));
		*first = (struct first){.rule = rule, .metric = metric};
		map_put(names, hash, first);
		metric->index = *len;
		list[(*len)++] = metric;
		return;
	}
	metric->index = first->metric->index;
	if (!first->metric->help.len)
		first->metric->help = metric->help;
	const char *what = difference(first->metric, metric);
	if (what) {
		buf_printf(&errors->text, "%s:%d:%d: the metric \"%s\" differs in its %s from the one at %s:%d\n", rule->file, metric->line, metric->column, metric->name.ptr, what, first->rule->file, first->metric->line);
		errors->len++;
	}
}

struct rule_metric **rule_join_metrics(struct arena *arena, struct rule *rules, size_t len, struct rule_errors *errors, size_t *ret_len)
{
	struct map names = {0};
	size_t most = 0;
	for (size_t i = 0; i < len; i++)
		most += rules[i].metrics_len;
	struct rule_metric **list = arena_zalloc(arena, (most + 1) * sizeof(*list));
	*ret_len = 0;
	for (size_t i = 0; i < len; i++)
		for (size_t k = 0; k < rules[i].metrics_len; k++)
			if (rules[i].metrics[k].name.len)
				add_or_compare(arena, &names, errors, &rules[i], &rules[i].metrics[k], list, ret_len);
	if (*ret_len > SET_METRICS_MAX) {
		buf_printf(&errors->text, "%s:%d:%d: %zu counters and histograms in all rules; at most %d\n", rules[0].file, rules[0].line, rules[0].column, *ret_len, SET_METRICS_MAX);
		errors->len++;
	}
	map_done(&names);
	return list;
}

/* ---- one match ---- */

static bool value_of(const struct rule_match *match, const struct rule_metric *m, double *ret)
{
	if (m->capture == RULE_NO_CAPTURE) {
		*ret = 1;
		return true;
	}
	struct slice text = match->captures[m->capture];
	if (strcmp(m->unit, "seconds") == 0) {
		bool ok = convert_duration(text, m->unit_ns, ret);
		*ret /= (double)NS_PER_S;
		return ok;
	}
	return m->unit[0] ? convert_size(text, ret) : slice_to_double(text, ret);
}

size_t rule_measures_len(const struct rule *rule)
{
	return rule->metrics_len;
}

bool rule_measure(const struct rule_match *match, const struct record *record, struct rule_scratch *scratch, size_t index, struct rule_measure *ret)
{
	const struct rule_metric *m = &match->rule->metrics[index];
	if (!value_of(match, m, &ret->value) || !isfinite(ret->value))
		return false;
	ret->metric = m->index;
	ret->counter = m->counter;
	ret->labels_len = rule_make_labels(m->labels, m->labels_len, match, record, scratch, ret->labels);
	return true;
}
