# SPDX-License-Identifier: Apache-2.0
"""What an operator, or a broker, does to a topic that is being counted: it is noticed, said, counted in winnow's metrics, and every record still counts once."""
import glob, json, os, shutil, subprocess, time
from servers import Kafka, TOOLS
from stage import Stage, produce_values


class Lives(Stage):
    def setUp(self):
        super().setUp()
        self.broker = Kafka()    # its own: it is stopped, and loses the end of a log
        self.addCleanup(self.broker.stop)
        self.broker.start()
        self.prometheus()
        self.sent = 0

    def operator(self, *arguments):
        done = subprocess.run([os.path.join(TOOLS, "operator"), self.broker.brokers, *map(str, arguments)], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def send(self, count, counts=True):
        now = time.time()
        lines = [json.dumps({"level": "info", "ts": now - 1 + n / count, "msg": "item added", "service": "cart"}).encode() for n in range(count)]
        self.until(lambda: self.try_send(lines), 30, "the topic takes records")
        self.sent += count if counts else 0

    def try_send(self, lines):
        try:
            produce_values(self.broker.brokers, self.logs, lines)
            return True
        except Exception:    # a topic that was just deleted
            return False

    def start(self):
        return self.winnow(self.settings("kafka", topics=[self.logs], brokers=self.broker.brokers))

    def holds(self, w):
        """Prometheus comes to hold what was sent, no more and no less."""
        def total():
            return sum(v for _, v in self.prom.query("last_over_time(log_records_total[1h])"))
        self.until(lambda: total() == self.sent, 60, lambda: f"{self.sent} records, but {total()}; it said:\n{w.said()[-2500:]}")
        time.sleep(3)
        self.assertEqual(total(), self.sent)
        self.assertEqual(self.prom.query("resets(log_records_total[1h]) > 0"), [])

    def test_topic_made_again(self):
        """a topic that is deleted and made again, while winnow runs and while it does not: what is written to it counts, from its first record on"""
        self.send(500)
        w = self.start()
        self.holds(w)
        self.operator("delete", self.logs)
        time.sleep(1)
        self.send(300)
        self.holds(w)
        self.assertIn("made anew", w.said())
        self.assertGreaterEqual(self.metric(w, "winnow_input_logs_anew_total"), 1)
        self.ends_well(w, 30)
        self.operator("delete", self.logs)
        time.sleep(1)
        self.send(100)
        w = self.start()
        self.holds(w)
        self.assertIn("made anew", w.said())
        self.ends_well(w, 30)

    def test_log_loses_its_end(self):
        """a log that loses its end (as in an unclean leader election) and gets other records there: those count too, and nothing counts twice"""
        self.send(600)
        w = self.start()
        self.holds(w)
        self.broker.stop()
        shorter = os.path.join(self.folder, "shorter")
        parts = glob.glob(os.path.join(self.broker.folder, "data", self.logs + "-*"))
        self.assertTrue(parts)
        for part in parts:
            shutil.copytree(part, os.path.join(shorter, os.path.basename(part)))
        self.broker.start()
        self.send(400)
        self.holds(w)
        self.broker.stop()
        for part in parts:
            shutil.rmtree(part)
            shutil.copytree(os.path.join(shorter, os.path.basename(part)), part)
        self.broker.start()
        time.sleep(1)
        self.send(200)    # at offsets of which most are counted
        self.holds(w)
        self.assertIn("has lost its end", w.said())
        self.send(50)
        self.holds(w)
        self.ends_well(w, 30)

    def test_offsets_reset(self):
        """an operator sets the group's offsets, back and forth: the journal stands, winnow says so and counts it, and every record counts once"""
        self.send(400)
        w = self.start()
        self.holds(w)
        self.ends_well(w, 30)
        for partition in range(4):
            self.operator("reset", self.name, self.logs, partition, 0)
        self.send(100)
        w = self.start()
        self.holds(w)
        self.assertIn("someone set the offset of the consumer group to 0", w.said())
        self.assertGreaterEqual(self.metric(w, "winnow_offsets_overruled_total"), 1)
        self.ends_well(w, 30)
        w = self.start()    # its own commits are no news
        self.holds(w)
        self.assertEqual(self.metric(w, "winnow_offsets_overruled_total"), 0)
        self.ends_well(w, 30)
        for partition in range(4):
            self.operator("reset", self.name, self.logs, partition, 10**6)
        self.send(100)
        w = self.start()
        self.holds(w)
        self.assertIn("someone set the offset of the consumer group to 1000000", w.said())
        self.ends_well(w, 30)
