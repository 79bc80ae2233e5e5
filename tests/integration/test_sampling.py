# SPDX-License-Identifier: Apache-2.0
"""Tail sampling between a real Kafka and a real Prometheus: which traces are kept, that exemplars and examples lead to them, and that kills change nothing."""
import collections, gzip, json, os, random, re, shutil, sys, time
from stage import Stage, dump, kafka, produce, real_files
from servers import TOOLS, run_folder
import otlp

KILLS = 10
SLOW_S = 0.5
POLICY = {"share": "1%", "slow": "500ms", "errors": True, "patterns": False, "grace": "90s"}
WINDOW = {"window": "450m", "step": "30s"}    # the real data takes seven hours, which is more than the default window
_keyed = {}


def lines(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
        yield from f


def keyed_files():
    """(spans, logs): files in which a message holds the spans of one trace, as a topic keyed by trace id has them."""
    if not _keyed:
        folder, suffix = real_files()
        to = run_folder("keyed")
        _keyed["spans"], _keyed["logs"] = os.path.join(to, "spans.jsonl"), os.path.join(folder, "logs.jsonl" + suffix)
        with open(_keyed["spans"], "w", encoding="utf-8") as out:
            for line in lines(os.path.join(folder, "spans.jsonl" + suffix)):
                for resource in json.loads(line)["resourceSpans"]:
                    for scope in resource["scopeSpans"]:
                        traces = collections.defaultdict(list)
                        for span in scope["spans"]:
                            traces[span["traceId"]].append(span)
                        for spans in traces.values():
                            json.dump({"resourceSpans": [{"resource": resource["resource"], "scopeSpans": [{**scope, "spans": spans}]}]}, out)
                            out.write("\n")
    return _keyed["spans"], _keyed["logs"]


def truth():
    """Spans of each trace, and the traces that have a reason to be kept, found in the files alone."""
    spans, logs = keyed_files()
    of_trace, slow, failed, calls = collections.defaultdict(set), set(), set(), 0
    for line in lines(spans):
        for s in json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]:
            of_trace[s["traceId"]].add(s["spanId"])
            calls += 1
            if int(s["endTimeUnixNano"]) - int(s["startTimeUnixNano"]) > SLOW_S * 1e9:
                slow.add(s["traceId"])
            if s.get("status", {}).get("code") == 2:
                failed.add(s["traceId"])
    return dict(of_trace), slow, failed, calls


def kept_of(topic):
    """{trace: ({span: its attributes}, reasons, messages)} of the kept topic; and its bytes."""
    found, size = {}, 0
    for m in dump(kafka().brokers, topic):
        size += len(m["value"])
        for span in otlp.spans(m["value"]):
            trace, reasons = span["trace_id"], m["headers"]["winnow.kept"]
            assert m["key"].decode() == trace, "a kept message is keyed by its trace"
            spans, why = found.setdefault(trace, ({}, set()))
            spans[span["span_id"]] = span
            why.update(reasons.split(","))
    return found, size


class Sampling(Stage):
    def sampled(self, **more):
        self.kept = self.name + ".kept"
        return self.settings("kafka", sampling={"topic": self.kept, **POLICY, **more}, metrics=WINDOW)

    def send(self):
        spans, logs = keyed_files()
        produce(kafka().brokers, self.spans, spans, "-k", "trace", "-T")
        produce(kafka().brokers, self.logs, logs, "-k", "trace", "-T")

    def calls(self):
        return int(sum(v for _, v in self.prom.query("sum(last_over_time(traces_span_metrics_calls_total[24h]))")))

    def exemplars(self):
        """Trace ids of every exemplar that Prometheus holds."""
        rows = self.prom.exemplars('{__name__=~"traces_.+|log_.+"}', hours=24)
        return [e["labels"]["trace_id"] for row in rows for e in row["exemplars"]]

    def test_exemplars_resolve(self):
        """share 1 %, errors and slow traces kept: every exemplar in Prometheus and every example's trace is in the kept topic, whole; the others are not"""
        self.prometheus()
        self.send()
        of_trace, slow, failed, calls = truth()
        settings = self.sampled()
        t0=time.time()
        w = self.winnow(settings, "--until-end")
        self.runs_out(w, 300)
        print('RAN', time.time()-t0, w.said()[-1500:], file=sys.__stderr__)
        self.assertEqual(self.calls(), calls, "RED counts every span, kept or not")
        kept, size = kept_of(self.kept)
        for trace, (spans, reasons) in kept.items():
            self.assertEqual(set(spans), of_trace[trace], f"{trace} is kept whole ({reasons})")
        self.assertEqual({t for t, (_, r) in kept.items() if "slow" in r}, slow)
        self.assertEqual({t for t, (_, r) in kept.items() if "error" in r}, failed)
        exemplars = self.exemplars()
        lost = [t for t in exemplars if t not in kept]
        w = self.winnow(settings)
        self.until(lambda: w.get("/-/ready")[0] == 200, 30, "it is ready")
        patterns = w.json("/api/v1/patterns?limit=1000")["patterns"]
        examples = [t for t in ((w.json("/api/v1/patterns/" + p["id"]).get("example") or {}).get("trace_id") for p in patterns) if t]
        why = collections.Counter(r for _, reasons in kept.values() for r in reasons)
        print(f"\n{len(exemplars)} exemplars of {len(set(exemplars))} traces, {len(examples)} examples: {len(lost)} not in the kept topic; kept {len(kept)} of {len(of_trace)} traces, "
              f"{sum(len(s) for s, _ in kept.values())} of {calls} spans, {size} bytes; for {dict(why)}", file=sys.__stderr__)
        self.assertGreater(len(exemplars), 2000)
        self.assertEqual(lost, [])
        self.assertEqual([t for t in examples if t not in kept], [], "examples lead to kept traces")
        self.assertGreater(len(examples), 10)
        self.assertLess(len(kept), len(of_trace) * 0.6, "and not everything is kept")
