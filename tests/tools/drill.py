#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The drill: the shop runs, payment's database begins to fail, Prometheus evaluates our SLO rules, an alert fires. Then the way from the alert to the cause.

The way uses only what the alert, its runbook and the links in them give: whoever is on call has no more. Every query is the runbook's own text, with the alert's labels
put in. What was injected is looked at only at the very end, to compare.

usage: ./dev demo --drill [--once]
"""
import collections, json, os, re, subprocess, sys, threading, time, urllib.parse, urllib.request
import otlp, shop
from servers import BUILD, HTTP, ROOT, TOOLS, Broker, Failed, NodeExporter, Prometheus, Winnow, free_ports, run_folder

PARTITIONS, HISTORY_MINUTES, SCALE, SLICE_S = 4, 50, 0.25, 5
LIMIT_S = 180
SETTLED_S = 45     # after which a trace has been decided: hold, grace, a slice of the shop, the delta
ALERTS = os.path.join(ROOT, "dashboards", "prometheus", "alerts.yaml")
OBJECTIVES = os.path.join(ROOT, "fixtures", "shop", "slo.yaml")
RUNBOOKS = os.path.join(ROOT, "docs", "runbooks")


def say(text=""):
    print(text, flush=True)


def winnow_binary():
    return os.path.join(BUILD, os.environ.get("WINNOW_PRESET", "release"), "winnow")


def queries(page):
    """[(heading, promql or console text, kind)] of a runbook, in order."""
    out, heading, body, kind = [], "", None, ""
    for line in page.splitlines():
        if body is not None and line == "```":
            out.append((heading, "\n".join(body), kind))
            body = None
        elif body is not None:
            body.append(line)
        elif line.startswith("```"):
            kind, body = line[3:], []
        elif m := re.match(r"\*\*(.+?)\*\*", line):
            heading = m[1]
    return out


def produce(brokers, topic, path, *options):
    if subprocess.run([os.path.join(TOOLS, "produce"), "-b", brokers, "-t", topic, "-p", str(PARTITIONS), *options, path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).returncode:
        raise Failed(f"producing {topic} failed")


class Shop:
    """The shop, live: its past, then slices of its present, produced as they happen."""

    def __init__(self, brokers, folder, own_log):
        self.brokers, self.folder = brokers, folder
        self.own_log, self.own_read, self.odd = own_log, 0, 3
        self.phase, self.stopping = 0, threading.Event()
        self.ahead = shop.Ahead()
        self.failure = None

    def play(self, minutes, end, seed):
        shop.generate(self.folder, seed=seed, minutes=minutes, end=end, scale=SCALE, phase=self.phase, ahead=self.ahead)
        by_trace(os.path.join(self.folder, "spans.jsonl"), os.path.join(self.folder, "keyed.jsonl"))
        for topic, name in (("logs", "logs.jsonl"), ("spans", "keyed.jsonl")):
            produce(self.brokers, topic, os.path.join(self.folder, name), "-k", "trace")

    def besides(self):
        """What a real topic has besides the shop: records that are odd, and winnow's own log, by whatever ships logs from its host. It is a service like others, and the one that is a process here."""
        lines = odd_records() if self.odd > 0 else []
        self.odd -= 1
        with open(self.own_log, encoding="utf-8", errors="replace") as f:
            f.seek(self.own_read)
            text = f.read()
        text = text[:text.rfind("\n") + 1]
        self.own_read += len(text.encode())
        lines += [json.dumps(dict(json.loads(line), service="winnow")) for line in text.splitlines() if line.startswith("{")]
        if lines:
            path = os.path.join(self.folder, "besides.jsonl")
            with open(path, "w", encoding="utf-8") as f:
                f.write("\n".join(lines) + "\n")
            produce(self.brokers, "logs", path)

    def live(self):
        played = time.time()
        try:
            while not self.stopping.wait(max(0.0, played + SLICE_S - time.time())):
                self.play(SLICE_S / 60, played + SLICE_S, int(played))
                self.besides()
                played += SLICE_S
        except (Failed, OSError) as e:
            self.failure = e

    def start(self):
        self.thread = threading.Thread(target=self.live, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        if hasattr(self, "thread"):
            self.thread.join(60)


def odd_records():
    """What dashboards and alerts on bad input are about: cut JSON, a clock that is ahead, a record that comes late; and a canary of somebody else's."""
    stamp = lambda at: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    now = time.time()
    return ['{"level":"info","message":"cut in the mid'] * 20 + [json.dumps({"time": stamp(at), "service": service, "level": "info", "msg": message}) for at, service, message in (
        (now + 3600, "shipping", "from the future"), (now - 1200, "shipping", "from the past"), (now, "winnow-canary", "canary"))]


def by_trace(path, to):
    """Writes spans again so that a message holds those of one trace, as a topic that is keyed by trace id has them."""
    with open(path, encoding="utf-8") as f, open(to, "w", encoding="utf-8") as out:
        for line in f:
            for resource in json.loads(line)["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    traces = collections.defaultdict(list)
                    for span in scope["spans"]:
                        traces[span["traceId"]].append(span)
                    for spans in traces.values():
                        out.write(json.dumps({"resourceSpans": [{"resource": resource["resource"], "scopeSpans": [{**scope, "spans": spans}]}]}) + "\n")


class Kept:
    """The topic of kept traces, as a trace store reads it: there is no other way to a span from here."""

    def __init__(self, brokers, topic):
        self.brokers, self.topic = brokers, topic
        self.traces = {}

    def read(self):
        done = subprocess.run([os.path.join(TOOLS, "dump"), self.brokers, self.topic], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            raise Failed(f"reading {self.topic} failed: {done.stderr.decode(errors='replace')}")
        traces = collections.defaultdict(dict)
        for line in done.stdout.splitlines():
            for span in otlp.spans(bytes.fromhex(json.loads(line)["value"])):
                traces[span["trace_id"]][span["span_id"]] = dict(span, service=span["resource"].get("service.name", ""))
        self.traces = traces

    def trace(self, trace_id):
        """Its spans, in order of time."""
        if trace_id not in self.traces:
            self.read()
        return sorted(self.traces.get(trace_id, {}).values(), key=lambda s: s["start"])

    def share(self, exemplars):
        """How many of these exemplars lead to a trace, and of how many."""
        self.read()
        ids = {e["labels"].get("trace_id", "") for e in exemplars}
        return sum(i in self.traces for i in ids), len(ids)


class Stage:
    """Broker, winnow, Prometheus with the generated SLO rules and winnow's own alerts, and the shop."""

    def __init__(self, settings=None):
        self.folder = run_folder("drill")
        self.servers, self.settings = [], settings or {}

    def up(self, server):
        self.servers.append(server)
        return server.start()

    def rules(self):
        path = os.path.join(self.folder, "slo.yaml")
        with open(path, "w") as f:
            done = subprocess.run([winnow_binary(), "slo", "--runbooks", "file://" + RUNBOOKS, OBJECTIVES], stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise Failed(done.stderr)
        return path

    def start(self, minutes=HISTORY_MINUTES):
        self.kafka = self.up(Broker({"logs": PARTITIONS, "spans": PARTITIONS, "kept": PARTITIONS}))
        self.kept = Kept(self.kafka.brokers, "kept")
        self.prometheus = Prometheus(rules=[self.rules(), ALERTS])
        port, = free_ports(1)
        self.prometheus.port = port
        kafka = {"brokers": self.kafka.brokers, "group": "winnow", "start": "earliest", "topics": ["logs", "spans"], "properties": {"session.timeout.ms": "6000"}}
        self.winnow = Winnow(dict({"sources": [{"kafka": kafka}], "journal": {"file": os.path.join(self.folder, "journal")},
                                   "sampling": {"topic": "kept", "share": "1%", "hold": "10s", "quiet": "2s", "grace": "5s"}, "rules": [os.path.join(ROOT, "patterns"), os.path.join(ROOT, "fixtures", "shop", "patterns")],
                                   "canary": {"topic": "logs", "interval": "5s"}, "metrics": {"lateness": "8s"},     # a slice of the shop is as old when it comes
                                   "remote_write": {"url": f"http://127.0.0.1:{port}/api/v1/write"}}, **self.settings))
        self.node = self.up(NodeExporter())
        self.prometheus.scrape = {name: [f"127.0.0.1:{at}"] for name, at in (("winnow", self.winnow.port), ("prometheus", port), ("node", self.node.port))}
        self.up(self.prometheus)
        self.shop = Shop(self.kafka.brokers, os.path.join(self.folder, "shop"), self.winnow.log)
        say(f"Playing {minutes} calm minutes of the shop ...")
        self.shop.play(minutes, time.time(), 7)
        self.up(self.winnow)
        self.shop.start()
        end = time.monotonic() + 120
        while not self.prometheus.query('slo:sli_error:ratio_rate1h{sloth_slo="checkout"}'):
            if time.monotonic() > end or not self.winnow.alive():
                raise Failed(f"no SLO is recorded; winnow said:\n{self.winnow.said()[-2000:]}")
            time.sleep(1)
        return self

    def down(self):
        if hasattr(self, "shop"):
            self.shop.stop()
        for server in reversed(self.servers):
            server.stop()


def error_rows(rows, count=4):
    for labels, value in sorted(rows, key=lambda r: -r[1] if r[1] == r[1] else 0)[:count]:
        labels = {k: v for k, v in labels.items() if k not in ("__name__",)}
        say(f"      {value:12.4g}  {labels}")


class OnCall:
    """Whoever was paged. Knows the alert, the addresses of Prometheus, the trace store and winnow; follows the runbook."""

    def __init__(self, stage, alert):
        self.stage, self.alert = stage, alert
        self.found = {}

    def fill(self, text):
        return text.replace("SERVICE", self.alert["labels"]["sloth_service"]).replace('"ID"', json.dumps(self.alert["labels"]["sloth_id"]))

    def page(self):
        url = urllib.parse.urlparse(self.alert["annotations"]["runbook_url"])
        with open(url.path, encoding="utf-8") as f:
            return f.read()

    def ask(self, heading, query):
        query = self.fill(query)
        rows = self.stage.prometheus.query(query)
        say(f"\n  {heading}\n    {query}")
        error_rows(rows)
        return rows

    def follow(self):
        say(f"\nThe alert: {self.alert['annotations']['summary']}\n  {self.alert['annotations']['description']}\n  {self.alert['annotations']['runbook_url']}")
        steps = [(h, q) for h, q, kind in queries(self.page()) if kind == "promql"]
        self.answers = [(h, self.ask(h, q)) for h, q in steps]
        self.trace()
        self.pattern()
        return self.found

    def answer(self, number):
        return [row for heading, rows in self.answers if heading.startswith(f"{number}.") for row in rows]

    def trace(self):
        """Step 4: the exemplars of what failed, the newest one whose trace has been kept by now, and in it the last error from the root down."""
        query = self.alert["annotations"]["exemplar_query"]
        say(f"\n  4. exemplars of\n    {query}")
        exemplars = [e for row in self.stage.prometheus.exemplars(query, hours=1) for e in row["exemplars"]]
        began = self.alert["since"] - 300
        # a trace of a moment ago is not decided yet, or some of its spans are still on their way
        whole = time.time() - SETTLED_S
        recent = sorted((e for e in exemplars if e["timestamp"] > began), key=lambda e: (e["timestamp"] > whole, -e["timestamp"]))
        say(f"      {len(exemplars)} exemplars, {len(recent)} of the last minutes")
        self.stage.kept.read()
        for e in recent:
            spans = self.stage.kept.traces.get(e["labels"].get("trace_id")) and self.stage.kept.trace(e["labels"]["trace_id"])
            if not spans:
                continue
            failed = {s["span_id"]: s for s in spans if s["status"] == 2}
            callers = {s["parent"] for s in failed.values()}
            deepest = [s for s in failed.values() if s["span_id"] not in callers]
            say(f"      of the kept topic, {len(self.stage.kept.traces)} traces:")
            for s in spans:
                say(f"      {(s['end'] - s['start']) / 1e6:9.1f} ms  {s['service']:12s} {s['name']}{'  ERROR' if s['span_id'] in failed else ''}")
            if deepest:
                self.found.update(trace_id=e["labels"]["trace_id"], service=deepest[0]["service"], operation=deepest[0]["name"])
                say(f"      trace {e['labels']['trace_id']}: the error begins in {deepest[0]['service']}, {deepest[0]['name']}")
                return

    def pattern(self):
        """Steps 5 and 6: of the patterns that grew, the one of the suspect; its text; its example."""
        grown = sorted((r for r in self.answer(5) if "pattern_id" in r[0] and "template" not in r[0] and "severity" not in r[0] and r[0].get("service_name") == self.found.get("service")), key=lambda r: -r[1])
        texts = {r[0]["pattern_id"]: r[0]["template"] for r in self.answer(5) if "template" in r[0]}
        if not grown:
            return
        pattern = grown[0][0]["pattern_id"]
        known = self.stage.winnow.json("/api/v1/patterns/" + pattern)
        example = known.get("example") or {}
        say(f"\n  6. pattern {pattern} of {self.found['service']}: {texts.get(pattern)}\n      {json.dumps(example)[:500]}")
        self.found.update(pattern=pattern, template=texts.get(pattern, ""), example=json.dumps(example), example_trace=example.get("trace_id", ""))


    def incident(self):
        """The first of the page's mitigations, as it stands there: keep all of the suspect while somebody looks. Prometheus must show it."""
        call = re.search(r"^\s*curl -d '(\{.+\})' http://winnow:9465(/\S+)$", self.page(), flags=re.M)
        if not call or "service" not in self.found:
            return
        body = call[1].replace("SUSPECT", self.found["service"])
        say(f"\n  Mitigation: {body} to {call[2]}")
        with HTTP.open(urllib.request.Request(self.stage.winnow.url + call[2], data=body.encode(), method="POST"), timeout=15) as answer:
            say("      " + answer.read().decode())
        shown, end = 'max(winnow_incident_until_timestamp_seconds{service_name="%s"}) - time()' % self.found["service"], time.monotonic() + 60
        while not (rows := self.stage.prometheus.query(shown)) and time.monotonic() < end:
            time.sleep(1)
        self.found["incident_s"] = rows[0][1] if rows else 0
        say(f"      in Prometheus: {self.found['incident_s']:.0f} s are left of it")


def injected():
    """What the scenario really broke: (service, operation)."""
    with open(shop.SCENARIO) as f:
        scenario = json.load(f)
    broken = {name for phase in scenario["incident"] for name in phase if isinstance(phase[name], dict)}
    stack = [v["root"] for v in scenario["visits"]]
    while stack:
        op = stack.pop()
        stack += op.get("calls", [])
        if op.get("id") in broken:
            return op["service"], op["name"]
    raise Failed("the scenario has no incident")


def wait_for_alert(stage, seconds):
    """The alert of a customer's journey at 14.4: the symptom, not the cause."""
    began = time.time()
    while time.time() - began < seconds:
        if stage.shop.failure:
            raise Failed(f"the shop ended: {stage.shop.failure}")
        for a in stage.prometheus.api("alerts")["alerts"]:
            labels = a["labels"]
            if a["state"] == "firing" and labels.get("burn_rate") == "14.4" and labels["sloth_id"] == "frontend-checkout":
                return dict(a, since=time.time())
        time.sleep(1)
    raise Failed(f"no alert within {seconds} s")


def resolve(stage, began, example):
    """Every exemplar of what failed, and the example, must lead to a kept trace once those have been decided."""
    late, exemplars = time.time() - SETTLED_S, []
    for row in stage.prometheus.exemplars('traces_span_metrics_calls_total{status_code="STATUS_CODE_ERROR"}', hours=1):
        exemplars += [e for e in row["exemplars"] if began < e["timestamp"] < late]
    end = time.monotonic() + 60
    while not stage.kept.trace(example) and time.monotonic() < end:
        time.sleep(2)
    there, of = stage.kept.share(exemplars)
    say(f"{there} of {of} exemplars of failed calls lead to a trace in the kept topic")
    return (["the example's trace_id leads to no kept trace"] if not stage.kept.trace(example) else []) + ([f"{of - there} of {of} exemplars lead to no kept trace"] if there < of else [])


def run(stage):
    """Returns what was found wrong with the drill: nothing, if it went well."""
    early = [a["labels"] for a in stage.prometheus.api("alerts")["alerts"] if a["state"] == "firing"]
    if early:
        return [f"an alert fires before anything is broken: {early}"]
    stage.shop.phase = 2
    began = time.time()
    say(f"\n{time.strftime('%H:%M:%S')} payment's database is out of connections from now on (nobody tells whoever is on call) ...")
    alert = wait_for_alert(stage, LIMIT_S + 60)
    took = alert["since"] - began
    say(f"{time.strftime('%H:%M:%S')} the 14.4x alert fires after {took:.0f} s")
    walked = time.monotonic()
    on_call = OnCall(stage, alert)
    found = on_call.follow()
    service, operation = injected()
    say(f"\nFound in {time.monotonic() - walked:.1f} s: {found.get('service')}, {found.get('operation')}, \"{found.get('template')}\". Injected: {service}, {operation}.")
    on_call.incident()
    wrong = []
    if took > LIMIT_S:
        wrong.append(f"the alert took {took:.0f} s, {LIMIT_S} are allowed")
    if (found.get("service"), found.get("operation")) != (service, operation):
        wrong.append(f"the trace leads to {found.get('service')}, {found.get('operation')}")
    if "Connection is not available" not in found.get("template", "") + found.get("example", ""):
        wrong.append(f"the pattern does not tell the cause: {found.get('template')}")
    if not 0 < found.get("incident_s", 0) <= 1800:
        wrong.append(f"the incident that the page's call raises is not seen in Prometheus: {found.get('incident_s')}")
    wrong += resolve(stage, began, found.get("example_trace", ""))
    return wrong


def main(stay=True):
    began = time.monotonic()
    stage = Stage()
    try:
        wrong = run(stage.start())
        for line in wrong:
            say("WRONG: " + line)
        say(f"{'FAILED' if wrong else 'OK'} in {time.monotonic() - began:.0f} s\n\nPrometheus {stage.prometheus.url}/alerts     winnow {stage.winnow.url}")
        while stay and all(s.alive() for s in stage.servers):
            time.sleep(1)
        return 1 if wrong else 0
    except KeyboardInterrupt:
        return 0
    except Failed as e:
        print(f"drill: {e}", file=sys.stderr)
        return 1
    finally:
        stage.down()


if __name__ == "__main__":
    sys.exit(main(stay="--once" not in sys.argv))
