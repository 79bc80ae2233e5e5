#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs ctest in a build folder and counts its tests as the other parts do.

usage: ctest.py BUILD_FOLDER [CTEST_ARGUMENT...]
"""
import os, subprocess, sys, tempfile, xml.etree.ElementTree as xml


def main():
    if len(sys.argv) < 2:
        print(__doc__.strip().splitlines()[-1], file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "junit.xml")
        subprocess.run(["ctest", "--test-dir", sys.argv[1], "-j2", "--quiet", "--timeout", "300", "--output-junit", report, *sys.argv[2:]],
                       stdin=subprocess.DEVNULL)
        cases = xml.parse(report).getroot().findall("testcase") if os.path.exists(report) else []
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case in cases:
        outcome = {"run": "passed", "notrun": "skipped", "disabled": "skipped"}.get(case.get("status"), "failed")
        counts[outcome] += 1
        if outcome == "skipped":
            print(f"skipped {case.get('name')}: {(case.findtext('skipped') or 'said so')}")
        if outcome == "failed":
            print(f"FAILED {case.get('name')}\n{(case.findtext('system-out') or '').strip()}")
    print(", ".join(f"{number} {word}" for word, number in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
