# SPDX-License-Identifier: Apache-2.0
import collections, json, os, time
from stage import Stage, kafka, produce, shop_files

SERVER, CLIENT = 2, 3


def edges(path):
    """(client, server) -> [requests, failures], computed from the file alone: pairs of spans, and roots."""
    spans = []
    with open(path) as f:
        for line in f:
            for resource in json.loads(line)["resourceSpans"]:
                service = next(a["value"]["stringValue"] for a in resource["resource"]["attributes"] if a["key"] == "service.name")
                spans += [(service, s) for scope in resource["scopeSpans"] for s in scope["spans"]]
    clients = {(s["traceId"], s["spanId"]): (service, s) for service, s in spans if s.get("kind") == CLIENT}
    found = collections.defaultdict(lambda: [0, 0])
    for service, s in spans:
        if s.get("kind") != SERVER:
            continue
        caller, call = clients.get((s["traceId"], s.get("parentSpanId")), ("user" if not s.get("parentSpanId") else None, {}))
        if caller:
            found[caller, service][0] += 1
            found[caller, service][1] += any(x.get("status", {}).get("code") == 2 for x in (s, call))
    return dict(found)


class ServiceGraph(Stage):
    def held(self):
        found = collections.defaultdict(lambda: [0, 0])
        for n, name in enumerate(("request_total", "request_failed_total")):
            query = f"sum by (client, server) (last_over_time(traces_service_graph_{name}" + '{connection_type!="database"}[12h]))'
            for labels, value in self.prom.query(query):
                found[labels["client"], labels["server"]][n] = int(value)
        return {k: v for k, v in found.items() if v[0]}

    def test_graph(self):
        """the service graph of spans whose traces keep together equals an independent computation, requests and failures of every edge, over a kill -9 too"""
        self.prometheus()
        folder, _ = shop_files()
        path = os.path.join(folder, "spans.jsonl")
        expected = edges(path)
        self.assertGreater(len(expected), 5)
        produce(kafka().brokers, self.spans, path, "-p", 1)   # batches of several traces: only one partition keeps each together
        settings = self.settings("kafka", topics=[self.spans])
        for seconds in (0.4, 0.7):
            w = self.winnow(settings)
            self.until(lambda: w.alive(), 5, "it runs")
            time.sleep(seconds)
            w.kill()
        w = self.winnow(settings)
        self.until(lambda: self.held() == expected, 90, lambda: f"\n{sorted(self.held().items())}\n{sorted(expected.items())}; it said: {w.said()[-800:]}")
        database = sum(v for _, v in self.prom.query('sum(last_over_time(traces_service_graph_request_total{connection_type="database"}[12h]))'))
        self.assertGreater(database, 0, "databases are virtual nodes")
