# SPDX-License-Identifier: Apache-2.0
"""Tail sampling between a real Kafka and a real Prometheus: which traces are kept, that exemplars and examples lead to them, and that kills change nothing.

The shop by default; WINNOW_SAMPLING=full takes the day of train-ticket (321,068 spans, 168,640 log lines), about five minutes."""
import collections, gzip, json, os, random, socket, sys, time
import otlp
from collector import Collector
from servers import Failed, run_folder
from stage import TRAIN_TICKET, Stage, dump, kafka, produce, shop_files

KILLS = 10
FULL = os.environ.get("WINNOW_SAMPLING") == "full" and os.path.exists(TRAIN_TICKET)
# The day's log lines are up to 58 s out of order, and it takes seven hours, which is more than the default window.
SLOW_S, GRACE, METRICS = (0.5, "90s", {"window": "450m", "step": "30s"}) if FULL else (0.25, "10s", {"window": "3h", "step": "30s"})
POLICY = {"share": "1%", "slow": f"{int(SLOW_S * 1000)}ms", "errors": True, "patterns": False, "grace": GRACE}
_kept = {}


def lines(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
        yield from f


def by_trace(path, to):
    """Writes the spans of a file again, so that a message holds those of one trace, as a topic keyed by trace id has them."""
    with open(to, "w", encoding="utf-8") as out:
        for line in lines(path):
            for resource in json.loads(line)["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    traces = collections.defaultdict(list)
                    for span in scope["spans"]:
                        traces[span["traceId"]].append(span)
                    for spans in traces.values():
                        json.dump({"resourceSpans": [{"resource": resource["resource"], "scopeSpans": [{**scope, "spans": spans}]}]}, out)
                        out.write("\n")


def files():
    """(spans, logs) keyed by trace, of this run."""
    if "files" not in _kept:
        # hours, so that reading takes many turns of the journal, and kills hit it at work
        folder, suffix = (TRAIN_TICKET, ".gz") if FULL else (shop_files(minutes=120, scale=0.15)[0], "")
        _kept["files"] = os.path.join(run_folder("keyed"), "spans.jsonl"), os.path.join(folder, "logs.jsonl" + suffix)
        by_trace(os.path.join(folder, "spans.jsonl" + suffix), _kept["files"][0])
    return _kept["files"]


def topics():
    """(spans, logs) in Kafka, four partitions each."""
    if "topics" not in _kept:
        _kept["topics"] = tuple(f"sampling{os.getpid()}.{what}" for what in ("spans", "logs"))
        for topic, path in zip(_kept["topics"], files()):
            produce(kafka().brokers, topic, path, "-k", "trace", *(["-T"] if FULL else []))
    return _kept["topics"]


def truth():
    """{trace: its spans}, and the traces that are slow and that failed, found in the file alone."""
    of_trace, slow, failed = collections.defaultdict(set), set(), set()
    for line in lines(files()[0]):
        for s in json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]:
            of_trace[s["traceId"]].add(s["spanId"])
            if int(s["endTimeUnixNano"]) - int(s["startTimeUnixNano"]) > SLOW_S * 1e9:
                slow.add(s["traceId"])
            if s.get("status", {}).get("code") == 2:
                failed.add(s["traceId"])
    return dict(of_trace), slow, failed


def kept_of(topic):
    """{trace: (its spans by id, reasons)} of a kept topic; its bytes; its spans with those that came again."""
    found, size, came = {}, 0, 0
    for m in dump(kafka().brokers, topic):
        size += len(m["value"])
        for span in otlp.spans(m["value"]):
            assert m["key"].decode() == span["trace_id"], "a kept message is keyed by its trace"
            spans, why = found.setdefault(span["trace_id"], ({}, set()))
            spans[span["span_id"]] = span
            why.update(m["headers"]["winnow.kept"].split(","))
            came += 1
    return found, size, came


def decided(kept):
    """What is a function of the log: each trace with its reasons, those apart that are kept only for having gone out as an example, which is up to the moment."""
    found = {t: why - {"example"} for t, (_, why) in kept.items()}
    return {t: why for t, why in found.items() if why}


class Sampling(Stage):
    def sampled(self, **more):
        self.kept = self.name + ".kept"
        return self.settings("kafka", topics=list(topics()), sampling={"topic": self.kept, **POLICY, **more}, metrics=METRICS)

    def calls(self):
        return int(sum(v for _, v in self.prom.query("sum(last_over_time(traces_span_metrics_calls_total[8h]))")))

    def exemplars(self):
        """Trace ids of every exemplar that Prometheus holds."""
        return [e["labels"]["trace_id"] for row in self.prom.exemplars('{__name__=~"traces_.+|log_.+"}', hours=8) for e in row["exemplars"]]

    def examples(self, settings):
        w = self.winnow(settings)
        self.until(lambda: w.get("/-/ready")[0] == 200, 30, "it is ready")
        patterns = w.json("/api/v1/patterns?limit=1000")["patterns"]
        found = [t for t in ((w.json("/api/v1/patterns/" + p["id"]).get("example") or {}).get("trace_id") for p in patterns) if t]
        shown = [t["trace_id"] for p in patterns for t in w.json(f"/api/v1/traces?limit=3&pattern={p['id']}")["traces"]]
        self.assertGreater(len(shown), 0, "some of the last ten minutes' kept traces had log records")
        answer = w.json("/api/v1/traces/" + shown[0])
        self.assertTrue(answer["kept"] and answer["reasons"] and answer["patterns"], answer)
        return found

    def begins(self, w):
        """Waits until it has read the journal; how many messages are counted in it."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                status = w.json("/api/v1/status")
                if "journal_position" in status:
                    return sum(p["absorbed"] for p in status.get("partitions", []))
            except (OSError, Failed):
                pass
            time.sleep(0.01)
        self.fail(f"it does not begin; it said {w.said()[-500:]}")

    def reads(self, w):
        """Waits until its partitions are there: counting begins."""
        end = time.monotonic() + 30
        while "partitions assigned" not in w.said().replace('"0 partitions assigned', ""):
            self.assertLess(time.monotonic(), end, w.said()[-500:])
            time.sleep(0.002)

    def whole(self, kept, of_trace):
        for trace, (spans, reasons) in kept.items():
            self.assertEqual(set(spans), of_trace[trace], f"{trace} is kept whole ({reasons})")

    def undisturbed(self, **more):
        """What a run without any trouble keeps."""
        case = str(more)
        if case not in _kept:
            self.prometheus()
            self.runs_out(self.winnow(self.sampled(**more), "--until-end"), 300)
            _kept[case] = kept_of(self.kept)[0]
            self.name += "-next"    # journal, group and kept topic of its own for what follows
        return _kept[case]

    def test_exemplars_resolve(self):
        """share 1 %, errors and slow traces kept: every exemplar in Prometheus and every example's trace is in the kept topic, whole; RED counts all spans"""
        self.prometheus()
        of_trace, slow, failed = truth()
        settings = self.sampled()
        self.runs_out(self.winnow(settings, "--until-end"), 300)
        self.assertEqual(self.calls(), sum(map(len, of_trace.values())), "RED counts every span, kept or not")
        kept, size, came = kept_of(self.kept)
        _kept.setdefault(str({}), kept)
        self.whole(kept, of_trace)
        self.assertEqual({t for t, (_, why) in kept.items() if "slow" in why}, slow)
        self.assertEqual({t for t, (_, why) in kept.items() if "error" in why}, failed)
        self.assertGreater(sum("log.pattern_id" in s["attributes"] for spans, _ in kept.values() for s in spans.values()), 0, "kept spans name the patterns of their records")
        exemplars, examples = self.exemplars(), self.examples(settings)
        lost, missing = [t for t in exemplars if t not in kept], [t for t in examples if t not in kept]
        why = collections.Counter(r for _, reasons in kept.values() for r in reasons)
        print(f"{len(exemplars)} exemplars of {len(set(exemplars))} traces: {len(lost)} not in the kept topic; {len(examples)} examples: {len(missing)} not there; kept {len(kept)} of "
              f"{len(of_trace)} traces, {came} of {sum(map(len, of_trace.values()))} spans, {size} bytes; for {dict(why)}", file=sys.__stderr__)
        self.assertEqual(lost, [])
        self.assertEqual(missing, [], "examples lead to kept traces")
        self.assertGreater(len(exemplars), 2000)
        self.assertGreater(len(examples), 10)
        self.assertLess(len(kept), len(of_trace) * 0.6, "and not everything is kept")

    def test_kills(self):
        """with 10 kill -9, RED is exact and the kept traces and their reasons equal those of an undisturbed run, also where what is slow is told by the spans before"""
        usual = {"slow_quantile": "p95"}
        expected = decided(self.undisturbed(**usual))
        of_trace, _, _ = truth()
        self.prometheus()
        settings = self.sampled(**usual)
        dice, messages, stood = random.Random(9), sum(sum(1 for _ in lines(path)) for path in files()), []
        for _ in range(KILLS):
            w = self.winnow(settings)
            stood.append(self.begins(w))
            self.reads(w)
            time.sleep(dice.uniform(0, 1.2))
            w.kill()
        midway = sum(0 < n < messages for n in stood)
        self.runs_out(self.winnow(settings, "--until-end"), 300)
        kept, _, came = kept_of(self.kept)
        got = decided(kept)
        print(f"{KILLS} kills, {midway} of them in the middle (counted before each: {stood} of {messages} messages): {len(got)} traces, {len(expected)} undisturbed; {came} spans came, {sum(len(s) for s, _ in kept.values())} different ones", file=sys.__stderr__)
        self.assertEqual(self.calls(), sum(map(len, of_trace.values())), "RED")
        self.assertEqual({t: (got.get(t), expected.get(t)) for t in got.keys() | expected.keys() if got.get(t) != expected.get(t)}, {}, "traces: with kills, undisturbed")
        self.whole({t: kept[t] for t in expected}, of_trace)
        self.assertGreater(len(expected), 20)
        slow = {t for t, why in expected.items() if "slow" in why}
        self.assertTrue(slow and slow != truth()[1], "there are others than beyond the fixed bound")
        self.assertGreater(midway, 2, "kills hit it at work")

    def endpoint(self, url, **more):
        settings = self.sampled()
        settings["sampling"]["otlp"] = {"url": url, **more}
        return settings

    def test_endpoint_away_and_back(self):
        """an OTLP endpoint that is away, comes back overloaded, then takes all: meanwhile everything is counted, and in the end it has the very spans of the kept topic"""
        of_trace, _, _ = truth()
        self.prometheus()
        collector = Collector()
        self.addCleanup(collector.stop)
        w = self.winnow(self.endpoint(collector.url))
        self.until(lambda: w.get("/-/ready")[0] == 200 and self.metric(w, "winnow_spans_total") == sum(map(len, of_trace.values())), 120, "all spans are counted while the endpoint is away")
        self.until(lambda: self.metric(w, "winnow_otlp_requests_total", code="0") > 1, 30, "it was asked for")
        waiting = self.metric(w, "winnow_otlp_queued_spans")
        self.assertGreater(waiting, 100)
        self.assertEqual(w.get("/-/ready")[0], 200, "an endpoint that is away does not stop the work")
        collector.first = [(503, {"Retry-After": "1"})]
        collector.start()
        self.until(lambda: self.metric(w, "winnow_otlp_queued_spans") == 0, 60, "what waited is sent")
        self.assertEqual(self.metric(w, "winnow_otlp_requests_total", code="503"), 1)
        self.assertEqual([self.metric(w, "winnow_otlp_spans_total", outcome=o) for o in ("refused", "overflow", "expired")], [0, 0, 0])
        self.ends_well(w)
        kept, _, came = kept_of(self.kept)
        there = {(t, s): span for t, (spans, _) in kept.items() for s, span in spans.items()}
        print(f"{waiting:.0f} spans waited, {collector.came} arrived in {collector.requests - 1} requests; {came} in the topic", file=sys.__stderr__)
        self.assertEqual(collector.faults, [])
        self.assertEqual(collector.spans, there)

    def test_endpoint_that_hangs(self):
        """an OTLP endpoint that never answers costs nothing but its own copy: RED exact, the kept topic complete, the run ends, and what was given up is said"""
        expected, (of_trace, _, _) = decided(self.undisturbed()), truth()
        self.prometheus()
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen()
            w = self.winnow(self.endpoint(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1/traces", timeout="1s", give_up="2s", compression="none"), "--until-end")
            self.runs_out(w, 120)
        self.assertIn("did not get to the endpoint", w.said())
        self.assertEqual(self.calls(), sum(map(len, of_trace.values())))
        self.assertEqual(decided(kept_of(self.kept)[0]), expected)
