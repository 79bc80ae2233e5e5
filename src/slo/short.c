/* SPDX-License-Identifier: Apache-2.0 */
/* The short form: what winnow counts is known, so an SLO is a service, an objective and one of two indicators.
 *
 *	service: payment
 *	objective: 99.9
 *	indicator: availability            # or: latency < 300ms
 *	from: spans                        # access_logs, logs
 *	where: {span_name: "POST /pay"}    # optional; ~ before a value makes it a regular expression
 *
 * A file holds one, several documents of it, or a list. */
#include "slo/indicator.h"
#include "slo/period.h"

static const char *const names[] = {"service", "name", "objective", "indicator", "from", "where", "good_patterns", "bad_patterns", "preset", "period", "description", "labels", "alert",
	"alert_labels", "annotations", "page", "ticket", "absent", "runbook_url", "dashboard_url", NULL};

static bool is_pattern_id(const struct yaml *id)
{
	bool good = id->kind == YAML_SCALAR && id->text.len > 0 && id->text.len <= 64;
	for (size_t i = 0; good && i < id->text.len; i++) {
		char c = id->text.ptr[i];
		good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
	}
	return good;
}

static struct slice pattern_list(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *at, const char *key)
{
	const struct yaml *list = yaml_get(at, key);
	struct buf out = {0};
	if (!list)
		return slice_of(NULL, 0);
	if (list->kind != YAML_LIST || list->len == 0) {
		slo_error(set, doc, list, "%s must be a list of pattern ids", key);
		return slice_of(NULL, 0);
	}
	for (size_t i = 0; i < list->len; i++) {
		const struct yaml *id = &list->items[i];
		if (!is_pattern_id(id))
			slo_error(set, doc, id, "a pattern id looks like 2ca62d51d70340a4; `winnow mine` and /api/v1/patterns show them");
		else
			buf_printf(&out, "%s%.*s", out.len ? "|" : "", (int)id->text.len, id->text.ptr);
	}
	return slo_keep(set, &out);
}

/* "availability" or "latency < 300ms"; the name of the SLO unless it has one. */
static struct slice read_indicator(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *at, struct slo_indicator *in)
{
	static const char *const words[] = {"availability", "latency", NULL};
	struct slice text = slice_trim(slo_text(set, doc, at, "indicator", true));
	const struct yaml *value = yaml_get(at, "indicator");
	if (text.len == 0 || slice_eq(text, SLICE("availability")))
		return SLICE("availability");
	size_t less = slice_find(text, '<', 0);
	struct slice word = slice_trim(slice_sub(text, 0, less)), bound = slice_trim(slice_sub(text, less + 1, text.len));
	if (slice_eq(word, SLICE("latency"))) {
		bool good = period_parse(bound, &in->latency_ns) && in->latency_ns >= 1000;
		if (!good)
			slo_error(set, doc, value, "latency needs its bound, as in \"latency < 300ms\", not \"%.*s\"", (int)text.len, text.ptr);
		struct buf name = {0};
		buf_printf(&name, "latency-%.*s", (int)(good ? bound.len : 0), bound.ptr);
		return slo_keep(set, &name);
	}
	const char *near = err_nearest(word, words);
	slo_error(set, doc, value, "unknown indicator \"%.*s\"%s%s%s; there are: availability, latency < TIME", (int)text.len, text.ptr, near ? ", did you mean \"" : "", near ? near : "", near ? "\"" : "");
	return SLICE("availability");
}

static void read_source(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *at, struct slo_indicator *in)
{
	struct slice from = slo_text(set, doc, at, "from", false), preset = slo_text(set, doc, at, "preset", false);
	if (preset.len && !slice_eq(preset, SLICE("otel")) && !slice_eq(preset, SLICE("tempo")))
		slo_error(set, doc, yaml_get(at, "preset"), "preset is otel or tempo, not \"%.*s\"", (int)preset.len, preset.ptr);
	in->source = slo_source_find(from.len ? from : SLICE("spans"), slice_eq(preset, SLICE("tempo")));
	if (!in->source) {
		const char *near = err_nearest(from, slo_source_names);
		slo_error(set, doc, yaml_get(at, "from"), "unknown source \"%.*s\"%s%s%s; there are: spans, access_logs, logs", (int)from.len, from.ptr, near ? ", did you mean \"" : "", near ? near : "", near ? "\"" : "");
	}
	in->bad = pattern_list(set, doc, at, "bad_patterns");
	in->good = pattern_list(set, doc, at, "good_patterns");
	if ((in->bad.len || in->good.len) && !slice_eq(from, SLICE("logs")))
		slo_error(set, doc, at, "patterns are counted from logs: set from: logs");
	if (in->good.len && !in->bad.len && !in->latency_ns)
		slo_error(set, doc, at, "good_patterns without bad_patterns: which records are the errors?");
}

static void read_where(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *at, struct slo_indicator *in)
{
	slo_map(set, doc, at, "where", &in->where);
	for (size_t i = 0; i < in->where.len; i++)
		if (slice_trim(in->where.items[i].value).len == 0)
			slo_error(set, doc, yaml_get(at, "where"), "where.%.*s is empty", (int)in->where.items[i].name.len, in->where.items[i].name.ptr);
}

static void read_alerts(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *at, struct slo *slo)
{
	static const struct {
		const char *key;
		struct slice annotation;
	} urls[] = {{"runbook_url", SLICE("runbook_url")}, {"dashboard_url", SLICE("dashboard_url")}};
	struct slo_alert *const alerts[] = {&slo->page, &slo->ticket, &slo->absent};
	static const char *const keys[] = {"page", "ticket", "absent"};
	slo->alert_name = slo_text(set, doc, at, "alert", false);
	slo_map(set, doc, at, "alert_labels", &slo->alert_labels);
	slo_map(set, doc, at, "annotations", &slo->alert_annotations);
	for (size_t i = 0; i < 2; i++) {
		struct slice url = slo_text(set, doc, at, urls[i].key, false);
		if (url.len)
			slo_labels_set(&slo->alert_annotations, urls[i].annotation, url);
	}
	for (size_t i = 0; i < 3; i++)
		alerts[i]->disabled = yaml_get(at, keys[i]) && !slo_flag(set, doc, at, keys[i]);
}

static void read_one(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *at)
{
	struct slo_indicator in = {0};
	const char *remark = NULL;
	if (!slo_keys(set, doc, at, "an SLO", names))
		return;
	size_t before = set->found.errors_len;
	struct slo *slo = slo_new(set, doc, at, "winnow/v1");
	const struct yaml *objective = yaml_get(at, "objective");
	slo->service = slo_text(set, doc, at, "service", true);
	slo->description = slo_text(set, doc, at, "description", false);
	slo->period_ns = slo_length(set, doc, at, "period");
	if (objective)
		slo_objective(set, doc, objective, false, &slo->objective);
	else
		slo_error(set, doc, at, "objective is missing");
	slo_map(set, doc, at, "labels", &slo->labels);
	slo->name = read_indicator(set, doc, at, &in);
	if (yaml_get(at, "name"))
		slo->name = slo_text(set, doc, at, "name", true);
	read_source(set, doc, at, &in);
	read_where(set, doc, at, &in);
	read_alerts(set, doc, at, slo);
	slo_named(set, slo);
	if (set->found.errors_len == before) {
		const char *wrong = slo_indicate(set, slo, &in, &remark);
		if (wrong)
			slo_error(set, doc, yaml_get(at, "indicator"), "%s", wrong);
		else if (remark)
			slo_remark(set, doc, yaml_get(at, "indicator"), "%s", remark);
	}
	slo_labels_done(&in.where);
}

void slo_read_short(struct slo_set *set, const struct yaml_doc *doc)
{
	const struct yaml *root = yaml_root(doc);
	if (root->kind != YAML_LIST) {
		read_one(set, doc, root);
		return;
	}
	for (size_t i = 0; i < root->len; i++)
		read_one(set, doc, &root->items[i]);
}
