#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays the shop of fixtures/shop/shop.json: the same records from the same seed, with event times that end at a given moment.

usage: shop.py [--seed N] [--minutes M] [--end UNIX_SECONDS] [--phase N] [--scale F] FOLDER

Writes FOLDER/logs.jsonl and FOLDER/spans.jsonl (one Kafka value a line, in order of time), and FOLDER/truth.json: records, errors and
spans per service, counted where they are made. --phase is one of the incident's instead of all in turn (0: calm, 2: errors); --scale multiplies the visits.
"""
import argparse, collections, datetime, json, math, os, random, re, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
SCENARIO = os.path.join(HERE, "..", "..", "fixtures", "shop", "shop.json")
PLACE = re.compile(r"\{(\w+)\}")
SPANS_A_MESSAGE, BATCH_NS = 25, 10**9
KINDS = {"server": 2, "client": 3}


def stamp(ns, digits=9, zone="Z", between="T"):
    """RFC 3339 and its relatives, in UTC."""
    return time.strftime(f"%Y-%m-%d{between}%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns % 10**9:09d}"[:digits + 1] + zone


# One function per logger: the fields of a record -> its line.

def pino(r):
    out = {"level": {"debug": 20, "info": 30, "warn": 40, "error": 50}[r.level], "time": r.ns // 10**6, "pid": 17, "hostname": r.pod, "name": r.service,
           "trace_id": r.trace, "span_id": r.span}
    if r.http:
        out.update(req={"method": r.http[0], "url": r.http[1]}, res={"statusCode": r.http[2]}, responseTime=round(r.took_ms, 1))
    return dict(out, msg=r.text)


def zap(r):
    return {"level": r.level, "ts": r.ns / 1e9, "caller": "order/place.go:142", "msg": r.text, "service": r.service, "trace_id": r.trace, "span_id": r.span,
            "order_id": r.values["order"], **({"error": "rpc error: code = Unavailable desc = payment"} if r.level == "error" else {})}


def slog(r):
    return {"time": stamp(r.ns), "level": r.level.upper(), "msg": r.text, "service": r.service, "trace_id": r.trace, "span_id": r.span, "user": r.values["user"],
            "sku": r.values["sku"]}


def logback(r):
    out = {"@timestamp": stamp(r.ns, 3, "+00:00"), "@version": "1", "message": r.text, "logger_name": r.logger, "thread_name": f"exec-{r.values['count'] % 10}",
           "level": r.level.upper(), "level_value": {"debug": 10000, "info": 20000, "warn": 30000, "error": 40000}[r.level], "service": r.service}
    if r.trace:
        out.update(traceId=r.trace, spanId=r.span)
    if r.level == "error":
        out["stack_trace"] = f"java.sql.SQLTransientConnectionException: {r.text}\n\tat shop.payment.Pool.take(Pool.java:181)\n\tat {r.logger}.charge(ChargeService.java:64)\n"
    return out


def clef(r):
    level = {"debug": "Debug", "warn": "Warning", "error": "Error"}.get(r.level)
    names = {name: name.capitalize() for name in PLACE.findall(r.template)}
    out = {"@t": stamp(r.ns, 7), "@mt": PLACE.sub(lambda m: "{" + names[m[1]] + "}", r.template)}
    out.update({"@l": level} if level else {})      # Information is left out
    out.update({"@tr": r.trace, "@sp": r.span} if r.trace else {})
    return {**out, **{names[name]: r.values[name] for name in names}, "Application": r.service}


def python(r):
    return {"asctime": stamp(r.ns, 3, "", " ").replace(".", ","), "levelname": {"warn": "WARNING"}.get(r.level, r.level.upper()), "name": r.logger, "message": r.text,
            "taskName": None, "service": r.service, "otelTraceID": r.trace or "0", "otelSpanID": r.span or "0"}


def container(r):
    head = f"{stamp(r.ns, 3, '')[11:]} {r.level.upper():<5} {r.logger} " + (f"TraceID: {r.trace} SpanID: {r.span} " if r.trace else "")
    return {"log": head + r.text + "\n", "stream": "stdout", "time": stamp(r.ns + 400_000),
            "kubernetes": {"pod_name": r.pod, "container_name": "server", "host": "node-3", "labels": {"app": r.service}}}


SHAPES = {f.__name__: f for f in (pino, zap, slog, logback, clef, python, container)}
Record = collections.namedtuple("Record", "service ns level template text values logger pod trace span http took_ms")


class Ahead:
    """What a slice of the shop's time began and the next one ends: without it every slice would lose what is slow, and what fails is slow."""

    def __init__(self):
        self.logs, self.spans = [], []


class Shop:
    def __init__(self, scenario, seed, minutes, end_ns, scale, ahead=None):
        self.scenario, self.random = scenario, random.Random(seed)
        self.length = int(minutes * 60e9)
        self.start = end_ns - self.length
        self.visits = int(minutes * 60 * scenario["visits_per_second"] * scale)
        self.ahead = ahead
        self.logs, self.spans = (list(ahead.logs), list(ahead.spans)) if ahead else ([], [])

    def phase(self, ns):
        return next((p for p in self.scenario["incident"] if (ns - self.start) / self.length < p["until"]), self.scenario["incident"][-1])

    def values(self):
        r = self.random
        return {"sku": f"SKU-{r.randrange(10000, 99999)}", "order": r.randrange(10**7, 10**8), "user": f"u{r.randrange(1, 50000)}", "count": r.randrange(1, 90),
                "amount": f"{r.lognormvariate(3.5, 0.8):.2f}", "took": 0, "host": f"10.2.{r.randrange(4)}.{r.randrange(1, 250)}",
                **{name: r.choice(options) for name, options in self.scenario["places"].items()}}

    def hex(self, digits):
        return f"{self.random.getrandbits(digits * 4) or 1:0{digits}x}"

    def log(self, service, ns, entry, values, trace="", span="", http=None, took_ns=0):
        level, template = entry
        values = dict(values, took=max(1, took_ns // 10**6))
        about = self.scenario["services"][service]
        pod = f"{service}-7d4f{sum(map(ord, service)) % 97:02d}-{self.random.randrange(about['pods'])}"
        self.logs.append(Record(service, ns, level, template, PLACE.sub(lambda m: str(values[m[1]]), template), values, about.get("logger", service), pod, trace, span,
                                http, took_ns / 1e6))

    def operate(self, op, at, trace, parent, values, caller=None):
        """Plays one operation and its calls from `at` on; returns (end, failed)."""
        service, begin = op["service"], at
        if caller and op.get("kind") != "client":     # the caller's side of the call
            client, at = self.hex(16), at + self.random.randrange(100_000, 600_000)
        else:
            client = None
        span, arrived = self.hex(16), at
        state = self.phase(begin).get(op.get("id"), {"slow": 1, "fail": 0})
        own = int(op["ms"] * state["slow"] * self.random.lognormvariate(0, 0.4) * 1e6)
        failed = self.random.random() < state["fail"]
        at += own // 2
        marks = [at]
        for call in op.get("calls", []):
            at, broken = self.operate(call, at, trace, span, values, service)
            failed |= broken
            if broken:
                break
        at += own // 2
        self.write(op, marks[0], arrived, at, failed, values, trace, span)
        self.span(op, service, op.get("kind", "server"), trace, span, client or parent, arrived, at, failed)
        if client:
            at += self.random.randrange(100_000, 600_000)
            self.span(op, caller, "client", trace, client, parent, begin, at, failed)
        return at, failed

    def write(self, op, first, arrived, end, failed, values, trace, span):
        service, took = op["service"], end - arrived
        logs = op.get("logs", [])
        for entry in logs[:1]:
            self.log(service, first, entry, values, trace, span, took_ns=took)
        if "slow_log" in op and took > 10**8:
            self.log(service, end, op["slow_log"], values, trace, span, took_ns=took)
        if failed and "failure" in op:
            self.log(service, end, op["failure"], values, trace, span, took_ns=took)
        elif not failed:
            for entry in logs[1:]:
                self.log(service, end, entry, values, trace, span, took_ns=took)
        if "path" in op:
            path = PLACE.sub(lambda m: str(values[m[1]]), op["path"])
            http = (op["name"].split()[0], path, 502 if failed else 200)
            self.log(service, end + 50_000, ["info", "request completed"], values, trace, span, http, took)

    def span(self, op, service, kind, trace, span, parent, begin, end, failed):
        attributes = [{"key": "db.system", "value": {"stringValue": op["db"]}}] if "db" in op else []
        if "path" in op:
            method, route = op["name"].split()
            attributes += [{"key": "http.request.method", "value": {"stringValue": method}}, {"key": "http.route", "value": {"stringValue": route}},
                           {"key": "http.response.status_code", "value": {"intValue": "502" if failed else "200"}}]
        out = {"traceId": trace, "spanId": span, "parentSpanId": parent, "name": op["name"], "kind": KINDS[kind], "startTimeUnixNano": str(begin),
               "endTimeUnixNano": str(end), "attributes": attributes, "status": {"code": 2, "message": "unavailable"} if failed else {}}
        self.spans.append((end, service, out))

    def play(self):
        weights = [v["weight"] for v in self.scenario["visits"]]
        # nobody enters in the last half second, so that almost everything has ended by the end; where more follows, what has not ended follows too
        last = 0 if self.ahead else 0.55
        for _ in range(self.visits):
            at = self.start + int(self.random.random() * (self.length - last * 1e9))
            visit = self.random.choices(self.scenario["visits"], weights)[0]
            self.operate(visit["root"], at, self.hex(32), "", self.values())
        for job in self.scenario["background"]:
            for i in range(math.floor(self.length / 1e9 / job["every_s"])):
                self.log(job["service"], self.start + int(i * job["every_s"] * 1e9) + self.random.randrange(10**8), job["log"], self.values(), took_ns=10**6 * 7)
        end = self.start + self.length
        if self.ahead:
            self.ahead.logs, self.ahead.spans = [r for r in self.logs if r.ns >= end], [s for s in self.spans if s[0] >= end]
        self.logs = sorted((r for r in self.logs if r.ns < end), key=lambda r: r.ns)      # what would be logged later has not been yet
        self.spans = sorted((s for s in self.spans if s[0] < end), key=lambda s: s[0])

    def span_messages(self):
        """Batches as an exporter sends them: one service each."""
        open_batches = collections.defaultdict(list)
        for end, service, span in self.spans:
            batch = open_batches[service]
            batch.append(span)
            if len(batch) == SPANS_A_MESSAGE or end - int(batch[0]["endTimeUnixNano"]) > BATCH_NS:
                yield self.message(service, open_batches.pop(service))
        for service, batch in sorted(open_batches.items()):
            yield self.message(service, batch)

    @staticmethod
    def message(service, batch):
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
        return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "shop"}, "spans": batch}]}]}

    def truth(self):
        count = collections.Counter
        return {"logs": count(r.service for r in self.logs), "errors": count(r.service for r in self.logs if r.level == "error"),
                "spans": count(service for _, service, _ in self.spans),
                "span_errors": count(service for _, service, s in self.spans if s["status"]), "start": self.start / 1e9, "end": (self.start + self.length) / 1e9,
                "phases": [{"phase": p["phase"], "until": (self.start + p["until"] * self.length) / 1e9} for p in self.scenario["incident"]]}


def generate(folder, seed=7, minutes=10, end=None, scale=1.0, phase=None, ahead=None):
    """Plays the shop into folder and returns the truth. phase: the number of the incident's one phase, instead of all in turn. ahead: given again with each slice of one time."""
    with open(SCENARIO) as f:
        scenario = json.load(f)
    if phase is not None:
        scenario["incident"] = [scenario["incident"][phase]]
    shop = Shop(scenario, seed, minutes, int((end or time.time()) * 1e9), scale, ahead)
    shop.play()
    encode = json.JSONEncoder(separators=(",", ":")).encode
    os.makedirs(folder, exist_ok=True)
    shapes = {service: SHAPES[about["shape"]] for service, about in scenario["services"].items()}
    with open(os.path.join(folder, "logs.jsonl"), "w") as f:
        f.writelines(encode(shapes[r.service](r)) + "\n" for r in shop.logs)
    with open(os.path.join(folder, "spans.jsonl"), "w") as f:
        f.writelines(encode(m) + "\n" for m in shop.span_messages())
    truth = shop.truth()
    with open(os.path.join(folder, "truth.json"), "w") as f:
        json.dump(truth, f, indent=1)
    return truth


def main():
    ap = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].splitlines()[0])
    ap.add_argument("--seed", type=int, default=7)
    ap.add_argument("--minutes", type=float, default=10)
    ap.add_argument("--end", type=float)
    ap.add_argument("--phase", type=int)
    ap.add_argument("--scale", type=float, default=1.0)
    ap.add_argument("folder")
    a = ap.parse_args()
    truth = generate(a.folder, a.seed, a.minutes, a.end, a.scale, a.phase)
    print(json.dumps({k: sum(truth[k].values()) for k in ("logs", "errors", "spans", "span_errors")}))


if __name__ == "__main__":
    sys.exit(main())
