# SPDX-License-Identifier: Apache-2.0
"""Real receivers: the same shop into each, taken without a refusal or a warning, and the same numbers out of all of them."""
import json, os, time, unittest
import books, shop
from servers import Prometheus, VictoriaMetrics, Winnow, run_folder


class Prometheus3(Prometheus):
    name = "prometheus3"
    binary = os.environ.get("WINNOW_PROMETHEUS_3", "")


KINDS = [Prometheus, VictoriaMetrics] + ([Prometheus3] if Prometheus3.binary else [])
QUESTIONS = ["sum by (service_name, severity) (last_over_time(log_records_total[12h]))", "count(last_over_time(log_pattern_records_total[12h]))",
             "sum by (service_name) (last_over_time(traces_span_metrics_duration_milliseconds_sum[12h]))",
             "sum by (le) (last_over_time(traces_span_metrics_duration_milliseconds_bucket[12h]))", "sum(last_over_time(winnow_records_total[12h]))"]


class Receivers(unittest.TestCase):
    maxDiff = None
    answers = {}

    @classmethod
    def setUpClass(cls):
        cls.folder = run_folder("shop")
        truth = shop.generate(cls.folder, minutes=5, end=time.time() - 30, scale=1.0)
        cls.truth = {k: dict(truth[k]) for k in ("logs", "errors", "spans")}

    def play(self, kind):
        """Fills one receiver; what it says to the questions."""
        if kind in self.answers:
            return self.answers[kind]
        with kind() as server:
            settings = {"sources": [{"file": {"path": os.path.join(self.folder, name)}} for name in ("logs.jsonl", "spans.jsonl")],
                        "journal": {"file": os.path.join(run_folder("journal"), "j")}, "remote_write": {"url": server.url + "/api/v1/write"}}
            w = Winnow(settings, ["--until-end"])
            self.addCleanup(w.kill)
            w.start()
            self.assertEqual(w.child.wait(120), 0, w.said()[-2000:])
            troubles = [line for line in w.said().splitlines() if json.loads(line)["level"] in ("warn", "error") and "sender" in line]
            self.assertEqual(troubles, [])
            left = books.wait_balanced(server, self.truth, 20)
            self.assertEqual(left + books.wrong_shape(server), [])
            found = [sorted((sorted((k, v) for k, v in labels.items() if k != "__name__"), round(value, 6)) for labels, value in server.query(q)) for q in QUESTIONS]
            self.answers[kind] = (found, w.said())
        return self.answers[kind]

    def test_prometheus(self):
        """Prometheus: every record arrives, nothing is refused"""
        found, said = self.play(Prometheus)
        self.assertTrue(all(found))
        self.assertIn("does not understand remote write 2.0", said)     # 2.42 takes it for an empty request

    def test_victoria_metrics(self):
        """VictoriaMetrics: every record arrives, nothing is refused"""
        self.assertTrue(all(self.play(VictoriaMetrics)[0]))

    def test_same_numbers(self):
        """queries give the same numbers on all of them"""
        first = self.play(KINDS[0])[0]
        for kind in KINDS[1:]:
            for question, a, b in zip(QUESTIONS, first, self.play(kind)[0]):
                self.assertEqual(a, b, f"{kind.name}: {question}")

    def native(self, kind):
        """Both kinds of histograms of the same spans into one receiver: the same counts, and the same quantiles within a bucket."""
        with kind() as server:
            settings = {"sources": [{"file": {"path": os.path.join(self.folder, "spans.jsonl")}}], "journal": {"file": os.path.join(run_folder("journal"), "j")},
                        "metrics": {"histograms": "both"}, "remote_write": {"url": server.url + "/api/v1/write"}}
            w = Winnow(settings, ["--until-end"])
            self.addCleanup(w.kill)
            w.start()
            self.assertEqual(w.child.wait(120), 0, w.said()[-2000:])
            self.assertEqual([line for line in w.said().splitlines() if json.loads(line)["level"] in ("warn", "error") and "sender" in line], [])
            name, window = "traces_span_metrics_duration_milliseconds", "[12h]"     # 2.42 has no last_over_time of native histograms; the shop ended within its 5 minutes
            self.assertEqual(sum(server.by("service_name", f"sum by (service_name) (last_over_time({name}_count{window}))").values()), sum(self.truth["spans"].values()))
            self.assertEqual(server.by("service_name", f"histogram_count(sum by (service_name) ({name}))"), server.by("service_name", f"sum by (service_name) (last_over_time({name}_count{window}))"))
            for service, total in server.by("service_name", f"histogram_sum(sum by (service_name) ({name}))").items():
                self.assertAlmostEqual(total, server.by("service_name", f"sum by (service_name) (last_over_time({name}_sum{window}))")[service], delta=1e-6 * total)
            bounds = [0, 2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10000, 15000, float("inf")]
            for q in (0.5, 0.95, 0.99):
                classic = server.by("service_name", f"histogram_quantile({q}, sum by (service_name, le) (last_over_time({name}_bucket{window})))")
                exact = server.by("service_name", f"histogram_quantile({q}, sum by (service_name) ({name}))")
                self.assertEqual(set(classic), set(exact))
                self.assertTrue(classic)
                for service, value in classic.items():
                    at = next(i for i, b in enumerate(bounds) if value <= b)
                    self.assertTrue(bounds[at - 1] / 1.1 <= exact[service] <= bounds[at] * 1.1, f"{service} p{q}: {value} classic, {exact[service]} native")
            return {q: server.by("service_name", f"histogram_quantile({q}, sum by (service_name) ({name}))") for q in (0.5, 0.95, 0.99)}

    def test_native(self):
        """native and classic histograms agree within a bucket at p50, p95 and p99, and their counts and sums are the same"""
        first = self.native(Prometheus)
        if Prometheus3.binary:
            for q, quantiles in self.native(Prometheus3).items():
                for service, value in quantiles.items():     # 3 goes by powers inside a bucket, 2.42 along a line
                    self.assertTrue(first[q][service] / 1.1 <= value <= first[q][service] * 1.1, f"{service} p{q}: {first[q][service]} and {value}")

    @unittest.skipUnless(Prometheus3.binary, "WINNOW_PROMETHEUS_3 is not set")
    def test_prometheus_3(self):
        """Prometheus 3: the same, in remote write 2.0"""
        found, said = self.play(Prometheus3)
        self.assertTrue(all(found))
        self.assertNotIn("1.0 from now on", said)
