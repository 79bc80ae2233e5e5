# SPDX-License-Identifier: Apache-2.0
"""What the torture tests share: a stream of records, a naive counter that dies with winnow, and the comparison of every series with a run in which nothing died."""
import os, random, sys, time
import books
from servers import TOOLS, Prometheus, Server, tail
from stage import Producer, Stage, kafka, real_files

FULL = os.environ.get("WINNOW_TORTURE") == "full"
LOGS, SPANS = 168640, 29578    # records of the stream, about
_kills = {"winnow": 0, "kafka": 0, "prometheus": 0}


def tearDownModule():
    print(f"kills: {', '.join(f'{n} {what}' for what, n in _kills.items() if n)}", file=sys.__stderr__)


class Naive(Server):
    """The usual design: see naive.c. One object for all its lives."""
    name = "naive"

    def __init__(self, group, topics):
        super().__init__()
        self.arguments, self.lives = [group, *topics], []

    def start(self):
        self.lives.append(os.path.join(self.folder, f"total.{len(self.lives)}"))
        self.spawn([os.path.join(TOOLS, "naive"), kafka().brokers, self.arguments[0], self.lives[-1], *self.arguments[1:]])
        return self

    def total(self):
        """What increase() would make of it."""
        out = 0
        for path in self.lives:
            try:
                with open(path) as f:
                    out += int(f.read() or 0)
            except FileNotFoundError:
                pass    # killed before its first second was over
        return out


class Torment(Stage):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("WINNOW_SEED", time.time_ns() % 10**6))
        self.random = random.Random(self.seed)
        print(f"WINNOW_SEED={self.seed}", file=sys.stderr)

    def flow(self, seconds=40, brokers=None):
        """Starts the records flowing for about so long; returns the producers of logs and spans."""
        folder, suffix = real_files()
        return [Producer(brokers or kafka().brokers, topic, os.path.join(folder, name + suffix), "-T", "-R", rate)
                for topic, name, rate in ((self.logs, "logs.jsonl", LOGS // seconds), (self.spans, "spans.jsonl", SPANS // seconds))]

    def truth(self, flows):
        counted = [f.wait() for f in flows]
        self.messages = sum(c["messages"] for c in counted)
        return dict(zip(("logs", "spans"), (c["services"] for c in counted)))

    def killed(self, server):
        self.assertTrue(server.alive(), f"it ended by itself, seed {self.seed}:\n{tail(server.log)}")
        server.kill()
        _kills[server.name] += 1

    def naive(self):
        server = Naive(self.name + ".naive", [self.logs, self.spans])
        self.addCleanup(server.kill)
        return server.start()

    def say_naive(self, server, kills):
        """The reference point, in the same run."""
        server.kill()
        server.start()
        want, last = self.messages, -1
        while server.total() != last:
            last = server.total()
            time.sleep(2.5)
        print(f"naive counter, killed {kills} times beside winnow: {last} of {want} messages, error {100 * (last - want) / want:+.2f} %; winnow: 0", file=sys.__stderr__)

    def exact(self, truth, seconds=90, servers=(), brokers=None):
        """Every total is the truth, and every series is that of a winnow that read the same topics and was left alone."""
        self.balanced(truth, seconds, servers)
        ours, self.prom = self.prom, Prometheus()
        self.addCleanup(self.prom.stop)
        self.prom.start()
        settings = self.settings("file", brokers=brokers)
        settings["sources"][0]["kafka"]["group"] = self.name + ".reference"
        settings["journal"]["file"] += ".reference"
        self.runs_out(self.winnow(settings, "--until-end"))
        left = books.unlike(ours, self.prom)
        self.prom.stop()
        self.prom = ours
        self.assertFalse(left, "\n".join(left[:40]))
