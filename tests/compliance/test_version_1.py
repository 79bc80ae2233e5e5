# SPDX-License-Identifier: Apache-2.0
"""Remote write 1.0: the 19 cases of the public suite for senders (prometheus/compliance, remote_write), each with counts of its own, because a sender that sends
nothing passes most of them. Cases about scraping are read as what they mean for a sender whose series come from records."""
import random, time
from desk import Answer, Desk, shop_begin, shop_truth


class Version1(Desk):
    @classmethod
    def setUpClass(cls):
        cls.kept = {}

    def shop(self):
        """One undisturbed run for the cases that only look at what was sent."""
        if not self.kept:
            self.kept["receiver"] = self.receiver()
            self.kept["server"] = self.play(self.kept["receiver"], "1.0")
        return self.kept["receiver"]

    def test_counter(self):
        """Counter: starts with a 0, one sample a step, never falls, ends exact"""
        r = self.shop()
        self.exact(r)
        counters = {k: p for k, p in r.store.items() if dict(k)["__name__"] == "log_records_total"}
        self.assertGreater(len(counters), 5)
        for key, points in counters.items():
            values = [v for _, v in points if v == v]
            self.assertEqual(values[0], 0, key)
            self.assertEqual(values, sorted(values), key)
            times = [t for t, _ in points]
            self.assertEqual(times, [times[0] + 5000 * i for i in range(len(times))], key)

    def test_gauge(self):
        """Gauge: pattern_info is 1 and has no 0 before it"""
        infos = [p for k, p in self.shop().store.items() if dict(k)["__name__"] == "log_pattern_info"]
        self.assertGreater(len(infos), 10)
        self.assertEqual({v for points in infos for _, v in points if v == v}, {1.0})

    def test_headers(self):
        """Headers: the exact three, and a User-Agent with name and version, on every request"""
        r = self.shop()
        self.assertGreaterEqual(len(r.requests), 3 * 60 / 5, "one a step at least")
        self.assertEqual([f for f in r.faults if "Content" in f or "Agent" in f or "Version" in f], [])
        self.assertEqual({q.headers["X-Prometheus-Remote-Write-Version"] for q in r.requests}, {"0.1.0"})

    def test_histogram(self):
        """Histogram: all bounds with +Inf, sum and count, with equally many samples; cumulative; count equals +Inf"""
        r = self.shop()
        base = "traces_span_metrics_duration_milliseconds"
        groups = {}
        for key, points in r.store.items():
            labels = dict(key)
            if labels["__name__"].startswith(base):
                le = labels.pop("le", None)
                part = labels.pop("__name__")[len(base):]
                groups.setdefault(tuple(labels.items()), {})[(part, le)] = points
        self.assertGreater(len(groups), 3)
        for group in groups.values():
            self.assertEqual(len(group), 19)
            self.assertEqual(len({tuple(t for t, _ in points) for points in group.values()}), 1)
            bounds = sorted((float(le), points[-1][1]) for (part, le), points in group.items() if part == "_bucket")
            self.assertEqual([v for _, v in bounds], sorted(v for _, v in bounds))
            self.assertEqual(bounds[-1][1], group[("_count", None)][-1][1])
        _, truth = shop_truth()
        self.assertEqual(r.last(base + "_count"), sum(truth["spans"].values()))

    def test_summary(self):
        """Summary: none is made, so no series has a quantile"""
        self.assertEqual([s.text() for s in self.all_series(self.shop()) if "quantile" in dict(s.labels)], [])

    def test_instance_label(self):
        """InstanceLabel: no series says which instance it came from, for all instances write one set"""
        self.assertEqual([s.text() for s in self.all_series(self.shop()) if "instance" in dict(s.labels)], [])

    def test_job_label(self):
        """JobLabel: series carry the service that wrote the record instead, edges of the service graph those at their ends"""
        named = [s for s in self.all_series(self.shop()) if not s.name().startswith("winnow_")]
        self.assertGreater(len(named), 1000)
        self.assertEqual([s.text() for s in named if not {"service_name", "client", "server", "job"} & set(dict(s.labels))], [])

    def test_sorted_labels(self):
        """SortedLabels: by byte, in every series"""
        for s in self.all_series(self.shop()):
            names = [k.encode() for k, _ in s.labels]
            self.assertEqual(names, sorted(names))

    def test_repeated_labels(self):
        """RepeatedLabels: no label name twice"""
        for s in self.all_series(self.shop()):
            self.assertEqual(len({k for k, _ in s.labels}), len(s.labels))

    def test_empty_labels(self):
        """EmptyLabels: a label without a value is left out"""
        self.assertEqual([s.text() for s in self.all_series(self.shop()) if "" in dict(s.labels).values()], [])

    def test_name_label(self):
        """NameLabel: every series has a legal metric name"""
        self.assertEqual([f for f in self.shop().faults if "metric name" in f], [])
        self.assertGreater(len(self.shop().names()), 15)

    def test_honor_labels(self):
        """HonorLabels: a record's own field never replaces a label of ours"""
        r = self.receiver()
        server, write = self.start(r, "1.0")
        write(*({"severity": "nonsense", "pattern_id": "mine", "le": "7", "__name__": "mine", "msg": f"order {i} taken"} for i in range(50)))
        self.until(lambda: r.last("log_records_total", service_name="desk") == 50, 20, lambda: str(r.faults))
        self.assertEqual(r.faults, [])
        self.assertEqual([s.text() for s in self.all_series(r) if "mine" in dict(s.labels).values() or "nonsense" in dict(s.labels).values()], [])

    def test_ordering(self):
        """Ordering: a receiver that sleeps at random sees every series in order of time"""
        dice = random.Random(7)
        r = self.receiver(answer=lambda q: Answer(204, delay=0) if dice.random() < 0.9 else Answer(204, delay=dice.random() / 2))
        self.play(r, "1.0")
        self.exact(r)      # `out of order` would be a fault

    def test_retries_500(self):
        """Retries500: the same samples at the same times again, until they are taken"""
        failing = []

        def answer(q):
            key = tuple((s.key(), s.samples[0].time_ms) for s in q.series)
            if q.series and len(failing) < 3:
                failing.append(key)
                return 500
        r = self.receiver(answer=answer)
        self.play(r, "1.0")
        self.assertEqual(len(set(failing)), 1)
        tries = [q for q in r.requests if tuple((s.key(), s.samples[0].time_ms) for s in q.series) == failing[0]]
        self.assertEqual([q.status for q in tries], [500, 500, 500, 204])
        self.assertGreater(tries[3].at - tries[0].at, 0.5)     # 90, 180 and 360 ms at least; a busy machine only makes it longer
        self.assertEqual([q.headers.get("Retry-Attempt") for q in tries], [None, "1", "2", "3"])
        self.exact(r)

    def test_retries_400(self):
        """Retries400: no timestamp of a refused request ever appears again, and the totals arrive all the same"""
        count = [0]

        def answer(q):
            count[0] += bool(q.series)
            return Answer(400, "no") if q.series and count[0] in (3, 4, 9) else None
        r = self.receiver(answer=answer)
        server, write = self.start(r, "1.0")
        for i in range(12):
            write(*({"msg": f"order {n} taken"} for n in range(10)))
            time.sleep(0.5)
        self.until(lambda: r.last("log_records_total", service_name="desk") == 120, 30, lambda: server.said()[-2000:])
        self.assertEqual(r.faults, [])     # `came again` would be one
        self.assertGreater(len(r.refused_points), 0)

    def test_staleness(self):
        """Staleness: a series that ends gets the stale marker, once, with its very bits"""
        r = self.receiver()
        server, write = self.start(r, "1.0", {"expire": "1m"})
        old = time.time() - 120
        write({"ts": old, "service": "gone", "msg": "bye"})
        for i in range(6):
            write({"ts": old + 12 * (i + 1)})
        self.until(lambda: any(s.samples and s.samples[0].stale and dict(s.labels).get("service_name") == "gone" for s in self.all_series(r)), 30,
                   lambda: f"no stale marker; {r.faults}")
        stale = [s.name() for s in self.all_series(r) if s.samples[0].stale and dict(s.labels).get("service_name") == "gone"]
        self.assertEqual(len(stale), len(set(stale)))
        self.assertIn("log_records_total", stale)

    def test_timestamp(self):
        """Timestamp: on the step's end, inside the time of the data, never falling"""
        r = self.shop()
        times = {t for points in r.store.values() for t, _ in points}
        self.assertEqual({t % 5000 for t in times}, {0})
        self.assertGreaterEqual(min(times), shop_begin() * 1000 - 5000)     # the 0 of a first value is a step before it
        self.assertLessEqual(max(times), time.time() * 1000)

    def test_up(self):
        """Up: the self-metrics balance: consumed is the sum of all outcomes"""
        r = self.shop()
        self.assertGreater(r.last("winnow_records_consumed_total"), 0)
        self.assertEqual(r.last("winnow_records_consumed_total"), r.last("winnow_records_total"))

    def test_invalid(self):
        """Invalid: records that cannot be read are counted, and nothing of them is sent as something else"""
        r = self.receiver()
        server, write = self.start(r, "1.0")
        with open(self.folder + "/live.jsonl", "a") as f:
            f.write("{\"msg\": \n{]\n")
        for _ in range(4):
            write({"msg": "fine"})
            time.sleep(0.6)
        def held():
            return r.last("winnow_undecodable_total"), r.last("log_records_total")
        self.until(lambda: held() == (2, 4), 20, lambda: f"undecodable, records: {held()}")
        self.assertEqual(r.faults, [])
