# SPDX-License-Identifier: Apache-2.0
"""Several requests in flight: a series is never reordered, and a receiver that is pushed too hard gets fewer."""
import os, threading, time
from desk import Answer, Desk


class InFlight(Desk):
    SERVICES = 1000

    def send(self, receiver, steps=2, **remote_write):
        """Some steps of some thousand series, until the receiver has every total; returns the server."""
        open(os.path.join(self.folder, "live.jsonl"), "w").close()     # what an earlier server read is not for this one, whose journal is new
        server, write = self.start(receiver, "2.0", {"step": "2s"}, **remote_write)
        for _ in range(steps):
            write(*({"service": f"s{n:05d}", "msg": "hello"} for n in range(self.SERVICES)))
            self.until(lambda: write({"service": "clock"}) or time.sleep(0.3) or self.totals(receiver) >= 1, 60, lambda: server.said()[-2000:])
        self.until(lambda: write({"service": "clock"}) or self.totals(receiver) == steps * self.SERVICES, 90, lambda: f"{self.totals(receiver)} of {steps * self.SERVICES}\n{server.said()[-2000:]}")
        self.assertEqual(receiver.faults, [])     # `out of order` would be one
        return server

    def totals(self, receiver):
        with receiver.lock:
            return sum(p[-1][1] for k, p in receiver.store.items() if dict(k)["__name__"] == "log_records_total" and dict(k)["service_name"].startswith("s"))

    def test_several(self):
        """requests of a step go at once, up to the configured number, every series in order; 1 means one after the other"""
        for most in (4, 1):
            r = self.receiver(answer=lambda q: Answer(204, delay=0.05 if q.series else 0))
            server = self.send(r, in_flight=most)
            self.assertLessEqual(r.most_active, most)
            self.assertEqual(r.most_active > 1, most > 1)
            self.assertIn(server.json("/api/v1/status")["remote_write"]["in_flight"], range(1, most + 1))
            server.kill()

    def test_pushed_back(self):
        """a receiver that takes one at a time and answers 429 to a second one is given one, mostly, and nothing is lost"""
        def answer(q):
            return Answer(429, "one at a time, please", written=False) if r.active > 1 else Answer(204, delay=0.1)
        r = self.receiver(answer=answer)
        self.send(r, in_flight=4)
        refused = sum(q.status == 429 for q in r.requests)
        self.assertGreater(refused, 0)
        self.assertLess(r.most_active, 4)     # the number does not grow against it
        self.assertLess(refused, len(r.requests) / 2)
