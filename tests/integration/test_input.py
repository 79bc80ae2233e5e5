# SPDX-License-Identifier: Apache-2.0
import json, os, shutil, subprocess, time
from stage import Stage, kafka, produce_values
from servers import BUILD, Failed


def line(n, **more):
    return json.dumps({"level": "info", "ts": time.time() - 60 + n / 100, "caller": "a.go:1", "msg": "item added", "service": "good", **more}).encode()


BAD = {
    "not JSON": b"this is no JSON at all",
    "JSON cut in the middle": b'{"level":"info","msg":"cut he',
    "NULL payload": None,
    "empty payload": b"",
    "bytes that are not UTF-8": b'{"level":"info","service":"good","msg":"caf\xe9 \xff\xfe"}',
    "NUL bytes": b'{"level":"info",\0"msg":"nul\0"}',
    "10,000 levels deep": b'{"a":' * 10000 + b"1" + b"}" * 10000,
    "numbers out of range": b'{"level":"info","service":"good","msg":"big","ts":1e999}',
    "wrong types in known fields": b'{"level":{"a":1},"service":["x"],"msg":{"b":[1,2]},"ts":"yesterday"}',
    "an array": b"[1,2,3]",
    "a string": b'"only a string"',
}
# These are records, whatever else is odd about them.
ODD = {
    "10 MB line": lambda: line(1, msg="x" * 10_000_000),
    "duplicate keys": lambda: line(1)[:-1] + b',"msg":"item added"}',
    "a time in 1970": lambda: line(1, ts=12.5),
    "a time in 2099": lambda: line(1, ts=4071000000.0),
    "a NUL in a string": lambda: line(1, msg="nul \0 inside"),
}


class BadInput(Stage):
    def test_each(self):
        """each bad record costs itself alone and is counted; all before and after it are counted as usual"""
        self.prometheus()
        values = []
        for n, bad in enumerate(BAD.values()):
            values += [line(3 * n), bad, line(3 * n + 1)]
        odd = [make() for make in ODD.values()]
        good = [line(900 + n) for n in range(100)]
        produce_values(kafka().brokers, self.logs, values + odd + good)
        sent, fine = len(values) + len(odd) + len(good), 2 * len(BAD) + len(odd) + len(good)
        w = self.winnow(self.settings(topics=[self.logs]))
        self.until(lambda: self.prom.query("sum(last_over_time(log_records_total[12h]))") and
                   self.prom.by("service_name", "sum by (service_name) (last_over_time(log_records_total[12h]))").get("good", 0) >= fine, 60,
                   f"{fine} good records: {self.prom.query('last_over_time(log_records_total[12h])')}, {w.said()[-1500:]}")
        self.until(lambda: self.metric(w, "winnow_records_consumed_total") == sent, 10, "every message counted as consumed")
        self.assertEqual(self.metric(w, "winnow_records_total"), sent, "consumed == sum of outcomes")
        undecodable = self.metric(w, "winnow_undecodable_total")
        self.assertEqual(undecodable, self.metric(w, "winnow_records_total", outcome="undecodable"))
        # what must at least be refused; a lenient reader may make something of the rest
        self.assertGreaterEqual(undecodable, 6, w.get("/metrics")[1])
        total = sum(v for _, v in self.prom.query("sum(last_over_time(log_records_total[12h]))"))
        self.assertEqual(total + undecodable, sent, "what is not undecodable is in Prometheus")
        newest = max(v for _, v in self.prom.query("max(max_over_time(timestamp(log_records_total)[1h:10s]))"))
        self.assertLess(newest, time.time() + 60, "a record of 2099 moved nobody's metrics into the future")


class Mistakes(Stage):
    """mistakes in files are named before anything starts"""

    def refused(self, text, *words, rules=None):
        path = os.path.join(self.folder, "winnow.yaml")
        if rules:
            os.makedirs(os.path.join(self.folder, "rules"), exist_ok=True)
            with open(os.path.join(self.folder, "rules", "mine.yaml"), "w") as f:
                f.write(rules)
        with open(path, "w") as f:
            f.write(text)
        for command in ("run", "check"):
            done = subprocess.run([os.path.join(BUILD, os.environ.get("WINNOW_PRESET", "release"), "winnow"), command, "-c", path], cwd=self.folder,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
            self.assertEqual(done.returncode, 1, f"{command}: {done.stdout}")
            for word in words:
                self.assertIn(word, done.stdout, command)

    GOOD = "sources:\n  - file: {path: app.jsonl}\nremote_write:\n  url: http://127.0.0.1:1/api/v1/write\n"

    def test_unknown_key(self):
        """an unknown key in winnow.yaml: file, line and the nearest word"""
        self.refused(self.GOOD + "metrics:\n  stp: 10s\n", "winnow.yaml:6", "step")

    def test_bad_value(self):
        """a value out of range in winnow.yaml: file and line"""
        self.refused(self.GOOD + "metrics:\n  step: 10 parsecs\n", "winnow.yaml:6")

    def test_bad_yaml(self):
        """YAML that is none: file and line"""
        self.refused(self.GOOD + "metrics: {step: 10s\n", "winnow.yaml:")

    def test_rule_key(self):
        """an unknown key in a rule file: file, line and the nearest word"""
        self.refused(self.GOOD + "rules: [rules]\n", "mine.yaml:3", "match", rules="rules:\n  - name: one\n    mach: 'a <b>'\n")

    def test_rule_regex(self):
        """a regular expression that does not compile: file and line"""
        self.refused(self.GOOD + "rules: [rules]\n", "mine.yaml:3", rules="rules:\n  - name: one\n    regex: 'a(b'\n")

    def test_no_file(self):
        """a configuration that is not there"""
        done = subprocess.run([os.path.join(BUILD, os.environ.get("WINNOW_PRESET", "release"), "winnow"), "run", "-c", os.path.join(self.folder, "none.yaml")],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn("none.yaml", done.stdout)


class FullDisk(Stage):
    def test_journal(self):
        """a full disk under a file journal stops intake with a clear message and loses nothing"""
        place = os.path.join(self.folder, "small")
        os.makedirs(place)
        mounted = shutil.which("mount") and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], stderr=subprocess.DEVNULL).returncode == 0
        if not mounted:
            self.skipTest("a small file system cannot be mounted here (not root)")
        self.addCleanup(subprocess.run, ["umount", "-l", place])
        self.prometheus()
        truth = self.feed()
        ballast = os.path.join(place, "ballast")
        with open(ballast, "wb") as f:
            f.write(b"x" * 160 * 1024)
        settings = dict(self.settings(), journal={"file": os.path.join(place, "journal")})
        w = self.winnow(settings)
        self.until(lambda: "No space left" in w.said() or not w.alive(), 60, "the log says that no space is left")
        self.assertTrue(w.alive(), "it stays up and waits: " + w.said()[-1500:])
        self.until(lambda: w.get("/-/ready")[0] == 503, 10, "/-/ready says 503")
        subprocess.run(["mount", "-o", "remount,size=256m", place], check=True)
        self.balanced(truth, 90, [w])
