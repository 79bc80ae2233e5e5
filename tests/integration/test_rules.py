# SPDX-License-Identifier: Apache-2.0
import json, os, signal, subprocess, time
from stage import Producer, Stage, kafka, produce_values

TRACE = "4bf92f3577b34da6a3ce929d0e0e47%02x"


class Rules(Stage):
    def rules(self, **files):
        """A folder of rule files, by name without .yaml."""
        folder = os.path.join(self.folder, "rules")
        os.makedirs(folder, exist_ok=True)
        for name, text in files.items():
            with open(os.path.join(folder, name + ".yaml"), "w") as f:
                f.write(text)
        return folder

    def total(self, promql):
        return sum(value for _, value in self.prom.query(f"sum(last_over_time({promql}[12h]))"))

    def lines(self, texts):
        return [json.dumps({"service": "cart", "level": "info", "message": t, "trace_id": TRACE % (n % 256)}).encode() for n, t in enumerate(texts)]

    def log_says(self, server, text, seconds=10):
        self.until(lambda: text in server.said(), seconds, lambda: f"{text!r} in the log:\n{server.said()[-2000:]}")

    def test_own_metrics(self):
        """counters and histograms that a rule names are in Prometheus: values, buckets, labels, exemplars and metadata, and go on after a restart"""
        self.prometheus()
        rule = """rules:
  - name: paid
    match: "paid <amount:num> by <method:word> in <took:num>"
    counters:
      - {name: payments_total, help: Payments., labels: {method: "{method}"}}
      - {name: paid_euros_total, value: amount}
    histograms:
      - {name: payment_duration_seconds, help: Time to pay., from: took, unit: ms, buckets: [0.01, 0.1, 1]}
"""
        settings = self.settings(topics=[self.logs], rules=[self.rules(own=rule)])
        texts = ["paid 12.5 by card in 30", "paid 7.25 by cash in 2000", "paid 0.25 by card in 5"] * 40
        for rounds in (1, 2):
            produce_values(kafka().brokers, self.logs, self.lines(texts))
            self.runs_out(self.winnow(settings, "--until-end"))
            self.balanced({"logs": {"cart": 120 * rounds}}, 15)
            self.assertEqual(self.prom.by("method", "sum by (method) (last_over_time(payments_total[12h]))"), {"card": 80 * rounds, "cash": 40 * rounds})
            self.assertEqual(self.total("paid_euros_total"), 800 * rounds)
            self.assertEqual(self.prom.by("le", "sum by (le) (last_over_time(payment_duration_seconds_bucket[12h]))"), {"0.01": 40 * rounds, "0.1": 80 * rounds, "1": 80 * rounds, "+Inf": 120 * rounds})
            self.assertEqual(self.total("payment_duration_seconds_count"), 120 * rounds)
            self.assertAlmostEqual(self.total("payment_duration_seconds_sum"), 81.4 * rounds, places=6)
        self.assertEqual(self.prom.query("resets(payments_total[12h]) > 0 or resets(paid_euros_total[12h]) > 0"), [])
        labels = {name: sorted(self.prom.query(f"last_over_time({name}[12h])")[0][0]) for name in ("paid_euros_total", "payments_total")}
        self.assertEqual(labels, {"paid_euros_total": ["__name__", "service_name"], "payments_total": ["__name__", "method", "service_name"]})
        for name in ("payments_total", "payment_duration_seconds_bucket"):
            ids = {e["labels"]["trace_id"] for row in self.prom.exemplars(name) for e in row["exemplars"]}
            self.assertTrue(ids and ids <= {TRACE % n for n in range(256)}, (name, ids))

    def test_changed_buckets(self):
        """other buckets after a reload: sums and counts go on, no series falls"""
        self.prometheus()
        rule = "rules:\n  - name: paid\n    match: \"paid in <took:duration>\"\n    histograms: [{name: payment_seconds, from: took, buckets: [%s]}]\n"
        folder = self.rules(own=rule % "0.1, 1")
        w = self.winnow(self.settings(topics=[self.logs], rules=[folder]))
        produce_values(kafka().brokers, self.logs, self.lines(["paid in 50ms", "paid in 500ms"] * 50))
        self.balanced({"logs": {"cart": 100}}, servers=[w])
        self.rules(own=rule % "0.1, 0.6, 1, 5")
        self.log_says(w, "reloaded: ")
        produce_values(kafka().brokers, self.logs, self.lines(["paid in 50ms", "paid in 500ms"] * 50))
        self.balanced({"logs": {"cart": 200}}, servers=[w])
        self.assertEqual(self.prom.by("le", "sum by (le) (last_over_time(payment_seconds_bucket[12h]))"), {"0.1": 100, "0.6": 150, "1": 200, "5": 200, "+Inf": 200})
        for part in ("bucket", "sum", "count"):
            self.assertEqual(self.prom.query(f"resets(payment_seconds_{part}[12h]) > 0"), [])
        self.ends_well(w)

    def test_removed_rules_end(self):
        """series of a rule that was renamed, lost a label or is gone, and buckets that are no more, are marked stale at the reload, not 15 minutes later; nothing is counted twice"""
        self.prometheus()
        rule = """rules:
  - {name: %s, match: "paid in <took:duration>", histograms: [{name: payment_seconds, from: took, buckets: [%s]}]}
  - {name: refused, match: "refused by <who:word>", labels: {%s: "{who}"}}
"""
        folder = self.rules(own=rule % ("paid", "0.1, 1", "who"))
        w = self.winnow(self.settings(topics=[self.logs], rules=[folder], metrics={"step": "2s", "lateness": "1s"}))
        texts = ["paid in 50ms", "refused by bank"] * 50
        produce_values(kafka().brokers, self.logs, self.lines(texts))
        self.balanced({"logs": {"cart": 100}}, servers=[w])
        self.assertEqual(self.prom.by("rule", "log_pattern_info"), {"paid": 1, "refused": 1})
        self.rules(own=rule % ("settled", "1, 5", "bank"))
        self.log_says(w, "reloaded: ")
        produce_values(kafka().brokers, self.logs, self.lines(texts))
        now = lambda label, promql: set(self.prom.by(label, promql))
        self.until(lambda: now("rule", "log_pattern_info") == {"settled", "refused"}, 40, lambda: self.prom.query("log_pattern_info"))
        self.balanced({"logs": {"cart": 200}}, servers=[w])
        self.assertEqual(now("le", "payment_seconds_bucket"), {"1", "5", "+Inf"})
        self.assertEqual(now("who", "log_pattern_records_total{who!=''} or log_pattern_records_total{bank!=''}"), {""})
        self.assertEqual(self.total("log_pattern_records_total"), 200)
        self.assertEqual(self.total("payment_seconds_count"), 100)
        self.rules(own=rule % ("paid", "1, 5", "who"))
        self.until(lambda: w.said().count("reloaded: ") == 2, 10, "a second reload")
        produce_values(kafka().brokers, self.logs, self.lines(texts))
        self.balanced({"logs": {"cart": 300}}, servers=[w])
        self.assertEqual(self.prom.by("who", "last_over_time(log_pattern_records_total{who!=''}[12h])"), {"bank": 100}, "it goes on where it was")
        self.assertEqual(self.prom.query("resets(log_pattern_records_total[12h]) > 0"), [])
        self.ends_well(w)
        self.rules(own="rules:\n  - {name: other, match: \"other <any>\"}\n")
        w = self.winnow(self.settings(topics=[self.logs], rules=[folder], metrics={"step": "2s", "lateness": "1s"}))
        self.until(lambda: self.prom.query("log_pattern_info{origin='rule'} or payment_seconds_count") == [], 40, lambda: self.prom.query("log_pattern_info"))
        self.ends_well(w)

    def test_reload_by_itself(self):
        """a changed rule file is in force within seconds; a broken one is not, and is tried again when it changes; SIGHUP reads at once"""
        self.prometheus()
        folder = self.rules(one="rules:\n  - {name: one, match: \"one <any>\"}\n")
        produce_values(kafka().brokers, self.logs, self.lines(["one of them"]))
        w = self.winnow(self.settings(topics=[self.logs], rules=[folder]))
        self.balanced({"logs": {"cart": 1}}, servers=[w])
        first = self.metric(w, "winnow_rules_last_reload_success_timestamp_seconds")
        self.assertAlmostEqual(first, time.time(), delta=30)
        self.rules(one="rules:\n  - {name: one, mach: \"one <any>\"}\n")
        self.log_says(w, "unknown key")
        self.assertEqual(self.metric(w, "winnow_rules_last_reload_successful"), 0)
        self.assertEqual(self.metric(w, "winnow_rules_last_reload_success_timestamp_seconds"), first)
        self.rules(one="rules:\n  - {name: one, match: \"one <any>\"}\n  - {name: two, match: \"two <any>\"}\n")
        self.log_says(w, "reloaded: ")
        self.assertEqual(self.metric(w, "winnow_rules_last_reload_successful"), 1)
        self.assertGreater(self.metric(w, "winnow_rules_last_reload_success_timestamp_seconds"), first)
        before = w.said().count("reloaded: ")
        w.signal(signal.SIGHUP)
        self.until(lambda: w.said().count("reloaded: ") == before + 1, 5, "a reload by SIGHUP")
        produce_values(kafka().brokers, self.logs, self.lines(["two of them"] * 10))
        self.balanced({"logs": {"cart": 11}}, servers=[w])
        self.assertEqual(self.metric(w, "winnow_records_total", outcome="rule"), 11)
        self.ends_well(w)

    def test_tap(self):
        """tap: records as they pass, with the rule or the pattern each got; a filter; at most 200 a second, the rest is said; no messages where examples are masked"""
        self.prometheus()
        folder = self.rules(own="rules:\n  - {name: paid, match: \"paid <n:int>\"}\n")
        produce_values(kafka().brokers, self.logs, self.lines(["the topic is there"]))    # or there is nothing to be ready for
        for examples in ("full", "masked"):
            w = self.winnow(self.settings(topics=[self.logs], rules=[folder], examples=examples))
            self.until(lambda: w.get("/-/ready")[0] == 200, 60, lambda: f"not ready: {w.get('/-/ready')} {w.said()[-800:]}")
            tap = lambda *arguments: subprocess.Popen([w.binary, "tap", "--admin", w.url, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            rule, all_of_them = tap("-n", "3", "--json", "paid"), tap("-n", "400")
            time.sleep(1)
            for _ in range(8):
                produce_values(kafka().brokers, self.logs, self.lines(["paid 7", "saw a bird"] * 300))
                time.sleep(0.6)
            out, err = rule.communicate(timeout=30)
            self.assertEqual(rule.returncode, 0, err)
            rows = [json.loads(line) for line in out.splitlines()]
            self.assertEqual([(r["rule"], r["service_name"], r["severity"], r["message"]) for r in rows], [("paid", "cart", "info", "paid 7" if examples == "full" else "")] * 3)
            self.assertTrue(all(r["trace_id"] and len(r["pattern_id"]) == 16 for r in rows), rows)
            out, err = all_of_them.communicate(timeout=30)
            self.assertEqual((all_of_them.returncode, len(out.splitlines())), (0, 400), err)
            self.assertIn("more passed than are shown", err)
            self.assertEqual("saw a bird" in out, True)
            self.ends_well(w)
        done = subprocess.run([w.binary, "tap", "--admin", "127.0.0.1:1"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 3, done.stderr)

    def test_missing_grok_file(self):
        """a file of grok names that a rule file names before it is there: the old rules stay, and the new ones are in force once it comes"""
        self.prometheus()
        folder = self.rules(one="rules:\n  - {name: one, match: \"one <any>\"}\n")
        produce_values(kafka().brokers, self.logs, self.lines(["one of them"]))
        w = self.winnow(self.settings(topics=[self.logs], rules=[folder]))
        self.balanced({"logs": {"cart": 1}}, servers=[w])
        self.rules(one="grok_files: [../names/shop]\nrules:\n  - {name: two, grok: \"two %{ITEM}\"}\n")
        self.log_says(w, "names/shop")
        os.makedirs(os.path.join(self.folder, "names"))
        with open(os.path.join(self.folder, "names", "shop"), "w") as f:
            f.write("ITEM item-%{INT}\n")
        self.log_says(w, "reloaded: ")
        self.ends_well(w)

    def test_thousand_reloads(self):
        """1,000 reloads under load, broken files every third time: no record twice, lost, or under half of a set"""
        self.prometheus()

        def version(n):
            """Folders are swapped whole, as Kubernetes does. A set without one of its files would leave records to the miner."""
            folder = os.path.join(self.folder, f"v{n}")
            os.makedirs(folder)
            texts = {name: f"rules:\n  - name: {name}\n    match: \"{name} <n:int> <any>\"\n    counters: [{{name: reload_{name}_total, labels: {{half: \"{n // 3 % 2}\"}}}}]\n" for name in ("alpha", "beta")}
            if n % 3 == 2:
                texts["beta"] = texts["beta"][:n % 60] + ("[" if n % 2 else "\n\t: {{")
            for name, text in texts.items():
                with open(os.path.join(folder, name + ".yaml"), "w") as f:
                    f.write(text)
            os.symlink(folder, os.path.join(self.folder, "next"))
            os.rename(os.path.join(self.folder, "next"), os.path.join(self.folder, "rules"))
        version(0)
        path = os.path.join(self.folder, "lines")
        with open(path, "wb") as f:
            f.write(b"\n".join(self.lines(f"{name} {n} of many" for n in range(500) for name in ("alpha", "beta"))) + b"\n")
        produce_values(kafka().brokers, self.logs, self.lines(["alpha 0 of many", "beta 0 of many"]))
        w = self.winnow(self.settings(topics=[self.logs], rules=[os.path.join(self.folder, "rules")]))
        self.balanced({"logs": {"cart": 2}}, servers=[w])
        load = Producer(kafka().brokers, self.logs, path, "-r", 10000, "-u", 1_000_000, "-R", 11000)
        refused = 0
        for n in range(1, 1001):
            version(n)
            status, text = w.get("/-/reload", "POST")
            self.assertEqual(status == 200, n % 3 != 2, f"version {n}: {status} {text}\n{w.said()[-1500:]}")
            refused += status != 200
        self.assertEqual(refused, 333)
        self.assertTrue(load.running(), "the load lasted as long as the reloads")
        self.assertEqual(load.wait()["messages"], 1_000_000)
        self.balanced({"logs": {"cart": 1_000_002}}, servers=[w])
        self.assertEqual(self.metric(w, "winnow_records_total", outcome="rule"), 1_000_002, w.get("/metrics")[1][:3000])
        for name in ("alpha", "beta"):
            halves = self.prom.by("half", f"sum by (half) (last_over_time(reload_{name}_total[12h]))")
            self.assertEqual(sum(halves.values()), 500_001, halves)
            self.assertTrue(set(halves) == {"0", "1"} and min(halves.values()) > 10_000, halves)
        self.ends_well(w)
