# SPDX-License-Identifier: Apache-2.0
"""The commands around rules: suggest, plan, check --watch, explain, as a user types them."""
import json, os, re, subprocess, time, unittest
import shop
from servers import BUILD, Broker, Winnow, run_folder
from stage import produce, real_files

BINARY = os.path.join(BUILD, os.environ.get("WINNOW_PRESET", "release"), "winnow")


def run(*arguments, **more):
    return subprocess.run([BINARY, *arguments], stdin=more.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, **more)


class Commands(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = run_folder("commands")
        cls.truth = shop.generate(cls.folder, minutes=4, end=time.time() - 15)
        cls.logs = os.path.join(cls.folder, "logs.jsonl")

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        return path

    def good(self, done):
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-2000:])
        return done.stdout

    def suggested(self, name, *arguments):
        """The rules suggested, in a file that winnow check takes without a remark."""
        path = self.write(name, self.good(run("suggest", *arguments)))
        self.assertRegex(self.good(run("check", "--strict", path)) + run("check", path).stderr, r"check: [1-9]\d* rules?, \d+ tests: 0 errors, 0 failed tests, 0 remarks")
        return path

    def plan(self, old, new, *files):
        return json.loads(self.good(run("plan", "--json", old, new, *files)))

    def test_suggest_shop(self):
        """suggest: a rule for every pattern of the shop, and together they take every record that the patterns had"""
        rules = self.suggested("shop.yaml", "--top", "0", self.logs)
        plan = self.plan("/dev/null", rules, self.logs)
        self.assertEqual(plan["records"], sum(self.truth["logs"].values()))
        self.assertEqual(sum(m["records"] for m in plan["moves"]), plan["records"])
        self.assertEqual({m["to"]["origin"] for m in plan["moves"]}, {"rule"})

    def test_suggest_real(self):
        """suggest: the hundred most frequent patterns of real logs become rules that load and pass as they are"""
        folder, suffix = real_files()
        path = self.write("real.yaml", self.good(run("suggest", "--top", "100", os.path.join(folder, "logs.jsonl" + suffix))))
        done = run("check", path)
        self.good(done)
        self.assertRegex(done.stderr, r"\d+ rules, \d+ tests: 0 errors, 0 failed tests")

    def test_suggest_service(self):
        """suggest --service: only that service's patterns, the most frequent first, no more than --top"""
        out = self.good(run("suggest", "--service", "payment", "--top", "3", self.logs))
        self.assertEqual(re.findall(r"where: \{service: (\w+)\}", out), ["payment"] * 3)
        counts = [int(n) for n in re.findall(r"# (\d+) records?, pattern", out)]
        self.assertEqual(counts, sorted(counts, reverse=True))

    def test_suggest_plain(self):
        """suggest: lines of plain text on standard input, and what no rule can be made of is named"""
        done = run("suggest", "-", stdin=open(self.write("plain.log", "disk sda1 is 91% full\ndisk sdb1 is 5% full\n17\n18\n")))
        self.good(done)
        self.assertIn("no text of its own", done.stderr)
        self.assertEqual(run("check", self.write("plain.yaml", done.stdout)).returncode, 0)
        trace = "2026-11-22 20:00:01,123 ERROR [main] shop.Pay - payment 17 failed\njava.lang.IllegalStateException: none left\n\tat shop.Pay.take(Pay.java:7)\n"
        text = self.good(run("suggest", self.write("trace.log", trace)))
        self.assertIn(r'match: "payment <payment:num> failed\njava.lang.IllegalStateException', text)
        self.assertIn("    error: true\n", text)
        self.assertEqual(run("check", self.write("trace.yaml", text)).returncode, 0)
        done = run("suggest", self.write("numbers.log", "17\n18\n"))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(run("suggest", "/no/such/file").returncode, 1)
        self.assertEqual(run("suggest").returncode, 2)

    def test_suggest_id(self):
        """suggest ID, top: a pattern of a running instance becomes a rule, its patterns are a table; an unknown one, or nobody there, is said"""
        settings = {"sources": [{"file": {"path": self.logs, "follow": True}}], "journal": {"file": os.path.join(self.folder, "state")}, "remote_write": {"url": "http://127.0.0.1:9/none"}}
        with Winnow(settings) as server:
            def found():
                status, text = server.get("/api/v1/patterns?q=Charge+for")
                return json.loads(text)["patterns"] if status == 200 else []
            server.wait_until(found, 30, "the pattern of failed charges")
            id = found()[0]["id"]
            for where in (["--admin", f"127.0.0.1:{server.port}"], ["-c", server.config]):
                rules = self.suggested("one.yaml", *where, id)
                with open(rules) as f:
                    text = f.read()
                self.assertIn('match: "Charge for order <order:num> failed after <took:duration>: Connection is not available, request timed out (pool payments, <waiting:num> waiting)"', text)
                self.assertIn("    error: true\n", text)
            status, text = server.get("/api/v1/patterns?limit=1000")
            counts = {p["id"]: p["count"] for p in json.loads(text)["patterns"]}
            shown = self.good(run("top", "--admin", server.url, "--once", "-n", "1000"))
            rows = re.findall(r"^ *([\d.]+) +(\d+)  ([0-9a-f]{16})  ", shown, flags=re.M)
            self.assertEqual({row[2] for row in rows}, set(counts))
            self.assertEqual([float(row[0]) for row in rows], sorted((float(row[0]) for row in rows), reverse=True))
            shown = self.good(run("top", "-c", server.config, "--once", "-n", "2", "--service", "payment"))
            self.assertEqual(re.findall(r"^ *[\d.]+ +\d+  [0-9a-f]{16}  (\w+) ", shown, flags=re.M), ["payment"] * 2)
            missing = run("suggest", "--admin", f"127.0.0.1:{server.port}", "0123456789abcdef")
            self.assertEqual(missing.returncode, 1, missing.stderr)
            self.assertIn("404", missing.stderr)
        self.assertEqual(run("top", "--once", "--admin", f"127.0.0.1:{server.port}").returncode, 3)
        gone = run("suggest", "--admin", f"127.0.0.1:{server.port}", id)
        self.assertEqual(gone.returncode, 3, gone.stderr)
        self.assertIn("no answer from", gone.stderr)

    def test_plan(self):
        """plan: series that appear, vanish and change, with the counts of the truth, and records that move from rule to rule"""
        rule = "  - {name: %s, where: {service: payment}, match: 'Charge for order <order:word> failed<rest>'%s}\n"
        old = self.write("old.yaml", "rules:\n" + rule % ("charge", "") + "  - {name: debug, where: {severity: debug}, drop: true}\n")
        new = self.write("new.yaml", "rules:\n" + rule % ("charge_failed", ", severity: warn"))
        plan = self.plan(old, new, self.logs)
        errors = self.truth["errors"]["payment"]
        moves = {(m["from"] and m["from"]["rule"], m["to"] and m["to"]["rule"]): m["records"] for m in plan["moves"] if m["from"]}
        self.assertEqual(moves, {("charge", "charge_failed"): errors})
        dropped = sum(m["records"] for m in plan["moves"] if m["from"] is None)
        debug = self.good(run("explain", "--json", "--lines", stdin=open(self.logs))).count('"severity":"debug"')
        self.assertEqual(dropped, debug)
        self.assertGreater(dropped, 0)
        series = {s["series"]: (s["change"], s["before"], s["after"]) for s in plan["series"]}
        self.assertEqual(series['log_records_total{service_name="payment",severity="error"}'], ("vanishes", errors, 0))
        self.assertEqual(series['log_records_total{service_name="payment",severity="warn"}'][2] - series['log_records_total{service_name="payment",severity="warn"}'][1], errors)
        self.assertEqual(self.plan(old, old, self.logs)["series"], [])
        self.assertEqual(self.plan(old, old, self.logs)["moves"], [])
        shown = self.good(run("plan", old, new, self.logs))
        self.assertIn("rule charge\n         -> rule charge_failed", shown)
        self.assertIn("series that vanish: ", shown)

    def test_plan_kafka(self):
        """plan: a range of offsets in Kafka is replayed as the same lines of a file are; what is not there is said"""
        rules = self.write("range.yaml", "rules:\n  - {name: item, match: item added}\n")
        with Broker({"t": 1}) as broker:
            produce(broker.brokers, "t", self.logs, "-p", 1)
            count = sum(self.truth["logs"].values())
            replay = lambda range, *more: json.loads(self.good(run("plan", "--brokers", broker.brokers, *more, "--json", "/dev/null", rules, range)))
            whole = replay("t:0:-")
            self.assertEqual(whole["records"], count)
            self.assertEqual(sum(m["records"] for m in whole["moves"]), sum(m["records"] for m in self.plan("/dev/null", rules, self.logs)["moves"]))
            self.assertEqual(replay("t:0:100-350")["records"], 250)
            self.assertEqual(replay(f"t:0:{count - 7}-")["records"], 7)
            self.assertEqual(replay("t:0:-40")["records"], 40)
            self.assertEqual(replay("t:0:40-40")["records"], 0)
            config = self.write("range-config.yaml", f"sources: [{{kafka: {{brokers: '{broker.brokers}', topics: [t], properties: {{fetch.wait.max.ms: 50}}}}}}]\nremote_write: {{url: 'http://x'}}\n")
            self.assertEqual(json.loads(self.good(run("plan", "-c", config, "--json", "/dev/null", rules, "t:0:5-9")))["records"], 4)
            missing = run("plan", "--brokers", broker.brokers, "/dev/null", rules, "t:7:-")
            self.assertEqual(missing.returncode, 1, missing.stderr)
            self.assertIn("t:7: ", missing.stderr)
        self.assertEqual(run("plan", "--brokers", "127.0.0.1:1", "/dev/null", rules, "t:0:-").returncode, 3)
        self.assertEqual(run("plan", "/dev/null", rules, "t:0:9-4").returncode, 1)

    def test_plan_mistakes(self):
        """plan: wrong rules or a missing file are status 1, too few arguments 2"""
        bad = self.write("bad.yaml", "rules: [{nme: x}]\n")
        done = run("plan", bad, "/dev/null", self.logs)
        self.assertEqual(done.returncode, 1)
        self.assertIn('unknown key "nme"', done.stderr)
        self.assertEqual(run("plan", "/dev/null", "/dev/null", "/no/such/file").returncode, 1)
        self.assertEqual(run("plan", "/dev/null", "/dev/null").returncode, 2)

    def test_explain(self):
        """explain: why a rule does not match, with the place in the message; --rule asks for one that is behind another"""
        rules = self.write("explain.yaml", "rules:\n  - {name: a, match: 'paid <n:int> euros'}\n  - {name: b, match: 'paid <n:int> <any>'}\n  - {name: c, match: 'paid <n:int> <what:word>'}\n")
        line = self.write("line.json", '{"level": "info", "service": "shop", "message": "paid 5 dollars"}\n')
        said = self.good(run("explain", "--rules", rules, stdin=open(line)))
        self.assertIn('a (%s:2): the message fits up to byte 7\n  paid 5 dollars\n         ^ here "euros" is expected\nb (%s:3): matches\n  n            "5"\n1 rule behind it is not tried' % (rules, rules), said)
        said = self.good(run("explain", "--rules", rules, "--rule", "c", stdin=open(line)))
        self.assertIn('c (%s:4): matches\n  n            "5"\n  what         "dollars"\n' % rules, said)
        done = run("explain", "--rules", rules, "--rule", "d", stdin=open(line))
        self.assertEqual(done.returncode, 1)
        self.assertIn('there is no rule "d"', done.stderr)

    def test_explain_header(self):
        """explain: of a value that names no trace the headers of its message are asked, and it says which one had it"""
        line = self.write("headers.json", '{"level": "info", "service": "shop", "message": "paid 5 dollars"}\n')
        said = self.good(run("explain", "--header", "tenant=blue", "--header", "b3=4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1", stdin=open(line)))
        self.assertRegex(said, r"\n  trace_id     4bf92f3577b34da6a3ce929d0e0e4736\n  span_id      00f067aa0ba902b7\n")
        self.assertRegex(said, r"\n  trace_id     header b3; asked before: trace_id, ")
        done = run("explain", "--header", "b3", stdin=open(line))
        self.assertEqual(done.returncode, 2)
        self.assertIn('a header as NAME=VALUE, which "b3" is not', done.stderr)

    def test_explain_many(self):
        """explain: of many rules only those that come close are shown, the others are counted; --all shows every one"""
        many = "rules:\n" + "".join(f"  - {{name: r{i}, match: 'text number {i} of <n:int>'}}\n" for i in range(50)) + "  - {name: near, match: 'paid in <n:int> euros'}\n  - {name: far, where: {service: x}, match: paid}\n"
        rules = self.write("many.yaml", many)
        line = self.write("line.json", '{"level": "info", "service": "shop", "message": "paid in dollars"}\n')
        said = self.good(run("explain", "--rules", rules, stdin=open(line)))
        self.assertIn("near (", said)
        self.assertIn("50 rules: no text of theirs stands in the message\n1 rule: `where` does not take the record\n", said)
        self.assertNotIn("r17 (", said)
        self.assertIn("r17 (", self.good(run("explain", "--all", "--rules", rules, stdin=open(line))))

    def test_watch(self):
        """check --watch: every change of a rule file, a new file and a changed configuration are checked at once"""
        rules = os.path.join(self.folder, "watched")
        one = self.write("watched/one.yaml", "rules: [{name: a, match: 'paid <n:int>'}]\n")
        config = self.write("watched.yaml", f"sources: [{{file: {{path: x}}}}]\nremote_write: {{url: 'http://x'}}\nrules: [{rules}]\n")
        child = subprocess.Popen([BINARY, "check", "--watch", "-c", config], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)

        def said():
            """What it prints up to its next sum."""
            lines = []
            while not lines or not lines[-1].startswith("winnow check:"):
                lines.append(child.stdout.readline())
                self.assertTrue(lines[-1], "check --watch ended")
            return "".join(lines)
        self.assertRegex(said(), r"\A-- 20\d\d-\S+Z\n.*: a: no tests\n.*1 rule, 0 tests: 0 errors")
        begun = time.monotonic()
        self.write("watched/one.yaml", "rules: [{name: a, mtch: 'paid <n:int>'}]\n")
        self.assertIn('one.yaml:1:19: unknown key "mtch"; did you mean "match"?', said())
        self.assertLess(time.monotonic() - begun, 3)
        self.write("watched/one.new", "rules: [{name: a, match: 'paid <n:int>'}]\n")
        os.rename(one.replace(".yaml", ".new"), one)
        self.assertIn("1 rule, 0 tests: 0 errors", said())
        self.write("watched/two.yaml", "rules: [{name: b, match: 'sent <n:int>'}]\n")
        self.assertIn("2 rules, 0 tests: 0 errors", said())
        self.write("watched.yaml", f"sources: [{{file: {{path: x}}}}]\nremote_write: {{url: 'http://x'}}\nrules: [{one}]\n")
        self.assertIn("1 rule, 0 tests: 0 errors", said())
