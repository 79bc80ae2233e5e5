# SPDX-License-Identifier: Apache-2.0
"""docs/metrics.md against what really leaves: every series that arrives is listed with its type and labels, and what is listed can be made to leave."""
import json, os, re, time
from desk import Desk
from servers import ROOT, Winnow

RULES = """rules:
  - name: paid
    match: "payment of <amount:num> <currency:word> settled in <took:num> ms"
    labels: {currency: "{currency}"}
    counters:
      - {name: desk_payments_total, help: Payments., labels: {currency: "{currency}"}}
      - {name: desk_paid_total, help: What was paid., value: amount}
    histograms:
      - {name: desk_settling_seconds, help: How long., from: took, unit: ms, buckets: [0.1, 1]}
  - name: hostile
    regex: "^(a+)+$"
"""
TYPES = {1: "counter", 2: "gauge", 3: "histogram"}      # as 2.0 says them
OF_RULES = {"desk_payments_total": {"service_name", "currency"}, "desk_paid_total": {"service_name"}, "desk_settling_seconds": {"service_name"}}
NEEDS_KAFKA = {"winnow_offset_gap_records_total"}      # a file has no offsets that could be gone


def listed():
    """name -> (type, labels) of the table of what is sent."""
    with open(os.path.join(ROOT, "docs", "metrics.md")) as f:
        table = f.read().split("## Sent by remote write")[1].split("## On `/metrics` only")[0]
    rows = re.findall(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \| (?:`([^`]*)`)? ?\|", table, re.M)
    return {name: (kind, set(labels.split(", ")) if labels else set()) for name, kind, labels in rows}


def otlp(service, spans, instance="one"):
    attributes = [{"key": "service.name", "value": {"stringValue": service}}, {"key": "service.instance.id", "value": {"stringValue": instance}}]
    return {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": spans}]}]}


def span(trace, number, at, kind, parent=0, status=0, **attributes):
    ns = int(at * 1e9)
    return {"traceId": f"{trace:032x}", "spanId": f"{number:016x}", **({"parentSpanId": f"{parent:016x}"} if parent else {}), "name": "GET /things", "kind": kind, "startTimeUnixNano": str(ns),
            "endTimeUnixNano": str(ns + 20_000_000), "status": {"code": status},
            "attributes": [{"key": k, "value": {"intValue": str(v)} if isinstance(v, int) else {"stringValue": v}} for k, v in attributes.items()]}


def http(status):
    return {"http.request.method": "GET", "http.response.status_code": status, "http.route": "/things", "server.address": "things"}


class Listed(Desk):
    def lines(self, now):
        log = lambda text, at=now, **more: {"ts": at, "level": "info", "service": "desk", "msg": text, **more}
        out = [log("payment of 12 EUR settled in 31 ms"), log("a" * 40 + "!"), log("done", method="GET", path="/things/1", status_code=200, duration_ms=12),
               log("from a clock that is ahead", now + 3600)]
        out += [log(f"seen kind {'abcdefgh'[i % 8] * 3} of {'stuvwxyz'[i // 8] * 4} by {'klmnop'[i % 6] * 5}") for i in range(64)]
        for trace in range(1, 4):
            status = 500 if trace == 3 else 200
            out.append(otlp("shop", [span(trace, 10 * trace, now, 3, status=2 if trace == 3 else 0, **http(status))]))
            out.append(otlp("things", [span(trace, 10 * trace + 1, now, 2, parent=10 * trace, status=2 if trace == 3 else 0, **http(status))]))
        out.append(otlp("shop", [span(9, 90, now, 3)]))                  # nobody answers this one, nobody asked that one
        out.append(otlp("shop", [span(4, 40, now, 3, status=2, **{"db.system.name": "postgresql", "db.namespace": "orders", "server.address": "db"})]))
        queue = {"messaging.system": "kafka", "messaging.destination.name": "orders"}
        out.append(otlp("shop", [span(3, 300, now, 4, **queue)]))
        out.append(otlp("things", [span(3, 301, now, 5, parent=300, **queue)]))
        out.append(otlp("things", [span(5, 50, now, 2, parent=51)]))
        out.append(otlp("shop", [dict(span(8, 80, now, 1), traceId="")]))
        return [json.dumps(r) for r in out] + ['{"level": "info", "msg":']

    def what_leaves(self, preset):
        """name -> (type, labels) of all that leaves, histograms under their base name."""
        r, rules, live = self.receiver(), os.path.join(self.folder, "rules.yaml"), os.path.join(self.folder, preset + ".jsonl")
        with open(rules, "w") as f:
            f.write(RULES)
        settings = self.settings(r, [live], follow=True, metrics={"spans": preset, "service_graph_hold": "1s"})
        settings.update(rules=[rules], budgets={"patterns_per_service": 2})
        with open(live, "w") as f:
            f.write("\n".join(self.lines(time.time() - 2)) + "\n")
        server = Winnow(settings, [])
        self.addCleanup(server.kill)
        server.start()
        self.until(lambda: r.last("log_records_total") >= 67, 60, lambda: server.said()[-2000:])
        with open(live, "a") as f:      # behind steps that are closed, and on for the graph's hold to pass
            f.write(json.dumps({"ts": time.time() - 60, "level": "info", "service": "desk", "msg": "late"}) + "\n")
            f.write(json.dumps(otlp("shop", [span(7, 70, time.time() + 3, 1)])) + "\n")
        self.until(lambda: "winnow_late_records_total" in r.names() and (preset == "otel") <= ("traces_service_graph_unpaired_spans_total" in r.names()), 60, lambda: f"{sorted(r.names())}\n{server.said()[-2000:]}")
        self.assertEqual(r.faults, [])
        found = {}
        with r.lock:
            for key in r.store:
                labels = dict(key)
                name = labels.pop("__name__")
                base = re.sub(r"_(bucket|sum|count)$", "", name) if labels.pop("le", None) or re.search(r"_(sum|count)$", name) else name
                found.setdefault(base, set()).update(labels)
        return found, dict(r.types)

    def test_what_leaves_is_listed(self):
        """every series that leaves is in docs/metrics.md with its labels, in every preset of spans, and everything in that list leaves"""
        rows, left = listed(), set()
        for preset in ("otel", "tempo", "semconv"):
            found, types = self.what_leaves(preset)
            for name, labels in found.items():
                if name in OF_RULES:
                    self.assertEqual(labels, OF_RULES[name], name)
                    continue
                self.assertIn(name, rows, f"{name}{labels} leaves and is not in docs/metrics.md")
                allowed = rows[name][1] | ({"currency"} if name.startswith("log_pattern_") else set())
                self.assertLessEqual(labels, allowed, name)
                self.assertEqual({TYPES[types[n][0]] for n in (name, name + "_bucket", name + "_count") if n in types}, {rows[name][0]}, name)
                left.add(name)
                self.labels_seen.setdefault(name, set()).update(labels)
            self.assertLessEqual(set(OF_RULES), set(found), preset)
        self.assertEqual(set(rows) - left - NEEDS_KAFKA, set(), "listed, and does not leave")
        missing = {name: rows[name][1] - self.labels_seen[name] for name in left if rows[name][1] - self.labels_seen[name]}
        self.assertEqual(missing, {}, "labels that are listed, and that no series has")

    def setUp(self):
        super().setUp()
        self.labels_seen = {}
