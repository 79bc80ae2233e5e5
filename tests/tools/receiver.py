# SPDX-License-Identifier: Apache-2.0
"""A remote-write receiver of our own: reads 1.0 and 2.0 with its own snappy and protobuf, checks every rule of the specifications that binds a sender, keeps
books as a store does, and answers as a test says. It shares no code with winnow.

`faults` holds every broken rule; a test that wants none asserts that it is empty."""
import http.server, math, re, struct, threading, time

STALE = 0x7FF0000000000002
CONTENT = {1: "application/x-protobuf", 2: "application/x-protobuf;proto=io.prometheus.write.v2.Request"}
VERSION = {1: "0.1.0", 2: "2.0.0"}


class Broken(Exception):
    pass


# --- snappy, block format -------------------------------------------------------------------------------------------------------------

def varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Broken("a varint is cut off or too long")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def unsnap(data):
    length, at = varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            size = tag >> 2
            if size >= 60:
                extra = size - 59
                size = int.from_bytes(data[at:at + extra], "little")
                at += extra
            if at + size + 1 > len(data):
                raise Broken("a snappy literal is cut off")
            out += data[at:at + size + 1]
            at += size + 1
            continue
        if tag & 3 == 1:
            size, offset, at = (tag >> 2 & 7) + 4, tag >> 5 << 8 | data[at], at + 1
        else:
            width = 2 if tag & 3 == 2 else 4
            size, offset, at = (tag >> 2) + 1, int.from_bytes(data[at:at + width], "little"), at + width
        if offset == 0 or offset > len(out):
            raise Broken("a snappy copy points outside")
        start = len(out) - offset
        if offset >= size:
            out += out[start:start + size]
        else:
            for i in range(size):
                out.append(out[start + i])
    if len(out) != length:
        raise Broken(f"snappy says {length} bytes and holds {len(out)}")
    return bytes(out)


# --- protobuf -------------------------------------------------------------------------------------------------------------------------

def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = data[at:at + 8], at + 8
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            if len(value) != size:
                raise Broken("a field is cut off")
        else:
            raise Broken(f"wire type {kind}")
        if at > len(data) or number == 0:
            raise Broken("a field is cut off")
        yield number, value


def signed(value):
    return value - (1 << 64) if value >= 1 << 63 else value


def zigzag(value):
    return value >> 1 ^ -(value & 1)


def packed(data, read=lambda v: v):
    out, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        out.append(read(value))
    return out


class Sample:
    """value, time_ms, start_ms (0: unset), bits of the value."""
    def __init__(self, data):
        self.bits, self.time_ms, self.start_ms = 0, 0, 0
        for number, value in fields(data):
            if number == 1:
                self.bits = int.from_bytes(value, "little")
            elif number == 2:
                self.time_ms = signed(value)
            elif number == 3:
                self.start_ms = signed(value)
            else:
                raise Broken(f"Sample has a field {number}")
        self.value = struct.unpack("<d", self.bits.to_bytes(8, "little"))[0]
        self.stale = self.bits == STALE


class Histogram:
    def __init__(self, data):
        self.count = self.zero_count = self.schema = self.time_ms = self.start_ms = 0
        self.sum_bits = self.threshold_bits = 0
        self.spans, self.deltas = [], []
        for number, value in fields(data):
            if number == 1:
                self.count = value
            elif number == 3:
                self.sum_bits = int.from_bytes(value, "little")
            elif number == 4:
                self.schema = zigzag(value)
            elif number == 5:
                self.threshold_bits = int.from_bytes(value, "little")
            elif number == 6:
                self.zero_count = value
            elif number == 11:
                span = dict(fields(value))
                self.spans.append((zigzag(span.get(1, 0)), span.get(2, 0)))
            elif number == 12:
                self.deltas += packed(value, zigzag)
            elif number == 14:
                self.reset_hint = value
            elif number == 15:
                self.time_ms = signed(value)
            elif number == 17:
                self.start_ms = signed(value)
            else:
                raise Broken(f"Histogram has a field {number}")
        self.sum = struct.unpack("<d", self.sum_bits.to_bytes(8, "little"))[0]
        self.zero_threshold = struct.unpack("<d", self.threshold_bits.to_bytes(8, "little"))[0]
        self.stale = self.sum_bits == STALE

    def buckets(self):
        """{index: count}"""
        out, at, deltas, count = {}, 0, iter(self.deltas), 0
        for n, (offset, length) in enumerate(self.spans):
            if n and offset < 0:
                raise Broken("a span goes back")
            at += offset
            for _ in range(length):
                count += next(deltas)
                out[at] = count
                at += 1
        return out


class Exemplar:
    def __init__(self, labels, value, time_ms):
        self.labels, self.value, self.time_ms = labels, value, time_ms


class Series:
    def __init__(self):
        self.labels, self.samples, self.histograms, self.exemplars, self.metadata = [], [], [], [], None

    def key(self):
        return tuple(self.labels)

    def name(self):
        return dict(self.labels).get("__name__", "")

    def text(self):
        inside = ",".join(f'{k}="{v}"' for k, v in self.labels if k != "__name__")
        return f"{self.name()}{{{inside}}}"


def double(data):
    return struct.unpack("<d", data)[0]


def text(data):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Broken(f"{data!r} is not UTF-8")


def read_1(body):
    """(series, metadata {name: (type, help, unit)}) of a WriteRequest."""
    series, metadata = [], {}

    def label(data):
        pair = dict(fields(data))
        return text(pair.get(1, b"")), text(pair.get(2, b""))
    for number, value in fields(body):
        if number == 3:
            m = dict(fields(value))
            metadata[text(m[2])] = (m.get(1, 0), text(m.get(4, b"")), text(m.get(5, b"")))
            continue
        if number != 1:
            raise Broken(f"WriteRequest has a field {number}")
        s = Series()
        for part, data in fields(value):
            if part == 1:
                s.labels.append(label(data))
            elif part == 2:
                s.samples.append(Sample(data))
            elif part == 3:
                e = [(n, v) for n, v in fields(data)]
                s.exemplars.append(Exemplar([label(v) for n, v in e if n == 1], double(dict(e).get(2, bytes(8))), signed(dict(e).get(3, 0))))
            elif part == 4:
                s.histograms.append(Histogram(data))
            else:
                raise Broken(f"TimeSeries has a field {part}")
        if any(x.start_ms for x in s.samples + s.histograms):
            raise Broken("1.0 has no start timestamps")
        series.append(s)
    return series, metadata


def read_2(body):
    """(series, symbols) of a Request."""
    symbols = [text(v) for n, v in fields(body) if n == 4]
    if not symbols or symbols[0] != "":
        raise Broken("symbols[0] is not the empty string")
    if len(set(symbols)) != len(symbols):
        raise Broken("a symbol is there twice")
    used = {0}

    def at(ref):
        if ref >= len(symbols):
            raise Broken(f"reference {ref} of {len(symbols)} symbols")
        used.add(ref)
        return symbols[ref]

    def pairs(data):
        refs = packed(data)
        if len(refs) % 2:
            raise Broken("an odd number of label references")
        return [(at(refs[i]), at(refs[i + 1])) for i in range(0, len(refs), 2)]
    series = []
    for number, value in fields(body):
        if number == 4:
            continue
        if number != 5:
            raise Broken(f"Request has a field {number}")
        s = Series()
        for part, data in fields(value):
            if part == 1:
                s.labels += pairs(data)
            elif part == 2:
                s.samples.append(Sample(data))
            elif part == 3:
                s.histograms.append(Histogram(data))
            elif part == 4:
                e = dict(fields(data))
                s.exemplars.append(Exemplar(pairs(e.get(1, b"")), double(e.get(2, bytes(8))), signed(e.get(3, 0))))
            elif part == 5:
                m = dict(fields(data))
                s.metadata = (m.get(1, 0), at(m.get(3, 0)), at(m.get(4, 0)))
            else:
                raise Broken(f"TimeSeries has a field {part}")
        series.append(s)
    if len(used) != len(symbols):
        raise Broken(f"{len(symbols) - len(used)} symbols that nothing refers to")
    return series, symbols


# --- the rules ------------------------------------------------------------------------------------------------------------------------

METRIC, LABEL = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*$"), re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*$")


def check_series(s, version):
    """What is wrong with one TimeSeries, as texts."""
    names = [k for k, _ in s.labels]
    if names != sorted(names, key=lambda k: k.encode()):
        yield "labels are not sorted"
    if len(set(names)) != len(names):
        yield "a label name is there twice"
    if not METRIC.match(s.name()):
        yield "no metric name, or not a legal one"
    for k, v in s.labels:
        if not LABEL.match(k) or (k.startswith("__") and k != "__name__"):
            yield f"label name {k!r}"
        if v == "" or "\0" in v:
            yield f"label {k} has an empty value or a NUL"
    if len(s.labels) > 32 or any(len(v.encode()) > 2048 for _, v in s.labels):
        yield "more labels, or a longer value, than receivers take"
    if bool(s.samples) == bool(s.histograms):
        yield "samples and histograms together, or neither"
    if len(s.samples) + len(s.histograms) > 1:
        yield "more than one point of a series in a request"
    for p in s.samples + s.histograms:
        if not 10 ** 12 < p.time_ms < 10 ** 16:
            yield f"timestamp {p.time_ms} is not milliseconds"
        if p.start_ms > p.time_ms:
            yield "starts after its sample"
    for p in s.samples:
        if math.isnan(p.value) and not p.stale:
            yield "a NaN that is no stale marker"
    for h in s.histograms:
        if not h.stale and h.zero_count + sum(h.buckets().values()) != h.count:
            yield "a histogram's buckets do not add up to its count"
        if sum(length for _, length in h.spans) != len(h.deltas):
            yield "spans and deltas differ"
        if not -4 <= h.schema <= 8:
            yield f"schema {h.schema}"
    for e in s.exemplars:
        if sum(len(k) + len(v) for k, v in e.labels) > 128 or not e.labels or not 10 ** 12 < e.time_ms < 10 ** 16:
            yield "an exemplar that a receiver drops"
        if not math.isfinite(e.value):
            yield "an exemplar without a value"
    if version == 2 and s.metadata is None:
        yield "no metadata"


class Request:
    def __init__(self, version, headers, series, metadata, raw_len, at):
        self.version, self.headers, self.series, self.metadata, self.raw_len, self.at = version, headers, series, metadata, raw_len, at
        self.status, self.written = None, None
        self.path, self.body = "", b""
        self.peer = None     # the client's certificate, over TLS


class Answer:
    def __init__(self, status=204, body="", headers=None, written=True, delay=0.0, cut=False):
        """written: whether a 2.0 answer has the Written headers. cut: no answer, the connection ends."""
        self.status, self.body, self.headers, self.written, self.delay, self.cut = status, body, headers or {}, written, delay, cut


class Receiver:
    """answer(request) -> Answer, a status, or None for 'as the books say'. refuse(series) -> a reason or None: such a series costs the whole request in 1.0,
    and itself alone in 2.0. tls: an ssl.SSLContext. speaks: versions understood; one of 1.0 takes 2.0 for an empty request, as Prometheus 2.42 does, unless polite: then 415."""

    def __init__(self, answer=None, refuse=None, speaks=(1, 2), polite=False, tls=None):
        self.answer, self.refuse, self.speaks, self.polite = answer, refuse, speaks, polite
        self.requests, self.faults = [], []
        self.store = {}      # key -> [(time_ms, value or Histogram)]
        self.exemplars, self.types = {}, {}
        self.refused_points = set()
        self.active = self.most_active = 0     # requests being answered now, and at most
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer.take(self)

            def do_GET(self):
                outer.fault("a GET")
                self.send_error(405)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass
        self.server = Server(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_port}/api/v1/write"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def fault(self, what):
        if len(self.faults) < 50:
            self.faults.append(what)

    # --- one request

    def check_headers(self, headers):
        content = headers.get("Content-Type", "")
        version = 2 if "proto=io.prometheus.write.v2.Request" in content else 1
        expect = {"Content-Encoding": "snappy", "Content-Type": CONTENT[version], "X-Prometheus-Remote-Write-Version": VERSION[version]}
        for name, value in expect.items():
            if headers.get_all(name) != [value]:
                self.fault(f"{name} is {headers.get_all(name)}")
        if not re.match(r"winnow/\d", headers.get("User-Agent", "")):
            self.fault(f"User-Agent is {headers.get('User-Agent')}")
        return version

    def take(self, handler):
        packed_body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        with self.lock:
            self.active += 1
            self.most_active = max(self.most_active, self.active)
            answer = self.judge(handler, packed_body)
        if answer.delay:
            time.sleep(answer.delay)
        with self.lock:
            self.active -= 1
        if answer.cut:
            handler.close_connection = True
            handler.connection.close()
            return
        body = answer.body.encode()
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if answer.status != 204:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if answer.status != 204:
            handler.wfile.write(body)

    def judge(self, handler, packed_body):
        version = self.check_headers(handler.headers)
        try:
            body = unsnap(packed_body)
            series, rest = (read_2 if version == 2 else read_1)(body)
        except (Broken, KeyError, StopIteration, struct.error) as e:
            self.fault(f"not a body of version {version}: {e!r}")
            return Answer(400, "cannot read that")
        request = Request(version, dict(handler.headers), series, rest if version == 1 else {}, len(body), time.time())
        request.path, request.body = handler.path, packed_body
        request.peer = handler.connection.getpeercert() if hasattr(handler.connection, "getpeercert") else None
        self.requests.append(request)
        self.check_request(request)
        answer = self.answer(request) if self.answer else None
        if isinstance(answer, int):
            answer = Answer(answer)
        if version not in self.speaks:
            answer = answer or (Answer(415, "unsupported content type") if self.polite else Answer(204, written=False))
        elif answer is None or answer.status < 300:
            kept = self.keep(request)
            if answer is None or kept.status >= 300:
                answer = kept
        request.status = answer.status
        if answer.status == 400:
            self.refused_points |= {(s.key(), p.time_ms) for s in series for p in s.samples + s.histograms}
        if version == 2 and 2 in self.speaks and answer.written and request.written is not None:
            for what, count in zip(("Samples", "Histograms", "Exemplars"), request.written):
                answer.headers.setdefault(f"X-Prometheus-Remote-Write-{what}-Written", str(count))
        return answer

    def check_request(self, request):
        seen = set()
        for s in request.series:
            for what in check_series(s, request.version):
                self.fault(f"{s.text()}: {what}")
            if s.key() in seen:
                self.fault(f"{s.text()}: twice in a request")
            seen.add(s.key())
            for p in s.samples + s.histograms:
                if (s.key(), p.time_ms) in self.refused_points:
                    self.fault(f"{s.text()}: a sample that was refused with 400 came again")

    def why_not(self, s):
        if self.refuse:
            reason = self.refuse(s)
            if reason:
                return reason
        known = self.store.get(s.key())
        for p in s.samples + s.histograms:
            if known and p.time_ms < known[-1][0]:
                self.fault(f"{s.text()}: out of order")
                return "out of order sample"
        return None

    def keep(self, request):
        reasons = [(s, self.why_not(s)) for s in request.series]
        bad = [f"{why} for {s.text()}" for s, why in reasons if why]
        if bad and request.version == 1:
            return Answer(400, bad[0])
        request.written = [0, 0, 0]
        for s, why in reasons:
            if not why:
                self.keep_series(request, s)
        for name, (kind, words, unit) in request.metadata.items():
            self.types[name] = (kind, words, unit)
        return Answer(400, bad[0]) if bad else Answer(204)

    def keep_series(self, request, s):
        points = self.store.setdefault(s.key(), [])
        for p in s.samples + s.histograms:
            value = p if s.histograms else p.value
            if points and points[-1][0] == p.time_ms:
                if not s.histograms and points[-1][1] != value and not (p.stale and math.isnan(points[-1][1])):
                    self.fault(f"{s.text()}: another value at the same time")
                continue
            points.append((p.time_ms, value))
            request.written[1 if s.histograms else 0] += 1
        request.written[2] += len(s.exemplars)
        self.exemplars.setdefault(s.key(), []).extend(s.exemplars)
        if s.metadata:
            self.types[s.name()] = s.metadata

    # --- questions of tests

    def last(self, name, **labels):
        """Sum of the newest values of all series with this name and these labels that are not stale."""
        total = 0
        with self.lock:
            for key, points in self.store.items():
                have = dict(key)
                if have["__name__"] == name and all(have.get(k) == v for k, v in labels.items()) and points:
                    value = points[-1][1]
                    if isinstance(value, float) and math.isnan(value):
                        value = next((v for _, v in reversed(points) if not math.isnan(v)), 0)
                    total += value.count if isinstance(value, Histogram) else value
        return total

    def names(self):
        with self.lock:
            return {dict(k)["__name__"] for k in self.store}
