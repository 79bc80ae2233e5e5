# SPDX-License-Identifier: Apache-2.0
"""The canary, on a real Kafka and Prometheus."""
import json, time
from stage import Stage, kafka, produce_values


class Canary(Stage):
    def test_canary(self):
        """the canary's records arrive and balance; while the receiver is away they are missing, and are found again; records that nobody sent are a surplus"""
        self.prometheus()
        record = json.dumps({"level": "info", "service": "cart", "msg": "hello", "time": time.time()}).encode()
        produce_values(kafka().brokers, self.logs, [record] * 10)
        settings = self.settings("kafka", topics=[self.logs], canary={"topic": self.logs, "interval": "1s", "records": 3}, metrics={"step": "1s", "lateness": "1s"})
        w = self.winnow(settings)

        def value(name):
            return self.metric(w, f"winnow_canary_{name}")
        self.until(lambda: w.get("/-/healthy")[0] == 200, 20, "winnow answers")
        self.until(lambda: value("received_records") >= 6, 90, lambda: f"records of the canary arrive; it said {w.said()[-1500:]}")
        self.assertEqual((value("missing_records"), value("surplus_records")), (0, 0))
        self.assertGreaterEqual(value("sent_records"), value("received_records"))
        self.prom.stop()
        self.until(lambda: value("unanswered_queries_total") >= 1, 30, "the receiver's silence is counted")
        time.sleep(25)
        self.prom.start()
        self.until(lambda: value("received_records") >= value("sent_records") - 30 and value("missing_records") == 0, 60, "all of them are found again")
        extra = json.dumps({"level": "info", "service": "winnow-canary", "msg": "canary", "time": time.time()}).encode()
        produce_values(kafka().brokers, self.logs, [extra] * 500)
        self.until(lambda: value("surplus_records") > 0, 60, "what nobody sent is a surplus")
        self.assertIn("are too many", w.said())
        self.ends_well(w, 30)

    def test_elsewhere(self):
        """a canary in a topic that no source reads is refused"""
        self.prometheus()
        w = self.winnow(self.settings(topics=[self.logs], canary={"topic": "elsewhere"}))
        self.until(lambda: not w.alive(), 20, "winnow ends")
        self.assertEqual(w.child.returncode, 1)
        self.assertIn("no Kafka source reads this topic", w.said())
