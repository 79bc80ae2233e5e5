#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes fixtures/oracle/*.cases: payloads that protoc's and msgpack's own libraries encoded from random messages, each with what must be read of it.

usage: tests/tools/oracle.py    (needs protobuf-compiler, python3-protobuf, python3-msgpack; only when the files are to be made anew)

A case is <length, 4 bytes little-endian> <payload> <length> <expected text, as tests/unit/record/describe.h writes it>.
"""
import datetime, gzip, importlib, json, os, random, struct, subprocess, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START_NS = 1772600000_000000000
SEVERITIES = ["unknown", "trace", "debug", "info", "warn", "error", "fatal"]
KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"]
STATUSES = ["unset", "ok", "error"]
ORDER = ["name", "service", "message", "template", "logger", "trace_id", "span_id", "parent_span_id", "duration_ns", "http_status", "http_method",
         "http_route", "http_path", "exception_type"]
WORDS = ["charge", "declined", "pool", "waiting", "Größe", "数据", "cart", "retry", "42", "timeout", "\"quoted\"", "a\nb"]


def modules():
    """The Python modules that protoc makes of oracle/*.proto."""
    folder = tempfile.mkdtemp()
    source = os.path.join(ROOT, "tests", "tools", "oracle")
    subprocess.run(["protoc", f"-I{source}", f"--python_out={folder}"] + [os.path.join(source, n + ".proto") for n in ("otlp", "jaeger", "zipkin")], check=True)
    sys.path.insert(0, folder)
    return [importlib.import_module(n + "_pb2") for n in ("otlp", "jaeger", "zipkin")]


def quoted(text):
    """As describe.h prints text: JSON's escapes without quotes around, other characters as they are."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def described(kind, shape, time_ns, want, error):
    seconds, ns = divmod(time_ns, 10**9)
    lines = [f"{kind} {shape}"]
    if time_ns:
        lines.append(f"time {datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc):%Y-%m-%dT%H:%M:%S}.{ns:09d}Z")
    lines += [f"severity {want['severity']}"] if kind == "log" else [f"kind {want['kind']}", f"status {want['status']}"]
    for member in ORDER:
        value = want.get(member)
        if value is not None and value != "":
            lines.append(f"{member} {value if isinstance(value, int) else quoted(value)}")
    return "\n".join(lines) + "\n" + ("error\n" if error else "")


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.otlp, self.jaeger, self.zipkin = modules()

    def text(self, most=6):
        return " ".join(self.r.choice(WORDS) for _ in range(self.r.randint(1, most)))

    def maybe(self, share=0.7):
        return self.r.random() < share

    def identifier(self, size):
        return self.r.randbytes(size) if self.maybe() else self.r.choice([b"", bytes(size)])

    def any_value(self, value, depth=0):
        """Fills value at random; returns (Python value)."""
        which = self.r.choice(["s", "s", "b", "i", "d", "y"] + (["a", "k"] if depth < 3 else []))
        if which == "s":
            value.string_value = self.text()
            return value.string_value
        if which == "b":
            value.bool_value = self.maybe(0.5)
            return value.bool_value
        if which == "i":
            value.int_value = self.r.choice([0, -1, 2**62, -2**63, self.r.randint(-1000, 1000)])
            return value.int_value
        if which == "d":
            value.double_value = self.r.choice([0.5, 1.25, -3.75, 1e-9, 123456.789])
            return value.double_value
        if which == "y":
            value.bytes_value = self.r.randbytes(self.r.randint(0, 7))
            import base64
            return base64.b64encode(value.bytes_value).decode()
        if which == "a":
            value.array_value.SetInParent()
            return [self.any_value(value.array_value.values.add(), depth + 1) for _ in range(self.r.randint(0, 3))]
        value.kvlist_value.SetInParent()
        result = []
        for n in range(self.r.randint(0, 3)):
            pair = value.kvlist_value.values.add()
            pair.key = f"k{n}"
            result.append((pair.key, self.any_value(pair.value, depth + 1)))
        return dict(result)

    def attributes(self, owner, want):
        """Random attributes, some of those that mean something."""
        for name, member, values in [("http.request.method", "http_method", ["GET", "POST"]), ("http.route", "http_route", ["/cart/{id}", "/"]),
                                     ("url.path", "http_path", ["/cart/81422"]), ("exception.type", "exception_type", ["TimeoutError"])]:
            if self.maybe(0.25):
                pair = owner.attributes.add()
                pair.key, pair.value.string_value = name, self.r.choice(values)
                want[member] = pair.value.string_value
        if self.maybe(0.4):
            pair = owner.attributes.add()
            pair.key = self.r.choice(["http.response.status_code", "http.status_code"])
            pair.value.int_value = want["http_status"] = self.r.choice([200, 404, 500, 503])
        for _ in range(self.r.randint(0, 4)):
            pair = owner.attributes.add()
            pair.key = "app." + self.r.choice(["a", "b", "é", "long" * 40])
            self.any_value(pair.value)

    def reversed(self, group, batch):
        """The bytes of a group with its parts in another order, as writers that begin at the end have it."""
        out = b""
        for scope in getattr(group, batch):
            data = scope.SerializeToString()
            out += b"\x12" + self.varint(len(data)) + data
        data = group.resource.SerializeToString()
        return out + b"\x0a" + self.varint(len(data)) + data

    @staticmethod
    def varint(n):
        out = b""
        while n > 127:
            out, n = out + bytes([n & 127 | 128]), n >> 7
        return out + bytes([n])

    def batch(self, root, groups, scopes, records, fill):
        """A random batch: (payload, expected)."""
        payload, expect = b"", ""
        for _ in range(self.r.randint(1, 3)):
            group, service = getattr(root, groups).add(), ""
            if self.maybe(0.8):
                service = self.text(2)
                pair = group.resource.attributes.add()
                pair.key, pair.value.string_value = "service.name", service
            pair = group.resource.attributes.add()
            pair.key, pair.value.int_value = "process.pid", 7
            for _ in range(self.r.randint(1, 2)):
                scope = getattr(group, scopes).add()
                logger = self.text(1) if self.maybe() else ""
                scope.scope.name = logger
                for _ in range(self.r.randint(1, 4)):
                    expect += fill(getattr(scope, records).add(), service, logger)
            data = self.reversed(group, scopes) if self.maybe(0.5) else group.SerializeToString()
            payload += b"\x0a" + self.varint(len(data)) + data
        return gzip.compress(payload, mtime=0) if self.maybe(0.2) else payload, expect

    def log(self, record, service, logger):
        want = {"service": service, "logger": logger, "severity": "unknown"}
        record.observed_time_unix_nano = START_NS + self.r.randint(0, 10**12)
        if self.maybe():
            record.time_unix_nano = START_NS + self.r.randint(0, 10**12)
        if self.maybe():
            record.severity_number = self.r.randint(1, 24)
            want["severity"] = SEVERITIES[(record.severity_number - 1) // 4 + 1]
        elif self.maybe():
            record.severity_text, want["severity"] = self.r.choice([("WARN", "warn"), ("Information", "info"), ("error", "error")])
        if self.maybe(0.9):
            body = self.any_value(record.body)
            text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, separators=(",", ":"))
            want["message"] = text
        self.attributes(record, want)
        self.ids(record, want)
        error = SEVERITIES.index(want["severity"]) >= 5 or want.get("http_status", 0) >= 500 or "exception_type" in want
        return described("log", "otlp_proto", record.time_unix_nano or record.observed_time_unix_nano, want, error)

    def ids(self, record, want):
        record.trace_id, record.span_id = self.identifier(16), self.identifier(8)
        want["trace_id"] = record.trace_id.hex() if any(record.trace_id) else ""
        want["span_id"] = record.span_id.hex() if any(record.span_id) else ""

    def span(self, record, service, logger):
        want = {"service": service, "logger": logger, "kind": KINDS[self.r.randint(0, 5)], "status": STATUSES[self.r.randint(0, 2)]}
        record.name = want["name"] = self.text(3)
        record.kind = KINDS.index(want["kind"])
        record.status.code = STATUSES.index(want["status"])
        record.start_time_unix_nano = START_NS + self.r.randint(0, 10**12)
        record.end_time_unix_nano = record.start_time_unix_nano + self.r.choice([0, 1, 2**33])
        want["duration_ns"] = record.end_time_unix_nano - record.start_time_unix_nano
        self.attributes(record, want)
        self.ids(record, want)
        if not any(record.trace_id) and not any(record.span_id):
            record.trace_id = self.r.randbytes(16)
            want["trace_id"] = record.trace_id.hex()
        if self.maybe():
            record.parent_span_id = self.r.randbytes(8)
            want["parent_span_id"] = record.parent_span_id.hex()
        error = want["status"] == "error" or want.get("http_status", 0) >= 500 or "exception_type" in want
        if self.maybe(0.2):
            event = record.events.add()
            event.name = "exception"
            pair = event.attributes.add()
            pair.key, pair.value.string_value = "exception.type", "IOError"
            want["exception_type"] = "IOError"
        return described("span", "otlp_proto", record.end_time_unix_nano, want, error)

    def jaeger_span(self):
        s, want = self.jaeger.Span(), {"kind": "internal", "status": "unset"}
        s.trace_id, s.span_id, s.operation_name = self.r.randbytes(16), self.r.randbytes(8), self.text(3)
        want.update(trace_id=s.trace_id.hex(), span_id=s.span_id.hex(), name=s.operation_name)
        if self.maybe():
            follows, parent = s.references.add(), s.references.add()
            follows.ref_type, follows.span_id, parent.span_id = 1, self.r.randbytes(8), self.r.randbytes(8)
            want["parent_span_id"] = parent.span_id.hex()
        s.start_time.seconds, s.start_time.nanos = 1772600000 + self.r.randint(0, 999), self.r.randint(0, 10**9 - 1)
        s.duration.seconds, s.duration.nanos = self.r.randint(0, 3), self.r.randint(0, 10**9 - 1)
        want["duration_ns"] = s.duration.seconds * 10**9 + s.duration.nanos
        s.process.service_name = want["service"] = self.text(1)
        error = False
        if self.maybe():
            want["kind"] = self.r.choice(["server", "client", "producer", "consumer"])
            tag = s.tags.add()
            tag.key, tag.v_str = "span.kind", want["kind"]
        if self.maybe(0.3):
            tag = s.tags.add()
            tag.key, tag.v_type, tag.v_bool = "error", 1, True
            want["status"], error = "error", True
        if self.maybe():
            tag = s.tags.add()
            tag.key, tag.v_type, tag.v_int64 = "http.status_code", 2, self.r.choice([200, 503])
            want["http_status"] = tag.v_int64
            error = error or tag.v_int64 >= 500
        time_ns = s.start_time.seconds * 10**9 + s.start_time.nanos + want["duration_ns"]
        return s.SerializeToString(), described("span", "jaeger_proto", time_ns, want, error)

    def zipkin_spans(self):
        batch, expect = self.zipkin.ListOfSpans(), ""
        for _ in range(self.r.randint(1, 4)):
            s, want = batch.spans.add(), {"status": "unset"}
            s.trace_id, s.id, s.name = self.r.randbytes(self.r.choice([8, 16])), self.r.randbytes(8), self.text(2)
            s.kind = self.r.randint(0, 4)
            want.update(trace_id=s.trace_id.hex(), span_id=s.id.hex(), name=s.name, kind=["internal", "client", "server", "producer", "consumer"][s.kind])
            if self.maybe():
                s.parent_id = self.r.randbytes(8)
                want["parent_span_id"] = s.parent_id.hex()
            s.timestamp, s.duration = START_NS // 1000 + self.r.randint(0, 10**9), self.r.choice([0, 1, 184203])
            if s.duration:
                want["duration_ns"] = s.duration * 1000
            s.local_endpoint.service_name = want["service"] = self.text(1)
            error = False
            if self.maybe(0.3):
                s.tags["error"] = "upstream reset"
                want["status"], error = "error", True
            if self.maybe():
                s.tags["http.status_code"] = "503"
                want["http_status"], error = 503, True
            expect += described("span", "zipkin_proto", (s.timestamp + s.duration) * 1000, want, error)
        return batch.SerializeToString(), expect

    def packed(self):
        """Maps and forward messages in MessagePack."""
        import msgpack
        seconds, ns = 1772600000 + self.r.randint(0, 999), self.r.randint(0, 10**9 - 1)
        want = {"severity": self.r.choice(["info", "warn", "error"]), "message": self.text(), "service": self.text(1), "trace_id": self.r.randbytes(16).hex()}
        record = {"level": want["severity"], "message": want["message"], "service": want["service"], "trace_id": want["trace_id"],
                  "n": self.r.choice([1, -1, 2**40, -2**40, 1.5, None, True, [1, {"a": b"\xff"}], "x" * 300])}
        event_time = msgpack.ExtType(0, struct.pack(">II", seconds, ns))
        form = self.r.choice(["map", "pair", "message", "forward", "packed", "gzip", "stamp", "meta", "two"])
        pack = lambda x: msgpack.packb(x, use_bin_type=True)
        time_ns, count = seconds * 10**9 + ns, 1
        if form == "map":
            record["@timestamp"], time_ns = float(seconds), seconds * 10**9
            payload = pack(record)
        elif form == "stamp":
            record["time"] = msgpack.Timestamp(seconds, ns)
            payload = pack(record)
        elif form == "pair":
            payload, time_ns = pack([seconds, record]), seconds * 10**9
        elif form == "meta":
            payload = pack([[event_time, {"m": 1}], record])
        elif form == "message":
            payload = pack(["app.log", event_time, record, {"size": 1}])
        elif form == "forward":
            payload, count = pack(["app.log", [[event_time, record]] * 3]), 3
        elif form == "two":
            record["time"] = msgpack.Timestamp(seconds, ns)
            payload, count = pack(record) + pack(record), 2
        else:
            stream, count = pack([event_time, record]) * 2, 2
            payload = pack(["app.log", gzip.compress(stream, mtime=0) if form == "gzip" else stream, {"compressed": "gzip"} if form == "gzip" else {}])
        return payload, described("log", "winston" if form not in ("stamp", "two") else "zerolog", time_ns, want, want["severity"] == "error") * count


def write(name, cases):
    with open(os.path.join(ROOT, "fixtures", "oracle", name + ".cases"), "wb") as f:
        for payload, expect in cases:
            text = expect.encode()
            f.write(struct.pack("<I", len(payload)) + payload + struct.pack("<I", len(text)) + text)


def main():
    m = Maker(20260304)
    write("otlp_logs", [m.batch(m.otlp.Logs(), "resource_logs", "scope_logs", "log_records", m.log) for _ in range(50)])
    write("otlp_spans", [m.batch(m.otlp.Spans(), "resource_spans", "scope_spans", "spans", m.span) for _ in range(50)])
    write("jaeger", [m.jaeger_span() for _ in range(100)])
    write("zipkin", [m.zipkin_spans() for _ in range(60)])
    write("msgpack", [m.packed() for _ in range(120)])


if __name__ == "__main__":
    main()
