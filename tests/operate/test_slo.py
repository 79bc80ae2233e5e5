# SPDX-License-Identifier: Apache-2.0
"""winnow slo: rules that promtool takes, values computed by hand, mistakes with their place."""
import os, subprocess, tempfile, unittest
from servers import BUILD, ROOT

FILES = os.path.join(ROOT, "tests", "operate", "slo")
PRESETS = (os.environ.get("WINNOW_PRESET", "release"), "release", "debug")
WINNOW = next((p for p in (os.path.join(BUILD, preset, "winnow") for preset in PRESETS) if os.path.exists(p)), "winnow")


def winnow(*arguments):
    return subprocess.run([WINNOW, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=FILES)


class Slo(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def promtool(self, *arguments):
        done = subprocess.run(["promtool", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:])
        self.assertNotIn("lint error", done.stdout)
        return done.stdout

    def rules(self, *files, options=()):
        done = winnow("slo", *options, *files)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_files(self):
        """every form's rules pass promtool's check and their own generated tests: a burn pages, half the budget does not, absence is told"""
        files = sorted(os.listdir(FILES))
        self.assertGreaterEqual(len(files), 10)
        for name in files:
            with self.subTest(name):
                rules = self.write(name, self.rules(name))
                self.promtool("check", "rules", rules)
                tests = self.write(name + ".test", self.rules(name, options=("--test", rules)))
                self.promtool("test", "rules", tests)

    def test_tests_can_fail(self):
        """the generated tests fail when a threshold is off, when a ratio is, and when the absence alert is gone"""
        good = self.rules("payment.yaml")
        for old, new in (("> 0.0144", "> 0.144"), ('STATUS_CODE_ERROR"}[1h]', 'STATUS_CODE_OK"}[1h]'), ("absent(slo:", "absent(other:slo:")):
            self.assertIn(old, good)
            rules = self.write("broken.yaml", good.replace(old, new))
            tests = self.write("broken.test", self.rules("payment.yaml", options=("--test", rules)))
            done = subprocess.run(["promtool", "test", "rules", tests], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertNotEqual(done.returncode, 0, f"{old} -> {new}")

    def test_all_together(self):
        """all files together make one file of rules, without two that look alike"""
        self.promtool("check", "rules", self.write("all.yaml", self.rules(*sorted(os.listdir(FILES)))))

    def test_weighted(self):
        """a quiet hour with many errors weighs by its requests: recordings equal the hand-computed ratios to 1e-12"""
        rules = self.write("rules.yaml", self.rules("payment.yaml"))
        # per minute: 3 h of 1000 requests, 10 of them errors; then 3 h of 8 requests, 4 errors. Series begin at 0.
        busy, quiet = 180, 180
        series = 'traces_span_metrics_calls_total{service_name="payment",span_name="%s",span_kind="SPAN_KIND_SERVER",status_code="STATUS_CODE_%s"}'
        feed = [(series % ("a", "UNSET"), 990, 4), (series % ("a", "ERROR"), 10, 4)]
        inputs = "".join(f"      - series: '{name}'\n        values: '0+{a}x{busy} {busy * a + b}+{b}x{quiet - 1}'\n" for name, a, b in feed)
        # exactly: errors over requests between the first and the last sample of the window
        ratio = {"5m": 0.5, "1h": 0.5, "6h": (10 * busy + 4 * (quiet)) / (1000 * busy + 8 * quiet)}
        # 30d sums the rates recorded each minute: each has errors and requests of the minutes in its window
        rates = [(self.rate(10, 4, busy, m), self.rate(1000, 8, busy, m)) for m in range(1, busy + quiet + 1)]
        ratio["30d"] = sum(e for e, _ in rates) / sum(t for _, t in rates)
        expect = "".join(f"      - expr: 'abs(slo:sli_error:ratio_rate{w}{{sloth_id=\"payment-availability\"}} - {v!r}) < bool 1e-12'\n        eval_time: 360m\n"
                         f"        exp_samples: [{{labels: '{{sloth_id=\"payment-availability\",sloth_service=\"payment\",sloth_slo=\"availability\",sloth_window=\"{w}\"}}', value: 1}}]\n"
                         for w, v in ratio.items())
        self.promtool("test", "rules", self.write("weighted.yaml", f"rule_files: [{rules}]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n{inputs}    promql_expr_test:\n{expect}"))

    @staticmethod
    def rate(busy_step, quiet_step, busy, minute):
        """rate(x[5m]) at a minute: samples of the last five minutes, both ends; extended to the window's beginning as Prometheus does."""
        total = lambda m: busy_step * min(m, busy) + quiet_step * max(0, m - busy)
        first = max(0, minute - 5)
        span = minute - first
        # the first samples: nothing lies before 0, and a counter is not extended below 0
        return (total(minute) - total(first)) / span * (span / 5 if minute < 5 else 1)

    def test_exact(self):
        """figures are decimal: no 0.0009999999999999432"""
        text = self.rules("payment.yaml")
        for figure in ("vector(0.999)", "vector(0.001)", "> 0.0144)", "> 0.006)", "> 0.001)", 'sloth_objective: "99.9"'):
            self.assertIn(figure, text)
        self.assertNotIn("99999", text)
        self.assertNotIn("00000", text)

    def test_links(self):
        """every alert has its runbook, a dashboard of the service, a query of the burn rate, and one of exemplars that Prometheus can parse"""
        text = self.rules("shop.yaml", options=("--runbooks", "https://docs.example/runbooks/", "--dashboards", "https://grafana.example/"))
        self.assertIn('runbook_url: "https://docs.example/runbooks/SloErrorBudgetBurn.md"', text)
        self.assertIn('dashboard_url: "https://grafana.example/d/winnow-service?var-service=payment&from=now-1h&to=now"', text)
        alerts = text.count("- alert: ")
        for name in ("runbook_url", "dashboard_url", "burn_rate_query", "exemplar_query", "summary", "description"):
            self.assertEqual(text.count(f"          {name}: "), alerts, name)

    def test_newcomer(self):
        """the objective of docs/first-steps.md gives the rules that it says"""
        with open(os.path.join(ROOT, "docs", "first-steps.md"), encoding="utf-8") as f:
            section = f.read().split("## 6. ")[1]
        objective = section.split("```yaml\n")[1].split("```")[0]
        said = self.promtool("check", "rules", self.write("payment.rules.yaml", self.rules(self.write("payment.yaml", objective))))
        self.assertIn(section.split("  SUCCESS: ")[1].split("\n")[0], said)

    def test_mistakes(self):
        """a mistake names file, line and the nearest word; nothing is printed to standard output"""
        cases = {
            "service: a\nobjctive: 99\nindicator: availability\n": ':2:1: unknown key "objctive"; did you mean "objective"?',
            "service: a\nobjective: 99\nindicator: avalability\n": ':3:12: unknown indicator "avalability", did you mean "availability"',
            "service: a\nobjective: 99\nindicator: latency < soon\n": ":3:12: latency needs its bound",
            "service: a\nobjective: 99\nindicator: latency < 20s\n": ":3:12: the histogram's largest bound is 15000ms",
            "service: a\nobjective: 99\nindicator: availability\nfrom: span\n": ':4:7: unknown source "span", did you mean "spans"',
            "service: a\nobjective: 100\nindicator: availability\n": ":2:12: an objective lies between 0 and 100",
            "service: a\nobjective: 99,9\nindicator: availability\n": ":2:12: an objective is a number as 99.9",
            "service: a b\nobjective: 99\nindicator: availability\n": '"a b" is no name for a service',
            "service: a\nobjective: 99\nindicator: availability\nperiod: 3\n": ":4:9: period must be a length of time",
            "version: prometheus/v2\n": ':1:10: the version that is read is "prometheus/v1"',
            "version: prometheus/v1\nservice: a\nslos:\n  - name: b\n    objective: 99\n    sli: {events: {error_query: 'a[{{.windw}}]', total_query: b}}\n": ":6:33: error_query: the only placeholder",
            "version: prometheus/v1\nservice: a\nslos:\n  - {name: b, objective: 99, sli: {plugin: {id: x}}}\n": ":4:44: plugins of Sloth",
            "apiVersion: openslo/v1\nkind: SLOO\n": ':2:7: unknown kind, did you mean "SLO"?',
            "# one\n---\nservice: a\nobjective: 99\nindicator: availability\n---\nservice: a\nobjective: 98\nindicator: availability\n":
                ':7:1: "a-availability" is the name of an SLO already',
        }
        for text, message in cases.items():
            with self.subTest(message):
                path = self.write("bad.yaml", text)
                done = winnow("slo", path)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn(message, done.stderr)
                self.assertTrue(done.stderr.startswith(path + ":"), done.stderr)

    def test_unreachable(self):
        """an alert that not even a total failure could raise is left out, and it is said"""
        done = winnow("slo", self.write("low.yaml", "service: a\nobjective: 90\nindicator: availability\n"))
        self.assertEqual(done.returncode, 0)
        self.assertNotIn('burn_rate: "14.4"', done.stdout)
        self.assertIn("no alert for the burn rate 14.4", done.stderr)


if __name__ == "__main__":
    unittest.main()
