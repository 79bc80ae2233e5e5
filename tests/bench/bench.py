#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ratios of winnow against a reference in the same run.

usage: ./dev bench [main] [mining] [scale] [rules] [main-rules] [remote-write] [decode] [spans] [sampling]

One line each: name  ours  reference  ratio  unit. Exit 1 if a ratio is under its goal.

main: the whole job, container log lines from a real Kafka (1.6 million, 4 partitions, lz4) to a real Prometheus, with 20 rules, mining, examples and
exemplars on, as messages per CPU second of the process; the reference is a bare librdkafka consumer that touches every payload. Both read the
same topic in turn; the median of the rounds counts.

decode: what a record costs the decoder, by shape, beside simdjson parsing the same bytes without looking at them; OTLP spans per CPU second.

spans: real spans (a day of them at a hundred times its pace, 16 times over) from a real Kafka to a real Prometheus as OTLP/JSON and as OTLP protobuf, spans per CPU
second of the process; the reference is the bare consumer on the same messages. Then, without Kafka, what edges between services of any kind cost, where every span is looked up under its parent.

sampling: what tail sampling adds to the work on spans, and what a million undecided traces take.

main-rules: the same job with 100 rules, its reference the same job without any, first and second in turn; the median of nine pairs.

remote-write: encoding and compressing a step's samples in both versions; the reference is snappy on the same bytes.

scale: what it costs to be one of 200 instances, and to start from a snapshot of 200,000 series and 50,000 patterns; the reference is inflating the same bytes.

rules: what a record costs the rule set with 10 to 5,000 rules; the reference is each rule's regex in turn.
"""
import os, statistics, subprocess, sys, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import json
import books, spans
from servers import TOOLS, Failed, Kafka, Prometheus, Winnow, run_folder
from stage import produce, real_files

MESSAGES, ROUNDS = 1_600_000, 3
PAIRS = 9    # a run differs by 5 % from the next, and what is looked for is that small
SPAN_REPEATS, PACE = 16, 100    # of 321,068 real spans; what takes a day to come is a job of few spans and many steps
SPAN_GOALS = {"json": 2_200_000, "proto": 4_000_000}
GOAL_RATIO, GOAL_RSS_MIB, GOAL_RULES = 0.20, 256, 0.90


def bare(brokers, topic, expected=MESSAGES):
    done = subprocess.run([os.path.join(TOOLS, "bare"), brokers, topic], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    result = json.loads(done.stdout)
    if result["messages"] != expected:
        raise Failed(f"bare read {result['messages']} of {expected} messages")
    return result["messages"] / result["cpu_seconds"]


def run_out(brokers, topic, prometheus, number, **settings):
    """One run of winnow to the end: (CPU seconds, RSS in MiB)."""
    source = {"brokers": brokers, "topics": [topic], "group": f"bench-{number}-{os.getpid()}", "start": "earliest"}
    w = Winnow({"sources": [{"kafka": source}], "journal": {"file": os.path.join(run_folder("journal"), "j")},
                "remote_write": {"url": prometheus.url + "/api/v1/write"}, **settings}, ["--until-end"])
    begun = time.monotonic()
    w.start()
    alarm = threading.Timer(300, w.kill)
    alarm.start()
    _, status, usage = os.wait4(w.child.pid, 0)
    alarm.cancel()
    w.child.returncode = os.waitstatus_to_exitcode(status)
    if w.child.returncode != 0:
        raise Failed(f"winnow ended with {w.child.returncode}:\n{w.said()[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    print(f"  round {number}: {cpu:.2f} CPU s, {time.monotonic() - begun:.1f} s, {usage.ru_maxrss // 1024} MiB", file=sys.stderr)
    return cpu, usage.ru_maxrss / 1024


def whole(brokers, topic, round_number, rules=(os.path.join(HERE, "rules"),)):
    """One run of winnow to the end: (messages per CPU second, RSS in MiB)."""
    with Prometheus() as prometheus:
        cpu, rss = run_out(brokers, topic, prometheus, round_number, rules=list(rules))
        total = sum(books.totals(prometheus, "logs").values())
        named = sum(books.totals(prometheus, "patterns").values())
        if (total, named) != (MESSAGES, MESSAGES):
            raise Failed(f"{total} records and {named} by pattern in Prometheus, {MESSAGES} were in the topic")
        return MESSAGES / cpu, rss


def main_job():
    folder, suffix = real_files()
    with Kafka() as kafka:
        produce(kafka.brokers, "logs", os.path.join(folder, "logs.jsonl" + suffix), "-T", "-r", 100, "-u", MESSAGES)
        ours, reference, rss = [], [], []
        for n in range(ROUNDS):
            reference.append(bare(kafka.brokers, "logs"))
            rate, size = whole(kafka.brokers, "logs", n)
            ours.append(rate)
            rss.append(size)
    a, b = statistics.median(ours), statistics.median(reference)
    print(f"main  {a:,.0f}  {b:,.0f}  {a / b:.3f}  messages per CPU second (goal {GOAL_RATIO:.2f})")
    print(f"main.rss  {max(rss):.0f}  {GOAL_RSS_MIB}  {max(rss) / GOAL_RSS_MIB:.2f}  MiB (goal at most {GOAL_RSS_MIB})")
    return a / b >= GOAL_RATIO and max(rss) <= GOAL_RSS_MIB


def hundred_rules():
    """The twenty of the main job, which match, and eighty of a program that is not in the logs."""
    folder = run_folder("rules")
    words = ["order", "parcel", "voucher", "refund", "review", "invoice", "stock", "login"], ["accepted", "rejected", "queued", "sent", "lost", "moved", "merged", "closed", "opened", "dropped"]
    with open(os.path.join(folder, "eighty.yaml"), "w") as f:
        f.write("rules:\n")
        f.writelines(f'  - {{name: {a}_{b}, match: "{a} <id:word> was {b} by the back office after <took:duration>: <reason:rest>", duration: {{from: took}}}}\n' for a in words[0] for b in words[1])
    return os.path.join(HERE, "rules"), folder


def main_rules():
    folder, suffix = real_files()
    with Kafka() as kafka:
        produce(kafka.brokers, "logs", os.path.join(folder, "logs.jsonl" + suffix), "-T", "-r", 100, "-u", MESSAGES)
        hundred = hundred_rules()
        rates = {(): [], hundred: []}
        for n in range(PAIRS):
            for rules in ((), hundred) if n % 2 else (hundred, ()):
                rates[rules].append(whole(kafka.brokers, "logs", f"{n}-{len(rules)}", rules)[0])
    none, hundred = rates.values()
    ratio = statistics.median(b / a for a, b in zip(none, hundred))    # of runs one behind the other: the machine changes its pace
    print(f"main-rules  {statistics.median(hundred):,.0f}  {statistics.median(none):,.0f}  {ratio:.3f}  messages per CPU second with 100 rules against none (goal {GOAL_RULES:.2f})")
    return ratio >= GOAL_RULES


def rules():
    return subprocess.run([os.path.join(TOOLS, "..", "bench", "bench_rules")], stdin=subprocess.DEVNULL).returncode == 0


def whole_spans(brokers, topic, number, expected):
    with Prometheus() as prometheus:
        cpu, _ = run_out(brokers, topic, prometheus, number)
        total = sum(books.totals(prometheus, "spans").values())
        if total != expected:
            raise Failed(f"{total} spans in Prometheus, {expected} were in the topic")
        return expected / cpu


def spans_in_process(path, *options):
    """Spans per CPU second of the best round."""
    out = subprocess.run([os.path.join(TOOLS, "..", "bench", "bench_spans"), *options, path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, text=True).stdout
    return max(float(line.split(", ")[2].split()[0]) * 1e6 for line in out.splitlines())


def span_files():
    """The messages of the day's spans as they are, their time moved to now, in both encodings: [(name, path, options of produce)], and how many messages and spans."""
    data, suffix = real_files()
    path, folder = os.path.join(data, "spans.jsonl" + suffix), run_folder("spans")
    day = list(spans.resources(path))
    last, now = max(int(s["endTimeUnixNano"]) for _, _, list_of in day for s in list_of), time.time_ns()
    messages = count = 0
    with open(os.path.join(folder, "json"), "wb") as as_json, open(os.path.join(folder, "proto"), "wb") as as_proto:
        for service, resource, list_of in day:
            for s in list_of:
                start, end = int(s["startTimeUnixNano"]), int(s["endTimeUnixNano"])
                moved = now - (last - end) // PACE
                s["startTimeUnixNano"], s["endTimeUnixNano"] = str(moved - (end - start)), str(moved)
            for out, value in ((as_json, next(spans.lines([(service, resource, None, list_of)])).encode()), (as_proto, spans.batch_proto(resource, list_of))):
                out.write(b"%d\n%s" % (len(value), value))
            messages += 1
            count += len(list_of)
    return folder, messages, count


def spans_job():
    folder, messages, count = span_files()
    ok = True
    with Kafka() as kafka:
        for name, goal in SPAN_GOALS.items():
            produce(kafka.brokers, name, os.path.join(folder, name), "-l", "-r", SPAN_REPEATS)
            rates = {"bare": [], "whole": []}
            for n in range(ROUNDS):
                rates["bare"].append(bare(kafka.brokers, name, messages * SPAN_REPEATS) * count / messages)
                rates["whole"].append(whole_spans(kafka.brokers, name, f"{n}-{name}", count * SPAN_REPEATS))
            b, ours = (statistics.median(rates[k]) for k in rates)
            print(f"spans.{name}  {ours:,.0f}  {b:,.0f}  {ours / b:.3f}  spans per CPU second beside a bare consumer (goal {goal:,})")
            print(f"spans.{name}.goal  {ours:,.0f}  {goal:,}  {ours / goal:.2f}  spans per CPU second")
            ok &= ours >= goal
        for name in SPAN_GOALS:
            kinds, services = (spans_in_process(os.path.join(folder, name), *options) for options in ((), ("-s",)))
            print(f"spans.{name}.services  {services:,.0f}  {kinds:,.0f}  {services / kinds:.3f}  spans per CPU second without Kafka, edges of services of any kind beside those of kinds")
    return ok


def mining():
    return subprocess.run([os.path.join(TOOLS, "..", "bench", "bench_mining")], stdin=subprocess.DEVNULL).returncode == 0


def sampling():
    return subprocess.run([os.path.join(TOOLS, "..", "bench", "bench_sampling")], stdin=subprocess.DEVNULL).returncode == 0


def decode():
    return subprocess.run([os.path.join(TOOLS, "..", "bench", "bench_decode")], stdin=subprocess.DEVNULL).returncode == 0


def scale():
    return subprocess.run([os.path.join(TOOLS, "..", "bench", "bench_scale")], stdin=subprocess.DEVNULL).returncode == 0


def remote_write():
    return subprocess.run([os.path.join(TOOLS, "..", "bench", "bench_remote_write")], stdin=subprocess.DEVNULL).returncode == 0


BENCHES = {"decode": decode, "main": main_job, "main-rules": main_rules, "mining": mining, "remote-write": remote_write, "rules": rules, "sampling": sampling, "scale": scale,
    "spans": spans_job}


def main():
    names = sys.argv[1:] or list(BENCHES)
    if set(names) - set(BENCHES):
        print(f"bench: no such bench; there are: {' '.join(BENCHES)}", file=sys.stderr)
        return 2
    try:
        return 0 if all([BENCHES[name]() for name in names]) else 1
    except Failed as e:
        print(f"bench: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
