# SPDX-License-Identifier: Apache-2.0
"""What the compliance tests stand on: winnow reading a file, and a receiver of our own."""
import json, os, sys, time, unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import shop
from receiver import Answer, Receiver
from servers import Failed, Winnow, run_folder

_shop = {}


def shop_truth():
    """(folder, truth) of one shop for all tests: three minutes that ended a minute ago."""
    if not _shop:
        folder = run_folder("shop")
        end = time.time() - 60
        truth = shop.generate(folder, minutes=3, end=end, scale=1.0)
        _shop.update(folder=folder, begin=end - 180, truth={k: dict(truth[k]) for k in ("logs", "errors", "spans")})
    return _shop["folder"], _shop["truth"]


def shop_begin():
    """When its first record is, in seconds."""
    shop_truth()
    return _shop["begin"]


class Desk(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = run_folder("compliance")

    def receiver(self, *arguments, **more):
        r = Receiver(*arguments, **more)
        r.__enter__()
        self.addCleanup(r.__exit__)
        return r

    def settings(self, receiver, paths, version="auto", follow=False, metrics=None, **remote_write):
        return {"sources": [{"file": {"path": p, "follow": follow}} for p in paths], "journal": {"file": os.path.join(run_folder("journal"), "j")},
                "metrics": {"step": "1s", "lateness": "0s", **(metrics or {})}, "remote_write": {"url": receiver.url, "version": version, **remote_write}}

    def play(self, receiver, version="auto", paths=None, metrics=None, seconds=120, **remote_write):
        """The shop from its beginning to its end; returns the server, which has ended well."""
        folder, _ = shop_truth()
        paths = paths or [os.path.join(folder, "logs.jsonl"), os.path.join(folder, "spans.jsonl")]
        server = Winnow(self.settings(receiver, paths, version, metrics={"step": "5s", **(metrics or {})}, **remote_write), ["--until-end"])
        self.addCleanup(server.kill)
        server.start()
        self.assertEqual(server.child.wait(seconds), 0, f"it said:\n{server.said()[-3000:]}")
        return server

    def start(self, receiver, version="auto", metrics=None, **remote_write):
        """winnow on a growing file; returns (server, write), where write(records...) appends JSON lines."""
        path = os.path.join(self.folder, "live.jsonl")
        live = open(path, "a")
        self.addCleanup(live.close)
        server = Winnow(self.settings(receiver, [path], version, True, metrics, **remote_write), [])
        self.addCleanup(server.kill)
        server.start()

        def write(*records):
            for r in records:
                live.write(json.dumps({"ts": time.time(), "level": "info", "msg": "a message", "service": "desk", **r}) + "\n")
            live.flush()
        return server, write

    def until(self, true, seconds, what):
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                self.fail(f"not within {seconds} s: {what() if callable(what) else what}")
            time.sleep(0.05)

    def exact(self, receiver):
        """The receiver holds exactly what the shop counted, and no rule was broken."""
        _, truth = shop_truth()
        self.assertEqual(receiver.faults, [])
        for service, count in truth["logs"].items():
            self.assertEqual(receiver.last("log_records_total", service_name=service), count, service)
        for service, count in truth["spans"].items():
            self.assertEqual(receiver.last("traces_span_metrics_calls_total", service_name=service), count, service)

    def all_series(self, receiver):
        return [s for r in receiver.requests for s in r.series]
