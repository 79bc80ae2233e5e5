# SPDX-License-Identifier: Apache-2.0
"""A stream that would blow up a metrics bill: the budgets hold, nothing is lost, and the report names who it was."""
import json, os, random, subprocess, time
from desk import Desk
from flood import RULES
from servers import BUILD, Winnow, run_folder

RECORDS = 100_000


class Budgets(Desk):
    def test_uuids(self):
        """fresh uuids in a rule's label, a span's name and a message: series stay in their budget, totals are exact with `other`, the report names the culprit"""
        dice = random.Random(5)

        def uuid():
            text = f"{dice.getrandbits(128):032x}"
            return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        path, rules = os.path.join(self.folder, "flood.jsonl"), os.path.join(self.folder, "rules.yaml")
        with open(rules, "w") as f:
            f.write(RULES)
        now, spans = time.time() - 30, 0
        with open(path, "w") as f:
            for i in range(RECORDS):
                at = now + i * 10 / RECORDS     # 10,000 a second
                if i % 3 == 0:
                    f.write(json.dumps({"ts": at, "level": "info", "service": "desk", "msg": f"order {i} stored for {uuid()}"}) + "\n")
                elif i % 3 == 1:
                    f.write(json.dumps({"ts": at, "level": "info", "service": "desk", "msg": f"{uuid()} {dice.choice('abcdefgh')}{i} {uuid()[:6]}x went {uuid()}"}) + "\n")
                else:
                    spans += 1
                    f.write(json.dumps({"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "desk"}}]}, "scopeSpans": [{"spans": [{
                        "traceId": f"{dice.getrandbits(128):032x}", "spanId": f"{dice.getrandbits(64):016x}", "name": f"load {uuid()}x{uuid()}", "kind": 2,
                        "startTimeUnixNano": str(int(at * 1e9)), "endTimeUnixNano": str(int(at * 1e9) + 5_000_000)}]}]}]}) + "\n")
        r = self.receiver()
        settings = self.settings(r, [path], follow=True)
        settings.update(rules=[rules], budgets={"series": 1000, "label_values": 50, "patterns_per_service": 100})
        server = Winnow(settings, [])
        self.addCleanup(server.kill)
        server.start()
        time.sleep(1)
        self.assertTrue(server.alive(), server.said())
        self.until(lambda: r.last("log_records_total", service_name="desk") == RECORDS - spans, 90, lambda: f"{r.last('log_records_total')}\n{server.said()[-1500:]}")
        self.until(lambda: r.last("traces_span_metrics_calls_total") == spans, 20, lambda: str(r.last("traces_span_metrics_calls_total")))
        self.assertEqual(r.faults, [])
        self.assertEqual(r.last("log_pattern_records_total"), RECORDS - spans)
        customers = {dict(k).get("customer") for k in r.store if "customer" in dict(k)}
        self.assertEqual(len(customers), 17)      # budgets.id_values, and `other`
        self.assertIn("other", customers)
        self.assertEqual(r.last("log_pattern_records_total", customer="other") > RECORDS / 3 - 1000, True)
        families = {}
        for key in r.store:
            labels = dict(key)
            labels.pop("le", None)
            families[tuple(sorted(labels.items()))] = 1
        self.assertLess(len(families), 1000 + 3 * 20)      # a histogram is a bucket, sum and count here
        self.assertGreater(r.last("winnow_overflow_total"), RECORDS / 3 - 1000)
        self.assertIn("rule \\\"order_stored\\\": its label \\\"customer\\\" takes ids", server.said())
        report = server.json("/api/v1/cardinality")
        worst = report["by_demand"][0]
        self.assertEqual((worst["metric"], worst["label"], worst["id_like"]), ("log_pattern_records_total", "customer", True), report)
        self.assertTrue(any(row["label"] == "customer" and row["values"] == 17 for row in report["by_series"]), report["by_series"][:5])
        text = subprocess.run([server.binary, "cardinality", "--admin", f"127.0.0.1:{server.port}"], capture_output=True, text=True)
        self.assertEqual(text.returncode, 0, text.stderr)
        self.assertRegex(text.stdout, r"log_pattern_records_total\{customer\}  rule order_stored  values look like ids")
        with open(f"/proc/{server.child.pid}/status") as f:
            rss = next(int(line.split()[1]) // 1024 for line in f if line.startswith("VmHWM"))
        self.assertLess(rss, 256)
