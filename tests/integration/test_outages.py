# SPDX-License-Identifier: Apache-2.0
import os, time
from servers import Kafka
from stage import Stage, produce, shop_files

AWAY_SECONDS = int(os.environ.get("AWAY_SECONDS", 12))   # how long Prometheus is away; 60 in longer runs


class Outages(Stage):
    def test_prometheus_stops(self):
        """Prometheus stopped in the middle of the day's replay: nothing is lost, nothing counted twice"""
        self.prometheus()
        flows = self.replay(20 + AWAY_SECONDS)
        w = self.winnow(self.settings("kafka"))
        time.sleep(8)
        self.prom.stop()
        time.sleep(AWAY_SECONDS)
        self.assertTrue(w.alive(), "winnow stays up")
        self.assertTrue(any(f.running() for f in flows), "records still flow when it comes back")
        self.prom.start()
        self.balanced(self.replayed(flows), 90, [w])

    def test_prometheus_absent(self):
        """Prometheus absent at start: not ready, with the reason; work begins when it comes"""
        self.prometheus()
        self.prom.stop()
        truth = self.feed(shop_files(minutes=2))
        w = self.winnow(self.settings())
        self.until(lambda: w.get("/-/ready")[0] == 503, 15, "/-/ready says 503")
        self.until(lambda: "remote" in w.get("/-/ready")[1].lower() or str(self.prom.port) in w.get("/-/ready")[1], 20, lambda: "/-/ready names the receiver: " + w.get("/-/ready")[1])
        self.assertEqual(w.get("/-/healthy")[0], 200)
        self.assertIn(str(self.prom.port), w.said(), "the log names the address")
        self.prom.start()
        self.balanced(truth, 90, [w])
        self.until(lambda: w.get("/-/ready")[0] == 200, 20, "/-/ready says 200")

    def test_kafka_absent(self):
        """Kafka absent at start: not ready, with the reason; work begins when it comes"""
        self.prometheus()
        late = Kafka()
        self.addCleanup(late.stop)
        late.configure()
        address = f"127.0.0.1:{late.port}"
        w = self.winnow(self.settings(brokers=address))
        self.until(lambda: w.get("/-/ready")[0] == 503, 15, "/-/ready says 503")
        self.until(lambda: "kafka" in w.get("/-/ready")[1].lower() or address in w.get("/-/ready")[1], 20, lambda: "/-/ready names Kafka: " + w.get("/-/ready")[1])
        self.until(lambda: address in w.said(), 10, "the log names the address")
        self.assertTrue(w.alive())
        late.format()
        late.start()
        folder, truth = shop_files(minutes=2)
        produce(address, self.logs, os.path.join(folder, "logs.jsonl"))
        produce(address, self.spans, os.path.join(folder, "spans.jsonl"))
        self.balanced(truth, 90, [w])
        self.until(lambda: w.get("/-/ready")[0] == 200, 20, "/-/ready says 200")
