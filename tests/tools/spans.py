# SPDX-License-Identifier: Apache-2.0
"""Span data for tests: real or made, one trace to a message, and what must come out of it, computed from the spans alone.

Nothing here is shared with winnow: edges, totals and sampling are written down a second time, from the definitions.
"""
import collections, gzip, hashlib, json, struct, time

INTERNAL, SERVER, CLIENT = 1, 2, 3
KINDS = {0: "UNSPECIFIED", 1: "INTERNAL", 2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}
CODES = {0: "UNSET", 1: "OK", 2: "ERROR"}


def resources(path):
    """Every (service, resource, [span..]) of a file of OTLP/JSON lines, in order."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as f:
        for line in f:
            for r in json.loads(line)["resourceSpans"]:
                service = next(a["value"]["stringValue"] for a in r["resource"]["attributes"] if a["key"] == "service.name")
                for scope in r["scopeSpans"]:
                    yield service, r["resource"], scope["spans"]


def number(text):
    """A number made of a text, the same everywhere: for choices that must not hang on what is chosen from."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def by_trace(path, ago_ns=0, fails=0, share=1):
    """[(service, resource, trace, [span..])]: each batch cut into its traces, as exporters do that key by trace id; times moved so that the newest is so long ago. One span in `fails`
    is made to fail; only one trace in `share` is taken."""
    out, taken, last = [], {}, 0
    for service, resource, spans in resources(path):
        traces = collections.OrderedDict()
        for s in spans:
            trace = s["traceId"]
            last = max(last, int(s["endTimeUnixNano"]))
            if trace not in taken:
                taken[trace] = number(trace) % share == 0
            if taken[trace]:
                traces.setdefault(trace, []).append(s)
        out += [(service, resource, trace, spans) for trace, spans in traces.items()]
    shift = time.time_ns() - ago_ns - last if ago_ns else 0
    for _, _, _, spans in out:
        for s in spans:
            s["startTimeUnixNano"], s["endTimeUnixNano"] = (str(int(s[k]) + shift) for k in ("startTimeUnixNano", "endTimeUnixNano"))
            if fails and number(s["spanId"]) % fails == 0:
                s["status"] = {"code": 2}
    return out


def totals(batches):
    """{(service, kind, status): spans}, as labels have them."""
    found = collections.Counter()
    for service, _, _, spans in batches:
        found.update((service, "SPAN_KIND_" + KINDS[s.get("kind", 0)], "STATUS_CODE_" + CODES[s.get("status", {}).get("code", 0)]) for s in spans)
    return dict(found)


def edges(batches):
    """{(client, server): [requests, failures]}: spans whose parent is another service's, and SERVER spans without a parent, which the user called."""
    all_spans = [(service, s) for service, _, _, spans in batches for s in spans]
    by_id = {(s["traceId"], s["spanId"]): (service, s) for service, s in all_spans}
    found = collections.defaultdict(lambda: [0, 0])
    for service, s in all_spans:
        parent = by_id.get((s["traceId"], s.get("parentSpanId") or None))
        if parent and (parent[0] != service or (parent[1].get("kind"), s.get("kind")) == (CLIENT, SERVER)):
            key, ends = (parent[0], service), (parent[1], s)
        elif not s.get("parentSpanId") and s.get("kind") == SERVER:
            key, ends = ("user", service), (s,)
        else:
            continue
        found[key][0] += 1
        found[key][1] += any(e.get("status", {}).get("code") == 2 for e in ends)
    return dict(found)


def lines(batches):
    """OTLP/JSON, a message each."""
    for _, resource, _, spans in batches:
        yield json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}, separators=(",", ":"))


def write(path, batches):
    with open(path, "w") as f:
        f.writelines(line + "\n" for line in lines(batches))


def head_sampled(batches, probability):
    """What a head sampler of OpenTelemetry lets through, with its threshold in tracestate: a trace's 56 random bits decide, all of it or nothing."""
    threshold = round((1 - probability) * 2 ** 56)
    th = f"{threshold:014x}".rstrip("0") or "0"
    out = []
    for service, resource, trace, spans in batches:
        if number(trace) >> 8 >= threshold:
            out.append((service, resource, trace, [dict(s, traceState=f"ot=th:{th}") for s in spans]))
    return out


# --- protobuf (opentelemetry-proto v1, trace.proto) ---

def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def attributes(number, items):
    return b"".join(field(number, field(1, a["key"].encode()) + field(2, field(1, a["value"]["stringValue"].encode()))) for a in items)


def span_proto(s):
    out = field(1, bytes.fromhex(s["traceId"])) + field(2, bytes.fromhex(s["spanId"]))
    if s.get("traceState"):
        out += field(3, s["traceState"].encode())
    if s.get("parentSpanId"):
        out += field(4, bytes.fromhex(s["parentSpanId"]))
    out += field(5, s["name"].encode()) + bytes([0x30, s.get("kind", 0)])
    out += struct.pack("<BQBQ", 0x39, int(s["startTimeUnixNano"]), 0x41, int(s["endTimeUnixNano"])) + attributes(9, s.get("attributes", []))
    if s.get("status"):
        out += field(15, bytes([0x18, s["status"]["code"]]))
    return out


def batch_proto(resource, spans):
    scope = b"".join(field(2, span_proto(s)) for s in spans)
    return field(1, field(1, attributes(1, resource["attributes"])) + field(2, scope))
