# SPDX-License-Identifier: Apache-2.0
"""Lines that a container runtime cut into several messages, and stack traces that come line by line, while processes are killed: joined exactly as if nothing had died."""
import collections, json, threading, time
from stage import kafka, produce_values
from torment import FULL, Torment, tearDownModule  # noqa: F401 run.py calls it

SECONDS = 90 if FULL else 18
CONTAINERS = 24
FRAMES = ["\tat shop.Pool.take(Pool.java:181)", "\tat shop.Charge.run(Charge.java:64)", "Caused by: java.io.IOException: broken pipe", "\t... 23 more"]


def stamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1e9):09d}Z"


class Container:
    """Writes records of one kind, each as the messages that a shipper makes of it."""

    def __init__(self, number, chance):
        self.kind, self.pod, self.chance = ("cri", "docker", "java")[number % 3], f"pod-{number}", chance
        self.left, self.n, self.records, self.messages = [], number * 100000, 0, 0

    def pieces(self):
        """(text, goes on) of the next record."""
        self.n += 1
        if self.kind == "java":
            return [(f"ERROR shop.Charge: charge {self.n} failed: java.lang.IllegalStateException: no\n", False)] + [(f + "\n", False) for f in FRAMES]
        text = f"order {self.n} accepted from the cart of a user who waited for the stock of the other warehouse for a long time, all done"
        if self.kind == "docker":
            text = json.dumps({"level": "error", "msg": f"charge {self.n} declined by the bank behind the gateway", "attempt": self.n, "zone": "berlin-1"})
        cuts = [0, *sorted(self.chance.sample(range(20, len(text) - 5), self.chance.randint(1, 3))), len(text)]
        return [(text[a:b] + ("\n" if self.kind == "docker" and b == len(text) else ""), b < len(text)) for a, b in zip(cuts, cuts[1:])]

    def message(self, at):
        if not self.left:
            self.left = self.pieces()
            self.records += 1
        text, goes_on = self.left.pop(0)
        self.messages += 1
        if self.kind == "cri":
            text = f"{stamp(at)} stdout {'P' if goes_on else 'F'} {text}"
        return json.dumps({"log": text, "stream": "stdout", "time": stamp(at), "kubernetes": {"pod_name": self.pod, "container_name": "app", "labels": {"app": self.kind}}}).encode()


class Lines(Torment):
    def write(self, containers):
        """Messages of all containers mixed, for so many seconds; what is begun is ended."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            now = time.time()
            produce_values(kafka().brokers, self.logs, [self.random.choice(containers).message(now + n / 10000) for n in range(500)])
            time.sleep(0.1)
        now = time.time()
        produce_values(kafka().brokers, self.logs, [c.message(now + n / 10000) for c in containers for n in range(len(c.left))])

    def test_killed(self):
        """lines in pieces and stack traces, mixed from 24 containers, over kill -9 again and again: none counts twice, in part or not at all, and each has its whole text"""
        self.prometheus()
        containers = [Container(n, self.random) for n in range(CONTAINERS)]
        writer = threading.Thread(target=self.write, args=(containers,))
        settings, kills = self.settings("kafka", topics=[self.logs]), 0
        writer.start()
        while writer.is_alive():
            w = self.winnow(settings)
            time.sleep(self.random.uniform(3, 5))
            self.killed(w)
            kills += 1
        writer.join()
        records, messages = collections.Counter(), sum(c.messages for c in containers)
        for c in containers:
            records[c.kind] += c.records
        w = self.winnow(settings)
        self.balanced({"logs": dict(records), "spans": {}}, 90, [w])
        self.assertGreaterEqual(kills, 3)

        def outcomes():
            return self.prom.by("outcome", "sum by (outcome) (last_over_time(winnow_records_total[12h])) > 0")
        self.until(lambda: sum(outcomes().values()) == messages, 30, lambda: f"{messages} messages: {outcomes()}")
        self.assertEqual(outcomes(), {"mined": sum(records.values()), "joined": messages - sum(records.values())})
        expected = {kind: {text: records[kind]} for kind, text in {
            "cri": "order <num> accepted from the cart of a user who waited for the stock of the other warehouse for a long time, all done",
            "docker": "charge <num> declined by the bank behind the gateway", "java": "charge <num> failed: java.lang.IllegalStateException: no"}.items()}

        def patterns():
            found = collections.defaultdict(dict)
            for p in w.json("/api/v1/patterns?limit=1000")["patterns"]:
                found[p["service_name"]][p["template"]] = p["count"]
            return {kind: found[kind] for kind in expected}
        self.until(lambda: patterns() == expected, 20, lambda: f"seed {self.seed}: {patterns()}, expected {expected}")
        self.ends_well(w)
