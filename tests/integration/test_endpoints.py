# SPDX-License-Identifier: Apache-2.0
import json, threading
from datetime import datetime, timezone
import books
from servers import Prometheus
from stage import Stage, kafka, produce_values, shop_files

STEP = 2
BEHIND = 8   # steps that the dead one is let fall behind


class Live:
    """Lines of some services as they are written now, 3,000 a second, until close(), which returns the truth."""
    SERVICES = ("cart", "checkout", "payment", "stock")

    def __init__(self, brokers, topic):
        self.truth = {kind: dict.fromkeys(self.SERVICES, 0) for kind in ("logs", "errors")}
        self.over, self.begun = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run, args=(brokers, topic), daemon=True)
        self.thread.start()

    def run(self, brokers, topic):
        count = 0
        while not self.over.wait(0.3):
            lines, time_now = [], datetime.now(timezone.utc).isoformat()
            for count in range(count, count + 1000):
                service, wrong = self.SERVICES[count % 4], count % 7 == 0
                lines.append(json.dumps({"time": time_now, "level": "error" if wrong else "info", "service": service,
                                         "message": f"gave up after {count} ms" if wrong else f"order {count} is on its way"}).encode())
                self.truth["logs"][service] += 1
                self.truth["errors"][service] += wrong
            produce_values(brokers, topic, lines)
            self.begun.set()

    def close(self):
        self.over.set()
        self.thread.join()
        return self.truth


class Endpoints(Stage):
    def two(self):
        """Two receivers: self.prom, which is "default", and self.other."""
        self.prometheus()
        self.other = Prometheus()
        self.addCleanup(self.other.stop)
        self.other.start()

    def both(self, **more):
        write = [{"url": self.prom.url + "/api/v1/write"}, {"name": "other", "url": self.other.url + "/api/v1/write"}]
        return self.settings("kafka", **{"metrics": {"step": f"{STEP}s", "lateness": "1s"}, "remote_write": write, **more})

    def of(self, server, name):
        """What winnow says of an endpoint; {} while it does not answer."""
        status, _ = server.get("/api/v1/status")
        found = server.json("/api/v1/status")["endpoints"] if status == 200 else []
        return next((e for e in found if e["name"] == name), {})

    def newest(self, prometheus):
        """Time of the newest sample of the last five minutes."""
        found = prometheus.query('max(timestamp(log_records_total))')
        return found[0][1] if found else 0

    def same_everywhere(self, truth, seconds, servers):
        self.balanced(truth, seconds, servers)
        left = books.wait_balanced(self.other, truth, seconds) + books.wrong_shape(self.other)
        self.assertEqual(left, [], "the books of the other endpoint")
        for name in ("log_records_total", "log_pattern_records_total"):
            self.assertEqual(books.series(self.other, name), books.series(self.prom, name), "every series")

    def test_one_stops(self):
        """one of two receivers stopped under load, winnow killed meanwhile and again while it catches up: the other's graph goes on, both end exact in every series"""
        self.two()
        live = Live(kafka().brokers, self.logs)
        self.addCleanup(live.close)
        self.assertTrue(live.begun.wait(60), "the topic is there before the group looks")
        w = self.winnow(self.both(topics=[self.logs]))
        self.until(lambda: self.newest(self.prom) and self.newest(self.other), 60, "both receive")
        had = self.newest(self.other)
        self.other.stop()
        self.until(lambda: self.of(w, "other").get("state") == "failing", 30, "it is said to fail")
        self.until(lambda: w.get("/-/ready")[0] == 200, 10, lambda: "one of two is enough to work: " + w.get("/-/ready")[1])
        w.kill()
        w.start()

        def apart():
            return self.of(w, "other").get("pending_steps", 0) >= BEHIND and self.of(w, "default").get("pending_steps", BEHIND) <= 2
        self.until(apart, 60, lambda: f"one {BEHIND} steps behind, the other at most 2: {self.of(w, 'other')} {self.of(w, 'default')}")
        self.assertGreaterEqual(self.newest(self.prom), had + (BEHIND - 2) * STEP, "the graph of the one that is up goes on")
        self.assertGreater(self.metric(w, "winnow_pending_steps", endpoint="other"), self.metric(w, "winnow_pending_steps", endpoint="default"))
        self.other.start()
        self.until(lambda: self.of(w, "other").get("steps_sent", 0) > 0, 60, "it is sent what waits for it")
        w.kill()
        w.start()
        self.same_everywhere(live.close(), 90, [w])
        self.until(lambda: all(self.of(w, name).get("state") == "ok" for name in ("default", "other")), 30, "both are well")

    def test_one_joins(self):
        """an endpoint that is added begins with what is counted from then on"""
        self.two()
        first = self.feed(shop_files(minutes=2))
        alone = self.settings("kafka", metrics={"step": f"{STEP}s", "lateness": "1s"})
        self.runs_out(self.winnow(alone, "--until-end"))
        self.balanced(first, 30)
        self.assertEqual(self.other.query("log_records_total"), [])
        second = self.feed(shop_files(minutes=2, ago=10))
        self.runs_out(self.winnow(self.both(), "--until-end"))
        grown = {what: {s: n + second[what].get(s, 0) for s, n in services.items()} for what, services in first.items()}
        self.balanced(grown, 30)
        totals = books.totals(self.other, "logs")
        self.assertEqual(totals, books.totals(self.prom, "logs"), "totals go on where they stand")
        begun = self.other.by("service_name", "sum by (service_name) (min_over_time(log_records_total[12h]))")
        self.assertEqual({s: totals[s] - int(begun[s]) for s in totals}, {s: n for s, n in second["logs"].items()}, "it grew by what came after it was added")
