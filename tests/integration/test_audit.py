# SPDX-License-Identifier: Apache-2.0
"""winnow audit beside a running winnow, on a real Kafka and Prometheus."""
import json, os, subprocess, time
from servers import TOOLS
from stage import Stage, kafka, produce_values, shop_files


class Audit(Stage):
    def books(self, w, *arguments):
        done = subprocess.run([w.binary, "audit", "-c", w.config, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def balance(self, w, truth, *arguments):
        """The audit says that the books balance, and its figures are the truth."""
        status, out, err = self.books(w, *arguments)
        self.assertEqual((status, err), (0, ""), out + err)
        self.assertIn("The books balance.", out)
        lines = {(f[0], f[1]): [int(n) for n in f[2:6]] for f in (line.split() for line in out.splitlines()) if len(f) >= 6 and f[1] in ("logs", "spans")}
        for kind in ("logs", "spans"):
            for service, count in truth.get(kind, {}).items():
                self.assertEqual(lines[service, kind], [count] * 4, f"{service} {kind}: topic, counted, sent, received")

    def run_with(self, journal):
        self.prometheus()
        truth = self.feed(shop_files(minutes=2))
        w = self.winnow(self.settings(journal))
        self.balanced(truth, 90, [w])
        time.sleep(3)
        self.balance(w, truth)
        return w, truth

    def test_kafka_journal(self):
        """the books balance with a Kafka journal while winnow runs; when the receiver has other totals, and when the topic has lost records, audit says which and exits 1"""
        w, truth = self.run_with("kafka")
        self.ends_well(w, 30)
        status, out, _ = self.books(w)
        self.assertEqual(status, 0, out)
        self.prometheus()    # a receiver that has nothing
        status, out, err = self.books(w, "--receiver", self.prom.url)
        self.assertEqual(status, 1, out + err)
        self.assertIn("journal and receiver differ", out)
        self.assertIn("The books do not balance.", out)
        self.prom.stop()
        status, out, err = self.books(w, "--receiver", self.prom.url)
        self.assertEqual(status, 3, out + err)

    def test_file_journal(self):
        """the books balance with a journal in files, which is copied; records that only the topic has are named"""
        w, truth = self.run_with("file")
        self.ends_well(w, 30)
        self.balance(w, truth)
        status, out, _ = self.books(w, "--since", "1s")    # nothing was counted since
        self.assertEqual(status, 0, out)


class Forged(Stage):
    def test_topic_differs(self):
        """a topic that was made anew under the same name with other records does not pass for what was counted"""
        self.prometheus()
        now = time.time() - 30
        lines = [json.dumps({"level": "info", "ts": now, "msg": f"item {n} added", "service": "cart" if n % 2 else "mail"}).encode() for n in range(400)]
        produce_values(kafka().brokers, self.logs, lines)
        w = self.winnow(self.settings("kafka", topics=[self.logs]), "--until-end")
        self.runs_out(w)
        subprocess.run([os.path.join(TOOLS, "operator"), kafka().brokers, "delete", self.logs], check=True)
        time.sleep(2)
        self.until(lambda: self.sent([line.replace(b'"mail"', b'"cart"') for line in lines]), 30, "the topic takes records")
        done = subprocess.run([w.binary, "audit", "-c", w.config], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"mail +logs +0 +200 .*topic and journal differ")

    def sent(self, lines):
        try:
            produce_values(kafka().brokers, self.logs, lines)
            return True
        except Exception:
            return False
