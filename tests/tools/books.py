# SPDX-License-Identifier: Apache-2.0
"""Do the books balance? What Prometheus holds beside what was produced, service by service.

Counters start at an explicit 0 and never fall, so the last raw value of a series is the number of its records. Exact, unlike increase(),
which extrapolates.
"""
import time

WINDOW = "[12h]"
FAMILIES = {
    "logs": "log_records_total",
    "patterns": "log_pattern_records_total",
    "spans": "traces_span_metrics_calls_total",
    "span durations": "traces_span_metrics_duration_milliseconds_count",
}


def totals(prometheus, what, more=""):
    """{service: records} of one family as it stands."""
    found = prometheus.by("service_name", f"sum by (service_name) (last_over_time({FAMILIES[what]}{more}{WINDOW}))")
    return {service: int(value) if value == int(value) else value for service, value in found.items()}


def difference(prometheus, truth):
    """Lines that say where Prometheus and the truth differ; none when the books balance. `truth`: {"logs": {service: n}, "spans": ...}."""
    expected = {"logs": truth.get("logs", {}), "patterns": truth.get("logs", {}), "spans": truth.get("spans", {}), "span durations": truth.get("spans", {})}
    out = []
    for what, services in expected.items():
        found = totals(prometheus, what)
        for service in sorted(set(services) | set(found)):
            want, got = services.get(service, 0), found.get(service, 0)
            if want != got:
                out.append(f"{FAMILIES[what]}{{service_name=\"{service}\"}} is {got}, produced were {want} ({got - want:+})")
    if "errors" in truth:
        found = totals(prometheus, "logs", '{severity="error"}')
        for service in sorted(set(truth["errors"]) | set(found)):
            want, got = truth["errors"].get(service, 0), found.get(service, 0)
            if want != got:
                out.append(f"log_records_total{{service_name=\"{service}\",severity=\"error\"}} is {got}, produced were {want} ({got - want:+})")
    return out


def wrong_shape(prometheus):
    """Lines about series that must not be: labels of an instance, totals that fell, counters that do not start at 0."""
    out = []
    for name in FAMILIES.values():
        for labels, _ in prometheus.query(f"last_over_time({name}{WINDOW})"):
            out += [f"{name} has the label {label}" for label in ("instance", "partition", "host", "pod", "le") if label in labels]
        out += [f"{name}{labels} fell {int(value)} times" for labels, value in prometheus.query(f"resets({name}{WINDOW}) > 0")]
        out += [f"{name}{labels} does not start at 0 but at {value}" for labels, value in prometheus.query(f"min_over_time({name}{WINDOW}) > 0")]
    return sorted(set(out))


# what does not depend on the order in which partitions are read, series by series; mined patterns do
EVERY_SERIES = ("log_records_total", "traces_span_metrics_calls_total", "traces_span_metrics_duration_milliseconds_bucket",
                "traces_span_metrics_duration_milliseconds_count", "traces_span_metrics_duration_milliseconds_sum")


def series(prometheus, name):
    """{labels: last value} of every series of a metric."""
    return {tuple(sorted((k, v) for k, v in labels.items() if k != "__name__")): value
            for labels, value in prometheus.query(f"last_over_time({name}{WINDOW})")}


def unlike(prometheus, reference):
    """Lines that say in which series two receivers differ, metric by metric; and where the patterns of a service and severity do not add up to its records."""
    out = []
    for name in EVERY_SERIES:
        found, expected = series(prometheus, name), series(reference, name)
        if not expected:
            out.append(f"the run in which nothing died has no {name}")
        for labels in sorted(set(found) | set(expected)):
            got, want = found.get(labels), expected.get(labels)
            if got is None or want is None or abs(got - want) > 1e-9 * abs(want):
                out.append(f"{name}{dict(labels)} is {got}, a run in which nothing died has {want}")
    left = prometheus.query(f"sum by (service_name, severity) (last_over_time(log_pattern_records_total{WINDOW})) != sum by (service_name, severity) (last_over_time(log_records_total{WINDOW}))")
    return out + [f"the patterns of {labels} add up to {value}, which is not the number of its records" for labels, value in left]


def wait_balanced(prometheus, truth, seconds, still=lambda: None):
    """Waits until the books balance and returns the differences left (none: they do). `still` is called at each look and may raise."""
    end = time.monotonic() + seconds
    while True:
        still()
        left = difference(prometheus, truth)
        if not left or time.monotonic() > end:
            return left
        time.sleep(1)
