# SPDX-License-Identifier: Apache-2.0
import collections, json, os, random, shutil, signal, subprocess, time
from stage import PROPERTIES, Stage, dump, kafka, produce_values
from servers import BUILD, Failed, Kafka


def line(n, **more):
    return json.dumps({"level": "info", "ts": time.time() - 60 + n / 100, "caller": "a.go:1", "msg": "item added", "service": "good", **more}).encode()


# Each costs itself alone and is counted as undecodable.
BAD = {
    "not JSON": lambda: b"{this is no JSON at all",
    "JSON cut in the middle": lambda: line(1)[:-20],
    "NULL payload": lambda: None,
    "empty payload": lambda: b"",
    "bytes that are not UTF-8": lambda: line(1)[:-1] + b',"note":"caf\xe9 \xff\xfe"}',
    "NUL bytes": lambda: line(1)[:-1] + b'\0,"note":"nul\0"}',
    "10 MB line": lambda: line(1, note="x" * 10_000_000),
    "10,000 levels deep": lambda: line(1)[:-1] + b',"note":' + b'{"a":' * 10000 + b"1" + b"}" * 10001,
    "numbers out of range": lambda: line(1)[:-1] + b',"note":1e999}',
    "wrong types in known fields": lambda: b'{"level":{"a":1},"service":["x"],"msg":{"b":[1,2]},"ts":true}',
    "duplicate keys": lambda: line(1)[:-1] + b',"msg":"item added"}',
    "a time in 1970": lambda: line(1, ts=12.5),
    "a time in 2099": lambda: line(1, ts=4071000000.0),
}
# Odd, but records like any other.
ODD = {
    "a NUL in a string": lambda: line(1, note="nul \0 inside"),
    "a surrogate pair": lambda: line(1, note="\U0001f33e"),
    "blanks around": lambda: b"  " + line(1) + b" \r\n",
    "a megabyte": lambda: line(1, note="x" * 1_000_000),
    "100 levels deep": lambda: line(1)[:-1] + b',"note":' + b'{"a":' * 100 + b"1" + b"}" * 101,
}


# Twenty ways to be broken, and their reasons.
WAYS = [(None, "null"), (b"", "empty"), (b" \n\t ", "empty"), (b"hello world", "not_json"), (b'{"a":tru}', "not_json"), (b"{'msg':'x'}", "not_json"), (b'{"msg":"cut in the mid', "truncated"),
        (b'[{"a":1}', "truncated"), (b'{"msg":"\xc3("}', "not_utf8"), (b'{"msg":"a\0b"}', "nul"), (b'{"n":1e999}', "number"), (b'{"message":["a","b"],"level":"info"}', "wrong_type"),
        (b'{"message":"a","time":true}', "wrong_type"), (b'{"message":"a","message":"b"}', "duplicate_key"), (b'{"message":"a","time":"1970-03-04T00:00:00Z"}', "time"),
        (b'{"resourceMetrics":[]}', "unsupported"), (b"\x0a\x02\xff\xff", "not_protobuf"), (b"\x81\xa1a\xc1", "not_msgpack"), (b"\x1f\x8b\x08\0garbage", "gzip"), (b"\0\0\0\0\x07\x02\x0aorder", "schema_avro")]


class BadInput(Stage):
    def test_each(self):
        """each bad record costs itself alone and is counted with its reason; all before and after it are counted as usual"""
        self.prometheus()
        values = []
        for n, make in enumerate(list(BAD.values()) + list(ODD.values())):
            values += [line(3 * n), make(), line(3 * n + 1)]
        produce_values(kafka().brokers, self.logs, values + [line(900 + n) for n in range(100)])
        bad, sent = len(BAD), len(values) + 100
        w = self.winnow(self.settings(topics=[self.logs]))

        def held():
            logs = self.prom.by("service_name", "sum by (service_name) (last_over_time(log_records_total[12h]))")
            return logs, self.prom.by("reason", "sum by (reason) (last_over_time(winnow_undecodable_total[12h]))")
        self.until(lambda: held()[0] == {"good": sent - bad} and sum(held()[1].values()) == bad, 60,
                   lambda: f"{sent - bad} good records and {bad} undecodable: {held()}; it said: {w.said()[-1500:]}")
        self.assertGreaterEqual(len([n for n in held()[1].values() if n]), 6, f"reasons: {held()[1]}")
        consumed = sum(v for _, v in self.prom.query("last_over_time(winnow_records_consumed_total[12h])"))
        outcomes = sum(v for _, v in self.prom.query("last_over_time(winnow_records_total[12h])"))
        self.assertEqual((consumed, outcomes), (sent, sent), "consumed == sum of outcomes")
        newest = max(v for _, v in self.prom.query("max(max_over_time(timestamp(log_records_total)[1h:10s]))"))
        self.assertLess(newest, time.time() + 60, "a record of 2099 moved nobody's metrics into the future")


class DeadLetters(Stage):
    def run_on(self, values, topic, lost, **limit):
        """Produces the values, runs until all of them have an outcome; returns what the topic for dead letters holds."""
        self.prometheus()
        produce_values(kafka().brokers, self.logs, values, "cart-7", "tenant=blue")
        settings = self.settings("kafka", topics=[self.logs])
        settings["sources"][0]["kafka"]["dead_letters"] = {"topic": topic, **limit}
        w = self.winnow(settings, "--until-end")
        self.runs_out(w)
        def counted():
            return sum(v for _, v in self.prom.query("last_over_time(winnow_undecodable_total[12h])"))
        self.until(lambda: counted() == lost, 20, lambda: f"{lost} undecodable: {counted()}")
        return dump(kafka().brokers, topic)

    def test_each(self):
        """what cannot be read is in the topic for dead letters: key, value and headers as they were, reason and place; and nothing else is"""
        bad = [make() for make in BAD.values()]
        values = [v for n, b in enumerate(bad) for v in (line(2 * n), b)]
        held = self.run_on(values, self.name + ".dead", len(bad), per_second=0)
        self.assertEqual(sorted(m["value"] or b"" for m in held), sorted(b or b"" for b in bad))
        for m in held:
            self.assertEqual(m["key"], b"cart-7")
            self.assertEqual((m["headers"]["tenant"], m["headers"]["winnow.topic"], m["headers"]["winnow.partition"], m["headers"]["winnow.records"]), ("blue", self.logs, "0", "1"))
            self.assertEqual(m["value"], values[int(m["headers"]["winnow.offset"])])
        self.assertEqual({m["value"]: m["headers"].get("winnow.position") for m in held}[BAD["not JSON"]()], "1", "the first wrong byte")
        tried = {m["headers"]["winnow.reason"]: m["headers"]["winnow.tried"] for m in held if m["headers"]["winnow.reason"] in ("not_json", "truncated")}
        self.assertEqual(set(tried), {"not_json", "truncated"})
        for reason, text in tried.items():
            self.assertIn(f"json: no, {reason} at byte ", text)
        reasons = {m["headers"]["winnow.reason"] for m in held}
        self.assertEqual(reasons, set(self.prom.by("reason", "sum by (reason) (last_over_time(winnow_undecodable_total[12h]))")))

    def test_many(self):
        """one record in a hundred is broken, in 20 ways: each counted under its reason, the topic for dead letters holds exactly those, the rest are exact (WINNOW_RECORDS: how many, 1,000,000 unless set)"""
        chance, total = random.Random(6), int(os.environ.get("WINNOW_RECORDS", "1000000"))
        bad, reasons, good = [], collections.Counter(), [line(n) for n in range(5000)]
        values = good * (total // 5000 + 1)
        del values[total:]
        for n in chance.sample(range(total), total // 100):
            values[n], reason = WAYS[len(bad) % len(WAYS)]
            bad.append(values[n])
            reasons[reason] += 1
        held = self.run_on(values, self.name + ".dead", len(bad), per_second=0)
        self.assertEqual(collections.Counter(m["value"] or b"" for m in held), collections.Counter(b or b"" for b in bad))
        self.assertEqual([m["headers"]["winnow.reason"] for m in held], [dict(WAYS)[m["value"]] for m in held])
        self.assertEqual(self.prom.by("reason", "sum by (reason) (last_over_time(winnow_undecodable_total[12h]))"), dict(reasons))
        self.assertEqual(self.prom.by("service_name", "sum by (service_name) (last_over_time(log_records_total[12h]))"), {"good": total - len(bad)})

    def test_frozen(self):
        """brokers that stand still while letters are on their way: reading waits, and no letter is lost, whatever time the properties give a message"""
        server = Kafka()
        self.addCleanup(server.stop)
        server.start()
        self.prometheus()
        values = [b"broken %d" % n for n in range(60000)]
        produce_values(server.brokers, self.logs, values)
        settings = self.settings(topics=[self.logs], brokers=server.brokers)
        settings["sources"][0]["kafka"].update(dead_letters={"topic": self.name + ".dead", "per_second": 0}, properties={**PROPERTIES, "message.timeout.ms": 2000})
        w = self.winnow(settings)

        def letters(outcome="taken"):
            return self.metric(w, "winnow_dead_letters_total", outcome=outcome)
        while w.get("/metrics")[0] != 200 or letters() == 0:
            self.assertTrue(w.alive(), w.said()[-1500:])
        server.signal(signal.SIGSTOP)
        self.until(lambda: "dead letters: the brokers do not take them; reading waits" in w.said(), 30, "it says that it waits")
        self.assertLess(letters(), len(values), "reading waits before all is read")
        server.signal(signal.SIGCONT)
        self.until(lambda: sum(v for _, v in self.prom.query("last_over_time(winnow_undecodable_total[12h])")) == len(values), 120, "all are counted as undecodable")
        self.assertEqual({m["value"] for m in dump(server.brokers, self.name + ".dead")}, set(values))
        self.assertEqual(letters("lost"), 0)

    def test_limit(self):
        """more than the limit does not go to the topic for dead letters, and is counted all the same"""
        held = self.run_on([b"broken"] * 500, self.name + ".dead", 500, per_second=1)
        self.assertGreaterEqual(len(held), 10, "ten seconds' worth go at once")
        self.assertLess(len(held), 60)

    def test_itself(self):
        """a message from the topic for dead letters does not go there again"""
        held = self.run_on([b"broken"] * 20, self.logs, 20, per_second=0)
        self.assertEqual(len(held), 20)


class TraceHeaders(Stage):
    def test_each(self):
        """a record without a trace id has that of its message's headers, also behind many messages without headers; its own one wins, and records of a batch have none"""
        self.prometheus()
        sent, own, batch = "4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c", "53995c3f42cd8ad8a3ce929d0e0e4736"
        produce_values(kafka().brokers, self.logs, [line(n) for n in range(1500)])
        parent = f"traceparent=00-{sent}-00f067aa0ba902b7-01"
        produce_values(kafka().brokers, self.logs, [line(1500 + n, msg="card declined") for n in range(40)], "k", "tenant=blue", parent)
        produce_values(kafka().brokers, self.logs, [line(1600, msg="card refunded", trace_id=own)], "k", parent)
        produce_values(kafka().brokers, self.logs, [line(1601, msg="card sold") + b"\n" + line(1602, msg="card sold")], "k", parent.replace(sent, batch))
        self.runs_out(self.winnow(self.settings(topics=[self.logs]), "--until-end"))

        def ids():
            return {e["labels"]["trace_id"] for row in self.prom.exemplars("log_pattern_records_total") for e in row["exemplars"]}
        self.until(lambda: len(ids()) >= 2, 20, lambda: f"exemplars: {ids()}")
        self.assertEqual(ids(), {sent, own})


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
        self.until(lambda: w.get("/-/ready")[0] == 503, 10, lambda: f"/-/ready says 503: {w.get('/-/ready')}, {w.said()[-1500:]}")
        subprocess.run(["mount", "-o", "remount,size=256m", place], check=True)
        self.balanced(truth, 90, [w])
