#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo: logs and spans through Kafka and winnow into Prometheus, and the way from an error rate to a trace.

usage: ./dev demo [--once] [--replay DIR | --drill]

Without --replay the records are those of a small shop with an incident (fixtures/shop), through an embedded broker. With it they are
DIR/logs.jsonl.gz and DIR/spans.jsonl.gz, moved in time so that they end now, through a real Kafka. --once ends by itself: exit 0 only if
the totals in Prometheus equal the records in the topics, service by service. --drill: an alert, and the way from it to its cause (drill.py).
"""
import argparse, gzip, json, os, re, signal, subprocess, sys, time, urllib.parse
import books, drill, shop, traces
from servers import ROOT, TOOLS, Broker, Failed, Kafka, Prometheus, Winnow, run_folder

PARTITIONS = 4
ERROR_RATE = 'sum by (service_name) (rate(log_records_total{severity="error"}[1m]))'


def say(text=""):
    print(text, flush=True)


def produce(brokers, topic, path, *options):
    """Produces a file and returns what it was, counted by the producer."""
    done = subprocess.run([os.path.join(TOOLS, "produce"), "-b", brokers, "-t", topic, "-p", str(PARTITIONS), *options, path],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise Failed(f"producing {path} failed")
    return json.loads(done.stdout)


def size(count):
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.1f} {unit}" if unit != "B" else f"{count} B"
        count /= 1024


class Demo:
    def __init__(self, replay):
        self.replay = replay
        self.folder = run_folder("demo")
        self.servers = []

    def up(self, server):
        self.servers.append(server)
        return server.start()

    def down(self):
        for server in reversed(self.servers):
            server.stop()

    def feed_shop(self):
        say("Playing ten minutes of a small shop whose payment database fails at the end ...")
        truth = shop.generate(self.folder)
        self.paths = [os.path.join(self.folder, name) for name in ("logs.jsonl", "spans.jsonl")]
        self.kafka = self.up(Broker({"logs": PARTITIONS, "spans": PARTITIONS}))
        sent = [produce(self.kafka.brokers, topic, path) for topic, path in zip(("logs", "spans"), self.paths)]
        if sent[1]["services"] != dict(truth["spans"]) or sent[0]["messages"] != sum(truth["logs"].values()):
            raise Failed(f"the producer counted {sent}, the shop made {truth}")
        return truth, sent

    def feed_replay(self):
        self.paths = [os.path.join(self.replay, name) for name in ("logs.jsonl.gz", "spans.jsonl.gz")]
        for path in self.paths:
            if not os.path.exists(path):
                raise Failed(f"{path} is not there")
        say("Starting a real Kafka and producing the files, moved in time so that they end now ...")
        self.kafka = self.up(Kafka())
        sent = [produce(self.kafka.brokers, topic, path, "-T") for topic, path in zip(("logs", "spans"), self.paths)]
        return {"logs": sent[0]["services"], "spans": sent[1]["services"]}, sent

    def settings(self):
        rules = [p for p in (os.path.join(ROOT, "patterns"), os.path.join(ROOT, "fixtures", "shop", "patterns"))
                 if os.path.isdir(p) and any(name.endswith((".yaml", ".yml")) for name in os.listdir(p))]
        kafka = {"brokers": self.kafka.brokers, "group": "winnow", "start": "earliest", "properties": {"session.timeout.ms": "6000"}}
        return {"sources": [{"kafka": dict(kafka, topics=["logs", "spans"])}], "journal": {"file": os.path.join(self.folder, "journal")}, "rules": rules,
                "remote_write": {"url": self.prometheus.url + "/api/v1/write"}}

    def run(self):
        began = time.monotonic()
        self.prometheus = self.up(Prometheus())
        truth, self.sent = self.feed_replay() if self.replay else self.feed_shop()
        say(f"{sum(truth['logs'].values()):,} log records and {sum(truth['spans'].values()):,} spans are in Kafka. Starting winnow ...")
        fed = time.monotonic()
        self.winnow = self.up(Winnow(self.settings()))

        def still():
            if not self.winnow.alive():
                raise Failed(f"winnow ended with {self.winnow.child.returncode}:\n{self.winnow.said()[-2000:]}")
        left = books.wait_balanced(self.prometheus, truth, 120, still)
        left += books.wrong_shape(self.prometheus)
        if not left:
            say(f"The books balance after {time.monotonic() - fed:.0f} s: every service has as many records in Prometheus as in its topic.")
        self.report(truth)
        self.story()
        if self.replay:
            left += self.check_exemplars()
        self.where()
        for line in left:
            say("NOT EQUAL: " + line)
        say(f"{'OK' if not left else 'FAILED'} in {time.monotonic() - began:.0f} s")
        return not left

    def report(self, truth):
        series = int(sum(v for _, v in self.prometheus.query('count({__name__!=""})')) or 0)
        patterns = int(sum(v for _, v in self.prometheus.query(f"count(count by (service_name, pattern_id) (last_over_time(log_pattern_records_total{books.WINDOW})))")))
        metrics = self.winnow.get("/metrics")[1]
        out = sum(float(m) for m in re.findall(r"^winnow_output_bytes_total(?:\{[^}]*\})? (\S+)", metrics, re.M))
        came = sum(s["bytes"] for s in self.sent)
        say(f"""
  records in   {sum(truth['logs'].values()) + sum(truth['spans'].values()):>12,}   {size(came)}
  patterns     {patterns:>12,}
  series out   {series:>12,}   {size(int(out))} of remote write, {came / out if out else 0:.0f} times less than came in
""")
        logs, spans = books.totals(self.prometheus, "logs"), books.totals(self.prometheus, "spans")
        say(f"  {'service':32s} {'logs in Kafka':>14s} {'in Prometheus':>14s} {'spans in Kafka':>15s} {'in Prometheus':>14s}")
        for service in sorted(set(truth["logs"]) | set(truth["spans"])):
            say(f"  {service:32s} {truth['logs'].get(service, 0):>14,} {logs.get(service, 0):>14,} {truth['spans'].get(service, 0):>15,} {spans.get(service, 0):>14,}")
        say(f"  {'sum':32s} {sum(truth['logs'].values()):>14,} {sum(logs.values()):>14,} {sum(truth['spans'].values()):>15,} {sum(spans.values()):>14,}")

    def story(self):
        """From the error rate to the pattern to its example to its trace, by the queries a person would type."""
        newest, = [value for _, value in self.prometheus.query(f"max(max_over_time(timestamp(log_records_total){books.WINDOW[:-1]}:15s]))")] or [time.time()]
        at = {"time": newest}
        ask = lambda query: [(r["metric"], float(r["value"][1])) for r in self.prometheus.api("query", query=query, **at)["result"]]
        say("\nWhich service has errors?\n  " + ERROR_RATE)
        rates = sorted(((v, m.get("service_name", "")) for m, v in ask(ERROR_RATE) if v > 0), reverse=True)
        for value, service in rates[:5]:
            say(f"    {service:30s} {value:8.2f} errors/s")
        if not rates:
            say("    none in the last minute")
        service = "payment" if "payment" in [s for _, s in rates] else rates[0][1] if rates else None
        where = f'service_name="{service}",severity="error"' if service else 'severity="error"'
        window = "5m" if service else "6h"
        query = f"topk(3, sum by (service_name, pattern_id) (increase(log_pattern_records_total{{{where}}}[{window}])))"
        say(f"\nWith which patterns?\n  {query}")
        top = sorted(((v, m["service_name"], m["pattern_id"]) for m, v in ask(query) if v > 0), reverse=True)
        for value, name, pattern in top:
            say(f"    {name} {pattern} {value:.0f}  {self.template(name, pattern)}")
        if top:
            self.example(*top[0][1:])

    def template(self, service, pattern):
        found = self.prometheus.query(f'last_over_time(log_pattern_info{{service_name="{service}",pattern_id="{pattern}"}}{books.WINDOW})')
        return found[0][0].get("template", "") if found else ""

    def example(self, service, pattern):
        say(f"\nWhat does it look like?\n  curl {self.winnow.url}/api/v1/patterns/{pattern}")
        status, text = self.winnow.get(f"/api/v1/patterns/{pattern}")
        say("    " + (json.dumps(json.loads(text).get("example", json.loads(text)))[:600] if status == 200 else f"{status} {text}"))
        query = f'log_pattern_records_total{{service_name="{service}",pattern_id="{pattern}"}}'
        say(f"\nWhich trace shows it?\n  curl -G {self.prometheus.url}/api/v1/query_exemplars --data-urlencode 'query={query}' -d start=... -d end=...")
        exemplars = [e for row in self.prometheus.exemplars(query) for e in row["exemplars"]]
        for e in exemplars[-3:]:
            say(f"    {time.strftime('%H:%M:%S', time.gmtime(e['timestamp']))} trace_id={e['labels'].get('trace_id')} span_id={e['labels'].get('span_id')}")
        if exemplars:
            self.trace(exemplars[-1]["labels"].get("trace_id", ""))

    def trace(self, trace_id):
        """Shows that the id leads somewhere: the spans of that trace as they went into Kafka."""
        spans = []
        with (gzip.open if self.paths[1].endswith(".gz") else open)(self.paths[1], "rt", encoding="utf-8") as f:
            for line in f:
                if trace_id and trace_id in line:
                    for resource in json.loads(line)["resourceSpans"]:
                        name = resource["resource"]["attributes"][0]["value"]["stringValue"]
                        spans += [(int(s["startTimeUnixNano"]), name, s) for scope in resource["scopeSpans"] for s in scope["spans"] if s["traceId"] == trace_id]
        say(f"\nAnd that trace, in the topic of spans: {len(spans)} spans")
        for begin, name, s in sorted(spans, key=lambda s: s[0])[:12]:
            say(f"    {(begin - min(spans)[0]) / 1e6:8.1f} ms {(int(s['endTimeUnixNano']) - begin) / 1e6:8.1f} ms  {name:16s} {s['name']}"
                + ("  ERROR" if s.get("status", {}).get("code") == 2 else ""))

    def check_exemplars(self):
        """At least 95 % of the patterns whose lines carry a trace id have an exemplar with one of those ids."""
        carrying, good, missing = traces.judge(self.prometheus, self.paths[0], books.WINDOW)
        say(f"\nExemplars: of {carrying} patterns whose lines carry a trace id, {good} have an exemplar with one of those ids")
        for line in missing[:5]:
            say("    none: " + line)
        return [] if carrying and good >= 0.95 * carrying else [f"only {good} of {carrying} patterns have their exemplar (95 % wanted)"]

    def where(self):
        graph = lambda q: f"{self.prometheus.url}/graph?" + urllib.parse.urlencode({"g0.expr": q, "g0.tab": 0, "g0.range_input": "15m"})
        say(f"""
Prometheus   {self.prometheus.url}     winnow   {self.winnow.url}/api/v1/patterns
Three queries to paste:
  {ERROR_RATE}
      {graph(ERROR_RATE)}
  topk(10, sum by (service_name, pattern_id) (rate(log_pattern_records_total[5m])) * on (service_name, pattern_id) group_left (template) log_pattern_info)
  histogram_quantile(0.95, sum by (service_name, le) (rate(traces_span_metrics_duration_milliseconds_bucket{{span_kind="SPAN_KIND_SERVER"}}[5m])))
""")

    def stay(self):
        say("Staying up until Ctrl-C." if self.replay else "The shop goes on, with its incident coming and going every six minutes, until Ctrl-C.")
        begun = played = time.time()
        ahead = shop.Ahead()
        while all(server.alive() for server in self.servers):
            time.sleep(5)
            if not self.replay:
                now = time.time()
                minute = int((now - begun) / 60) % 6
                shop.generate(self.folder, seed=int(now), minutes=(now - played) / 60, end=now, phase=0 if minute < 3 else 1 if minute == 3 else 2, ahead=ahead)
                played = now
                for topic, path in zip(("logs", "spans"), self.paths):
                    produce(self.kafka.brokers, topic, path)
        raise Failed("a server ended: " + ", ".join(s.name for s in self.servers if not s.alive()))


def main():
    ap = argparse.ArgumentParser(usage="./dev demo [--once] [--replay DIR | --drill]")
    ap.add_argument("--once", action="store_true")
    ap.add_argument("--replay", metavar="DIR")
    ap.add_argument("--drill", action="store_true")
    a = ap.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)     # also where a script started this in the background
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if a.drill:
        return drill.main(stay=not a.once)
    demo = Demo(a.replay and os.path.abspath(a.replay))
    try:
        good = demo.run()
        if not a.once:
            demo.stay()
        return 0 if good else 1
    except KeyboardInterrupt:
        return 0
    except Failed as e:
        print(f"demo: {e}", file=sys.stderr)
        return 1
    finally:
        demo.down()


if __name__ == "__main__":
    sys.exit(main())
