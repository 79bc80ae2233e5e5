#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pictures of what the dashboards show, without Grafana: the same queries, drawn plainly as SVG. For docs/, so that people see what they get.

usage: render.py PROMETHEUS_URL FOLDER [NAME=VALUE...]        for example: render.py http://localhost:9090 docs/pictures service=payment pattern=2ca62d51d70340a4
"""
import html, json, math, os, sys, time, urllib.parse, urllib.request
import build

CELL, ROW, RANGE_S, STEP_S = 50, 34, 1500, 15
COLOURS = "#3f6fb5 #d9822b #3d9970 #c0392b #7d5ba6 #8c6d46 #d66ba0 #6b7280 #a8a235 #2aa1b3".split()
HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def api(url, path, **parameters):
    with HTTP.open(f"{url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=30) as answer:
        return json.load(answer)["data"]["result"]


def text(x, y, words, size=11, colour="#222", weight="normal", anchor="start"):
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{colour}" font-weight="{weight}" text-anchor="{anchor}">{html.escape(str(words))}</text>'


def scaled(value, steps):
    """Value and name in the largest of the units that leaves something before the point: [(size, name)], the smallest first."""
    size, name = next(((n, u) for n, u in reversed(steps) if abs(value) >= n), steps[0])
    return f"{value / size:.4g} {name}".strip()


SCALES = {"ms": [(1, "ms"), (1000, "s"), (60000, "min")], "s": [(0.001, "ms"), (1, "s"), (60, "min"), (3600, "h")], "bytes": [(1, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")],
          "Bps": [(1, "B/s"), (1e3, "kB/s"), (1e6, "MB/s"), (1e9, "GB/s")], "reqps": [(1, "/s")], "short": [(1, ""), (1e6, "M"), (1e9, "G")]}


def number(value, unit, decimals=None):
    if value != value:
        return "-"
    if unit == "percentunit":
        return f"{100 * value:,.2f} %"
    if unit == "short" and (decimals is not None or 1000 <= abs(value) < 1e6):
        return f"{value:,.{decimals or 0}f}"
    return scaled(value, SCALES[unit]) if value else "0"


def cut(words, width, size):
    """What of the words a line of that width holds."""
    most = int(width / (0.6 * size))
    return words if len(words) <= most else words[:max(0, most - 1)] + "\u2026"


def legend(template, labels):
    for name, value in labels.items():
        template = template.replace("{{" + name + "}}", value)
    return template.split("{{")[0].strip() or " ".join(v for k, v in labels.items() if k != "__name__")


class Picture:
    def __init__(self, url, variables):
        self.url, self.now = url, time.time()
        self.variables = dict({"$__rate_interval": "1m", "$__range": "25m", "$__interval": "15s"}, **{"$" + k: v for k, v in variables.items()})

    def fill(self, words):
        for name, value in self.variables.items():
            words = words.replace(name, value)
        return words

    def series(self, panel):
        out = []
        for query, template in panel.queries:
            for row in api(self.url, "query_range", query=self.fill(query), start=self.now - RANGE_S, end=self.now, step=STEP_S):
                points = [(t, float(v)) for t, v in row["values"]]
                out.append((legend(template, row["metric"]), [p for p in points if math.isfinite(p[1])]))
        return sorted((s for s in out if s[1]), key=lambda s: -s[1][-1][1])[:10]

    def graph(self, panel, x, y, w, h):
        series, out = self.series(panel), []
        if not series:
            return [text(x + w / 2, y + h / 2, "no data", 12, "#999", anchor="middle")]
        shown = max(1, min(len(series), int((h - 122) / 14)))
        top = max(v for _, points in series for _, v in points) or 1.0
        left, bottom, height = x + 70, y + h - 32 - 14 * shown, h - 68 - 14 * shown
        for part in (0, 0.5, 1):
            at = bottom - part * height
            out.append(f'<line x1="{left:.0f}" y1="{at:.0f}" x2="{x + w - 12:.0f}" y2="{at:.0f}" stroke="#e5e5e5"/>' + text(left - 6, at + 4, number(top * part, panel.unit), 10, "#777", anchor="end"))
        for part, anchor in ((0, "start"), (0.5, "middle"), (1, "end")):
            at = time.strftime("%H:%M", time.gmtime(self.now - (1 - part) * RANGE_S))
            out.append(text(left + part * (x + w - 12 - left), bottom + 12, at, 9, "#999", anchor=anchor))
        for i, (name, points) in enumerate(series):
            place = lambda p: f"{left + (p[0] - self.now + RANGE_S) / RANGE_S * (x + w - 12 - left):.1f},{bottom - p[1] / top * height:.1f}"
            out.append(f'<polyline fill="none" stroke="{COLOURS[i]}" stroke-width="1.5" points="{" ".join(map(place, points))}"/>')
            if i < shown:
                out.append(text(x + 14, bottom + 30 + 14 * i, "\u2014 " + cut(name, w - 110, 10), 10, COLOURS[i]) + text(x + w - 14, bottom + 30 + 14 * i, number(points[-1][1], panel.unit), 10, "#444", anchor="end"))
        return out

    def table(self, panel, x, y, w, h):
        rows = [(r["metric"], float(r["value"][1])) for r in api(self.url, "query", query=self.fill(panel.queries[0][0]), time=self.now)]
        out = [] if rows else [text(x + w / 2, y + h / 2, "no data", 12, "#999", anchor="middle")]
        for i, (labels, value) in enumerate(sorted(rows, key=lambda r: -r[1] if r[1] == r[1] else 0)[:int((h - 40) / 17)]):
            words = "   ".join(v for k, v in sorted(labels.items(), key=lambda kv: kv[0] == "template") if k not in ("__name__", "origin") and v)
            out.append(text(x + 12, y + 46 + 17 * i, cut(words, w - 90, 10.5), 11, "#333") + text(x + w - 12, y + 46 + 17 * i, number(value, panel.unit, panel.decimals), 11, "#111", "bold", "end"))
        return out

    def stat(self, panel, x, y, w, h):
        rows = api(self.url, "query", query=self.fill(panel.queries[0][0]), time=self.now)
        value = float(rows[0]["value"][1]) if rows else float("nan")
        bad = panel.bad_above is not None and value >= panel.bad_above
        return [text(x + w / 2, y + h / 2 + 18, number(value, panel.unit, panel.decimals), 26, "#c0392b" if bad else "#2b7a4b", "bold", "middle")]

    def panel(self, panel, x, y, w, h):
        draw = {"timeseries": self.graph, "table": self.table, "stat": self.stat}[panel.kind]
        frame = f'<rect x="{x + 3}" y="{y + 3}" width="{w - 6}" height="{h - 6}" rx="4" fill="#fff" stroke="#ddd"/>'
        return [frame, text(x + 12, y + 22, cut(self.fill(panel.title), w - 20, 12.5), 12, "#222", "bold"), *draw(panel, x, y, w, h)]

    def board(self, title, rows):
        out, y = [text(12, 26, title, 17, "#111", "bold")], 40
        for name, row in rows:
            drawn = [p for p in row if not p.optional or any(api(self.url, "query", query=self.fill(q), time=self.now) for q, _ in p.queries)]
            if not drawn:
                continue
            out.append(text(12, y + 20, "\u25be " + self.fill(name), 13, "#555", "bold"))
            y, x, tallest = y + 30, 0, 0
            for p in drawn:
                w, h = p.width * CELL, p.height * ROW
                if x + w > 24 * CELL:
                    x, y, tallest = 0, y + tallest, 0
                out += self.panel(p, x, y, w, h)
                x, tallest = x + w, max(tallest, h)
            y += tallest
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {24 * CELL} {y + 12}" font-family="sans-serif"><rect width="100%" height="100%" fill="#f6f6f4"/>' + "\n".join(out) + "</svg>\n")


def main():
    if len(sys.argv) < 3:
        print(__doc__.strip().splitlines()[2], file=sys.stderr)
        return 2
    picture = Picture(sys.argv[1].rstrip("/"), dict(pair.split("=", 1) for pair in sys.argv[3:]))
    os.makedirs(sys.argv[2], exist_ok=True)
    for uid, title, rows, _ in build.LEVELS:
        path = os.path.join(sys.argv[2], uid + ".svg")
        with open(path, "w", encoding="utf-8") as f:
            f.write(picture.board(title, rows))
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
