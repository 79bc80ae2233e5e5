# SPDX-License-Identifier: Apache-2.0
import collections, math, os, random, sys, time
import spans
from servers import Prometheus
from stage import Producer, Stage, kafka, produce, produce_values, real_files

SERIES = "traces_span_metrics_calls_total"
FAILS = 40                                      # one span in so many is made to fail: the real ones do not say
FULL = bool(os.environ.get("WINNOW_FULL"))      # the whole day and ten kills instead of a part and three


class Spans(Stage):
    def batches(self, fails=FAILS):
        """The day's spans, a trace to a message, moved to now."""
        folder, suffix = real_files()
        return spans.by_trace(os.path.join(folder, "spans.jsonl" + suffix), 20_000_000_000, fails, 1 if FULL else 8)

    def written(self, batches, name="spans.jsonl"):
        path = os.path.join(self.folder, name)
        spans.write(path, batches)
        return path

    def settings(self, **more):
        metrics = {"service_graph_edges": "services", **more.pop("metrics", {})}
        return super().settings("kafka", topics=[self.spans], metrics=metrics, **more)

    def totals(self, series=SERIES, more=""):
        found = {}
        for labels, value in self.prom.query(f"sum by (service_name, span_kind, status_code) (last_over_time({series}{more}[12h]))"):
            found[labels["service_name"], labels["span_kind"], labels["status_code"]] = int(value)
        return found

    def edges(self):
        found = collections.defaultdict(lambda: [0, 0])
        for n, name in enumerate(("request_total", "request_failed_total")):
            for labels, value in self.prom.query(f"sum by (client, server) (last_over_time(traces_service_graph_{name}[12h]))"):
                found[labels.get("client", ""), labels.get("server", "")][n] = int(value)
        return {k: v for k, v in found.items() if v[0]}

    def came(self, expected, what, seconds, server):
        def difference():
            got = what()
            return "\n".join(f"{k}: {got.get(k)} instead of {expected.get(k)}" for k in sorted(set(got) | set(expected)) if got.get(k) != expected.get(k)) + f"\nit said: {server.said()[-1500:]}"
        self.until(lambda: what() == expected, seconds, difference)


class WholeDay(Spans):
    def test_day(self):
        """real spans, keyed by trace in 4 partitions: RED totals and the service graph equal a computation over the file, over kill -9 (WINNOW_FULL: the whole day, ten of them)"""
        self.prometheus()
        batches, kills = self.batches(), 10 if FULL else 3
        totals, edges = spans.totals(batches), spans.edges(batches)
        n = sum(totals.values())
        self.assertGreater(sum(v[0] for v in edges.values()), n / 10)
        self.assertGreater(sum(v[1] for v in edges.values()), 100)
        producer = Producer(kafka().brokers, self.spans, self.written(batches), "-k", "trace", "-R", len(batches) // (4 * kills))
        self.addCleanup(producer.child.kill)
        roll, reached = random.Random(9), []
        settings = self.settings()
        for _ in range(kills):
            w = self.winnow(settings)
            self.until(lambda: w.get("/-/healthy")[0] == 200, 10, lambda: f"it runs; it said: {w.said()[-800:]}")
            self.until(lambda: self.metric(w, "winnow_records_consumed_total") > (reached or [0])[-1], 60, lambda: f"it reads on; it said: {w.said()[-800:]}")
            time.sleep(roll.uniform(0, 0.5))
            reached.append(int(self.metric(w, "winnow_records_consumed_total")))
            w.kill()
        w = self.winnow(settings)
        self.assertEqual(producer.wait()["messages"], len(batches))
        self.came(totals, self.totals, 120, w)
        self.came(edges, self.edges, 60, w)
        self.assertTrue(sum(r < n for r in reached) > kills / 2, f"died at {reached} of {n}: too late to show anything")
        unpaired = sum(v for _, v in self.prom.query("sum(last_over_time(traces_service_graph_unpaired_spans_total[12h]))"))
        self.assertEqual(unpaired, 0)
        requests, failures = (sum(v[i] for v in edges.values()) for i in (0, 1))
        print(f"\n  {n} spans in {len(batches)} messages: {len(edges)} edges, {requests} requests, {failures} failures, all equal after {kills} kill -9 (at {reached})", file=sys.__stderr__)


def renamed(batches, prefix):
    """The same spans from services of other names, so that one Prometheus tells them apart."""
    return [(prefix + service, {"attributes": [dict(a, value={"stringValue": prefix + service}) if a["key"] == "service.name" else a for a in resource["attributes"]]}, trace, list_of)
            for service, resource, trace, list_of in batches]


def deviations(truth, sampled, batches, p):
    """By how many standard deviations each count of a sample lies off: traces are let through whole, so a trace's spans come and go together."""
    of_trace = collections.defaultdict(collections.Counter)
    for service, _, trace, list_of in batches:
        for key, n in spans.totals([(service, None, trace, list_of)]).items():
            of_trace[key][trace] += n
    out = {}
    for key, n in truth.items():
        sigma = math.sqrt(sum(m * m for m in of_trace[key].values()) * (1 - p) / p)
        if n and sigma:
            out[key] = (sampled.get(key, 0) - n) / sigma
    return out


class Sampled(Spans):
    P = 0.1

    def strip(self, totals, prefix):
        return {(service[len(prefix):], *rest): n for (service, *rest), n in totals.items() if service.startswith(prefix)}

    def test_sampled(self):
        """spans of a 10 % head sampler (th:), and what a tail sampler keeps, count as often as they stand for: rates lie within the error bounds of the true ones, failures are exact"""
        self.prometheus()
        batches = self.batches()
        truth = spans.totals(batches)
        head = spans.head_sampled(batches, self.P)
        failing = {b[2] for b in batches if any(s.get("status", {}).get("code") == 2 for s in b[3])}
        some = {t for t in failing if spans.number(t) % 3 == 0}     # the policy keeps these traces whatever their share
        kept = [b for b in batches if b[2] in some] + spans.head_sampled([b for b in batches if b[2] not in some], self.P)
        for prefix, these in (("", batches), ("head-", head), ("kept-", kept)):
            produce(kafka().brokers, self.spans, self.written(renamed(these, prefix), prefix + "spans.jsonl"), "-k", "trace")
        w = self.winnow(self.settings(), "--until-end")
        self.runs_out(w)
        got = self.totals()
        self.assertEqual({k: n for k, n in got.items() if not k[0].startswith(("head-", "kept-"))}, truth)
        in_head = spans.totals(head)
        self.assertEqual(self.strip(got, "head-"), {k: 10 * n for k, n in in_head.items()})
        worst = []
        for prefix, of in (("head-", batches), ("kept-", [b for b in batches if b[2] not in some])):
            off = deviations(truth, self.strip(got, prefix), of, self.P)
            self.assertGreater(len(off), 20)
            self.assertLess(max(map(abs, off.values())), 4.5, off)
            worst.append(max(map(abs, off.values())))
        weights = self.prom.by("weight", "sum by (weight) (last_over_time(winnow_spans_total[12h]))")
        self.assertEqual(weights["tracestate"], sum(in_head.values()) + sum(len(b[3]) for b in kept if "traceState" in b[3][0]))
        print(f"\n  {sum(truth.values())} spans; let through {sum(in_head.values())}, worst count off by {worst[0]:.1f} standard deviations; kept {sum(len(b[3]) for b in kept)}, {worst[1]:.1f}", file=sys.__stderr__)


class Odd(Spans):
    def span(self, service, kind, n, parent=0, trace=None, ahead_s=0, took_ms=5, **more):
        """A batch of one span. Ids are numbers; ahead_s: how far its service's clock is."""
        end = self.now + n * 1_000_000 + int(ahead_s * 1e9)
        s = {"traceId": f"{trace or n >> 4 << 4 | 1:032x}", "spanId": f"{n:016x}", "parentSpanId": f"{parent:016x}" if parent else "", "name": "x", "kind": kind,
             "startTimeUnixNano": str(end - took_ms * 1_000_000), "endTimeUnixNano": str(end), **more}
        return {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}, s

    def proto(self, *span, **more):
        resource, s = self.span(*span, **more)
        return spans.batch_proto(resource, [s])

    def json(self, *span, **more):
        resource, s = self.span(*span, **more)
        return next(spans.lines([(None, resource, None, [s])])).encode()

    def call(self, n, encode, ahead_s=0):
        """A call from cart to pay in a trace of its own: two messages."""
        return [encode("cart", 3, n, trace=n), encode("pay", 2, n + 1, parent=n, trace=n, ahead_s=ahead_s)]

    def unknown_fields(self):
        resource, s = self.span("odd", 2, 5000)
        more = spans.varint(99 << 3 | 2) + spans.varint(3) + b"abc" + spans.varint(100 << 3) + spans.varint(7)
        return spans.field(1, spans.field(1, spans.attributes(1, resource["attributes"])) + spans.field(2, spans.field(2, spans.span_proto(s) + more)) + more)

    def one_trace(self, count, batch=20_000):
        """A trace of so many spans, all of one parent that does not come."""
        resource, s = self.span("deep", 2, 6000, parent=5999, trace=7 << 96)
        one = spans.span_proto(s)
        at = one.index(bytes.fromhex(s["spanId"]))
        head, tail = one[:at], one[at + 8:]
        tag = b"\x12" + spans.varint(len(one))
        for first in range(0, count, batch):
            inside = b"".join(tag + head + (1 << 40 | n).to_bytes(8, "big") + tail for n in range(first, first + batch))
            yield spans.field(1, spans.field(1, spans.attributes(1, resource["attributes"])) + spans.field(2, inside))

    def test_odd(self):
        """broken batches (cut protobuf and JSON, unknown fields, ids of wrong length, spans that end before they begin, a trace of a million spans, clocks apart) cost themselves only and are counted"""
        self.prometheus()
        self.now = time.time_ns() - 30_000_000_000
        whole = self.proto("lost", 2, 4000)
        backwards = {"startTimeUnixNano": str(self.now), "endTimeUnixNano": str(self.now - 1_000_000_000)}
        cut = [whole[:-7], whole[:len(whole) // 2], self.json("lost", 2, 4001)[:-20]]
        ids = [self.json("odd", 2, 4010, spanId="abc", traceId="00ff"), self.proto("odd", 2, 4011, traceId="00ff00ff00", spanId="00ff00"), self.json("odd", 2, 4012, traceId="0" * 32)]
        late = [self.json("odd", 2, 4020, **backwards), self.proto("odd", 2, 4021, **backwards)]
        values, n, calls = [], 16, 0
        for odd in [*cut, *ids, *late, self.unknown_fields()]:
            client, server = self.call(n, self.proto if calls % 2 else self.json)
            values += [client, odd, server]
            n, calls = n + 16, calls + 1
        for ahead in (-20, -1, 0.001, 9):      # the clock of pay beside that of cart
            values += self.call(n, self.proto, ahead)
            n, calls = n + 16, calls + 1
        client, server = self.call(n, self.json)
        values += [client, *self.one_trace(1_000_000), server]
        calls += 1
        produce_values(kafka().brokers, self.spans, values)
        settings = self.settings()
        w = self.winnow(settings)

        def held():
            return {"spans": {k: v for k, v in self.prom.by("service_name", "sum by (service_name) (last_over_time(traces_span_metrics_calls_total[12h]))").items()},
                    "calls": self.edges().get(("cart", "pay")),
                    "lost": sum(v for _, v in self.prom.query("sum(last_over_time(winnow_undecodable_total[12h]))")),
                    "faults": self.prom.by("fault", "sum by (fault) (last_over_time(winnow_span_faults_total[12h]))")}
        expected = {"spans": {"cart": calls, "pay": calls, "odd": len(ids) + len(late) + 1, "deep": 1_000_000}, "calls": [calls, 0], "lost": len(cut),
                    "faults": {"id": len(ids), "duration": len(late), "clock": 2}}
        self.came(expected, held, 90, w)
        outcomes, consumed = (sum(v for _, v in self.prom.query(f"sum(last_over_time({name}[12h]))")) for name in ("winnow_records_total", "winnow_records_consumed_total"))
        self.assertEqual(outcomes, consumed)
        self.assertEqual(consumed, sum(expected["spans"].values()) + len(cut))
        with open(f"/proc/{w.child.pid}/status") as f:
            peak = next(int(line.split()[1]) // 1024 for line in f if line.startswith("VmHWM"))
        self.assertLess(peak, 512)
        print(f"\n  {expected}: all as expected, {peak} MiB at most", file=sys.__stderr__)


class Presets(Spans):
    def value(self, promql):
        got = self.prom.query(promql)
        return got[0][1] if len(got) == 1 else got

    def shop(self):
        """A shop's requests: 60 of one route in 40 ms, 20 of another that fail, 10 whose exception is an event, 30 queries."""
        end, out = time.time_ns() - 20_000_000_000, []
        for n in range(120):
            kind, attributes = ("GET /items/{id}", 2), {"http.request.method": "GET", "http.route": "/items/{id}", "http.response.status_code": "200", "shop.tier": "gold" if n % 2 else "free"}
            s = {"traceId": f"{n + 1:032x}", "spanId": f"{n + 1:016x}", "name": f"GET /items/{n}", "kind": 2, "startTimeUnixNano": str(end - 40_000_000), "endTimeUnixNano": str(end)}
            if 60 <= n < 80:
                attributes.update({"http.route": "/pay", "http.request.method": "POST", "http.response.status_code": "503"})
                s["status"] = {"code": 2}
            elif 80 <= n < 90:
                attributes["http.route"] = "/mail"
                s["events"] = [{"name": "exception", "attributes": [{"key": "exception.type", "value": {"stringValue": "MailError"}}]}]
            elif n >= 90:
                s.update(kind=3, name=f"SELECT * FROM orders WHERE id = {n}")
                attributes = {"db.system": "postgresql", "db.operation.name": "SELECT", "db.collection.name": "orders"}
            s["attributes"] = [{"key": k, "value": {"stringValue": v}} for k, v in attributes.items()]
            out.append(s)
        resource = {"attributes": [{"key": k, "value": {"stringValue": v}} for k, v in {"service.name": "shop", "service.namespace": "eu", "service.instance.id": "i-1", "k8s.pod.name": "shop-7"}.items()]}
        return [("shop", resource, None, [s]) for s in out]

    def holds(self, preset, expected):
        """Runs with the preset into a Prometheus of its own, which then answers as expected."""
        self.prometheus()
        settings = self.settings(metrics={"spans": preset, "span_dimensions": ["shop.tier"], "exceptions_are_errors": True})
        settings["journal"] = {"file": os.path.join(self.folder, preset)}
        settings["sources"][0]["kafka"]["group"] = f"{self.name}-{preset}"
        self.runs_out(self.winnow(settings, "--until-end"))
        got = {promql: self.value(promql.format("[12h]")) for promql in expected}
        self.assertEqual({k: v if isinstance(v, list) else round(v, 6) for k, v in got.items()}, expected)

    def test_presets(self):
        """the three presets, dimensions of one's own, names from attributes, exceptions as errors and target_info, as queries find them in a real Prometheus"""
        self.prom = Prometheus()
        produce(kafka().brokers, self.spans, self.written(self.shop()))
        self.holds("otel", {
            "sum(last_over_time(traces_span_metrics_calls_total{{span_name='GET /items/{{id}}'}}{}))": 60,
            "sum(last_over_time(traces_span_metrics_calls_total{{span_name='SELECT orders'}}{}))": 30,
            "sum(last_over_time(traces_span_metrics_calls_total{{span_name='GET /mail',status_code='STATUS_CODE_ERROR'}}{}))": 10,
            "sum(last_over_time(traces_span_metrics_calls_total{{status_code='STATUS_CODE_ERROR'}}{}))": 30,
            "sum(last_over_time(traces_span_metrics_calls_total{{shop_tier='gold'}}{}))": 45,
            "sum(last_over_time(traces_span_metrics_duration_milliseconds_sum{{span_name='POST /pay'}}{}))": 800,
            "sum(last_over_time(traces_service_graph_request_total{{client='user',server='shop'}}{}))": 90,
            "sum(last_over_time(target_info{{job='eu/shop',instance='i-1',k8s_pod_name='shop-7'}}{}))": 1})
        self.holds("tempo", {
            "sum(last_over_time(traces_spanmetrics_calls_total{{service='shop',span_kind='SPAN_KIND_SERVER'}}{}))": 90,
            "sum(last_over_time(traces_spanmetrics_latency_bucket{{service='shop',span_name='GET /items/{{id}}',le='0.064'}}{}))": 60,
            "sum(last_over_time(traces_spanmetrics_latency_bucket{{service='shop',span_name='GET /items/{{id}}',le='0.032'}}{}))": 0,
            "sum(last_over_time(traces_spanmetrics_latency_sum{{span_name='POST /pay'}}{}))": 0.8})
        self.holds("semconv", {
            "sum(last_over_time(http_server_request_duration_seconds_count{{job='eu/shop',http_request_method='GET',http_route='/items/{{id}}',http_response_status_code='200'}}{}))": 60,
            "sum(last_over_time(http_server_request_duration_seconds_count{{http_route='/pay',error_type='503'}}{}))": 20,
            "sum(last_over_time(http_server_request_duration_seconds_count{{http_route='/mail',error_type='MailError'}}{}))": 10,
            "count(last_over_time(traces_span_metrics_calls_total{}))": []})


class Rekeyed(Spans):
    def test_rekeyed(self):
        """spans of a topic that is not keyed by trace id: winnow says so; re-keyed through a topic of its own, RED and the service graph are those of a computation over the file, over kill -9"""
        self.prometheus()
        batches = self.batches()
        begin, gap = time.time_ns() + 2_000_000_000, 20_000_000_000 // len(batches)
        for i, (_, _, _, list_of) in enumerate(batches):        # as if it came in these seconds: the hold is one of event time
            shift = begin + i * gap - max(int(s["endTimeUnixNano"]) for s in list_of)
            for s in list_of:
                s["startTimeUnixNano"], s["endTimeUnixNano"] = (str(int(s[k]) + shift) for k in ("startTimeUnixNano", "endTimeUnixNano"))
        totals, edges, path = spans.totals(batches), spans.edges(batches), self.written(batches)
        settings = self.settings()
        settings["sources"][0]["kafka"]["rekey"] = {"topic": self.name + ".rekeyed"}
        producer = Producer(kafka().brokers, self.spans, path, "-R", len(batches) // 20)
        self.addCleanup(producer.child.kill)
        reached = [0]
        for _ in range(2):
            w = self.winnow(settings)
            self.until(lambda: w.get("/-/healthy")[0] == 200, 10, lambda: f"it runs; it said: {w.said()[-800:]}")
            self.until(lambda: self.metric(w, "winnow_records_consumed_total") > reached[-1] + 1000, 60, lambda: f"it reads on; it said: {w.said()[-800:]}")
            reached.append(int(self.metric(w, "winnow_records_consumed_total")))
            w.kill()
        w = self.winnow(settings)
        producer.wait()
        self.came(totals, self.totals, 60, w)
        self.came(edges, self.edges, 60, w)
        consumed = sum(v for _, v in self.prom.query("sum(last_over_time(winnow_records_consumed_total[12h]))"))
        self.assertEqual(consumed, sum(totals.values()))
        self.assertLess(reached[-1], consumed)
        print(f"\n  {int(consumed)} spans in topics without keys, {len(edges)} edges, {sum(v[0] for v in edges.values())} requests, all equal after kill -9 at {reached[1:]}", file=sys.__stderr__)

    def test_said(self):
        """without that it says that the traces of the topic are scattered"""
        self.prometheus()
        produce(kafka().brokers, self.spans, self.written(self.batches()))
        w = self.winnow(self.settings(shards=1))
        self.until(lambda: "spans of one trace lie in several partitions" in w.said(), 60, lambda: f"it says so; it said: {w.said()[-1500:]}")
