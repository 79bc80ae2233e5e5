# SPDX-License-Identifier: Apache-2.0
"""The shop with an incident under our rules: the drill, then every query of runbooks and dashboards against what it left in Prometheus."""
import importlib.util, json, os, re, subprocess, sys, time, unittest, urllib.parse
import borrowed, drill
from servers import ROOT, Failed

RUNBOOKS = os.path.join(ROOT, "docs", "runbooks")
DASHBOARDS = os.path.join(ROOT, "dashboards")
# of what did not happen: where there is none, the query must still parse
OTHERS = re.compile(r"\blog_pattern_info\{.*offset")


# What other people's dashboards ask, by the names and labels that they have in them: Sloth's 14348 and 14643, OpenTelemetry APM 19419, and Grafana's service map (Tempo data source).
ELSEWHERE = (
    'slo:sli_error:ratio_rate5m{sloth_service="payment",sloth_slo="availability"}',
    'sum_over_time(slo:sli_error:ratio_rate5m{sloth_service="payment"}[1h]) / ignoring (sloth_window) count_over_time(slo:sli_error:ratio_rate5m{sloth_service="payment"}[1h])',
    'slo:current_burn_rate:ratio{sloth_service="payment"}',
    'slo:period_burn_rate:ratio{sloth_service="payment"}',
    'slo:period_error_budget_remaining:ratio{sloth_service="payment"}',
    'slo:error_budget:ratio{sloth_service="payment"} * on (sloth_id) group_left () sloth_slo_info',
    'slo:objective:ratio{sloth_service="payment",sloth_slo="availability"}',
    'count(sloth_slo_info{sloth_mode!="",sloth_spec!=""}) by (sloth_id)',
    'ALERTS{alertstate="firing",sloth_severity="page",sloth_service="payment"}',
    'sum by (span_name) (rate(traces_span_metrics_duration_milliseconds_count{service_name="payment",span_kind="SPAN_KIND_SERVER",status_code="STATUS_CODE_ERROR"}[1m]))',
    'sum by (span_name) (rate(traces_span_metrics_duration_milliseconds_sum{service_name="payment"}[1m])) / sum by (span_name) (rate(traces_span_metrics_duration_milliseconds_count{service_name="payment"}[1m]))',
    'histogram_quantile(0.95, sum by (span_name, le) (rate(traces_span_metrics_duration_milliseconds_bucket{service_name="payment",span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"}[1m])))',
    'sum by (client, server) (rate(traces_service_graph_request_total[1h]))',
    'sum by (client, server) (rate(traces_service_graph_request_failed_total[1h]))',
    'sum by (client, server) (rate(traces_service_graph_request_server_seconds_sum[1h]))',
    'histogram_quantile(0.9, sum by (client, server, le) (rate(traces_service_graph_request_server_seconds_bucket[1h])))',
)


def load_build():
    spec = importlib.util.spec_from_file_location("dashboards_build", os.path.join(DASHBOARDS, "build.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BUILD = load_build()


def setUpModule():
    global stage, wrong
    stage = drill.Stage()
    try:
        stage.start()
        wrong = drill.run(stage)
    except Failed as e:
        wrong = [str(e)]


def tearDownModule():
    stage.down()


def ask(query):
    return stage.prometheus.query(query)


class Drill(unittest.TestCase):
    def test_drill(self):
        """a dependency fails; the 14.4x alert fires within 3 minutes; alert, runbook and links lead to the injected cause"""
        self.assertEqual(wrong, [])


class Runbooks(unittest.TestCase):
    def alerts(self):
        """{alert: annotations} of every rule that Prometheus has loaded."""
        groups = stage.prometheus.api("rules")["groups"]
        return [(r["name"], r["annotations"]) for g in groups for r in g["rules"] if r["type"] == "alerting"]

    def test_pages(self):
        """every alert has its page with all five parts, and every page its alert"""
        alerts = self.alerts()
        self.assertGreater(len(alerts), 15)
        named = set()
        for name, annotations in alerts:
            page = os.path.basename(urllib.parse.urlparse(annotations["runbook_url"]).path)
            named.add(page)
            self.assertTrue(os.path.exists(os.path.join(RUNBOOKS, page)), f"{name}: {page}")
        self.assertEqual(named, set(os.listdir(RUNBOOKS)))
        for page in named:
            with open(os.path.join(RUNBOOKS, page), encoding="utf-8") as f:
                parts = re.findall(r"^## (.+)$", f.read(), flags=re.M)
            self.assertEqual(parts, ["Meaning", "Impact", "Diagnosis", "Mitigation", "Escalation"], page)

    def test_queries(self):
        """every query of every page parses and returns something"""
        asked = 0
        for page in sorted(os.listdir(RUNBOOKS)):
            with open(os.path.join(RUNBOOKS, page), encoding="utf-8") as f:
                found = [q for _, q, kind in drill.queries(f.read()) if kind == "promql"]
            self.assertGreater(len(found), 0, page)
            for query in found:
                filled = query.replace("SERVICE", "payment").replace('"ID"', '"payment-availability"')
                with self.subTest(f"{page}: {query}"):
                    asked += 1
                    self.assertTrue(ask(filled) or OTHERS.search(query), f"no data: {page}: {filled}")
        self.assertGreater(asked, 45)

    def test_annotations(self):
        """the queries that alerts carry return: the burn rate, and exemplars with traces"""
        for name, annotations in self.alerts():
            if "burn_rate_query" not in annotations:
                continue
            self.assertTrue(ask(annotations["burn_rate_query"]), annotations["burn_rate_query"])
            stage.prometheus.exemplars(annotations["exemplar_query"])
        self.assertTrue(stage.prometheus.exemplars('traces_span_metrics_calls_total{service_name="payment",status_code="STATUS_CODE_ERROR"}'))


class Dashboards(unittest.TestCase):
    def variables(self):
        growing = 'sum by (pattern_id) (rate(log_pattern_records_total{service_name="payment",severity="error"}[5m]))'
        pattern = max(ask(growing), key=lambda r: r[1])[0]["pattern_id"]
        return {"$__rate_interval": "1m", "$__range": "1h", "$__interval": "15s", "$service": "payment", "$pattern": pattern}

    def test_up_to_date(self):
        """dashboards/*.json are what build.py makes"""
        self.assertEqual(subprocess.run(["python3", os.path.join(DASHBOARDS, "build.py"), "--check"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr, "")

    def test_queries(self):
        """every query of every dashboard returns data; nothing of the shop is a process: of what a service takes of its host, winnow is asked, whose log is in the topic too"""
        variables, asked, empty = self.variables(), 0, []
        for uid, panel in BUILD.panels():
            for query, _ in panel.queries:
                of = dict(variables, **({"$service": "winnow"} if "process_" in query else {}))
                for name, value in of.items():
                    query = query.replace(name, value)
                asked += 1
                empty += [] if ask(query) else [f"{uid}: {panel.title}: {query}"]
        self.assertEqual(empty, [])
        self.assertGreater(asked, 60)
        print(f"{asked} queries of dashboards, all return data", file=sys.__stderr__)

    def test_elsewhere(self):
        """the dashboards that others publish (14348, 14643, 19419) and Grafana's service map find what they ask for"""
        self.assertEqual([q for q in ELSEWHERE if not ask(q)], [])

    def test_own_service(self):
        """the service that the panels on resources are asked for can be chosen: the dashboard's variable has it, and its log has patterns"""
        services = stage.prometheus.by("service_name", "count by (service_name) (log_records_total)")
        self.assertLess({"winnow", "payment"}, set(services))
        self.assertTrue(ask('log_pattern_info{service_name="winnow"}'))

    def test_links(self):
        """a link leads to a dashboard there is, with the variables it has"""
        known = {}
        for uid, text in ((n[:-5], t) for n, t in BUILD.build().items()):
            known[uid] = {v["name"] for v in json.loads(text)["templating"]["list"]}
        urls = {l["url"] for _, panel in BUILD.panels() for l in panel.links}
        seen = 0
        for url in urls:
            if m := re.match(r"/d/([\w-]+)\?(.*)$", url):
                seen += 1
                self.assertIn(m[1], known)
                for variable in re.findall(r"var-(\w+)=", m[2]):
                    self.assertIn(variable, known[m[1]], url)
        self.assertGreaterEqual(seen, 4)

    def test_ways(self):
        """metric -> exemplar -> trace -> logs and metrics -> pattern: every link of the provisioned data sources, followed with what the drill left"""
        borrowed.python()
        import yaml
        with open(os.path.join(ROOT, "docker", "grafana", "provisioning", "datasources", "prometheus.yaml"), encoding="utf-8") as f:
            sources = {s["uid"]: s["jsonData"] for s in yaml.safe_load(f.read().replace("$$", "$"))["datasources"]}
        exemplars = [e for row in stage.prometheus.exemplars('traces_span_metrics_calls_total{service_name="payment",status_code="STATUS_CODE_ERROR"}') for e in row["exemplars"]]
        exemplar = max((e for e in exemplars if e["timestamp"] < time.time() - drill.SETTLED_S), key=lambda e: e["timestamp"])
        way = sources["prometheus"]["exemplarTraceIdDestinations"][0]
        self.assertIn(way["datasourceUid"], sources)
        trace = stage.kept.trace(exemplar["labels"][way["name"]])
        self.assertTrue(trace, "the exemplar's label leads to no trace")
        span = next(s for s in trace if s["service"] == "payment")
        to_metrics, asked = sources["tempo"]["tracesToMetrics"], 0
        tags = ",".join(f'{t["value"]}="{span["service"]}"' for t in to_metrics["tags"] if t["key"] == "service.name")
        for q in to_metrics["queries"]:
            asked += 1
            self.assertTrue(ask(q["query"].replace("$__tags", tags)), q["query"])
        self.assertGreaterEqual(asked, 2)
        to_logs = sources["tempo"]["tracesToLogsV2"]
        self.assertTrue(to_logs["filterByTraceID"] and to_logs["datasourceUid"] in sources)
        pattern = self.variables()["$pattern"]
        line = {"trace_id": exemplar["labels"]["trace_id"], "pattern_id": pattern}
        for field in sources["loki"]["derivedFields"]:
            value = line[field["matcherRegex"]]     # a label of the line
            url = field["url"].replace("${__value.raw}", value)
            if "datasourceUid" in field:
                self.assertTrue(stage.kept.trace(url))
                continue
            board, variables = re.match(r"/d/([\w-]+)\?(.*)$", url).groups()
            self.assertIn(board + ".json", BUILD.build())
            self.assertEqual(urllib.parse.parse_qs(variables)["var-pattern"], [pattern])
            self.assertEqual(stage.winnow.json("/api/v1/patterns/" + pattern)["id"], pattern)

    def test_structure(self):
        """panels have ids of their own, do not overlap, and every query names its data source"""
        for name, text in BUILD.build().items():
            board = json.loads(text)
            self.assertEqual(name, board["uid"] + ".json")
            ids = [p["id"] for p in board["panels"]]
            self.assertEqual(len(ids), len(set(ids)), name)
            taken = set()
            for p in board["panels"]:
                g = p["gridPos"]
                self.assertLessEqual(g["x"] + g["w"], 24)
                cells = {(x, y) for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])}
                self.assertFalse(cells & taken, f"{name}: {p['title']} overlaps")
                taken |= cells
                for target in p.get("targets", []):
                    self.assertEqual(target["datasource"]["uid"], "prometheus")

    def test_schema(self):
        """Grafana's published types for dashboards (grafana-foundation-sdk) read every one and know every key in it"""
        borrowed.python()
        from grafana_foundation_sdk.models.dashboard import Dashboard
        from grafana_foundation_sdk.cog.encoder import JSONEncoder
        from grafana_foundation_sdk.cog.plugins import register_default_plugins
        register_default_plugins()
        for name, text in BUILD.build().items():
            given = json.loads(text)
            kept = json.loads(JSONEncoder().encode(Dashboard.from_json(given)))
            self.assertEqual(lost(given, kept), [], name)


def lost(given, kept, at=""):
    """Keys of given that Grafana's types dropped."""
    if isinstance(given, dict) and isinstance(kept, dict):
        return [x for k, v in given.items() for x in ([f"{at}.{k}"] if k not in kept and v not in (None, [], {}, "") else lost(v, kept.get(k), f"{at}.{k}"))]
    if isinstance(given, list) and isinstance(kept, list):
        return [x for i, (a, b) in enumerate(zip(given, kept)) for x in lost(a, b, f"{at}[{i}]")]
    return []


if __name__ == "__main__":
    unittest.main()
