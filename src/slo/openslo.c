/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSLO v1: kind SLO with its indicator inside or as an SLI of its own, in this file or another. Read is what Prometheus can compute: ratios (good or
 * bad of total, or raw) and thresholds; by occurrences or by time slices. Burn rates are ours, so alert policies are passed over with a remark.
 *
 * OpenSLO's queries know no window. How they get one: slo_query_with_window(). */
#include "slo/period.h"
#include "slo/query.h"
#include "slo/set.h"

static const char *const doc_keys[] = {"apiVersion", "kind", "metadata", "spec", NULL};
static const char *const metadata_keys[] = {"name", "displayName", "labels", "annotations", "namespace", NULL};
static const char *const slo_keys_known[] = {"description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod", "objectives", "alertPolicies", NULL};
static const char *const sli_keys[] = {"description", "thresholdMetric", "ratioMetric", NULL};
static const char *const ratio_keys[] = {"counter", "good", "bad", "total", "raw", "rawType", NULL};
static const char *const metric_keys[] = {"metricSource", NULL};
static const char *const source_keys[] = {"metricSourceRef", "type", "spec", NULL};
static const char *const window_keys[] = {"duration", "isRolling", "calendar", NULL};
static const char *const objective_keys[] = {"displayName", "op", "value", "target", "targetPercent", "timeSliceTarget", "timeSliceWindow", "indicator", "indicatorRef", "compositeWeight", NULL};
static const char *const kinds[] = {"SLO", "SLI", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "DataSource", "Service", NULL};

struct reading {
	struct slo_set *set;
	const struct yaml_doc *doc; /* the SLO's */
	const struct yaml_doc *sli_doc;
	bool slices, ratio_slices;
};

static bool is(const struct yaml *value, const char *text)
{
	return value && value->kind == YAML_SCALAR && slice_eq(value->text, slice_str(text));
}

/* The query of a metric: metricSource.spec.query, with the window in it. */
static struct slice metric_query(struct reading *r, const struct yaml *metric, bool counter, bool plain)
{
	struct slo_set *set = r->set;
	if (!slo_keys(set, r->sli_doc, metric, "a metric", metric_keys))
		return slice_of(NULL, 0);
	const struct yaml *source = yaml_get(metric, "metricSource");
	if (!source || !slo_keys(set, r->sli_doc, source, "metricSource", source_keys)) {
		if (!source)
			slo_error(set, r->sli_doc, metric, "metricSource is missing");
		return slice_of(NULL, 0);
	}
	const struct yaml *type = yaml_get(source, "type"), *spec = yaml_get(source, "spec");
	if (type && !is(type, "Prometheus") && !is(type, "prometheus"))
		slo_error(set, r->sli_doc, type, "only metric sources of type Prometheus can be read");
	if (!spec) {
		slo_error(set, r->sli_doc, source, "spec is missing");
		return slice_of(NULL, 0);
	}
	struct slice query = slo_text(set, r->sli_doc, spec, "query", true);
	size_t windows;
	const char *wrong = query.len ? slo_query_check(query, &windows) : NULL;
	if (wrong)
		slo_error(set, r->sli_doc, yaml_get(spec, "query"), "%s", wrong);
	if (wrong || !query.len || plain)
		return query;
	struct buf out = {0};
	slo_query_with_window(&out, query, counter);
	return slo_keep(set, &out);
}

static struct slice format_query(struct slo_set *set, const char *format, struct slice a, struct slice b)
{
	struct buf out = {0};
	buf_printf(&out, format, (int)a.len, a.ptr, (int)b.len, b.ptr);
	return slo_keep(set, &out);
}

static void read_raw(struct reading *r, const struct yaml *ratio, struct slo *slo)
{
	struct slice raw = metric_query(r, yaml_get(ratio, "raw"), false, true);
	const struct yaml *type = yaml_get(ratio, "rawType");
	size_t windows = 0;
	if (!is(type, "success") && !is(type, "failure"))
		slo_error(r->set, r->sli_doc, type ? type : ratio, "rawType must be success or failure");
	if (raw.len == 0 || slo_query_check(raw, &windows))
		return;
	if (windows == 0)
		raw = format_query(r->set, "avg_over_time((%.*s)[{{.window}}:])%.*s", raw, SLICE(""));
	slo->error_query = is(type, "success") ? format_query(r->set, "1 - (%.*s)%.*s", raw, SLICE("")) : raw;
}

/* All but the good ones; where there is no series of good ones yet, that is all. */
static struct slice not_good(struct slo_set *set, struct slice total, struct slice good)
{
	struct slice none = format_query(set, "(%.*s) or 0 * (%.*s)", good, total);
	return format_query(set, "(%.*s) - (%.*s)", total, none);
}

static void read_ratio(struct reading *r, const struct yaml *ratio, struct slo *slo)
{
	if (!slo_keys(r->set, r->sli_doc, ratio, "ratioMetric", ratio_keys))
		return;
	const struct yaml *good = yaml_get(ratio, "good"), *bad = yaml_get(ratio, "bad"), *total = yaml_get(ratio, "total");
	bool counter = slo_flag(r->set, r->sli_doc, ratio, "counter");
	if (yaml_get(ratio, "raw")) {
		read_raw(r, ratio, slo);
		return;
	}
	if (!total || !good == !bad) {
		slo_error(r->set, r->sli_doc, ratio, "ratioMetric needs total, and one of good and bad");
		return;
	}
	struct slice part = metric_query(r, good ? good : bad, counter, false);
	slo->total_query = metric_query(r, total, counter, false);
	slo->error_query = good ? not_good(r->set, slo->total_query, part) : part;
	if (good) /* what fails is what is not good: the good ones' query leads to the same series */
		slo->exemplar_query = slo->total_query;
}

static void read_threshold(struct reading *r, const struct yaml *threshold, const struct yaml *objective, struct slo *slo)
{
	static const struct {
		const char *op, *promql;
	} ops[] = {{"lte", "<="}, {"lt", "<"}, {"gte", ">="}, {"gt", ">"}};
	const struct yaml *op = yaml_get(objective, "op"), *value = yaml_get(objective, "value");
	struct slice query = metric_query(r, threshold, false, true);
	const char *compare = NULL;
	double number;
	for (size_t i = 0; i < 4; i++)
		compare = is(op, ops[i].op) ? ops[i].promql : compare;
	if (!compare)
		slo_error(r->set, r->doc, op ? op : objective, "op of a thresholdMetric is lte, lt, gte or gt");
	if (!value || value->kind != YAML_SCALAR || !slice_to_double(value->text, &number))
		slo_error(r->set, r->doc, value ? value : objective, "value of a thresholdMetric is a number");
	else if (compare && query.len) {
		struct buf out = {0}, filled = {0};
		slo_query_print(&filled, query, PERIOD_MINUTE);
		buf_printf(&out, "1 - avg_over_time(((%s) %s bool %.*s)[{{.window}}:1m])", buf_cstr(&filled), compare, (int)value->text.len, value->text.ptr);
		buf_done(&filled);
		slo->error_query = slo_keep(r->set, &out);
	}
}

/* Time slices: a slice is good if its own ratio reaches the slice's target; what counts is the share of good slices. */
static void slice_time(struct reading *r, const struct yaml *objective, struct slo *slo)
{
	const struct yaml *target = yaml_get(objective, "timeSliceTarget"), *window = yaml_get(objective, "timeSliceWindow");
	struct decimal d = {0};
	int64_t ns = 0;
	if (!slo->error_query.len || !(r->slices || r->ratio_slices))
		return;
	if (!window || window->kind != YAML_SCALAR || !period_parse(window->text, &ns)) {
		slo_error(r->set, r->doc, window ? window : objective, "budgetingMethod %s needs timeSliceWindow, as 1m", r->slices ? "Timeslices" : "RatioTimeslices");
		return;
	}
	struct buf ratio = {0}, out = {0};
	if (slo->total_query.len) {
		struct buf total = {0};
		slo_query_print(&total, slo->total_query, ns);
		buf_add_str(&ratio, "((");
		slo_query_print(&ratio, slo->error_query, ns);
		buf_printf(&ratio, ") or 0 * (%s)) / ((%s) > 0)", buf_cstr(&total), buf_cstr(&total));
		buf_done(&total);
	} else {
		slo_query_print(&ratio, slo->error_query, ns);
	}
	if (r->ratio_slices) {
		buf_printf(&out, "avg_over_time((%s)[{{.window}}:", buf_cstr(&ratio));
	} else {
		if (target)
			slo_objective(r->set, r->doc, target, true, &d);
		else
			slo_error(r->set, r->doc, objective, "budgetingMethod Timeslices needs timeSliceTarget, as 0.95");
		buf_printf(&out, "avg_over_time(((%s) > bool ", buf_cstr(&ratio));
		decimal_print(&out, decimal_complement(d));
		buf_add_str(&out, ")[{{.window}}:");
	}
	period_print(&out, ns);
	buf_add_str(&out, "])");
	slo->exemplar_query = slo->exemplar_query.len ? slo->exemplar_query : slo->error_query;
	slo->error_query = slo_keep(r->set, &out);
	slo->total_query = slice_of(NULL, 0);
	buf_done(&ratio);
}

/* The spec of an indicator: inside the SLO, or an SLI document by name. */
static const struct yaml *find_indicator(struct reading *r, const struct yaml *at)
{
	const struct yaml *inside = yaml_get(at, "indicator"), *ref = yaml_get(at, "indicatorRef");
	r->sli_doc = r->doc;
	if (inside)
		return yaml_get(inside, "spec") ? yaml_get(inside, "spec") : inside;
	for (size_t i = 0; ref && ref->kind == YAML_SCALAR && i < r->set->docs_len; i++) {
		const struct yaml *root = yaml_root(r->set->docs[i]), *metadata = yaml_get(root, "metadata");
		const struct yaml *name = metadata ? yaml_get(metadata, "name") : NULL;
		if (!is(yaml_get(root, "kind"), "SLI") || !name || !slice_eq(name->text, ref->text))
			continue;
		r->sli_doc = r->set->docs[i];
		return yaml_get(root, "spec");
	}
	if (ref)
		slo_error(r->set, r->doc, ref, "there is no SLI \"%.*s\"", (int)ref->text.len, ref->text.ptr);
	return NULL;
}

static void read_indicator(struct reading *r, const struct yaml *spec, const struct yaml *objective, struct slo *slo)
{
	bool own = yaml_get(objective, "indicator") || yaml_get(objective, "indicatorRef");
	size_t before = r->set->found.errors_len;
	const struct yaml *sli = find_indicator(r, own ? objective : spec);
	if (!sli) {
		if (r->set->found.errors_len == before)
			slo_error(r->set, r->doc, spec, "indicator or indicatorRef is missing");
		return;
	}
	if (!slo_keys(r->set, r->sli_doc, sli, "an SLI", sli_keys))
		return;
	const struct yaml *ratio = yaml_get(sli, "ratioMetric"), *threshold = yaml_get(sli, "thresholdMetric");
	if (!ratio == !threshold)
		slo_error(r->set, r->sli_doc, sli, "an SLI is either a ratioMetric or a thresholdMetric");
	else if (ratio)
		read_ratio(r, ratio, slo);
	else
		read_threshold(r, threshold, objective, slo);
	if (ratio)
		slice_time(r, objective, slo);
}

static int64_t read_window(struct reading *r, const struct yaml *spec)
{
	const struct yaml *list = yaml_get(spec, "timeWindow");
	if (!list)
		return 0;
	if (list->kind != YAML_LIST || list->len != 1 || !slo_keys(r->set, r->doc, &list->items[0], "timeWindow", window_keys)) {
		slo_error(r->set, r->doc, list, "timeWindow must be a list of one window");
		return 0;
	}
	const struct yaml *window = &list->items[0];
	if (yaml_get(window, "calendar") || is(yaml_get(window, "isRolling"), "false"))
		slo_remark(r->set, r->doc, window, "a calendar window is taken as a rolling one of the same length");
	return slo_length(r->set, r->doc, window, "duration");
}

static void read_target(struct reading *r, const struct yaml *objective, struct slo *slo)
{
	const struct yaml *target = yaml_get(objective, "target"), *percent = yaml_get(objective, "targetPercent");
	if (!target == !percent)
		slo_error(r->set, r->doc, objective, "an objective has either target or targetPercent");
	else
		slo_objective(r->set, r->doc, target ? target : percent, target != NULL, &slo->objective);
}

/* One SLO has several objectives: each is one of ours. */
static void read_objective(struct reading *r, const struct yaml *root, const struct yaml *objective, size_t index, bool single)
{
	const struct yaml *spec = yaml_get(root, "spec"), *metadata = yaml_get(root, "metadata");
	if (!slo_keys(r->set, r->doc, objective, "an objective", objective_keys))
		return;
	struct slo *slo = slo_new(r->set, r->doc, objective, "openslo/v1");
	slo->service = slo_text(r->set, r->doc, spec, "service", true);
	slo->name = slo_text(r->set, r->doc, metadata, "name", true);
	slo->description = slo_text(r->set, r->doc, spec, "description", false);
	slo->period_ns = read_window(r, spec);
	read_target(r, objective, slo);
	read_indicator(r, spec, objective, slo);
	if (!single) {
		struct buf name = {0};
		buf_printf(&name, "%.*s-%zu", (int)slo->name.len, slo->name.ptr, index + 1);
		slo->name = slo_keep(r->set, &name);
	}
	slo_named(r->set, slo);
}

static void read_method(struct reading *r, const struct yaml *spec)
{
	const struct yaml *method = yaml_get(spec, "budgetingMethod");
	r->slices = is(method, "Timeslices");
	r->ratio_slices = is(method, "RatioTimeslices");
	if (method && !r->slices && !r->ratio_slices && !is(method, "Occurrences"))
		slo_error(r->set, r->doc, method, "budgetingMethod is Occurrences, Timeslices or RatioTimeslices");
}

static void read_slo(struct reading *r, const struct yaml *root)
{
	const struct yaml *spec = yaml_get(root, "spec"), *metadata = yaml_get(root, "metadata");
	if (!spec || !metadata) {
		slo_error(r->set, r->doc, root, "an SLO has metadata and spec");
		return;
	}
	if (!slo_keys(r->set, r->doc, metadata, "metadata", metadata_keys) || !slo_keys(r->set, r->doc, spec, "spec", slo_keys_known))
		return;
	const struct yaml *objectives = yaml_get(spec, "objectives"), *policies = yaml_get(spec, "alertPolicies");
	read_method(r, spec);
	if (policies && policies->len)
		slo_remark(r->set, r->doc, policies, "alertPolicies are passed over: the alerts are those of the burn rates 14.4, 6 and 1");
	if (!objectives || objectives->kind != YAML_LIST || objectives->len == 0) {
		slo_error(r->set, r->doc, objectives ? objectives : spec, "objectives must be a list of at least one");
		return;
	}
	for (size_t i = 0; i < objectives->len; i++)
		read_objective(r, root, &objectives->items[i], i, objectives->len == 1);
}

void slo_read_openslo(struct slo_set *set, const struct yaml_doc *doc)
{
	struct reading r = {.set = set, .doc = doc};
	const struct yaml *root = yaml_root(doc), *kind = yaml_get(root, "kind");
	if (!slo_keys(set, doc, root, "an OpenSLO document", doc_keys))
		return;
	if (is(kind, "SLO")) {
		read_slo(&r, root);
		return;
	}
	for (size_t i = 1; kinds[i]; i++)
		if (is(kind, kinds[i]))
			return;
	const char *near = kind && kind->kind == YAML_SCALAR ? err_nearest(kind->text, kinds) : NULL;
	slo_error(set, doc, kind ? kind : root, "unknown kind%s%s%s", near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}
