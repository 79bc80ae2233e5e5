/* SPDX-License-Identifier: Apache-2.0 */
/* Sloth's prometheus/v1, and what we add to it: period, absent_alert, exemplar_query. */
#include "slo/set.h"

static const char *const top_keys[] = {"version", "service", "labels", "slos", "period", NULL};
static const char *const slo_names[] = {"name", "objective", "description", "labels", "sli", "alerting", "period", "exemplar_query", NULL};
static const char *const sli_keys[] = {"events", "raw", "plugin", NULL};
static const char *const event_keys[] = {"error_query", "total_query", NULL};
static const char *const raw_keys[] = {"error_ratio_query", NULL};
static const char *const alerting_keys[] = {"name", "labels", "annotations", "page_alert", "ticket_alert", "absent_alert", NULL};
static const char *const alert_keys[] = {"disable", "labels", "annotations", NULL};

static void read_sli(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *at, struct slo *slo)
{
	const struct yaml *sli = yaml_get(at, "sli");
	if (!sli) {
		slo_error(set, doc, at, "sli is missing");
		return;
	}
	if (!slo_keys(set, doc, sli, "sli", sli_keys))
		return;
	const struct yaml *events = yaml_get(sli, "events"), *raw = yaml_get(sli, "raw"), *plugin = yaml_get(sli, "plugin");
	if (plugin)
		slo_error(set, doc, plugin, "plugins of Sloth are programs of its own; write their queries as events");
	else if (!events == !raw)
		slo_error(set, doc, sli, "sli is either events or raw");
	else if (events && slo_keys(set, doc, events, "events", event_keys)) {
		slo->error_query = slo_query(set, doc, events, "error_query");
		slo->total_query = slo_query(set, doc, events, "total_query");
	} else if (raw && slo_keys(set, doc, raw, "raw", raw_keys)) {
		slo->error_query = slo_query(set, doc, raw, "error_ratio_query");
	}
}

static void read_alert(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *alerting, const char *key, struct slo_alert *alert)
{
	const struct yaml *at = yaml_get(alerting, key);
	if (!at || !slo_keys(set, doc, at, key, alert_keys))
		return;
	alert->disabled = slo_flag(set, doc, at, "disable");
	slo_map(set, doc, at, "labels", &alert->labels);
	slo_map(set, doc, at, "annotations", &alert->annotations);
}

static void read_alerting(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *at, struct slo *slo)
{
	const struct yaml *alerting = yaml_get(at, "alerting");
	if (!alerting || !slo_keys(set, doc, alerting, "alerting", alerting_keys))
		return;
	slo->alert_name = slo_text(set, doc, alerting, "name", false);
	slo_map(set, doc, alerting, "labels", &slo->alert_labels);
	slo_map(set, doc, alerting, "annotations", &slo->alert_annotations);
	read_alert(set, doc, alerting, "page_alert", &slo->page);
	read_alert(set, doc, alerting, "ticket_alert", &slo->ticket);
	read_alert(set, doc, alerting, "absent_alert", &slo->absent);
}

static void read_slo(struct slo_set *set, const struct yaml_doc *doc, const struct yaml *root, const struct yaml *at)
{
	if (!slo_keys(set, doc, at, "an SLO", slo_names))
		return;
	struct slo *slo = slo_new(set, doc, at, "prometheus/v1");
	const struct yaml *objective = yaml_get(at, "objective");
	slo->service = slo_text(set, doc, root, "service", false);
	slo->name = slo_text(set, doc, at, "name", true);
	slo->description = slo_text(set, doc, at, "description", false);
	slo->exemplar_query = slo_text(set, doc, at, "exemplar_query", false);
	slo->period_ns = slo_length(set, doc, yaml_get(at, "period") ? at : root, "period");
	if (objective)
		slo_objective(set, doc, objective, false, &slo->objective);
	else
		slo_error(set, doc, at, "objective is missing");
	slo_map(set, doc, root, "labels", &slo->labels);
	slo_map(set, doc, at, "labels", &slo->labels);
	read_sli(set, doc, at, slo);
	read_alerting(set, doc, at, slo);
	slo_named(set, slo);
}

void slo_read_sloth(struct slo_set *set, const struct yaml_doc *doc)
{
	const struct yaml *root = yaml_root(doc), *slos = yaml_get(root, "slos");
	if (!slo_keys(set, doc, root, "an SLO file", top_keys))
		return;
	slo_text(set, doc, root, "service", true);
	if (!slos || slos->kind != YAML_LIST || slos->len == 0) {
		slo_error(set, doc, slos ? slos : root, "slos must be a list of at least one SLO");
		return;
	}
	for (size_t i = 0; i < slos->len; i++)
		read_slo(set, doc, root, &slos->items[i]);
}
