#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the Python tests of a folder, one file after the other, and prints a line for each test and a sum.

usage: run.py FOLDER[,FOLDER...] [WORD...]        only tests whose name holds one of the words

Tests are unittest.TestCase classes in FOLDER/test_*.py; a test's first docstring line is its sentence. A module may define
tearDownModule(). What a test prints is shown only if it fails.
"""
import os, sys, time, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


class Lines(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.buffer = True
        self.out = sys.stdout
        self.passed = self.bad = self.left = 0

    def startTest(self, test):
        self.begun = time.monotonic()
        super().startTest(test)

    def line(self, word, test, more=""):
        seconds = time.monotonic() - getattr(self, "begun", time.monotonic())
        sentence = (test.shortDescription() or test.id()) if hasattr(test, "shortDescription") else str(test)
        print(f"{word} {sentence}{more} ({seconds:.1f} s)", file=self.out, flush=True)

    def addSuccess(self, test):
        self.passed += 1
        self.line("ok", test)

    def fail(self, test, err):
        self.bad += 1
        self._mirrorOutput = True
        said = "".join(s.getvalue() for s in (self._stdout_buffer, self._stderr_buffer) if s)
        self.line("FAILED", test, f"\n{said}{self._exc_info_to_string(err, test)}")

    addError = addFailure = fail

    def addSubTest(self, test, subtest, err):
        if err:
            self.fail(subtest, err)

    def addSkip(self, test, reason):
        self.left += 1
        self.line("skipped", test, f": {reason}")


def main():
    if len(sys.argv) < 2:
        print(__doc__.strip().splitlines()[2], file=sys.stderr)
        return 2
    folders = [os.path.abspath(f) for f in sys.argv[1].split(",")]
    result = Lines()
    suite = unittest.TestSuite(unittest.TestLoader().discover(f, pattern="test_*.py", top_level_dir=f) for f in folders if os.path.isdir(f))

    def pick(part):
        for item in part:
            if isinstance(item, unittest.TestSuite):
                yield from pick(item)
            elif len(sys.argv) == 2 or any(word in item.id() for word in sys.argv[2:]):
                yield item
    unittest.TestSuite(pick(suite)).run(result)
    print(f"{result.passed} passed, {result.bad} failed, {result.left} skipped", flush=True)
    return 1 if result.bad else 0


if __name__ == "__main__":
    sys.exit(main())
