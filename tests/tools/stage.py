# SPDX-License-Identifier: Apache-2.0
"""What integration tests stand on: one Kafka for the run, a Prometheus for each test, records with a known truth, and winnow."""
import atexit, itertools, json, os, subprocess, sys, time, unittest, urllib.error
import books, shop
from servers import BUILD, HTTP, ROOT, TOOLS, Failed, Kafka, Prometheus, Winnow, run_folder

PARTITIONS = 4
TRAIN_TICKET = os.path.join(ROOT, "..", "shared", "data", "train-ticket")
PROPERTIES = {"session.timeout.ms": 2000, "heartbeat.interval.ms": 500}    # so that a killed member is missed soon
_numbers = itertools.count(1)
_kept = {}


def kafka():
    """The Kafka of this run."""
    if "kafka" not in _kept:
        server = Kafka()
        atexit.register(server.stop)
        _kept["kafka"] = server.start()
    return _kept["kafka"]


def shop_files(minutes=10, scale=1.0, ago=15):
    """(folder, truth) of a shop that ended so many seconds ago, so that every step of its time is over."""
    folder = run_folder("shop")
    truth = shop.generate(folder, minutes=minutes, end=time.time() - ago, scale=scale)
    return folder, {k: dict(truth[k]) for k in ("logs", "errors", "spans")}


def real_files():
    """(folder, suffix) of real data if it is beside the project, else of a larger shop; says which."""
    if os.path.exists(os.path.join(TRAIN_TICKET, "logs.jsonl.gz")):
        return TRAIN_TICKET, ".gz"
    print("no ../shared/data/train-ticket: using the shop instead", file=sys.__stderr__)
    return shop_files(scale=3)[0], ""


class Producer:
    """A produce of its own, to run beside the rest. `wait()` returns what it counted."""

    def __init__(self, brokers, topic, path, *options):
        self.child = subprocess.Popen([os.path.join(TOOLS, "produce"), "-b", brokers, "-t", topic, "-p", str(PARTITIONS), *map(str, options), path],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def running(self):
        return self.child.poll() is None

    def wait(self):
        out, err = self.child.communicate()
        if self.child.returncode != 0:
            raise Failed(f"produce: {err.decode(errors='replace')}")
        return json.loads(out)


def produce(brokers, topic, path, *options):
    return Producer(brokers, topic, path, *options).wait()


def produce_values(brokers, topic, values, *key_and_headers):
    """Sends values as they are, each one message: bytes, or None for a NULL payload. For what a file of lines cannot hold."""
    done = subprocess.run([os.path.join(TOOLS, "values"), brokers, topic, *key_and_headers], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          input=b"".join(b"-1\n" if v is None else b"%d\n%s" % (len(v), v) for v in values))
    if done.returncode != 0:
        raise Failed(done.stderr.decode(errors="replace"))


def dump(brokers, topic):
    """All messages of a topic: dicts of partition, offset, time_ms, key, value (bytes or None) and headers."""
    done = subprocess.run([os.path.join(TOOLS, "dump"), brokers, topic], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise Failed(done.stderr.decode(errors="replace"))
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    for m in messages:
        m.update({k: None if m[k] is None else bytes.fromhex(m[k]) for k in ("key", "value")})
    return messages


class Stage(unittest.TestCase):
    """A test with its own topics, group, Prometheus and folder. Everything it started is stopped at its end."""
    maxDiff = None

    def setUp(self):
        self.name = f"t{os.getpid()}-{next(_numbers)}"
        self.logs, self.spans = self.name + ".logs", self.name + ".spans"
        self.folder = run_folder("test")

    def prometheus(self, start=True):
        self.prom = Prometheus()
        self.addCleanup(self.prom.stop)
        if start:
            self.prom.start()
        return self.prom

    def settings(self, journal="file", topics=None, brokers=None, **more):
        """winnow.yaml of this test. journal: file or kafka."""
        source = {"brokers": brokers or kafka().brokers, "topics": topics or [self.logs, self.spans], "group": self.name, "start": "earliest",
                  "properties": PROPERTIES}
        journals = {"file": {"file": os.path.join(self.folder, "journal")},
                    "kafka": {"kafka": {"topic": self.name + ".journal", "state_topic": self.name + ".state"}}}
        return {"sources": [{"kafka": source}], "journal": journals[journal], "remote_write": {"url": self.prom.url + "/api/v1/write"}, **more}

    def winnow(self, settings, *arguments, start=True, **more):
        server = Winnow(settings, arguments, **more)
        self.addCleanup(server.kill)
        return server.start() if start else server

    def feed(self, files=None, *options):
        """Produces the shop to this test's topics and returns the truth."""
        folder, truth = files or shop_files()
        produce(kafka().brokers, self.logs, os.path.join(folder, "logs.jsonl"), *options)
        produce(kafka().brokers, self.spans, os.path.join(folder, "spans.jsonl"), *options)
        return truth

    def replay(self, seconds):
        """Starts the day's logs and spans flowing for so many seconds, its time moved to now; returns their producers."""
        folder, suffix = real_files()
        return [Producer(kafka().brokers, topic, os.path.join(folder, name + suffix), "-T", "-R", rate)
                for topic, name, rate in ((self.logs, "logs.jsonl", 168640 // seconds), (self.spans, "spans.jsonl", 29578 // seconds))]

    def replayed(self, flows):
        """Waits for the producers of replay(); what they sent, by service."""
        return dict(zip(("logs", "spans"), (f.wait()["services"] for f in flows)))

    def balanced(self, truth, seconds=60, servers=()):
        """Fails unless Prometheus comes to hold exactly the truth."""
        def still():
            for s in servers:
                if not s.alive():
                    raise Failed(f"winnow ended with {s.child.returncode}:\n{s.said()[-3000:]}")
        left = books.wait_balanced(self.prom, truth, seconds, still) + books.wrong_shape(self.prom)
        if left:
            self.fail("\n".join(["the books do not balance:", *left, *(f"{s.log}:\n{s.said()[-1500:]}" for s in servers)]))

    def ends_well(self, server, seconds=10):
        """SIGTERM: exit 0 in time."""
        begun = time.monotonic()
        status = server.stop(seconds)
        self.assertEqual(status, 0, f"exit status after SIGTERM, {time.monotonic() - begun:.1f} s; it said:\n{server.said()[-2000:]}")

    def runs_out(self, server, seconds=240):
        """Waits for a `run --until-end`: exit 0."""
        try:
            status = server.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.fail(f"--until-end did not end within {seconds} s; it said:\n{server.said()[-3000:]}")
        self.assertEqual(status, 0, f"it said:\n{server.said()[-3000:]}")

    def until(self, true, seconds, what):
        """Waits until true() is; `what` says what was expected: a text, or a function that makes one when it is too late."""
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                self.fail(f"not within {seconds} s: {what() if callable(what) else what}")
            time.sleep(0.2)

    def metric(self, server, name, **labels):
        """Sum of a metric of winnow's own /metrics over the label values given."""
        total = 0.0
        for line in server.text("/metrics").splitlines():
            head, _, rest = line.partition(" ")
            base, _, inside = head.partition("{")
            if base == name and all(f'{k}="{v}"' in inside for k, v in labels.items()):
                total += float(rest.split(" ")[0])
        return total
