#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real day under fault injection: does the way of the runbook lead to the faulty service? Prints hits and misses, fault by fault.

usage: faults.py DIR        with logs.jsonl.gz, spans.jsonl.gz, faults.json, as in ../shared/data/train-ticket

The day goes through a real Kafka and winnow into a real Prometheus, moved in time so that it ends now. Three minutes after each fault began, what is asked is the pattern
dashboard's "what changed": which patterns are much more frequent, or much rarer, than in the half hour before? A service's suspicion is its most surprising pattern (as Poisson
counts go; errors weigh most, other lines are taken relative to the service's own traffic), over what that service shows on other occasions of the last quarter of an hour.
No rule, no name of a service, and nothing of what was injected goes in; the settings were tried on this one day.
"""
import calendar, collections, gzip, json, math, os, sys, time
import stage
from servers import Failed, Kafka, Prometheus, Winnow, run_folder

AFTER_S, NOW, BEFORE = 180, "3m", "30m"
CHANGED = "sum by (service_name, pattern_id, severity) (increase(log_pattern_records_total[%s]%s))"
WEIGHT = {"error": 3, "fatal": 3, "warn": 0.3}      # others: 0.5
USUAL_S, USUAL = (300, 420, 900), 10                 # occasions before, and what is added to their mean


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

    def counts(self, range_, back, at):
        """{(service, pattern, severity): records} at a time."""
        rows = self.prometheus.api("query", query=CHANGED % (range_, back), time=at)["result"]
        return {tuple(r["metric"].get(k, "") for k in ("service_name", "pattern_id", "severity")): float(r["value"][1]) for r in rows}

    def changes(self, at):
        """{service: (surprise, its pattern, records, records expected)} of a moment."""
        now, before = self.counts(NOW, "", at), self.counts(BEFORE, " offset " + NOW, at)
        traffic = [collections.Counter(), collections.Counter()]
        for counter, counts in zip(traffic, (now, before)):
            for (service, _, _), value in counts.items():
                counter[service] += value
        found = {}
        for key in set(now) | set(before):
            service, pattern, severity = key
            value, weight = now.get(key, 0.0), WEIGHT.get(severity, 0.5)
            if severity in ("error", "fatal"):
                expected = before.get(key, 0.0) / 10
                points = weight * surprise(value, expected) if value > expected else 0.0
            else:
                expected = before.get(key, 0.0) * traffic[0][service] / max(traffic[1][service], 1.0)
                points = weight * surprise(value, expected) if abs(value - expected) > 1 else 0.0
            found[service] = max(found.get(service, (0.0, "", 0.0, 0.0)), (points, pattern, value, expected))
        return found

    def suspects(self, at):
        """[(suspicion, service, why)], the most suspicious first."""
        now, usual = self.changes(at), [self.changes(at - s) for s in USUAL_S]
        rate = lambda s: now[s][0] / (USUAL + sum(u[s][0] for u in usual if s in u) / len(usual))
        return sorted(((rate(s), s, "pattern %s: %.0f records, %.1f expected" % now[s][1:]) for s in now), reverse=True)


def surprise(value, expected):
    """How improbable so many are where so many are expected."""
    expected += 0.3
    return value * math.log(value / expected) - (value - expected) if value > 0 else expected


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
            found = [f for f in day.suspects(at + shift + AFTER_S) if f[0] > 0]
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
