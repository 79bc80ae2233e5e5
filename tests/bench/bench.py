#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ratios of winnow against a reference in the same run.

usage: ./dev bench [main] [mining] [rules] [decode]

One line each: name  ours  reference  ratio  unit. Exit 1 if a ratio is under its goal.

main: the whole job, container log lines from a real Kafka (1.6 million, 4 partitions, lz4) to a real Prometheus, with 20 rules, mining, examples and
exemplars on, as messages per CPU second of the process; the reference is a bare librdkafka consumer that touches every payload. Both read the
same topic in turn; the median of the rounds counts.

decode: what a record costs the decoder, by shape, beside simdjson parsing the same bytes without looking at them; OTLP spans per CPU second.

remote-write: encoding and compressing a step's samples in both versions; the reference is snappy on the same bytes.

rules: what a record costs the rule set with 10 to 5,000 rules; the reference is each rule's regex in turn.
"""
import os, statistics, subprocess, sys, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import json
import books
from servers import TOOLS, Failed, Kafka, Prometheus, Winnow, run_folder
from stage import produce, real_files

MESSAGES, ROUNDS = 1_600_000, 3
GOAL_RATIO, GOAL_RSS_MIB = 0.20, 256


def bare(brokers, topic):
    done = subprocess.run([os.path.join(TOOLS, "bare"), brokers, topic], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    result = json.loads(done.stdout)
    if result["messages"] != MESSAGES:
        raise Failed(f"bare read {result['messages']} of {MESSAGES} messages")
    return result["messages"] / result["cpu_seconds"]


def whole(brokers, topic, round_number):
    """One run of winnow to the end: (messages per CPU second, RSS in MiB)."""
    with Prometheus() as prometheus:
        source = {"brokers": brokers, "topics": [topic], "group": f"bench-{round_number}-{os.getpid()}", "start": "earliest"}
        w = Winnow({"sources": [{"kafka": source}], "journal": {"file": os.path.join(run_folder("journal"), "j")}, "rules": [os.path.join(HERE, "rules")],
                    "remote_write": {"url": prometheus.url + "/api/v1/write"}}, ["--until-end"])
        begun = time.monotonic()
        w.start()
        alarm = threading.Timer(300, w.kill)
        alarm.start()
        _, status, usage = os.wait4(w.child.pid, 0)
        alarm.cancel()
        w.child.returncode = os.waitstatus_to_exitcode(status)
        if w.child.returncode != 0:
            raise Failed(f"winnow ended with {w.child.returncode}:\n{w.said()[-2000:]}")
        total = sum(books.totals(prometheus, "logs").values())
        named = sum(books.totals(prometheus, "patterns").values())
        if (total, named) != (MESSAGES, MESSAGES):
            raise Failed(f"{total} records and {named} by pattern in Prometheus, {MESSAGES} were in the topic")
        cpu = usage.ru_utime + usage.ru_stime
        print(f"  round {round_number}: {cpu:.2f} CPU s, {time.monotonic() - begun:.1f} s, {usage.ru_maxrss // 1024} MiB", file=sys.stderr)
        return MESSAGES / cpu, usage.ru_maxrss / 1024


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


def rules():
    return subprocess.run([os.path.join(TOOLS, "..", "bench", "bench_rules")], stdin=subprocess.DEVNULL).returncode == 0


def mining():
    return subprocess.run([os.path.join(TOOLS, "..", "bench", "bench_mining")], stdin=subprocess.DEVNULL).returncode == 0


def decode():
    return subprocess.run([os.path.join(TOOLS, "..", "bench", "bench_decode")], stdin=subprocess.DEVNULL).returncode == 0


def remote_write():
    return subprocess.run([os.path.join(TOOLS, "..", "bench", "bench_remote_write")], stdin=subprocess.DEVNULL).returncode == 0


BENCHES = {"decode": decode, "main": main_job, "mining": mining, "remote-write": remote_write, "rules": rules}


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
