# SPDX-License-Identifier: Apache-2.0
"""Processes are killed at random moments while records flow. Error allowed: none, in every series. WINNOW_SEED repeats a run."""
import os, random, signal, sys, time
from stage import Stage

SECONDS = 40       # of records


class Kills(Stage):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("WINNOW_SEED", time.time_ns() % 10**6))
        self.random = random.Random(self.seed)
        print(f"WINNOW_SEED={self.seed}", file=sys.stderr)

    def killed(self, journal):
        """Ten kill -9 at random moments, each followed by a start."""
        self.prometheus()
        flows = self.replay(SECONDS)
        settings = self.settings(journal)
        for _ in range(10):
            w = self.winnow(settings)
            time.sleep(self.random.uniform(0.2, 5))
            self.assertTrue(w.alive(), f"it ended by itself, seed {self.seed}: {w.said()[-2000:]}")
            w.kill()
        truth = self.replayed(flows)
        w = self.winnow(settings)
        self.balanced(truth, 90, [w])
        self.ends_well(w)

    def test_kafka_journal(self):
        """ten kill -9 with the Kafka journal: every total exact"""
        self.killed("kafka")

    def test_file_journal(self):
        """ten kill -9 with the file journal: every total exact"""
        self.killed("file")

    def test_two_instances(self):
        """two instances in one group, one killed and started again three times: every total exact, no label of an instance"""
        self.prometheus()
        flows = self.replay(SECONDS)
        settings = self.settings("kafka")
        steady = self.winnow(settings)
        for _ in range(3):
            other = self.winnow(settings)
            time.sleep(self.random.uniform(3, 9))
            other.kill()
        other = self.winnow(settings)
        truth = self.replayed(flows)
        self.balanced(truth, 90, [steady, other])

    def test_frozen(self):
        """two instances that freeze in turn for longer than their session: the zombie's work is not counted twice"""
        self.prometheus()
        flows = self.replay(SECONDS)
        settings = self.settings("kafka")
        both = [self.winnow(settings), self.winnow(settings)]
        for n in range(4):
            time.sleep(self.random.uniform(2, 4))
            both[n % 2].signal(signal.SIGSTOP)
            time.sleep(self.random.uniform(2.5, 5))
            both[n % 2].signal(signal.SIGCONT)
        self.balanced(self.replayed(flows), 90, both)
