# SPDX-License-Identifier: Apache-2.0
"""Processes are killed at random moments while records flow. Error allowed: none, in every series. WINNOW_SEED repeats a run."""
import signal, time
from torment import FULL, Torment, tearDownModule  # noqa: F401 run.py calls it

KILLS = 50 if FULL else 10     # of each journal's test
SECONDS = 100 if FULL else 40  # of records
LIFE = 3.0 if FULL else 5.0    # longest life of a victim


class Kills(Torment):
    def kill_often(self, journal):
        """kill -9 at random moments, each followed by a start; beside it the naive design, killed at the same moments."""
        self.prometheus()
        flows = self.flow(SECONDS)
        settings = self.settings(journal)
        naive = self.naive()
        for _ in range(KILLS):
            w = self.winnow(settings)
            time.sleep(self.random.uniform(0.2, LIFE))
            self.killed(w)
            naive.kill()
            naive.start()
        truth = self.truth(flows)
        w = self.winnow(settings)
        self.exact(truth, 90, [w])
        self.say_naive(naive, KILLS)
        self.ends_well(w)

    def test_kafka_journal(self):
        """kill -9 over and over with the Kafka journal: every series exact"""
        self.kill_often("kafka")

    def test_file_journal(self):
        """kill -9 over and over with the file journal: every series exact"""
        self.kill_often("file")

    def test_two_instances(self):
        """two instances in one group, one killed and started again: every series exact, no label of an instance"""
        self.prometheus()
        flows = self.flow(SECONDS)
        settings = self.settings("kafka")
        steady = self.winnow(settings)
        for _ in range(30 if FULL else 3):
            other = self.winnow(settings)
            time.sleep(self.random.uniform(1, 4) if FULL else self.random.uniform(3, 9))
            self.killed(other)
        other = self.winnow(settings)
        self.exact(self.truth(flows), 90, [steady, other])

    def test_frozen(self):
        """two instances that freeze in turn for longer than their session: the zombie's work is not counted twice"""
        self.prometheus()
        flows = self.flow(SECONDS)
        settings = self.settings("kafka")
        both = [self.winnow(settings), self.winnow(settings)]
        for n in range(12 if FULL else 4):
            time.sleep(self.random.uniform(2, 4))
            both[n % 2].signal(signal.SIGSTOP)
            time.sleep(self.random.uniform(2.5, 5))
            both[n % 2].signal(signal.SIGCONT)
        self.exact(self.truth(flows), 90, both)
