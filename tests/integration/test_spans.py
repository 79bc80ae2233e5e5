# SPDX-License-Identifier: Apache-2.0
import collections, math, os, random, sys, time
import spans
from stage import Producer, Stage, kafka, produce, real_files

SERIES = "traces_span_metrics_calls_total"
FAILS = 40                                      # one span in so many is made to fail: the real ones do not say
FULL = bool(os.environ.get("WINNOW_FULL"))      # the whole day and ten kills instead of a part and three


class Spans(Stage):
    def batches(self, fails=FAILS):
        """The day's spans, a trace to a message, moved to now."""
        folder, suffix = real_files()
        return spans.by_trace(os.path.join(folder, "spans.jsonl" + suffix), 20_000_000_000, fails, 1 if FULL else 8)

    def written(self, batches, name="spans.jsonl"):
        path = os.path.join(self.folder, name)
        spans.write(path, batches)
        return path

    def settings(self, **more):
        metrics = {"service_graph_edges": "services", **more.pop("metrics", {})}
        return super().settings("kafka", topics=[self.spans], metrics=metrics, **more)

    def totals(self, series=SERIES, more=""):
        found = {}
        for labels, value in self.prom.query(f"sum by (service_name, span_kind, status_code) (last_over_time({series}{more}[12h]))"):
            found[labels["service_name"], labels["span_kind"], labels["status_code"]] = int(value)
        return found

    def edges(self):
        found = collections.defaultdict(lambda: [0, 0])
        for n, name in enumerate(("request_total", "request_failed_total")):
            for labels, value in self.prom.query(f"sum by (client, server) (last_over_time(traces_service_graph_{name}[12h]))"):
                found[labels.get("client", ""), labels.get("server", "")][n] = int(value)
        return {k: v for k, v in found.items() if v[0]}

    def came(self, expected, what, seconds, server):
        def difference():
            got = what()
            return "\n".join(f"{k}: {got.get(k)} instead of {expected.get(k)}" for k in sorted(set(got) | set(expected)) if got.get(k) != expected.get(k)) + f"\nit said: {server.said()[-1500:]}"
        self.until(lambda: what() == expected, seconds, difference)


class WholeDay(Spans):
    def test_day(self):
        """real spans, keyed by trace in 4 partitions: RED totals and the service graph equal a computation over the file, over kill -9 (WINNOW_FULL: the whole day, ten of them)"""
        self.prometheus()
        batches, kills = self.batches(), 10 if FULL else 3
        totals, edges = spans.totals(batches), spans.edges(batches)
        n = sum(totals.values())
        self.assertGreater(sum(v[0] for v in edges.values()), n / 10)
        self.assertGreater(sum(v[1] for v in edges.values()), 100)
        producer = Producer(kafka().brokers, self.spans, self.written(batches), "-k", "trace", "-R", len(batches) // (4 * kills))
        self.addCleanup(producer.child.kill)
        roll, reached = random.Random(9), []
        settings = self.settings()
        for _ in range(kills):
            w = self.winnow(settings)
            self.until(lambda: w.get("/-/healthy")[0] == 200, 10, lambda: f"it runs; it said: {w.said()[-800:]}")
            self.until(lambda: self.metric(w, "winnow_records_consumed_total") > (reached or [0])[-1], 60, lambda: f"it reads on; it said: {w.said()[-800:]}")
            time.sleep(roll.uniform(0, 0.5))
            reached.append(int(self.metric(w, "winnow_records_consumed_total")))
            w.kill()
        w = self.winnow(settings)
        self.assertEqual(producer.wait()["messages"], len(batches))
        self.came(totals, self.totals, 120, w)
        self.came(edges, self.edges, 60, w)
        self.assertTrue(sum(r < n for r in reached) > kills / 2, f"died at {reached} of {n}: too late to show anything")
        unpaired = sum(v for _, v in self.prom.query("sum(last_over_time(traces_service_graph_unpaired_spans_total[12h]))"))
        self.assertEqual(unpaired, 0)
        requests, failures = (sum(v[i] for v in edges.values()) for i in (0, 1))
        print(f"\n  {n} spans in {len(batches)} messages: {len(edges)} edges, {requests} requests, {failures} failures, all equal after {kills} kill -9 (at {reached})", file=sys.__stderr__)


def renamed(batches, prefix):
    """The same spans from services of other names, so that one Prometheus tells them apart."""
    return [(prefix + service, {"attributes": [dict(a, value={"stringValue": prefix + service}) if a["key"] == "service.name" else a for a in resource["attributes"]]}, trace, list_of)
            for service, resource, trace, list_of in batches]


def deviations(truth, sampled, batches, p):
    """By how many standard deviations each count of a sample lies off: traces are let through whole, so a trace's spans come and go together."""
    of_trace = collections.defaultdict(collections.Counter)
    for service, _, trace, list_of in batches:
        for key, n in spans.totals([(service, None, trace, list_of)]).items():
            of_trace[key][trace] += n
    out = {}
    for key, n in truth.items():
        sigma = math.sqrt(sum(m * m for m in of_trace[key].values()) * (1 - p) / p)
        if n and sigma:
            out[key] = (sampled.get(key, 0) - n) / sigma
    return out


class Sampled(Spans):
    P = 0.1

    def strip(self, totals, prefix):
        return {(service[len(prefix):], *rest): n for (service, *rest), n in totals.items() if service.startswith(prefix)}

    def test_sampled(self):
        """spans of a 10 % head sampler (th:), and what a tail sampler keeps, count as often as they stand for: rates lie within the error bounds of the true ones, failures are exact"""
        self.prometheus()
        batches = self.batches()
        truth = spans.totals(batches)
        head = spans.head_sampled(batches, self.P)
        failing = {b[2] for b in batches if any(s.get("status", {}).get("code") == 2 for s in b[3])}
        some = {t for t in failing if spans.number(t) % 3 == 0}     # the policy keeps these traces whatever their share
        kept = [b for b in batches if b[2] in some] + spans.head_sampled([b for b in batches if b[2] not in some], self.P)
        for prefix, these in (("", batches), ("head-", head), ("kept-", kept)):
            produce(kafka().brokers, self.spans, self.written(renamed(these, prefix), prefix + "spans.jsonl"), "-k", "trace")
        w = self.winnow(self.settings(), "--until-end")
        self.runs_out(w)
        got = self.totals()
        self.assertEqual({k: n for k, n in got.items() if not k[0].startswith(("head-", "kept-"))}, truth)
        in_head = spans.totals(head)
        self.assertEqual(self.strip(got, "head-"), {k: 10 * n for k, n in in_head.items()})
        worst = []
        for prefix, of in (("head-", batches), ("kept-", [b for b in batches if b[2] not in some])):
            off = deviations(truth, self.strip(got, prefix), of, self.P)
            self.assertGreater(len(off), 20)
            self.assertLess(max(map(abs, off.values())), 4.5, off)
            worst.append(max(map(abs, off.values())))
        weights = self.prom.by("weight", "sum by (weight) (last_over_time(winnow_spans_total[12h]))")
        self.assertEqual(weights["tracestate"], sum(in_head.values()) + sum(len(b[3]) for b in kept if "traceState" in b[3][0]))
        print(f"\n  {sum(truth.values())} spans; let through {sum(in_head.values())}, worst count off by {worst[0]:.1f} standard deviations; kept {sum(len(b[3]) for b in kept)}, {worst[1]:.1f}", file=sys.__stderr__)
