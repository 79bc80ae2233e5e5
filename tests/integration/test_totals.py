# SPDX-License-Identifier: Apache-2.0
import os
from stage import Stage, kafka, produce, shop_files


class Totals(Stage):
    def test_live(self):
        """a running winnow brings every record to Prometheus once, with either journal, and ends within 10 s of SIGTERM"""
        for journal in ("kafka", "file"):
            with self.subTest(journal=journal):
                self.setUp()
                self.prometheus()
                truth = self.feed()
                w = self.winnow(self.settings(journal))
                self.balanced(truth, servers=[w])
                self.until(lambda: w.get("/-/ready")[0] == 200, 5, "/-/ready")
                consumed = self.metric(w, "winnow_records_consumed_total")
                self.assertEqual(consumed, self.metric(w, "winnow_records_total"), "consumed == sum of outcomes")
                self.assertEqual(consumed, sum(truth["logs"].values()) + sum(truth["spans"].values()))
                self.ends_well(w)

    def test_again(self):
        """a second run counts only what is new, and totals go on where they stood"""
        for journal in ("kafka", "file"):
            with self.subTest(journal=journal):
                self.setUp()
                self.prometheus()
                truth = self.feed()
                self.runs_out(self.winnow(self.settings(journal), "--until-end"))
                self.balanced(truth, 15)
                self.runs_out(self.winnow(self.settings(journal), "--until-end"))
                self.balanced(truth, 15)
                more = self.feed()
                self.runs_out(self.winnow(self.settings(journal), "--until-end"))
                self.balanced({what: {s: n + more[what].get(s, 0) for s, n in services.items()} for what, services in truth.items()}, 15)

    def test_file(self):
        """run --until-end reads files to their end without any Kafka"""
        self.prometheus()
        folder, truth = shop_files()
        settings = {"sources": [{"file": {"path": os.path.join(folder, name)}} for name in ("logs.jsonl", "spans.jsonl")],
                    "journal": {"file": os.path.join(self.folder, "journal")}, "remote_write": {"url": self.prom.url + "/api/v1/write"}}
        self.runs_out(self.winnow(settings, "--until-end"))
        self.balanced(truth, 15)
        routes = set(self.prom.by("http_route", "count by (http_route) (last_over_time(log_requests_total[12h]))"))
        self.assertTrue({"/cart", "/checkout"} <= routes and len(routes) == 3, f"ids in paths make no routes: {sorted(routes)[:10]}")
        self.assertFalse(any("SKU-" in r and any(c.isdigit() for c in r) for r in routes), routes)

    def test_exemplars(self):
        """exemplars of log patterns and spans carry trace ids that were in the records of their service"""
        self.prometheus()
        folder, truth = shop_files()
        self.feed((folder, truth))
        self.runs_out(self.winnow(self.settings(), "--until-end"))
        self.balanced(truth, 15)
        with open(os.path.join(folder, "logs.jsonl")) as f:
            logs = f.read()
        for name in ("log_pattern_records_total", "traces_span_metrics_calls_total"):
            rows = self.prom.exemplars(name)
            ids = {e["labels"]["trace_id"] for row in rows for e in row["exemplars"]}
            self.assertGreater(len(ids), 10, name)
            if name.startswith("log"):
                self.assertEqual({i for i in ids if i not in logs}, set())
                self.assertEqual({row["seriesLabels"]["service_name"] for row in rows}, set(truth["logs"]), "services with exemplars")

    def test_topics_by_regex(self):
        """a regular expression finds its topics, and other topics are left alone"""
        self.prometheus()
        folder, truth = shop_files(minutes=2)
        for topic in (f"{self.name}.app.one", f"{self.name}.other"):
            produce(kafka().brokers, topic, os.path.join(folder, "logs.jsonl"))
        w = self.winnow(self.settings(topics=[f"^{self.name}\\.app\\..*"]))
        self.balanced({"logs": truth["logs"], "errors": truth["errors"]}, servers=[w])
