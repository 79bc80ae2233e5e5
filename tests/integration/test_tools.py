# SPDX-License-Identifier: Apache-2.0
"""The tools that the other tests believe."""
import collections, json, os, re, signal, subprocess, sys, time, unittest
import shop
from servers import ROOT, TOOLS, Broker, run_folder, start_time
from stage import PARTITIONS, produce


class Tools(unittest.TestCase):
    def test_shop(self):
        """the shop is the same from the same seed, and its truth is what the files hold"""
        one, two = run_folder("shop"), run_folder("shop")
        truth = shop.generate(one, minutes=3, end=1.8e9)
        shop.generate(two, minutes=3, end=1.8e9)
        for name in ("logs.jsonl", "spans.jsonl"):
            with open(os.path.join(one, name), "rb") as a, open(os.path.join(two, name), "rb") as b:
                self.assertEqual(a.read(), b.read(), name)
        spans = collections.Counter()
        with open(os.path.join(one, "spans.jsonl")) as f:
            for resource in (r for line in f for r in json.loads(line)["resourceSpans"]):
                spans[resource["resource"]["attributes"][0]["value"]["stringValue"]] += sum(len(s["spans"]) for s in resource["scopeSpans"])
        self.assertEqual(spans, truth["spans"])
        with open(os.path.join(one, "logs.jsonl")) as f:
            logs = collections.Counter(next(s for s in truth["logs"] if f'"{s}"' in line) for line in f)
        self.assertEqual(logs, truth["logs"])
        self.assertGreater(truth["errors"]["payment"], 10)

    def test_shop_in_slices(self):
        """slices of the shop's time lose nothing: what one begins, another ends, so as many checkouts fail as in one piece"""
        def failed(folder):
            with open(os.path.join(folder, "spans.jsonl")) as f:
                ends = [s for line in f for r in json.loads(line)["resourceSpans"] for p in r["scopeSpans"] for s in p["spans"] if s["name"] == "POST /checkout"]
            return sum(s["status"] != {} for s in ends), len(ends)
        folder, ahead, slices = run_folder("shop"), shop.Ahead(), []
        for at in range(24):
            shop.generate(folder, seed=at, minutes=5 / 60, end=1.8e9 + 5 * at, phase=2, ahead=ahead)
            slices.append(failed(folder))
        shop.generate(folder, minutes=2, end=1.8e9, phase=2)
        bad, of = map(sum, zip(*slices))
        whole_bad, whole = failed(folder)
        self.assertAlmostEqual(of / whole, 1, delta=0.2)
        self.assertAlmostEqual(bad / of, whole_bad / whole, delta=0.08)

    def test_produce(self):
        """produce counts what it sends, by service, and moves the newest time to now"""
        with Broker({"t": PARTITIONS}) as broker:
            folder = run_folder("shop")
            truth = shop.generate(folder, minutes=1, end=1.8e9)
            sent = produce(broker.brokers, "t", os.path.join(folder, "spans.jsonl"), "-r", 2)
            self.assertEqual(sent["services"], {s: 2 * n for s, n in truth["spans"].items()})
            self.assertEqual(sent["records"], 2 * sum(truth["spans"].values()))
            sent = produce(broker.brokers, "t", os.path.join(folder, "logs.jsonl"), "-s", 10, "-n", 100, "-u", 70)
            self.assertEqual(sent["messages"], 70)

    def test_times(self):
        """produce -T moves every kind of time by the same distance: nothing is in the future, the order stays"""
        lines = ['{"log": "23:59:59.500 INFO  a\\n", "time": "2023-01-29T15:59:59.5006Z"}', '{"log": "00:00:01.500 INFO  b\\n", "time": "2023-01-29T16:00:01.500600001Z"}',
                 '{"resourceSpans": [{"startTimeUnixNano": "1675008000500600001", "endTimeUnixNano": "1675008001500600001"}]}']
        folder = run_folder("times")
        path, out = os.path.join(folder, "in"), os.path.join(folder, "out")
        with open(path, "w") as f:
            f.write("\n".join(lines) + "\n")
        before = time.time()
        with open(out, "wb") as f:
            subprocess.run([os.path.join(TOOLS, "produce"), "-o", "-T", path], stdout=f, check=True)
        with open(out) as f:
            moved = f.read().splitlines()
        newest = int(re.search(r'endTimeUnixNano": "(\d{19})"', moved[2])[1]) / 1e9
        self.assertTrue(before - 1 <= newest <= time.time() + 1, newest)
        self.assertEqual([len(line) for line in moved], [len(line) for line in lines])
        stamp = lambda line: re.search(r'"time": "(\S+?)Z"', line)[1]
        self.assertEqual(stamp(moved[1])[:19], time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(newest)))
        self.assertLess(stamp(moved[0]), stamp(moved[1]))
        clock = [json.loads(line)["log"][:12] for line in moved[:2]]
        seconds = [int(c[:2]) * 3600 + int(c[3:5]) * 60 + float(c[6:]) for c in clock]
        self.assertAlmostEqual((seconds[1] - seconds[0]) % 86400, 2.0)

    def test_nothing_is_left(self):
        """a server started by a test dies with it, even by kill -9"""
        code = "import servers,sys,time; b=servers.Broker({'a':1}).start(); print(b.child.pid,flush=True); time.sleep(60)"
        child = subprocess.Popen([sys.executable, "-c", code], cwd=os.path.join(ROOT, "tests", "tools"), stdout=subprocess.PIPE, text=True)
        pid = int(child.stdout.readline())
        self.assertIsNotNone(start_time(pid))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        end = time.monotonic() + 5
        while start_time(pid) is not None and time.monotonic() < end:
            time.sleep(0.05)
        self.assertIsNone(start_time(pid))
