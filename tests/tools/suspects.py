# SPDX-License-Identifier: Apache-2.0
"""From "something is wrong now" to the service that is at fault, with nothing but what winnow wrote into Prometheus: the runbook's steps 2, 3 and 5 as a machine takes them.

What is asked of every service is how it differs from itself, not from others: three minutes, against the calm nine tenths of the two hours before, in windows as long. Two, as
a fault that comes again within the hour would else be half of what it is compared with.

  errors     the share of its log lines that are of one error pattern grew
  patterns   two of its patterns, or two of its span names, that used to come together in one proportion do not any more: a line is missing behind another, a call is not
             made. Rates as such say nothing (all of them rise with the traffic), their proportions do; each is measured against the one it was most firmly tied to
  latency    an operation takes longer: at least half of its calls are slower than nine in ten were before

These three are likelihood ratios of two samples (multinomial counts; exponential times), divided by what the service's own calm windows show of the same kind, so a proportion that always wobbles
says little.

  outage     where there is no half an hour of history (a new service, a new installation, the day's first minutes), a service can only be compared with the others: it has an
             error line of one pattern for more of its calls than they have, measured by how far they are apart themselves

A service's suspicion is its strongest evidence. Then the blame goes down the calls: who calls a service, directly or through others, that is at least half as
suspicious, and more than chance makes it, stands behind it, for an error or a delay is seen by every caller above it.
"""
import collections, math

WINDOW_S, WINDOWS = 180, 40
CALM = 0.9        # of the windows before, those that are nearest to the usual proportion
HALF = 0.5        # of an operation's calls must be slower than nine in ten were
YOUNG = 10        # windows: of a service that was not seen longer, others are what it is compared with
HAND_ON = 0.5     # a caller stands behind a callee that is so much as suspicious
CHANCE = 3.0      # points that one window in seventy shows by chance: less is no reason to blame a callee
NOTICED_MS = 10   # nobody waits for a delay that is shorter
RECORDS = "sum by (service_name, pattern_id, severity) (increase(log_pattern_records_total[%ds]))"
CALLS = "sum by (service_name, span_name, span_kind) (increase(traces_span_metrics_calls_total[%ds]))"
TIMES = "sum by (service_name, span_name, span_kind) (increase(traces_span_metrics_duration_milliseconds_sum[%ds]))"
BUCKETS = "sum by (service_name, span_name, span_kind, le) (increase(traces_span_metrics_duration_milliseconds_bucket[%ds]))"
GRAPH = "sum by (client, server) (increase(traces_service_graph_request_total[%ds]))"

Evidence = collections.namedtuple("Evidence", "points kind what now usual")


def part(x, expected):
    return x * math.log(x / expected) if x > 0 else 0.0


def apart(k, n, K, N):
    """Log likelihood ratio: k of n and K of N are of different proportions, over of one."""
    p = (k + K) / (n + N)
    return part(k, n * p) + part(n - k, n * (1 - p)) + part(K, N * p) + part(N - K, N * (1 - p))


def slower(n, mean, N, usual):
    """The same for exponential times: n of one mean, N of another."""
    pooled = (n * mean + N * usual) / (n + N)
    return (n + N) * math.log(pooled) - n * math.log(mean) - N * math.log(usual)


def dispersion(found):
    """What the calm windows show of themselves, with one window that shows what chance alone would."""
    return (1 + sum(found)) / (1 + len(found))


def median(values):
    in_order = sorted(values)
    return in_order[len(in_order) // 2]


def calm(windows, strange):
    return sorted(windows, key=strange)[:max(1, math.ceil(len(windows) * CALM))]


def proportion(now, before):
    """(points, usual share) of k of n against windows of them."""
    windows = [w for w in before if w[1] >= 1]
    if not windows:
        return 0.0, 0.0
    all_of = sum(n for _, n in windows)
    usual = min(max(median(k / n for k, n in windows), 0.5 / (all_of + 1)), 1 - 0.5 / (all_of + 1))
    kept = calm(windows, lambda w: part(w[0], w[1] * usual) + part(w[1] - w[0], w[1] * (1 - usual)))
    K, N = sum(k for k, _ in kept), sum(n for _, n in kept)
    usually = dispersion([apart(k, n, K - k, N - n) for k, n in kept if N > n])
    return apart(*now, K, N) / (usually + 1), K / N


class Moment:
    """What Prometheus says of the three minutes up to a time and of the windows before. `ask(query, time)` returns [(labels, value)]."""

    def __init__(self, ask, at, spans_later=0.0):
        """spans_later: for data whose spans and logs were moved in time by different amounts."""
        self.ask, self.at, self.spans_at = ask, at, at + spans_later
        ends = [WINDOW_S * i for i in range(WINDOWS + 1)]
        self.records = [self.rows(RECORDS % WINDOW_S, self.at - e, "service_name", "pattern_id", "severity") for e in ends]
        self.calls = [self.rows(CALLS % WINDOW_S, self.spans_at - e, "service_name", "span_name", "span_kind") for e in ends]
        self.times = [self.rows(TIMES % WINDOW_S, self.spans_at - e, "service_name", "span_name", "span_kind") for e in ends]
        self.before = [i for i in range(1, WINDOWS + 1) if self.records[i] or self.calls[i]]

    def rows(self, query, at, *names):
        return {tuple(labels.get(n, "") for n in names): value for labels, value in self.ask(query, at) if value > 0}

    def errors(self):
        totals = [collections.Counter() for _ in self.records]
        for total, window in zip(totals, self.records):
            for key, value in window.items():
                total[key[0]] += value
        for key in [k for k in self.records[0] if k[2] in ("error", "fatal")]:
            now = self.records[0][key], totals[0][key[0]]
            points, usual = proportion(now, [(self.records[i].get(key, 0.0), totals[i][key[0]]) for i in self.before])
            if points and now[0] / now[1] > usual:
                yield key[0], Evidence(points, "errors", key[1], f"{now[0]:.0f} of {now[1]:.0f} lines", f"{usual * now[1]:.1f}")

    def outages(self):
        """(service, evidence) of services without a history to compare with: the error lines for each of their calls, against those of the other services of the same minutes."""
        lines, calls = collections.Counter(), collections.Counter()
        for (service, _, severity), value in self.records[0].items():
            if severity in ("error", "fatal"):
                lines[service] = max(lines[service], value)
        for (service, _, _), value in self.calls[0].items():
            calls[service] = max(calls[service], value)
        of = {s: (min(lines[s], n), n) for s, n in calls.items() if n >= 2}
        K, N = sum(k for k, _ in of.values()), sum(n for _, n in of.values())
        strange = {s: apart(k, n, K - k, N - n) for s, (k, n) in of.items() if N > n and k * N > K * n}
        known = {key[0] for i in self.before if i > YOUNG for key in (*self.records[i], *self.calls[i])}
        for service in strange.keys() - known:
            k, n = of[service]
            others = dispersion([p for s, p in strange.items() if s != service] + [0.0] * (len(of) - len(strange)))
            yield service, Evidence(strange[service] / (others + 1), "outage", "error lines for each call", f"{k:.0f} in {n:.0f}", f"{n * K / N:.1f}")

    def witness(self, windows, mine, others):
        """The one that mine is tied to most firmly, with both counts of each window before."""
        best = None
        for other in others:
            counts = [(windows[i].get(mine, 0.0), windows[i].get(mine, 0.0) + windows[i].get(other, 0.0)) for i in self.before]
            counts = [c for c in counts if c[1] >= 1]
            if len(counts) < 3 or sum(n - k for k, n in counts) < 5:
                continue
            K, N = sum(k for k, _ in counts), sum(n for _, n in counts)
            found = sorted(apart(k, n, K - k, N - n) for k, n in counts if N > n)
            loose = dispersion(found[:math.ceil(len(counts) * CALM)])
            if best is None or loose < best[0]:
                best = loose, other, counts
        return best and best[1:]

    def proportions(self, windows, kind):
        services = collections.defaultdict(set)
        for i in [0, *self.before]:
            for key in windows[i]:
                services[key[0]].add(key)
        for service, keys in services.items():
            for mine in keys:
                tied = self.witness(windows, mine, keys - {mine})
                if not tied:
                    continue
                other, counts = tied
                now, its = windows[0].get(mine, 0.0), windows[0].get(other, 0.0)
                if now + its >= 1:
                    points, usual = proportion((now, now + its), counts)
                    yield service, Evidence(points, kind, mine[1], f"{now:.0f} beside {its:.0f} of {other[1]}", f"{usual * (now + its):.1f}")

    def slow_share(self):
        """{operation: share of its calls that are slower than nine in ten were}"""
        now, before, shares = collections.defaultdict(dict), collections.defaultdict(dict), {}
        for into, query, at in ((now, BUCKETS % WINDOW_S, self.spans_at), (before, BUCKETS % (WINDOW_S * WINDOWS), self.spans_at - WINDOW_S)):
            for labels, value in self.ask(query, at):
                into[labels.get("service_name", ""), labels.get("span_name", ""), labels.get("span_kind", "")][float(labels["le"])] = value
        for key, buckets in now.items():
            all_of, then = buckets.get(math.inf, 0.0), before.get(key, {})
            bound = next((le for le in sorted(then) if then[le] >= 0.9 * then[math.inf] - 1e-6), math.inf)
            if all_of > 0 and then.get(math.inf, 0.0) >= 3 and bound < math.inf:
                shares[key] = 1 - max([v for le, v in buckets.items() if le <= bound], default=0.0) / all_of
        return shares

    def latency(self):
        for key, share in self.slow_share().items():
            n, time = self.calls[0].get(key, 0.0), self.times[0].get(key, 0.0)
            windows = [(self.calls[i].get(key, 0.0), self.times[i].get(key, 0.0)) for i in self.before]
            windows = [(c, t) for c, t in windows if c >= 1 and t > 0]
            if share < HALF or n < 2 or not windows:
                continue
            typical = median(t / c for c, t in windows)
            kept = calm(windows, lambda w: w[0] * (w[1] / w[0] / typical - 1 - math.log(w[1] / w[0] / typical)))
            N = sum(c for c, _ in kept)
            usual = sum(t for _, t in kept) / N
            if time / n > usual + NOTICED_MS:
                usually = dispersion([c * (t / c / usual - 1 - math.log(t / c / usual)) for c, t in kept])
                yield key[0], Evidence(slower(n, time / n, N, usual) / (usually + 1), "latency", key[1], f"{time / n:.0f} ms", f"{usual:.1f} ms")

    def evidence(self):
        """{service: its evidence, the strongest first}"""
        found = collections.defaultdict(list)
        for source in (self.errors(), self.proportions(self.records, "patterns"), self.proportions(self.calls, "spans"), self.latency(), self.outages()):
            for service, e in source:
                found[service].append(e)
        return {s: sorted(all_of, reverse=True) for s, all_of in found.items()}

    def graph(self):
        """{service: those it calls} of these hours, by the service graph."""
        calls = collections.defaultdict(set)
        for labels, value in self.ask(GRAPH % (WINDOW_S * (WINDOWS + 1)), self.spans_at):
            if value > 0 and labels.get("client") != labels.get("server"):
                calls[labels.get("client", "")].add(labels.get("server", ""))
        return calls


def below(service, calls):
    """Those it calls, directly or through others."""
    seen, stack = set(), list(calls.get(service, ()))
    while stack:
        callee = stack.pop()
        if callee not in seen and callee != service:
            seen.add(callee)
            stack += calls.get(callee, ())
    return seen


def suspects(evidence, calls):
    """[(suspicion, service)], the most suspicious first."""
    own = {s: all_of[0].points for s, all_of in evidence.items()}
    ranked = dict(own)
    for service, points in own.items():
        callee = max((own.get(c, 0.0) for c in below(service, calls)), default=0.0)
        if callee >= max(CHANCE, HAND_ON * points):
            ranked[service] = 0.9 * min(points, callee)
    return sorted(((p, s) for s, p in ranked.items()), reverse=True)
