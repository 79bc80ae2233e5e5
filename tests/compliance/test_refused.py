# SPDX-License-Identifier: Apache-2.0
"""Series that a receiver refuses never take good ones with them."""
import json, time
from desk import Answer, Desk

GOOD, BAD = 1993, 7
REASONS = ["out of bounds", "label value too long", "per-user series limit", "duplicate sample for timestamp", "invalid label", "max label names", "unknown tenant"]


class Refused(Desk):
    def play_out(self, version):
        """2,000 services in one request, 7 of them refused for reasons of their own: the others arrive whole, the 7 are named."""
        bad = {f"service-{i * 285 + 3:04d}": why for i, why in enumerate(REASONS)}
        metric = "log_records_total"
        r = self.receiver(refuse=lambda s: bad.get(dict(s.labels).get("service_name")) if s.name() == metric else None)
        server, write = self.start(r, version, {"expire": "10m"})
        write({"service": "clock"})     # of the first step of a leader a 400 means that an earlier one has sent it
        time.sleep(1.2)
        write({"service": "clock"})
        self.until(lambda: r.last(metric) >= 1, 20, server.said)
        write(*({"service": f"service-{i:04d}", "msg": "hello"} for i in range(GOOD + BAD)))
        begun, rounds = time.monotonic(), 0
        while time.monotonic() < begun + 60:
            write({"service": "clock", "msg": "tick"})
            status = server.json("/api/v1/status")
            if sum(map(json.dumps(status).count, bad)) >= BAD:
                break
            time.sleep(0.5)
            rounds += 1
        named = json.dumps(server.json("/api/v1/status"))
        for service, why in bad.items():
            self.assertIn(service, named, f"{server.said()[-1500:]}")
            self.assertIn(why, named)
        self.until(lambda: r.last(metric) >= GOOD + 1, 20, lambda: f"{r.last(metric)} of {GOOD}")
        arrived = {dict(k)["service_name"]: p for k, p in r.store.items() if dict(k)["__name__"] == metric}
        self.assertEqual({s for s in arrived if s != "clock"}, {f"service-{i:04d}" for i in range(GOOD + BAD)} - set(bad))
        for service, points in arrived.items():
            if service != "clock":
                self.assertEqual([points[0][1], points[-1][1]], [0, 1], service)     # its first 0, and its one record
        largest = max(len(q.series) for q in r.requests)
        self.assertEqual(largest, 2000)
        self.assertEqual(r.faults, [])
        _, own = server.get("/metrics")
        self.assertIn(f"winnow_remote_write_aside_series {BAD}", own)
        self.until(lambda: write({"service": "clock"}) or f"{BAD} series are set aside" in server.said(), 30, server.said)
        told = [line for line in server.said().splitlines() if f"{BAD} series are set aside" in line][-1]
        for service in bad:
            self.assertIn(service, told)
        return time.monotonic() - begun

    def test_version_1(self):
        """1.0: 2,000 series in a request, 7 refused: 1,993 arrive whole, with their first 0; the 7 are named in status, log and metrics"""
        self.play_out("1.0")

    def test_version_2(self):
        """2.0, with partial writes: the same"""
        self.play_out("2.0")

    def test_tried_again(self):
        """nobody is set aside while the receiver refuses everything, and all arrives when it stops"""
        wrong = [True]
        r = self.receiver(answer=lambda q: Answer(400, "broken") if wrong[0] else None)
        server, write = self.start(r, "1.0")
        for i in range(10):
            write(*({"service": f"s{n}"} for n in range(10)))
            time.sleep(0.5)
        self.assertIn("winnow_remote_write_aside_series 0", server.get("/metrics")[1])
        wrong[0] = False
        self.until(lambda: write({}) or r.last("log_records_total", service_name="s3") == 10, 40, lambda: f"{r.last('log_records_total')}")
        self.assertEqual(r.faults, [])

    def test_aside_for_the_configured_time(self):
        """a series set aside is tried again after the configured time, not before, and what it missed arrives with it"""
        bad = [True]
        tries = []

        def refuse(s):
            if s.name() == "log_records_total" and dict(s.labels).get("service_name") == "bad":
                tries.append(time.monotonic())
                return "not this one" if bad[0] else None
        r = self.receiver(refuse=refuse)
        server, write = self.start(r, "1.0", {"expire": "10m"}, aside_retry="6s")
        write({"service": "clock"})
        self.until(lambda: write({"service": "clock"}) or r.last("log_records_total", service_name="clock") >= 1, 20, server.said)
        write({"service": "bad"}, {"service": "bad"}, {"service": "good"})

        def aside():
            write({"service": "clock"})
            return "winnow_remote_write_aside_series 1" in server.get("/metrics")[1]
        self.until(aside, 40, server.said)
        last = tries[-1]
        bad[0] = False
        self.until(lambda: write({"service": "clock"}) or r.last("log_records_total", service_name="bad") == 2, 40, lambda: f"{tries}\n{server.said()[-2000:]}")
        self.assertGreater(min(t for t in tries if t > last) - last, 5)
        self.until(lambda: "winnow_remote_write_aside_series 0" in server.get("/metrics")[1], 10, server.said)
        self.assertEqual(r.last("log_records_total", service_name="good"), 1)
        self.assertEqual(r.faults, [])
