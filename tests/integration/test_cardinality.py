# SPDX-License-Identifier: Apache-2.0
"""A stream that would blow up a metrics bill, into two instances between a real Kafka and a real Prometheus.

10,000 records a second with fresh uuids in a rule's label, in span names and in messages: for 10 s, or for a minute with WINNOW_CARDINALITY=full.
"""
import json, os, random, subprocess, sys, time
from flood import RULES
from stage import Producer, Stage, kafka, produce_values

SECONDS = 60 if os.environ.get("WINNOW_CARDINALITY") == "full" else 10
RATE = 10_000
BUDGETS = {"series": 2000, "label_values": 50, "patterns_per_service": 100}
SERIES = '{__name__=~"(log|traces)_.*"}'


def rss_mib(server):
    with open(f"/proc/{server.child.pid}/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmRSS"))


class Flood:
    """The records, in order of their times; what they come to."""

    def __init__(self, seconds, begin):
        self.dice, self.begin, self.records = random.Random(8), begin, seconds * RATE
        self.logs = self.spans = 0

    def uuid(self):
        text = f"{self.dice.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def log(self, at, service, text):
        self.logs += 1
        return json.dumps({"ts": round(at, 6), "level": "info", "service": service, "msg": text})

    def span(self, at):
        self.spans += 1
        ns = int(at * 1e9)
        return json.dumps({"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "desk"}}]}, "scopeSpans": [{"spans": [{
            "traceId": f"{self.dice.getrandbits(128):032x}", "spanId": f"{self.dice.getrandbits(64):016x}", "name": f"load {self.uuid()}x{self.uuid()}", "kind": 2,
            "startTimeUnixNano": str(ns), "endTimeUnixNano": str(ns + 5_000_000)}]}]}]})

    def record(self, i):
        at = self.begin + i / RATE
        if i % 3 == 0:
            return self.log(at, "desk", f"order {i} stored for {self.uuid()}")
        if i % 3 == 1:
            return self.log(at, "desk", f"{self.uuid()} {self.dice.choice('abcdefgh')}{i} {self.uuid()[:6]}x went {self.uuid()}")
        return self.span(at)

    def write(self, path):
        with open(path, "w") as f:
            for i in range(self.records):
                f.write(self.record(i) + "\n")


class Cardinality(Stage):
    def watch(self, servers, producer):
        """Resident memory of each, second by second, while the flood lasts."""
        seen = [[] for _ in servers]
        while producer.running():
            for s, at in zip(servers, seen):
                self.assertTrue(s.alive(), s.said()[-2000:])
                at.append(rss_mib(s))
            time.sleep(0.5)
        return seen

    def total(self, query):
        answer = self.prom.query(query)
        return answer[0][1] if answer else 0.0

    def test_uuids_everywhere(self):
        """10,000 fresh uuids a second in a rule's label, span names and messages, over two instances: series within budget, memory flat, totals exact with `other`, a late service finds room, the report names the culprit"""
        self.prometheus()
        path, rules = os.path.join(self.folder, "flood.jsonl"), os.path.join(self.folder, "rules.yaml")
        with open(rules, "w") as f:
            f.write(RULES)
        flood = Flood(SECONDS, time.time())
        flood.write(path)
        settings = self.settings("kafka", topics=[self.logs], rules=[rules], budgets=BUDGETS)
        produce_values(kafka().brokers, self.logs, [flood.log(time.time(), "desk", "the topic is there").encode()])    # or there is nothing to be ready for
        servers = [self.winnow(settings) for _ in range(2)]
        for s in servers:
            self.until(lambda s=s: s.get("/-/ready")[0] == 200, 60, "ready")
        producer = Producer(kafka().brokers, self.logs, path, "-R", RATE, "-T")
        seen = self.watch(servers, producer)
        producer.wait()
        late = os.path.join(self.folder, "late.jsonl")
        with open(late, "w") as f:
            for i in range(40):
                f.write(flood.log(time.time(), "newcomer", f"a visit of kind {'abcd'[i % 4] * 3}") + "\n")
        Producer(kafka().brokers, self.logs, late).wait()

        self.until(lambda: self.total("sum(log_records_total)") == flood.logs and self.total("sum(traces_span_metrics_calls_total)") == flood.spans, 120,
                   lambda: f"{flood.logs} logs and {flood.spans} spans; there are {self.total('sum(log_records_total)')} and {self.total('sum(traces_span_metrics_calls_total)')}\n{servers[0].said()[-2000:]}")
        self.until(lambda: self.total("sum(log_pattern_records_total)") == flood.logs, 30, lambda: self.prom.query("sum(log_pattern_records_total)"))
        self.assertEqual(self.total("sum(traces_span_metrics_duration_milliseconds_count)"), flood.spans)
        held = self.total(f"count({SERIES})")
        self.assertLess(held, BUDGETS["series"])
        self.assertLess(self.total(f'count({{__name__=~"(log|traces)_.*", service_name="desk"}})'), BUDGETS["series"] * 0.6)      # half, and its `other`s
        customers = set(self.prom.by("customer", 'count by (customer) (log_pattern_records_total{customer!=""})'))
        self.assertEqual(len(customers), 17, customers)            # budgets.id_values over both instances, and `other`
        self.assertIn("other", customers)
        orders = (SECONDS * RATE + 2) // 3
        self.assertEqual(self.total('sum(log_pattern_records_total{customer!=""})'), orders)
        self.assertGreater(self.total('sum(log_pattern_records_total{customer="other"})'), orders - 17 * 5)
        self.assertGreater(self.total("sum(winnow_overflow_total)"), orders - 17 * 5)
        self.assertEqual(self.total('sum(log_pattern_records_total{service_name="newcomer"})'), 40)
        self.assertEqual(self.total('count(log_pattern_records_total{service_name="newcomer",pattern_id="other"}) or vector(0)'), 0)

        self.assertTrue(any('rule \\"order_stored\\": its label \\"customer\\"' in s.said() for s in servers), servers[0].said()[-3000:])
        report = servers[0].json("/api/v1/cardinality")
        worst = next(row for row in report["by_demand"] if row.get("rule"))
        self.assertEqual((worst["metric"], worst["label"], worst["rule"], worst["id_like"], worst["values"]), ("log_pattern_records_total", "customer", "order_stored", True, 17), report)
        self.assertEqual(report["by_service"][0]["service_name"], "desk")
        self.assertEqual((report["growth"] > 0, report["budget"]), (True, BUDGETS["series"]))
        text = subprocess.run([servers[0].binary, "cardinality", "--admin", f"127.0.0.1:{servers[0].port}"], capture_output=True, text=True)
        self.assertRegex(text.stdout, r"log_pattern_records_total\{customer\}  rule order_stored  values look like ids")

        figures = []
        for at in seen:
            half = len(at) // 2
            figures.append(f"{at[0]:.0f} MiB at first, {max(at[:half]):.0f} at most in the first half, {max(at[half:]):.0f} in the second")
            self.assertLess(max(at[half:]), max(at[:half]) * 1.15 + 12, (figures, at))
            self.assertLess(max(at), 256, at)
        self.note(f"{flood.logs} logs, {flood.spans} spans in {SECONDS} s; {held:.0f} series; " + "; ".join(figures))

    def note(self, text):
        with open(os.path.join(self.folder, "figures.txt"), "w") as f:
            f.write(text + "\n")
        if os.environ.get("WINNOW_CARDINALITY"):
            print(text, file=sys.__stderr__)
