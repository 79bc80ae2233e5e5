# SPDX-License-Identifier: Apache-2.0
"""Reads OTLP traces in protobuf (TracesData), by itself: opentelemetry-proto v1's field numbers."""


def varint(b, i):
    value = shift = 0
    while True:
        value |= (b[i] & 0x7F) << shift
        i, shift = i + 1, shift + 7
        if not b[i - 1] & 0x80:
            return value, i


def fields(b):
    """(number, value) of a message: int, or bytes."""
    i = 0
    while i < len(b):
        tag, i = varint(b, i)
        kind = tag & 7
        if kind == 0:
            value, i = varint(b, i)
        elif kind == 2:
            size, i = varint(b, i)
            value, i = b[i:i + size], i + size
            if len(value) != size:
                raise ValueError("cut off")
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, i = int.from_bytes(b[i:i + size], "little"), i + size
        else:
            raise ValueError(f"wire type {kind}")
        yield tag >> 3, value


def all_of(b, number):
    return [v for n, v in fields(b) if n == number]


def value_of(b):
    for number, v in fields(b):
        if number == 1:
            return v.decode()
        if number == 5:
            return [value_of(item) for item in all_of(v, 1)]
        if number == 6:
            return attributes(v, 1)
        return v
    return None


def attributes(b, number):
    found = {}
    for pair in all_of(b, number):
        parts = dict(fields(pair))
        found[parts[1].decode()] = value_of(parts.get(2, b""))
    return found


def spans(b):
    """Every span of a message: dicts of ids (hex), name, kind, times, status, attributes, events, resource and scope."""
    for resource_spans in all_of(b, 1):
        resource = attributes(b"".join(all_of(resource_spans, 1)), 1)
        for scope_spans in all_of(resource_spans, 2):
            scope = dict(fields(b"".join(all_of(scope_spans, 1))))
            for span in all_of(scope_spans, 2):
                one = dict(fields(span))
                status = dict(fields(one.get(15, b"")))
                yield {"trace_id": one[1].hex(), "span_id": one[2].hex(), "parent": one.get(4, b"").hex(), "name": one.get(5, b"").decode(), "kind": one.get(6, 0),
                       "start": one.get(7, 0), "end": one.get(8, 0), "status": status.get(3, 0), "attributes": attributes(span, 9),
                       "events": [dict(fields(e)).get(2, b"").decode() for e in all_of(span, 11)], "resource": resource, "scope": scope.get(1, b"").decode()}
