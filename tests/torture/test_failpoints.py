# SPDX-License-Identifier: Apache-2.0
"""Every named step of the protocol (src/base/failpoint.h): winnow dies exactly there, is started again, and every series is exact at the end."""
import os, signal, subprocess, time
from servers import BUILD
from stage import kafka, produce_values
from torment import Torment, _kills, only_full, tearDownModule  # noqa: F401

BINARY = os.path.join(BUILD, "failpoints", "winnow")
CRASHED = 77
STEPS = ("request.", "step.", "mark.")
OFTEN = (*STEPS, "delta.", "journal.")    # reached many times in a life: die at one of the first
ONLY_FILE, ONLY_KAFKA = ("journal.",), ("revoke.", "rewind.")
ZOMBIES = 5      # tries to have one append
PATIENCE = 60    # a partition that has nothing to say is waited for for 30 s before a step closes without it


def names():
    said = subprocess.run([BINARY, "version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return said.partition("failpoints:\n")[2].split()


class Failpoints(Torment):
    def walk(self, journal, names):
        self.prometheus()
        flows = self.flow(20 + 3 * len(names))
        settings = self.settings(journal)
        # series begin at the start; a zombie has something to rewind only while records flow
        for name in sorted(names, key=lambda n: (not n.startswith("anchors."), not n.startswith("rewind."))):
            at = self.random.randint(1, 2 if name.startswith(STEPS) else 6) if name.startswith(OFTEN) else 1
            self.die_at(settings, f"{name}:crash@{at}")
        self.exact(self.truth(flows), 90, [self.winnow(settings, binary=BINARY)])

    def die_at(self, settings, where):
        """A zombie may hear that its partitions are another's before it appends anything, and has nothing to rewind then: such a scene is played again."""
        for tries in range(ZOMBIES if where.startswith("rewind.") else 1, 0, -1):
            w, helper = self.bring(settings, where)
            try:
                status = w.child.wait(PATIENCE if tries == 1 else 10)
                break
            except subprocess.TimeoutExpired:
                if tries == 1:
                    self.fail(f"{where} was not reached in {PATIENCE} s; it said:\n{w.said()[-2000:]}")
                for server in (w, helper):
                    self.killed(server)
        self.assertEqual(status, CRASHED, f"{where}: it ended otherwise; it said:\n{w.said()[-2000:]}")
        _kills["winnow"] += 1
        if helper:
            self.killed(helper)

    def bring(self, settings, where):
        """Starts winnow that dies there, and another that takes its partitions where that is needed."""
        w = self.winnow(settings, binary=BINARY, env={"WINNOW_FAIL": where})
        helper = None
        if where.startswith(ONLY_KAFKA):
            self.until(lambda: w.get("/-/ready")[0] == 200, 20, "ready")
            time.sleep(1)
            helper = self.winnow(settings, binary=BINARY)   # takes partitions over
        if where.startswith("rewind."):
            time.sleep(1)
            w.signal(signal.SIGSTOP)
            time.sleep(4)                                   # past its session: what it appends next comes too late
            w.signal(signal.SIGCONT)
        return w, helper

    @only_full
    def test_file_journal(self):
        """winnow dies at every named step, file journal: every series exact"""
        self.walk("file", [n for n in names() if not n.startswith(ONLY_KAFKA)])

    def test_kafka_journal(self):
        """winnow dies at every named step, Kafka journal, rebalances and zombies included: every series exact"""
        self.walk("kafka", [n for n in names() if not n.startswith(ONLY_FILE)])

    def test_fetched_while_assigning(self):
        """what is fetched before the partitions' queues are parted from the consumer's own is counted, though nothing follows it"""
        self.prometheus()
        produce_values(kafka().brokers, self.logs, [b'{"service":"cart","message":"alone %d"}' % n for n in range(3)])
        w = self.winnow(self.settings(topics=[self.logs]), binary=BINARY, env={"WINNOW_FAIL": "assign.before-part:delay=500"})
        self.balanced({"logs": {"cart": 3}}, 30, [w])

    def test_unknown(self):
        """a failpoint that does not exist is refused"""
        self.prometheus(start=False)
        self.prom.url = "http://127.0.0.1:9"
        w = self.winnow(self.settings("file"), binary=BINARY, env={"WINNOW_FAIL": "delta.before-lunch:crash"})
        self.assertEqual(w.child.wait(20), 2)
        self.assertIn("delta.before-lunch", w.said())
