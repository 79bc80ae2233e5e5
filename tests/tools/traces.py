# SPDX-License-Identifier: Apache-2.0
"""Which trace ids stand in the lines of a pattern? Found by looking at the lines themselves, to judge winnow's exemplars."""
import collections, gzip, json, re

HEAD = re.compile(r"^\S+ +[A-Z]+ +\S+ +TraceID: *([0-9a-f]{32}) +SpanID: *\w* +(.*)$", re.S)
NUMBER = re.compile(r"[0-9a-f]{8,}|\d+")
PLACE = re.compile(r"<[^<>]*>")


def of_lines(path):
    """{service: {text with its numbers blanked: its trace ids}} of container lines that carry a TraceID."""
    found = collections.defaultdict(lambda: collections.defaultdict(set))
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
        for line in f:
            record = json.loads(line)
            m = HEAD.match(record["log"].rstrip("\n"))
            if m and m[2].strip():
                found[record["kubernetes"]["labels"]["app"]][NUMBER.sub("0", m[2].strip())].add(m[1])
    return found


def fits(pieces, text):
    """Do the literal pieces of a template stand in the text, in order, the first at its beginning and the last at its end?"""
    if not text.startswith(pieces[0]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return len(pieces) == 1 and at == len(text) or len(pieces) > 1 and text.endswith(pieces[-1]) and len(text) - len(pieces[-1]) >= at


def of_template(template, texts):
    """Trace ids of the texts that fit a template (places as <...>)."""
    pieces = [NUMBER.sub("0", piece) for piece in PLACE.split(template.strip())]
    ids = set()
    for text, traces in texts.items():
        if fits(pieces, text):
            ids |= traces
    return ids


def of_regex(regex, texts):
    """The same for a rule's regular expression; none if it is cut, or no Python."""
    try:
        compiled = re.compile(re.sub(r"\(\?<(\w+)>", r"(?P<\1>", regex))
    except re.error:
        return set()
    return set().union(*(traces for text, traces in texts.items() if compiled.search(text)))


def judge(prometheus, path, window):
    """(patterns whose lines carry a trace id, those of them with an exemplar that has one of those ids, the others as lines)."""
    lines = of_lines(path)
    exemplars = collections.defaultdict(set)
    for row in prometheus.exemplars("log_pattern_records_total", hours=12):
        labels = row["seriesLabels"]
        exemplars[labels["service_name"], labels["pattern_id"]] |= {e["labels"].get("trace_id", "") for e in row["exemplars"]}
    carrying, good, missing = 0, 0, []
    seen = set()
    for labels, _ in prometheus.query(f"last_over_time(log_pattern_info{window})"):
        key = labels["service_name"], labels["pattern_id"]
        template, texts = labels.get("template", ""), lines.get(key[0], {})
        ids = of_template(template, texts) or (labels.get("origin") == "rule" and of_regex(template, texts))
        if ids and key not in seen:
            seen.add(key)
            carrying += 1
            if ids & exemplars[key]:
                good += 1
            else:
                missing.append(f"{key[0]} {key[1]} {labels['template'][:120]} (exemplars: {sorted(exemplars[key])[:2]})")
    return carrying, good, missing
