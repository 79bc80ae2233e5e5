#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Grafana's dashboards, all from this one source: `python3 dashboards/build.py` writes dashboards/*.json; --check says whether they are up to date.

Four levels, each a link from the one above: overview (which service?), service (which endpoint, which pattern?), pattern (which line, which trace?), infrastructure
(is it winnow?). A panel is a row of the tables below: kind, title, queries. `optional` marks panels over metrics that others export (node_exporter, cAdvisor) or that are
off by default: they are empty where nobody does.
"""
import json, os, sys

HERE = os.path.dirname(os.path.abspath(__file__))
PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
SERVER = 'span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"'
CALLS = "traces_span_metrics_calls_total"
DURATION = "traces_span_metrics_duration_milliseconds_bucket"


def link(title, url):
    return {"title": title, "url": url, "targetBlank": False}


TO_SERVICE = link("Open the service", "/d/winnow-service?var-service=${__data.fields.service_name}&${__url_time_range}")
TO_PATTERN = link("Open the pattern", "/d/winnow-pattern?var-service=${__data.fields.service_name}&var-pattern=${__data.fields.pattern_id}&${__url_time_range}")
SERIES_TO_SERVICE = link("Open the service", "/d/winnow-service?var-service=${__field.labels.service_name}&${__url_time_range}")
SERIES_TO_PATTERN = link("Open the pattern", "/d/winnow-pattern?var-service=${service}&var-pattern=${__field.labels.pattern_id}&${__url_time_range}")


class Panel:
    """One panel. queries: [(promql, legend)]; width of 24."""

    def __init__(self, kind, title, *queries, unit="short", width=12, height=8, links=(), exemplars=False, about="", optional=False, stack=False, decimals=None, bad_above=None):
        self.__dict__.update(locals())

    def target(self, index):
        expr, legend = self.queries[index]
        table = self.kind == "table"
        return {"datasource": PROMETHEUS, "editorMode": "code", "expr": expr, "legendFormat": legend, "refId": chr(65 + index), "range": not table and self.kind != "stat",
                "instant": table or self.kind == "stat", "format": "table" if table else "time_series", "exemplar": self.exemplars}

    def defaults(self):
        out = {"unit": self.unit, "links": list(self.links)}
        if self.decimals is not None:
            out["decimals"] = self.decimals
        if self.bad_above is not None:
            out["thresholds"] = {"mode": "absolute", "steps": [{"color": "green", "value": None}, {"color": "red", "value": self.bad_above}]}
            out["color"] = {"mode": "thresholds"}
        if self.kind == "timeseries":
            out["custom"] = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 20 if self.stack else 5, "showPoints": "never", "spanNulls": False,
                             "stacking": {"mode": "normal" if self.stack else "none", "group": "A"}}
        return out

    def options(self):
        reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        return {"timeseries": {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull"], "showLegend": True}, "tooltip": {"mode": "multi", "sort": "desc"}},
                "stat": {"reduceOptions": reduce, "colorMode": "value", "graphMode": "area", "justifyMode": "auto", "textMode": "auto", "orientation": "auto"},
                "table": {"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""}}}[self.kind]

    def json(self, number, x, y):
        out = {"id": number, "type": self.kind, "title": self.title, "description": self.about, "datasource": PROMETHEUS, "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
               "targets": [self.target(i) for i in range(len(self.queries))], "fieldConfig": {"defaults": self.defaults(), "overrides": []}, "options": self.options()}
        if self.kind == "table":
            out["transformations"] = [{"id": "merge", "options": {}}, {"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": {}}}]
        return out


def query_variable(name, label, definition, multi=False):
    return {"name": name, "label": label, "type": "query", "datasource": PROMETHEUS, "query": {"query": definition, "refId": "variable"}, "refresh": 2, "sort": 1,
            "multi": multi, "includeAll": multi, "hide": 0, "skipUrlSync": False, "options": [], "current": {}}


def text_variable(name, label, value):
    return {"name": name, "label": label, "type": "textbox", "query": value, "hide": 0, "skipUrlSync": False, "current": {"text": value, "value": value, "selected": True},
            "options": [{"text": value, "value": value, "selected": True}]}


SERVICE = query_variable("service", "Service", "label_values(log_records_total, service_name)")
PATTERN = query_variable("pattern", "Pattern", 'label_values(log_pattern_records_total{service_name="$service"}, pattern_id)')
WINNOW = text_variable("winnow", "winnow", "http://localhost:9465")

UNDER_INCIDENT = "max by (service_name) (winnow_incident_until_timestamp_seconds{WHICH}) - time() > 0"
OVERVIEW = [
    ("Objectives", [
        Panel("table", "Error budget left", ("sort(slo:period_error_budget_remaining:ratio)", ""), unit="percentunit", about="Of the SLO's period. Below 0: spent.",
              links=[link("Open the service", "/d/winnow-service?var-service=${__data.fields.sloth_service}&${__url_time_range}")]),
        Panel("timeseries", "Burn rate", ("slo:current_burn_rate:ratio", "{{sloth_service}} {{sloth_slo}}"), about="1 spends the budget in exactly the period; 14.4 pages.", bad_above=14.4),
    ]),
    ("Incidents", [
        Panel("table", "Under incident, time left", (UNDER_INCIDENT.replace("WHICH", ""), ""), unit="s", height=5, links=[TO_SERVICE], decimals=0, optional=True,
              about="Services of which all traces, more examples and a finer log are kept (POST /api/v1/incident). It ends by itself."),
        Panel("stat", "Raised in the time shown", ("sum(increase(winnow_incidents_total[$__range]))", ""), width=4, height=5, decimals=0),
        Panel("timeseries", "Their records per second", ("sum(rate(winnow_incident_records_total[$__rate_interval]))", "kept more of"), width=8, height=5),
    ]),
    ("Services", [
        Panel("timeseries", "Requests per second", (f"sum by (service_name) (rate({CALLS}{{{SERVER}}}[$__rate_interval]))", "{{service_name}}"), unit="reqps", width=8, links=[SERIES_TO_SERVICE]),
        Panel("timeseries", "Share of errors", (f'sum by (service_name) (rate({CALLS}{{{SERVER},status_code="STATUS_CODE_ERROR"}}[$__rate_interval])) / sum by (service_name) (rate({CALLS}{{{SERVER}}}[$__rate_interval]))',
              "{{service_name}}"), unit="percentunit", width=8, links=[SERIES_TO_SERVICE]),
        Panel("timeseries", "Duration, 95th percentile", (f"histogram_quantile(0.95, sum by (service_name, le) (rate({DURATION}{{{SERVER}}}[$__rate_interval])))", "{{service_name}}"), unit="ms", width=8,
              links=[SERIES_TO_SERVICE], exemplars=True),
    ]),
    ("Patterns", [
        Panel("table", "Spiking: errors and warnings per minute more than before", (
            'topk(15, ((60 * sum by (service_name, pattern_id) (rate(log_pattern_records_total{severity=~"warn|error|fatal"}[5m])) - (60 * sum by (service_name, pattern_id) '
            '(rate(log_pattern_records_total{severity=~"warn|error|fatal"}[5m] offset 15m)) or 0 * sum by (service_name, pattern_id) (rate(log_pattern_records_total{severity=~"warn|error|fatal"}[5m])))) > 0)'
            ' * on (service_name, pattern_id) group_left (template) log_pattern_info)', ""), links=[TO_PATTERN], decimals=1),
        Panel("table", "New in the last hour", (
            'topk(15, count by (service_name, pattern_id, template) (log_pattern_info) unless on (service_name, pattern_id) (log_pattern_info offset 1h))', ""), links=[TO_PATTERN], optional=True,
            about="Patterns that were not there an hour ago."),
        Panel("timeseries", "Log records per second", ("sum by (severity) (rate(log_records_total[$__rate_interval]))", "{{severity}}"), stack=True),
        Panel("timeseries", "Errors logged per second", ('sum by (service_name) (rate(log_records_total{severity=~"error|fatal"}[$__rate_interval]))', "{{service_name}}"), links=[SERIES_TO_SERVICE]),
    ]),
    ("What winnow saves", [
        Panel("stat", "Records read per second", ("sum(rate(winnow_records_consumed_total[5m]))", ""), width=6, height=5),
        Panel("stat", "Bytes in", ("sum(rate(winnow_input_bytes_total[5m]))", ""), unit="Bps", width=6, height=5),
        Panel("stat", "Bytes out", ("sum(rate(winnow_output_bytes_total[5m]))", ""), unit="Bps", width=6, height=5),
        Panel("stat", "Less by the factor", ("sum(rate(winnow_input_bytes_total[5m])) / sum(rate(winnow_output_bytes_total[5m]))", ""), width=6, height=5, decimals=0),
    ]),
]

SERVICE_LEVEL = [
    ("$service: alerts and incident", [
        Panel("table", "Alerts that fire or wait", ('ALERTS{sloth_service="$service"} or ALERTS{service_name="$service"}', ""), width=16, height=5, decimals=0, optional=True),
        Panel("stat", "Under incident for", (UNDER_INCIDENT.replace("WHICH", 'service_name="$service"'), ""), unit="s", width=8, height=5, decimals=0, optional=True,
              about="While it lasts, all traces of the service are kept, more examples, and debug is the log level it is asked for."),
    ]),
    ("$service: requests", [
        Panel("timeseries", "Requests per second by endpoint", (f'sum by (span_name) (rate({CALLS}{{service_name="$service",{SERVER}}}[$__rate_interval]))', "{{span_name}}"), unit="reqps", width=8),
        Panel("timeseries", "Errors per second by endpoint", (f'sum by (span_name) (rate({CALLS}{{service_name="$service",{SERVER},status_code="STATUS_CODE_ERROR"}}[$__rate_interval]))', "{{span_name}}"), unit="reqps",
              width=8, exemplars=True, about="A dot is a trace that failed."),
        Panel("timeseries", "Duration by endpoint, 95th percentile", (f'histogram_quantile(0.95, sum by (span_name, le) (rate({DURATION}{{service_name="$service",{SERVER}}}[$__rate_interval])))', "{{span_name}}"),
              unit="ms", width=8, exemplars=True),
    ]),
    ("$service: what it calls", [
        Panel("timeseries", "Calls per second", (f'sum by (span_name) (rate({CALLS}{{service_name="$service",span_kind="SPAN_KIND_CLIENT"}}[$__rate_interval]))', "{{span_name}}"), unit="reqps", width=8),
        Panel("timeseries", "Calls that failed per second", (f'sum by (span_name) (rate({CALLS}{{service_name="$service",span_kind="SPAN_KIND_CLIENT",status_code="STATUS_CODE_ERROR"}}[$__rate_interval]))', "{{span_name}}"),
              unit="reqps", width=8, exemplars=True),
        Panel("timeseries", "Duration of calls, 95th percentile", (f'histogram_quantile(0.95, sum by (span_name, le) (rate({DURATION}{{service_name="$service",span_kind="SPAN_KIND_CLIENT"}}[$__rate_interval])))',
              "{{span_name}}"), unit="ms", width=8, exemplars=True),
        Panel("table", "Service graph: who calls it, whom it calls", ('sum by (client, server, connection_type) (rate(traces_service_graph_request_total{client="$service"}[5m]) or rate(traces_service_graph_request_total{server="$service"}[5m]))', ""),
              unit="reqps", width=24, height=6, optional=True, about="Where the service graph is switched on."),
    ]),
    ("$service: what it says", [
        Panel("timeseries", "Records per second by severity", ('sum by (severity) (rate(log_records_total{service_name="$service"}[$__rate_interval]))', "{{severity}}"), stack=True, width=8),
        Panel("timeseries", "Error and warning patterns per second", ('topk(10, sum by (pattern_id) (rate(log_pattern_records_total{service_name="$service",severity=~"warn|error|fatal"}[$__rate_interval])))', "{{pattern_id}}"),
              width=16, links=[SERIES_TO_PATTERN], exemplars=True),
        Panel("table", "Patterns, per minute", ('topk(50, 60 * sum by (service_name, severity, pattern_id) (rate(log_pattern_records_total{service_name="$service"}[5m])) * on (service_name, pattern_id) group_left (template, rule) log_pattern_info)', ""),
              width=24, height=10, links=[TO_PATTERN], decimals=1),
        Panel("timeseries", "Durations told by patterns, 95th percentile", ('histogram_quantile(0.95, sum by (pattern_id, le) (rate(log_pattern_duration_seconds_bucket{service_name="$service"}[$__rate_interval])))', "{{pattern_id}}"),
              unit="s", width=24, links=[SERIES_TO_PATTERN], exemplars=True),
    ]),
    ("$service: resources", [
        Panel("timeseries", "CPU", ('sum by (pod) (rate(container_cpu_usage_seconds_total{container!="",pod=~"$service-.*"}[$__rate_interval])) or sum by (instance) (rate(process_cpu_seconds_total{job="$service"}[$__rate_interval]))',
              "{{pod}}{{instance}}"), width=8, optional=True, about="Seconds per second. Of pods called like the service (cAdvisor), and of what is scraped under the service's name as its job."),
        Panel("timeseries", "Memory", ('sum by (pod) (container_memory_working_set_bytes{container!="",pod=~"$service-.*"}) or sum by (instance) (process_resident_memory_bytes{job="$service"})', "{{pod}}{{instance}}"),
              unit="bytes", width=8, optional=True),
        Panel("timeseries", "How near to a limit", ('sum by (pod) (rate(container_cpu_cfs_throttled_periods_total{pod=~"$service-.*"}[$__rate_interval])) / sum by (pod) (rate(container_cpu_cfs_periods_total{pod=~"$service-.*"}[$__rate_interval])) '
              'or sum by (instance) (process_open_fds{job="$service"}) / sum by (instance) (process_max_fds{job="$service"})', "{{pod}}{{instance}}"), unit="percentunit", width=8, optional=True,
              about="Pods: share of the CPU's periods in which they were throttled. Processes: open files, of those they may open."),
    ]),
]

INFRASTRUCTURE = [
    ("winnow", [
        Panel("stat", "Instances", ('count(up{job="winnow"} == 1)', ""), width=4, height=5),
        Panel("stat", "Leaders", ("sum(winnow_leader)", ""), width=4, height=5),
        Panel("stat", "Behind", ("time() - max(winnow_watermark_timestamp_seconds)", ""), unit="s", width=4, height=5, bad_above=300, decimals=0),
        Panel("stat", "Steps that wait", ("max(winnow_pending_steps)", ""), width=4, height=5, bad_above=30),
        Panel("stat", "Not in the books", ("sum(winnow_records_consumed_total) - sum(winnow_records_total)", ""), width=4, height=5, bad_above=1,
              about="Records consumed, less those of all outcomes: 0."),
        Panel("stat", "Set aside", ("max(winnow_remote_write_aside_series)", ""), width=4, height=5, bad_above=1),
    ]),
    ("Kafka", [
        Panel("timeseries", "Records that wait", ("sum by (topic, partition) (winnow_lag_records)", "{{topic}} {{partition}}"), stack=True),
        Panel("timeseries", "Records read per second by outcome", ("sum by (outcome) (rate(winnow_records_total[$__rate_interval]))", "{{outcome}}"), stack=True),
        Panel("timeseries", "Bytes in and out", ("sum(rate(winnow_input_bytes_total[$__rate_interval]))", "in"), ("sum(rate(winnow_output_bytes_total[$__rate_interval]))", "out"), unit="Bps"),
        Panel("timeseries", "Journal position", ("winnow_journal_position", "{{instance}}"), about="All instances read one journal: the lines lie upon each other."),
    ]),
    ("Quality of the input", [
        Panel("timeseries", "Undecodable per second by reason", ("sum by (reason) (rate(winnow_undecodable_total[$__rate_interval]))", "{{reason}}"), width=8, optional=True),
        Panel("timeseries", "Late per second by service", ("sum by (service_name) (rate(winnow_late_records_total[$__rate_interval]))", "{{service_name}}"), width=8, optional=True),
        Panel("timeseries", "Over a budget per second", ("sum by (budget) (rate(winnow_overflow_total[$__rate_interval])) or label_replace(vector(0), \"budget\", \"none\", \"\", \"\")", "{{budget}}"), width=8),
        Panel("timeseries", "Patterns and series", ("max(winnow_patterns)", "patterns"), ("max(winnow_series)", "series"), width=12),
        Panel("timeseries", "Deltas by what became of them", ("sum by (outcome) (rate(winnow_deltas_total[$__rate_interval]))", "{{outcome}}"), width=12),
    ]),
    ("Receiver", [
        Panel("timeseries", "Remote-write requests by status", ("sum by (code) (rate(winnow_remote_write_requests_total[$__rate_interval]))", "{{code}}"), width=8),
        Panel("timeseries", "Prometheus: series in memory", ("prometheus_tsdb_head_series", "{{instance}}"), width=8),
        Panel("timeseries", "Prometheus: samples taken per second", ("sum by (instance) (rate(prometheus_tsdb_head_samples_appended_total[$__rate_interval]))", "{{instance}}"), width=8),
    ]),
    ("Hosts", [
        Panel("timeseries", "CPU in use", ('1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))', "{{instance}}"), unit="percentunit", width=8, optional=True),
        Panel("timeseries", "Memory in use", ("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "{{instance}}"), unit="percentunit", width=8, optional=True),
        Panel("timeseries", "Disk free", ('node_filesystem_avail_bytes{fstype!~"tmpfs|overlay"} / node_filesystem_size_bytes', "{{instance}} {{mountpoint}}"), unit="percentunit", width=8, optional=True),
    ]),
]

TO_WINNOW = link("Example, fields, history", "${winnow}/api/v1/patterns/${pattern}")
PATTERN_LEVEL = [
    ("$pattern of $service", [
        Panel("table", "What it is", ('last_over_time(log_pattern_info{service_name="$service",pattern_id="$pattern"}[$__range])', ""), width=24, height=4, links=[TO_WINNOW]),
        Panel("timeseries", "Records per second", ('sum by (severity) (rate(log_pattern_records_total{service_name="$service",pattern_id="$pattern"}[$__rate_interval]))', "{{severity}}"), width=16, exemplars=True,
              links=[TO_WINNOW], about="A dot is a trace in which this line was written."),
        Panel("stat", "In the time shown", ('sum(increase(log_pattern_records_total{service_name="$service",pattern_id="$pattern"}[$__range]))', ""), width=4, decimals=0, links=[TO_WINNOW]),
        Panel("stat", "Share of its service", ('sum(rate(log_pattern_records_total{service_name="$service",pattern_id="$pattern"}[5m])) / sum(rate(log_records_total{service_name="$service"}[5m]))', ""),
              unit="percentunit", width=4),
    ]),
    ("What it measures", [
        Panel("timeseries", "Duration", *((f'histogram_quantile({q}, sum by (le) (rate(log_pattern_duration_seconds_bucket{{service_name="$service",pattern_id="$pattern"}}[$__rate_interval])))', f"p{int(float(q) * 100)}")
                                          for q in ("0.5", "0.95", "0.99")), unit="s", exemplars=True, optional=True, about="If its lines tell a duration."),
        Panel("timeseries", "The service's errors beside it", (f'sum(rate({CALLS}{{service_name="$service",status_code="STATUS_CODE_ERROR"}}[$__rate_interval]))', "spans that failed"),
              ('sum(rate(log_pattern_records_total{service_name="$service",pattern_id="$pattern"}[$__rate_interval]))', "this pattern")),
    ]),
    ("What changed", [
        Panel("table", "Patterns of all services, per minute, more than a quarter of an hour ago", (
            'topk(20, (60 * sum by (service_name, pattern_id) (rate(log_pattern_records_total[5m])) - (60 * sum by (service_name, pattern_id) (rate(log_pattern_records_total[5m] offset 15m)) '
            'or 0 * sum by (service_name, pattern_id) (rate(log_pattern_records_total[5m])))) * on (service_name, pattern_id) group_left (template) log_pattern_info)', ""), width=24, height=10, links=[TO_PATTERN], decimals=1),
    ]),
]


def logs_and_traces(number, y):
    """Explore's links in a panel: examples in Loki, traces of the service in Tempo."""
    tempo = json.dumps({"datasource": "tempo", "queries": [{"refId": "A", "queryType": "traceql", "query": '{resource.service.name="${service}" && status=error}'}], "range": {"from": "now-1h", "to": "now"}})
    loki = json.dumps({"datasource": "loki", "queries": [{"refId": "A", "expr": '{service_name="${service}"} | pattern_id = "${pattern}"'}], "range": {"from": "now-1h", "to": "now"}})
    text = (f"**[Example, fields and history](${{winnow}}/api/v1/patterns/${{pattern}})** in winnow · **[traces that failed](/explore?left={tempo})** in Tempo · **[lines]"
            f"(/explore?left={loki})** in Loki, if kept there")
    return {"id": number, "type": "text", "title": "Where to look on", "gridPos": {"h": 3, "w": 24, "x": 0, "y": y}, "options": {"mode": "markdown", "content": text},
            "fieldConfig": {"defaults": {}, "overrides": []}}


LEVELS = [
    ("winnow-overview", "winnow L0: overview", OVERVIEW, []),
    ("winnow-service", "winnow L1: service", SERVICE_LEVEL, [SERVICE]),
    ("winnow-infrastructure", "winnow L2: infrastructure", INFRASTRUCTURE, []),
    ("winnow-pattern", "winnow L3: pattern", PATTERN_LEVEL, [SERVICE, PATTERN, WINNOW]),
]


def dashboard(uid, title, rows, variables):
    panels, number, y = [], 0, 0
    if uid == "winnow-pattern":
        panels.append(logs_and_traces(number := number + 1, y))
        y += 3
    for name, row in rows:
        panels.append({"id": (number := number + 1), "type": "row", "title": name, "collapsed": False, "gridPos": {"h": 1, "w": 24, "x": 0, "y": y}, "panels": []})
        x, y, tallest = 0, y + 1, 0
        for panel in row:
            if x + panel.width > 24:
                x, y, tallest = 0, y + tallest, 0
            panels.append(panel.json(number := number + 1, x, y))
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest
    annotations = [{"name": "Alerts", "datasource": PROMETHEUS, "enable": True, "hide": False, "iconColor": "red", "expr": 'ALERTS{alertstate="firing",sloth_severity="page"}'},
                   {"name": "Incidents", "datasource": PROMETHEUS, "enable": True, "hide": False, "iconColor": "orange", "expr": "winnow_incident_until_timestamp_seconds > time()"}]
    return {"uid": uid, "title": title, "tags": ["winnow"], "schemaVersion": 39, "version": 1, "editable": True, "graphTooltip": 1, "timezone": "browser", "refresh": "10s",
            "time": {"from": "now-1h", "to": "now"}, "templating": {"list": variables}, "annotations": {"list": annotations}, "panels": panels,
            "links": [{"title": "winnow", "type": "dashboards", "tags": ["winnow"], "asDropdown": False, "includeVars": True, "keepTime": True, "targetBlank": False, "icon": "external link", "tooltip": "", "url": ""}]}


def build():
    """{file name: text}."""
    return {uid + ".json": json.dumps(dashboard(uid, title, rows, variables), indent=1, ensure_ascii=False) + "\n" for uid, title, rows, variables in LEVELS}


def panels():
    """[(uid, Panel)] of all levels, for the test that asks every query."""
    return [(uid, panel) for uid, _, rows, _ in LEVELS for _, row in rows for panel in row]


def main():
    stale = []
    for name, text in build().items():
        path = os.path.join(HERE, name)
        if "--check" in sys.argv:
            with open(path, encoding="utf-8") as f:
                stale += [name] if f.read() != text else []
        else:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
    for name in stale:
        print(f"dashboards/{name} is not what dashboards/build.py makes", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
