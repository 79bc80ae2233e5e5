# SPDX-License-Identifier: Apache-2.0
"""What the documents say a user types and sees: every transcript is typed again, and what comes out must be what stands there.

In a document, <!-- file: NAME --> before a code fence makes it a file, and in a ```console fence a line that starts with `$ ` is typed (a line that ends
in a backslash goes on in the next), the lines behind it are its output, both streams together. `...` alone stands for any lines. Servers that a reader starts in a second terminal (`prometheus`) are real
and run until the end of the document. <!-- not run: WHY --> before a fence leaves it out. Times are not compared, ports are other ones.
"""
import os, re, shutil, subprocess, sys, time, unittest
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tools"))
from servers import BUILD, ROOT, Prometheus, free_ports, run_folder

FENCE = re.compile(r"(?:<!-- (?P<directive>[a-z ]+): (?P<argument>[^\n]+?) -->\n)?^```(?P<language>\w*)\n(?P<body>.*?)^```$", flags=re.M | re.S)
TIMES = [(re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"), (re.compile(r"@\[\d+(\.\d+)?\]"), "@[TIME]")]


def plain(line):
    for pattern, word in TIMES:
        line = pattern.sub(word, line)
    return line.rstrip()


def same(expected, got):
    """Whether the lines are those, where `...` is any number of lines."""
    if not expected:
        return not got
    if expected[0] == "...":
        return any(same(expected[1:], got[i:]) for i in range(len(got) + 1))
    return bool(got) and expected[0] == got[0] and same(expected[1:], got[1:])


def commands(body):
    """[(command, [expected line])] of a console fence."""
    found = []
    for line in body.splitlines():
        if found and found[-1][0].endswith("\\\n"):
            found[-1][0] += line + ("\n" if line.endswith("\\") else "")
        elif line.startswith("$ "):
            found.append([line[2:] + ("\n" if line.endswith("\\") else ""), []])
        elif found:
            found[-1][1].append(line)
    return found


class Transcripts(unittest.TestCase):
    maxDiff = None

    def play(self, path):
        """Types the whole document in a folder of its own; returns how many commands it typed."""
        self.folder = run_folder("transcript")
        self.prometheus = None
        self.port, self.admin = free_ports(2)
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            document = f.read()
        typed = 0
        for fence in FENCE.finditer(document):
            line = document.count("\n", 0, fence.start("body")) + 1
            if fence["directive"] == "file":
                self.write(fence["argument"], fence["body"])
            elif fence["language"] == "console" and fence["directive"] != "not run":
                for command, expected in commands(fence["body"]):
                    with self.subTest(f"{path}:{line}: {command}"):
                        self.type(command, expected)
                        typed += 1
        return typed

    def write(self, name, body):
        if os.path.basename(name) == "winnow.yaml" and "admin:" not in body:
            body += f"admin: {{listen: \"127.0.0.1:{self.admin}\"}}\n"
        target = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8") as f:
            f.write(self.placed(body))

    def placed(self, text):
        """With the addresses of this run."""
        text = text.replace("localhost:9090", f"127.0.0.1:{self.port}").replace("127.0.0.1:9465", f"127.0.0.1:{self.admin}")
        return text.replace("tests/tools/", os.path.join(ROOT, "tests", "tools") + "/")

    def type(self, command, expected):
        if command.startswith("prometheus "):
            self.start_prometheus()
            return
        binary = os.path.dirname(shutil.which("winnow", path=os.path.join(BUILD, os.environ.get("WINNOW_PRESET", "release"))) or self.fail("winnow is not built"))
        done = subprocess.run(["bash", "-c", self.placed(command)], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
                              env=dict(os.environ, PATH=binary + ":" + os.environ["PATH"]))
        got = [plain(line) for line in done.stdout.splitlines()]
        if not same([plain(line) for line in expected], got):
            self.assertEqual("\n".join(expected), "\n".join(got))

    def start_prometheus(self):
        server = Prometheus()
        server.port = self.port
        self.addCleanup(server.stop)
        server.start()

    def test_tutorial(self):
        """docs/tutorial.md: from a new log line to its metric in a real Prometheus, in under five minutes"""
        begun = time.monotonic()
        self.assertGreaterEqual(self.play("docs/tutorial.md"), 10)
        self.assertLess(time.monotonic() - begun, 300)

    def test_first_steps(self):
        """docs/first-steps.md: every command gives what stands there"""
        self.assertGreaterEqual(self.play("docs/first-steps.md"), 8)
