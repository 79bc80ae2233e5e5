# SPDX-License-Identifier: Apache-2.0
"""The list of what the public suite expects of a sender names a proof for every line, and the proofs are there."""
import collections, glob, os, re, unittest
from cases import CASES, NOT, RULE

HERE = os.path.dirname(os.path.abspath(__file__))
UNIT = os.path.join(HERE, "..", "unit")


def read(path):
    with open(path) as f:
        return f.read()


class Cases(unittest.TestCase):
    def tests_here(self):
        found = set()
        for path in glob.glob(os.path.join(HERE, "test_*.py")):
            for block in re.split(r"^(?=class )", read(path), flags=re.M)[1:]:
                name = re.match(r"class (\w+)", block).group(1)
                found |= {f"{name}.{test}" for test in re.findall(r"^    def (test_\w+)", block, flags=re.M)}
        return found

    def proof(self, where, here, rules):
        """What is wrong with a proof, or None."""
        if where.startswith(NOT):
            return None if len(where) > len(NOT) + 10 else "says no reason"
        if where.startswith(RULE):
            return None if where[len(RULE):] in rules else "the receiver has no such rule"
        if ":" not in where:
            return None if where in here else "no such test"
        path, test = where.split(":")
        text = read(os.path.join(UNIT, path))
        return None if f"cmocka_unit_test({test})" in text or f"cmocka_unit_test_setup_teardown({test}" in text else "no such unit test"

    def test_every_line_has_its_proof(self):
        """each expectation of the public suite for senders has a test, a rule that every request is held to, or a reason not to bind"""
        here, rules = self.tests_here(), read(os.path.join(HERE, "..", "tools", "receiver.py"))
        self.assertEqual([(*case, wrong) for case in CASES if (wrong := self.proof(case[3], here, rules))], [])
        self.assertEqual([c for c, n in collections.Counter(case[:2] for case in CASES).items() if n > 1], [])
        self.assertGreaterEqual(len(CASES), 149)

    def test_no_must_is_left_out_lightly(self):
        """what does not bind is about scraped pages, summaries and texts of others"""
        unbound = [case[:2] for case in CASES if case[3].startswith(NOT) and case[2] == "MUST"]
        self.assertEqual(unbound, [("metadata", "line breaks in help"), ("samples", "the values of the page, to the bit"), ("samples", "job and instance")])

    def test_the_document_says_the_same_numbers(self):
        """docs/remote-write.md says how many bind, and how many are proved how"""
        text = read(os.path.join(HERE, "..", "..", "docs", "remote-write.md"))
        unbound = sum(case[3].startswith(NOT) for case in CASES)
        always = sum(case[3].startswith(RULE) for case in CASES)
        self.assertIn(f"{len(CASES)} expectations, {len(CASES) - unbound} bind winnow", text)
        self.assertIn(f"{always} are checked on every request", text)
