# SPDX-License-Identifier: Apache-2.0
"""Remote write 2.0: what the public suite (prometheus/compliance, remotewrite/sender) expects of a sender, where it binds one whose series come from records,
and with counts. Most of its rules are checked on every request of every test by tests/tools/receiver.py and would be faults."""
import collections, socket, threading, time
from desk import Answer, Desk, shop_truth


class Version2(Desk):
    @classmethod
    def setUpClass(cls):
        cls.kept = {}

    def shop(self):
        if not self.kept:
            self.kept["receiver"] = self.receiver()
            self.kept["server"] = self.play(self.kept["receiver"], "2.0")
        return self.kept["receiver"]

    def live(self, receiver, version="auto", records=40, batches=4, seconds=40, **more):
        """Some records over some steps, until the receiver has them all; returns the server."""
        server, write = self.start(receiver, version, **more)
        for _ in range(batches):
            write(*({"msg": f"order {n} taken"} for n in range(records // batches)))
            time.sleep(0.6)
        self.until(lambda: receiver.last("log_records_total", service_name="desk") == records, seconds,
                   lambda: f"{receiver.last('log_records_total', service_name='desk')} of {records}; {receiver.faults}\n{server.said()[-2000:]}")
        return server

    # --- protocol, symbols, labels, samples

    def test_protocol(self):
        """protocol: content type with proto, version 2.0.0, snappy block, POST, all bodies readable; totals exact"""
        r = self.shop()
        self.exact(r)
        self.assertEqual({q.version for q in r.requests}, {2})
        self.assertGreater(len(r.requests), 20)

    def test_symbols(self):
        """symbols: the first is empty, each once, each used, references valid and in pairs (faults otherwise); far smaller than 1.0"""
        r = self.shop()
        two = sum(q.raw_len for q in r.requests) / sum(len(q.series) for q in r.requests)
        one = self.receiver()
        self.play(one, "1.0")
        self.exact(one)
        per_sample = sum(q.raw_len for q in one.requests) / sum(len(q.series) for q in one.requests)
        self.assertLess(two, per_sample / 2)

    def test_both_versions_store_the_same(self):
        """samples: 2.0 stores what 1.0 stores, sample for sample, and the same exemplars"""
        one = self.receiver()
        self.play(one, "1.0")
        two = self.shop()

        def plain(r):
            return {k: [(t, v if v == v else "stale") for t, v in p] for k, p in r.store.items() if not dict(k)["__name__"].startswith("winnow_late")}
        self.assertEqual(plain(one).keys(), plain(two).keys())

        def ends(r):   # sums of durations depend a little on the order of adding, and that on where deltas were cut
            return {k: round([v for _, v in p if v != "stale"][-1], 6) for k, p in plain(r).items()}
        self.assertEqual(ends(one), ends(two))
        self.assertEqual(sum(map(len, one.exemplars.values())) > 50, sum(map(len, two.exemplars.values())) > 50)

    def test_metadata(self):
        """metadata: type, help and unit with every series, the same every time"""
        r = self.shop()
        seen = {}
        for s in self.all_series(r):
            seen.setdefault(s.name(), set()).add(s.metadata)
        self.assertEqual([n for n, m in seen.items() if len(m) != 1], [])
        kinds = {n: next(iter(m)) for n, m in seen.items()}
        self.assertEqual(kinds["log_records_total"][0], 1)
        self.assertEqual(kinds["log_pattern_info"][0], 2)
        self.assertEqual(kinds["traces_span_metrics_duration_milliseconds_bucket"][0], 3)
        self.assertEqual(kinds["traces_span_metrics_duration_milliseconds_bucket"][2], "milliseconds")
        self.assertEqual([n for n, (_, words, _) in kinds.items() if not words], [])

    def test_start_timestamps(self):
        """start timestamps: counters and histograms have one, the time of their first 0, and it never changes; gauges have none"""
        r = self.shop()
        starts, first = collections.defaultdict(set), {}
        for s in self.all_series(r):
            starts[s.key()].add(s.samples[0].start_ms)
            first.setdefault(s.key(), s.samples[0].time_ms)
        self.assertGreater(len(starts), 100)
        for key, values in starts.items():
            if dict(key)["__name__"] in ("log_pattern_info", "target_info"):     # gauges
                self.assertEqual(values, {0}, key)
            else:
                self.assertEqual(values, {first[key]}, key)

    def test_exemplars(self):
        """exemplars: trace_id on counters and buckets, with value and time, beside their sample"""
        r = self.shop()
        kept = [(s.name(), e) for s in self.all_series(r) for e in s.exemplars]
        self.assertGreater(len(kept), 50)
        self.assertEqual([e.labels for _, e in kept if "trace_id" not in dict(e.labels)], [])
        self.assertTrue({"log_records_total", "log_pattern_records_total"} & {n for n, _ in kept})
        self.assertIn("traces_span_metrics_duration_milliseconds_bucket", {n for n, _ in kept})

    def test_batching(self):
        """batching: many series and metrics in a request, at most 2,000 samples, each symbol once"""
        r = self.shop()
        largest = max(r.requests, key=lambda q: len(q.series))
        self.assertGreater(len(largest.series), 100)
        self.assertLessEqual(len(largest.series), 2000)
        self.assertGreater(len({s.name() for s in largest.series}), 5)

    def test_stale_marker(self):
        """stale marker: in 2.0 as in 1.0"""
        r = self.receiver()
        server, write = self.start(r, "2.0", {"expire": "1m"})
        old = time.time() - 120
        write({"ts": old, "service": "gone", "msg": "bye"}, *({"ts": old + 12 * (i + 1)} for i in range(6)))
        self.until(lambda: any(s.samples and s.samples[0].stale and dict(s.labels).get("service_name") == "gone" for s in self.all_series(r)), 30, lambda: str(r.faults))
        self.assertEqual(r.faults, [])

    def test_edge_texts(self):
        """edge: unicode, line breaks, quotes, 10 KB and invalid UTF-8 in values arrive whole or cut, never refused"""
        r = self.receiver()
        server, write = self.start(r, "2.0")
        services = ["größe-\U0001F600", "a\"b\\c\nd", "x" * 10_000, "tab\there"]
        for s in services:
            write(*({"service": s} for _ in range(3)))
        time.sleep(0.6)
        for _ in range(3):
            write({})
            time.sleep(0.6)
        self.until(lambda: r.last("log_records_total") == 15, 20, lambda: f"{r.last('log_records_total')}; {r.faults}")
        self.assertEqual(r.faults, [])
        values = {dict(k).get("service_name", "") for k in r.store}
        self.assertIn(services[0], values)
        self.assertIn(services[1], values)
        self.assertTrue(any(v.startswith("xxxx") and len(v) <= 1024 for v in values))

    def test_no_empty_request(self):
        """edge: nothing to say is not said: every request has series"""
        self.assertEqual([q for q in self.shop().requests if not q.series], [])

    def test_times_are_recent(self):
        """timestamps: what was just written is sent with times of the last minutes, and none is ahead of the clock by more than a step; a record from the future is counted now"""
        r = self.receiver()
        server, write = self.start(r, "2.0")
        write({}, {"ts": time.time() + 86400})
        self.until(lambda: write({"service": "clock"}) or r.last("log_records_total", service_name="desk") == 2, 20, lambda: server.said()[-2000:])
        self.assertEqual(r.faults, [])
        late = [(s.text(), p.time_ms) for q in r.requests for s in q.series for p in s.samples if not q.at - 300 < p.time_ms / 1000 < q.at + 11]
        self.assertEqual(late, [])

    # --- negotiation

    def test_fallback_415(self):
        """fallback: 415 means 1.0, at once, with the same samples, and it is remembered"""
        r = self.receiver(speaks=(1,), polite=True)
        self.live(r)
        self.assertEqual(r.faults, [])
        versions = [q.version for q in r.requests]
        self.assertEqual(versions[0], 2)
        self.assertEqual(set(versions[1:]), {1})
        self.assertEqual({(s.key(), s.samples[0].time_ms) for s in r.requests[0].series}, {(s.key(), s.samples[0].time_ms) for s in r.requests[1].series})

    def test_fallback_silent(self):
        """fallback: 204 without a Written header (Prometheus 2.42) means 1.0; nothing is lost"""
        r = self.receiver(speaks=(1,))
        self.live(r)
        self.assertEqual(r.faults, [])
        self.assertEqual([q.version for q in r.requests][0], 2)
        self.assertEqual({q.version for q in r.requests[1:]}, {1})

    def test_no_fallback_when_understood(self):
        """fallback: never when the receiver understands: 200 and 204 with Written headers are success; 500 and 429 change nothing"""
        count = [0]

        def answer(q):
            count[0] += 1
            return {2: Answer(500, "x"), 4: Answer(429, "x"), 6: Answer(200, "done"), 7: Answer(503)}.get(count[0])
        r = self.receiver(answer=answer)
        self.live(r)
        self.assertEqual(r.faults, [])
        self.assertEqual({q.version for q in r.requests}, {2})

    def test_configured(self):
        """compat: version 1.0 configured means that 2.0 is never tried"""
        r = self.receiver()
        self.live(r, "1.0")
        self.assertEqual({q.version for q in r.requests}, {1})
        self.assertEqual(r.faults, [])

    def test_configured_2(self):
        """fallback: version 2.0 configured never falls back; it waits loudly, and goes on when the receiver has learned it"""
        r = self.receiver(speaks=(1,))
        server, write = self.start(r, "2.0")
        write(*({} for _ in range(5)))
        time.sleep(1.2)
        write({})
        self.until(lambda: "does not speak remote write 2.0" in server.said(), 20, server.said)
        time.sleep(1)
        self.assertEqual(r.store, {})
        r.speaks = (1, 2)
        self.until(lambda: r.last("log_records_total", service_name="desk") >= 5, 30, server.said)
        self.assertEqual({q.version for q in r.requests}, {2})

    def test_400_before_understood(self):
        """fallback: a 400 may mean it too: 1.0 from the next request on, and the refused samples never again"""
        r = self.receiver(answer=lambda q: Answer(400, "bad") if q.version == 2 else None, speaks=(1,))
        self.live(r)
        self.assertEqual(r.faults, [])
        self.assertEqual([q.version for q in r.requests].count(2), 1)

    # --- answers

    def test_no_retry_on_4xx(self):
        """retry: a 400 is not repeated"""
        count = [0]

        def answer(q):
            count[0] += 1
            return Answer(400, "the reason, as it was said", written=True) if count[0] == 3 else None
        r = self.receiver(answer=answer)
        server = self.live(r)
        self.assertEqual(r.faults, [])
        self.assertIn("the reason, as it was said", server.said())

    def test_retry_after(self):
        """retry: 429 and 503 with Retry-After, as seconds and as a date, are waited for"""
        count = [0]

        def answer(q):
            count[0] += 1
            if count[0] == 2:
                return Answer(429, "slow", {"Retry-After": "2"})
            if count[0] == 4:
                return Answer(503, "slow", {"Retry-After": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3))})
        r = self.receiver(answer=answer)
        self.live(r)
        self.assertEqual(r.faults, [])
        at = [q.at for q in r.requests]
        self.assertGreater(at[2] - at[1], 1.9)
        self.assertGreater(at[4] - at[3], 1.9)

    def test_backoff(self):
        """backoff: grows, with jitter, never above a minute, for 500, 502, 503, 504 and a cut connection"""
        count = [0]

        def answer(q):
            count[0] += 1
            return [None, Answer(500), Answer(502), Answer(503), Answer(504), Answer(cut=True)][count[0]] if count[0] < 6 else None
        r = self.receiver(answer=answer)
        self.live(r)
        self.assertEqual(r.faults, [])
        at = [q.at for q in r.requests[:6]]
        gaps = [b - a for a, b in zip(at, at[1:])]
        # at least 100 ms, twice that, ...: a busy machine makes gaps longer, never shorter; the cut connection is opened again at once
        self.assertTrue(all(gap > 0.08 * 2 ** n for n, gap in enumerate(gaps[:4])), gaps)
        self.assertLess(max(gaps), 60)

    def test_bodies_are_ignored(self):
        """response: the body of a success is ignored; a large error body and status 999 change nothing"""
        count = [0]

        def answer(q):
            count[0] += 1
            return {1: Answer(200, "{\"error\": \"no\"}"), 3: Answer(500, "x" * 1_000_000), 5: Answer(999, "what")}.get(count[0])
        r = self.receiver(answer=answer)
        server = self.live(r)
        self.assertEqual(r.faults, [])
        self.assertLess(len(server.said()), 100_000)

    def test_partial_write(self):
        """response: a partial write keeps what was written, names what was not, and the rest arrives"""
        r = self.receiver(refuse=lambda s: "no such tenant" if dict(s.labels).get("service_name") == "bad" and s.name() == "log_records_total" else None)
        server, write = self.start(r)
        for _ in range(14):
            write(*({"msg": f"order {n} taken"} for n in range(10)), {"service": "bad"})
            time.sleep(0.5)
        self.until(lambda: r.last("log_records_total", service_name="desk") == 140, 30, lambda: f"{r.last('log_records_total')}\n{server.said()[-3000:]}")
        self.assertEqual(r.faults, [])
        self.assertEqual(r.last("log_records_total", service_name="bad"), 0)
        self.assertIn("the receiver wrote", server.said())

    def test_exemplar_refused(self):
        """response: a 400 about an exemplar alone, with every sample written, costs nothing"""
        count = [0]

        def answer(q):
            count[0] += 1
            if count[0] in (2, 3):
                r.keep(q)
                return Answer(400, "out of order exemplar")
        r = self.receiver(answer=answer)
        server = self.live(r)
        self.assertIn("out of order exemplar", server.said())
        self.assertNotIn("its series go in smaller requests", server.said())

    def test_connection_refused(self):
        """errors: nothing listens, a name that does not resolve: waits, says so, goes on"""
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        r = self.receiver()
        r.url = f"http://127.0.0.1:{port}/api/v1/write"
        server, write = self.start(r)
        write({})
        time.sleep(1.2)
        write({})
        self.until(lambda: "no answer from the receiver" in server.said(), 20, server.said)
        self.assertTrue(server.alive())

    def test_unresolvable(self):
        """errors: a name that does not resolve: waits, says so, goes on"""
        r = self.receiver()
        r.url = "http://receiver.invalid/api/v1/write"
        server, write = self.start(r)
        write({})
        self.until(lambda: write({}) or "no answer from the receiver" in server.said(), 30, server.said)
        self.assertTrue(server.alive())

    def test_timeout(self):
        """errors: no answer in time: the same again, and the samples are there once"""
        slow = []

        def answer(q):
            if len(q.series) and len(slow) < 2:
                slow.append(q)
                return Answer(204, delay=2.5)
        r = self.receiver(answer=answer)
        server = self.live(r, timeout="1s")
        self.assertEqual(r.faults, [])
        again = [q for q in r.requests if q.body == slow[0].body]
        self.assertGreaterEqual(len(again), 2)
        self.assertGreater(again[1].at - again[0].at, 0.9)
        self.assertIn("no answer from the receiver", server.said())

    def test_denials(self):
        """retry: 401 and 404 are not repeated but after ten seconds, are said loudly, and all arrives when they end"""
        count = [0]

        def answer(q):
            count[0] += 1
            return {3: Answer(401, "who are you?"), 4: Answer(404, "nothing here")}.get(count[0])
        r = self.receiver(answer=answer)
        server = self.live(r, seconds=60)
        self.assertEqual(r.faults, [])
        at = [q.at for q in r.requests]
        self.assertGreater(at[3] - at[2], 8.5)
        self.assertGreater(at[4] - at[3], 8.5)
        self.assertIn("denies us with 401: who are you?", server.said())

    def test_garbage(self):
        """errors: an answer that is not HTTP, and one that stops in the middle, count as no answer"""
        answers = [b"hello\r\n\r\n", b"HTTP/1.1 204 No Con", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"]
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        taken = []

        def serve():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                peer.recv(1 << 20)
                peer.sendall(answers[len(taken) % 3])
                taken.append(1)
                peer.close()
        threading.Thread(target=serve, daemon=True).start()
        r = self.receiver()
        r.url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1/write"
        server, write = self.start(r)
        write({})
        time.sleep(1.2)
        write({})
        self.until(lambda: len(taken) >= 6, 20, server.said)
        self.assertIn("no answer from the receiver", server.said())
        self.assertTrue(server.alive())
