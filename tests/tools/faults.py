#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real day under fault injection: do the steps of the runbook lead to the faulty service? Prints hits and misses, fault by fault.

usage: faults.py DIR [--why] [--cross]        with logs.jsonl.gz, spans.jsonl.gz, faults.json, as in ../shared/data/train-ticket

The day goes through a real Kafka and winnow into a real Prometheus, moved in time so that it ends now. Three minutes after each fault began, suspects.py asks what the runbook asks,
and an exemplar of the suspect leads to one of its traces. No rule, no name of a service, and nothing of what was injected goes in. What there is to set are plain numbers at the top of
suspects.py; the last lines say how the faults fall if the numbers are chosen on every other fault and judged on those between.
"""
import calendar, collections, gzip, itertools, json, os, sys, time
import stage, suspects
from servers import Failed, Kafka, Prometheus, Winnow, run_folder

AFTER_S = 180
CHOICES = {"CALM": (0.5, 0.75, 0.9), "HALF": (0.33, 0.5, 0.67), "HAND_ON": (0.3, 0.5, 0.7), "CHANCE": (2.0, 3.0, 4.0)}


def faults(folder):
    """[(service, kind, unix time in the data's own clock)]; the data's clock is the injection's local time."""
    with open(os.path.join(folder, "faults.json")) as f:
        hours = json.load(f)
    found = [("-".join(x["inject_pod"].split("-")[:-2]), x["inject_type"], calendar.timegm(time.strptime(x["inject_time"], "%Y-%m-%d %H:%M:%S"))) for h in hours.values() for x in h]
    return sorted(found, key=lambda f: f[2])


def calls_by_trace(path):
    """{trace_id: {(caller, callee)}}: what a trace store shows of each trace."""
    service_of, links, found = {}, [], collections.defaultdict(set)
    with gzip.open(path, "rt", encoding="utf-8") as f:
        for line in f:
            for r in json.loads(line)["resourceSpans"]:
                service = next(a["value"]["stringValue"] for a in r["resource"]["attributes"] if a["key"] == "service.name")
                for span in (s for scope in r["scopeSpans"] for s in scope["spans"]):
                    service_of[span["traceId"], span["spanId"]] = service
                    links.append((span["traceId"], span.get("parentSpanId", ""), service))
    for trace, parent, service in links:
        caller = service_of.get((trace, parent))
        if caller and caller != service:
            found[trace].add((caller, service))
    return found


def newest(path):
    """The newest time of a span's end or a log line: what -T moves to now."""
    latest = 0.0
    with gzip.open(path, "rt", encoding="utf-8") as f:
        for line in f:
            if "resourceSpans" in line:
                for r in json.loads(line)["resourceSpans"]:
                    for scope in r["scopeSpans"]:
                        latest = max(latest, *(int(s["endTimeUnixNano"]) / 1e9 for s in scope["spans"]))
            else:
                stamp = json.loads(line)["time"]
                latest = max(latest, calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + stamp[19:].rstrip("Z") or 0))
    return latest


class Day:
    def __init__(self, folder):
        self.folder, self.servers, self.answers = folder, [], {}

    def up(self, server):
        self.servers.append(server)
        return server.start()

    def load(self):
        self.prometheus, self.kafka = self.up(Prometheus()), self.up(Kafka())
        self.shift, self.traces = {}, calls_by_trace(os.path.join(self.folder, "spans.jsonl.gz"))
        for topic in ("logs", "spans"):
            path = os.path.join(self.folder, topic + ".jsonl.gz")
            latest = newest(path)
            # the ends of a call meet in one partition; batches of spans hold many traces, so no key brings them together
            stage.produce(self.kafka.brokers, topic, path, "-T", *(["-p", "1"] if topic == "spans" else []))
            self.shift[topic] = time.time() - latest
        settings = {"sources": [{"kafka": {"brokers": self.kafka.brokers, "topics": ["logs", "spans"], "group": "faults", "start": "earliest"}}],
                    "journal": {"file": os.path.join(run_folder("faults"), "journal")}, "metrics": {"window": "460m", "service_graph_edges": "services"},
                    "remote_write": {"url": self.prometheus.url + "/api/v1/write"}}
        # the window is hardly longer than the day: a start far before the first record is walked through in event time, which costs half a minute for hours
        winnow = self.up(Winnow(settings, ["--until-end"]))
        if winnow.child.wait(400):
            raise Failed(winnow.said()[-2000:])
        late = sum(v for _, v in self.prometheus.query("sum(winnow_late_records_total)"))
        print(f"loaded; {late:.0f} records were late", flush=True)

    def down(self):
        for server in reversed(self.servers):
            server.stop()

    def ask(self, query, at):
        """[(labels, value)]; asked once."""
        key = query, at
        if key not in self.answers:
            self.answers[key] = [(r["metric"], float(r["value"][1])) for r in self.prometheus.api("query", query=query, time=at)["result"]]
        return self.answers[key]

    def moment(self, at):
        return suspects.Moment(self.ask, at + self.shift["logs"] + AFTER_S, self.shift["spans"] - self.shift["logs"])

    def text(self, evidence, at):
        """A pattern's text for its id."""
        if evidence.kind not in ("errors", "patterns"):
            return evidence.what
        rows = self.ask('group by (template) (last_over_time(log_pattern_info{pattern_id="%s"}[8h]))' % evidence.what, at + self.shift["logs"] + AFTER_S)
        return next((labels["template"] for labels, _ in rows), evidence.what)[:100]

    def exemplars(self, query, at, seconds=AFTER_S):
        """The trace_ids of the exemplars of so many seconds, the newest first."""
        end = at + self.shift["logs"] + AFTER_S
        rows = self.prometheus.api("query_exemplars", query=query, start=end - seconds, end=end)
        return [e["labels"].get("trace_id", "") for e in sorted((e for row in rows for e in row["exemplars"]), key=lambda e: -e["timestamp"])]

    def calls(self, moment, at):
        """Who calls whom: the service graph, and what the traces of the exemplars of the last hour show, for spans that do not say which end of a call they are."""
        calls = moment.graph()
        for trace in self.exemplars("traces_span_metrics_calls_total", at, 3600):
            for caller, callee in self.traces.get(trace, ()):
                calls[caller].add(callee)
        return calls

    def trace(self, service, at):
        """A trace that the service is in, by an exemplar of the three minutes."""
        found = [t for kind in ("log_pattern_records_total", "traces_span_metrics_calls_total") for t in self.exemplars('%s{service_name="%s"}' % (kind, service), at)]
        return next((t for t in found if any(service in call for call in self.traces.get(t, ()))), "")


def place_of(service, ranked):
    names = [s for p, s in ranked if p > 0]
    return names.index(service) + 1 if service in names else 0


def outcome(places):
    hits, near = sum(p == 1 for p in places), sum(1 < p <= 3 for p in places)
    return f"{hits} hits, {near} near (second or third), {len(places) - hits - near} misses"


def walk(day, known, why):
    """Takes the steps for every fault and prints where they led; returns the places of the faulty services."""
    places = []
    for service, kind, at in known:
        moment = day.moment(at)
        evidence = moment.evidence()
        ranked = suspects.suspects(evidence, day.calls(moment, at))
        places.append(place_of(service, ranked))
        print(f"{'hit ' if places[-1] == 1 else 'near' if 0 < places[-1] <= 3 else 'miss'} {time.strftime('%H:%M', time.gmtime(at))} {kind:15s} {service:30s} place {places[-1] or '-':>2}")
        for points, name in ranked[:3 if why else 1]:
            e = evidence[name][0]
            print(f"       {points:6.1f} {name}: {e.kind}: {day.text(e, at)}: {e.now}, usually {e.usual}; trace {day.trace(name, at)}", flush=True)
    return places


def cross_check(day, known):
    """The same numbers chosen on half of the faults, judged on the other half, both ways."""
    calls = [day.calls(day.moment(at), at) for _, _, at in known]
    table, usual = {}, {name: getattr(suspects, name) for name in CHOICES}
    moments = [day.moment(at) for _, _, at in known]
    for suspects.CALM, suspects.HALF in itertools.product(CHOICES["CALM"], CHOICES["HALF"]):
        evidence = [m.evidence() for m in moments]
        for suspects.HAND_ON, suspects.CHANCE in itertools.product(CHOICES["HAND_ON"], CHOICES["CHANCE"]):
            table[suspects.CALM, suspects.HALF, suspects.HAND_ON, suspects.CHANCE] = [place_of(f[0], suspects.suspects(e, c)) for f, e, c in zip(known, evidence, calls)]
    for name, value in usual.items():
        setattr(suspects, name, value)
    good = lambda places: (sum(p == 1 for p in places), sum(1 < p <= 3 for p in places))
    judged = []
    for half in (0, 1):
        best = max(table, key=lambda c: good(table[c][half::2]))
        judged += table[best][1 - half::2]
        print(f"chosen on every other fault from the {'first' if half == 0 else 'second'} on: {dict(zip(CHOICES, best))}; on the others: {outcome(table[best][1 - half::2])}")
    print(f"all judged by numbers chosen without them: {outcome(judged)}; the worst of all choices: {outcome(min(table.values(), key=good))}")


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    if len(arguments) != 1 or set(sys.argv[1:]) - {*arguments, "--why", "--cross"}:
        print("usage: faults.py DIR [--why] [--cross]", file=sys.stderr)
        return 2
    day = Day(arguments[0])
    try:
        day.load()
        known = faults(arguments[0])
        print(outcome(walk(day, known, "--why" in sys.argv)))
        if "--cross" in sys.argv:
            cross_check(day, known)
    except Failed as e:
        print(f"faults: {e}", file=sys.stderr)
        return 1
    finally:
        day.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
