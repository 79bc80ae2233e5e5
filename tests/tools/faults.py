#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real day under fault injection: does the way of the runbook lead to the faulty service? Prints hits and misses, fault by fault.

usage: faults.py DIR        with logs.jsonl.gz, spans.jsonl.gz, faults.json, as in ../shared/data/train-ticket

The day goes through a real Kafka and winnow into a real Prometheus, moved in time so that it ends now. For every fault, the questions of docs/runbooks/SloErrorBudgetBurn.md
are asked as of three minutes after it began, against the same time ten minutes before. They know the time of an alert, and nothing of what was injected:

  5  error patterns that grew (the pattern's service)
  5  warning patterns that grew
  2  operations that became slower or more frequent in trouble: 95th percentile by service, server and internal spans
"""
import calendar, gzip, json, os, sys, time
import stage
from servers import Failed, Kafka, Prometheus, Winnow, run_folder

AFTER_S, WINDOW = 180, "3m"
SEVERE = 'sum by (service_name, pattern_id) (increase(log_pattern_records_total{severity=~"error|fatal"}[%s]%s))'
WARN = 'sum by (service_name, pattern_id) (increase(log_pattern_records_total{severity="warn"}[%s]%s))'
SLOW = 'histogram_quantile(0.95, sum by (service_name, le) (increase(traces_span_metrics_duration_milliseconds_bucket{span_kind!="SPAN_KIND_CLIENT"}[%s]%s)))'


def faults(folder):
    """[(service, kind, unix time in the data's own clock)]; the data's clock is the injection's local time."""
    with open(os.path.join(folder, "faults.json")) as f:
        hours = json.load(f)
    found = [("-".join(x["inject_pod"].split("-")[:-2]), x["inject_type"], calendar.timegm(time.strptime(x["inject_time"], "%Y-%m-%d %H:%M:%S"))) for h in hours.values() for x in h]
    return sorted(found, key=lambda f: f[2])


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
        self.folder, self.servers = folder, []

    def up(self, server):
        self.servers.append(server)
        return server.start()

    def load(self):
        self.prometheus, self.kafka = self.up(Prometheus()), self.up(Kafka())
        self.shift = {}
        for topic in ("logs", "spans"):
            path = os.path.join(self.folder, topic + ".jsonl.gz")
            latest = newest(path)
            stage.produce(self.kafka.brokers, topic, path, "-T")
            self.shift[topic] = time.time() - latest
        settings = {"sources": [{"kafka": {"brokers": self.kafka.brokers, "topics": ["logs", "spans"], "group": "faults", "start": "earliest"}}],
                    "journal": {"file": os.path.join(run_folder("faults"), "journal")}, "metrics": {"window": "460m"},
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

    def ask(self, query, at, back=0):
        rows = self.prometheus.api("query", query=query % (WINDOW, f" offset {back}s" if back else ""), time=at)["result"]
        return {tuple(sorted((k, v) for k, v in r["metric"].items() if k != "__name__")): float(r["value"][1]) for r in rows}

    def suspects(self, at):
        """Services, the most suspicious first, with the reason."""
        score, why = {}, {}
        for query, weight, name in ((SEVERE, 10, "errors"), (WARN, 1, "warnings")):
            now, before = self.ask(query, at), self.ask(query, at, 600)
            for labels, value in now.items():
                grown = value - before.get(labels, 0.0)
                # new patterns speak louder than old ones that grew
                points = weight * (3 if labels not in before else 1) * (grown > 0.5) * (1 + grown / (1 + value))
                service = dict(labels)["service_name"]
                if points > score.get(service, 0):
                    score[service], why[service] = points, f"{name} in pattern {dict(labels)['pattern_id']}, {grown:+.0f}"
        now, before = self.ask(SLOW, at), self.ask(SLOW, at, 600)
        for labels, value in now.items():
            old, service = before.get(labels, 0.0), dict(labels)["service_name"]
            points = 2 * value / old if old > 0 and value == value and value > 3 * old else 0
            if points > score.get(service, 0):
                score[service], why[service] = points, f"95th percentile {old:.0f} ms -> {value:.0f} ms"
        return sorted(((v, s, why[s]) for s, v in score.items()), reverse=True)


def main():
    if len(sys.argv) != 2:
        print("usage: faults.py DIR", file=sys.stderr)
        return 2
    day = Day(sys.argv[1])
    first = third = told = 0
    try:
        day.load()
        shift = day.shift["logs"]
        for service, kind, at in faults(sys.argv[1]):
            found = day.suspects(at + shift + AFTER_S)
            names = [s for _, s, _ in found]
            place = names.index(service) + 1 if service in names else 0
            first, third, told = first + (place == 1), third + (0 < place <= 3), told + (place > 0)
            best = f"{found[0][1]}: {found[0][2]}" if found else "nothing grew"
            print(f"{'hit ' if place == 1 else 'near' if 0 < place <= 3 else 'miss'} {time.strftime('%H:%M', time.gmtime(at))} {kind:15s} {service:30s} place {place or '-':>2}   {best}", flush=True)
        print(f"{first} hits, {third - first} near (second or third), {len(faults(sys.argv[1])) - third} misses; {told} leave a trace at all")
    except Failed as e:
        print(f"faults: {e}", file=sys.stderr)
        return 1
    finally:
        day.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
