# SPDX-License-Identifier: Apache-2.0
"""docs/first-alert.md, typed line by line into one shell: install, topic, pattern, rule, objective, alert.

Of the page's own marks: <!-- file: NAME --> makes the fence behind it a file in the shell's folder; <!-- wait: WHAT --> tries the fence's first command until it says what stands there.
`...` alone stands for any lines, within a line for any text; the width of blanks does not count. Other than on the page are the home folder and the ports: 9090 and 9465 may be somebody's.
"""
import os, re, subprocess, sys, threading, time, unittest
from servers import ROOT, Failed, free_ports, run_folder

PAGE = os.path.join(ROOT, "docs", "first-alert.md")
FENCE = re.compile(r"(?:<!-- (?P<mark>file|wait): (?P<argument>[^\n]+?) -->\n)?^```(?P<language>\w*)\n(?P<body>.*?)^```$", flags=re.M | re.S)
DONE = "typed and done"


def commands(body):
    """[(command, [expected line])] of a console fence."""
    found = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def same(expected, got):
    """Whether the lines are those."""
    def even(line):
        return re.sub(" +", " ", re.sub(r"@\[[\d.]+\]", "@[TIME]", line)).strip()
    text = "".join("(?:.*\n)*" if line == "..." else ".*".join(map(re.escape, even(line).split("..."))) + "\n" for line in expected)
    return re.fullmatch(text, "".join(even(line) + "\n" for line in got)) is not None


class Shell:
    """One bash, as a reader has it."""

    def __init__(self, folder):
        self.child = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1, start_new_session=True,
                                      env=dict(os.environ, HOME=folder, WINNOW_SERVERS=os.path.join(folder, "servers")))

    def type(self, command, seconds=180):
        """What it says, line by line."""
        late = threading.Timer(seconds, self.child.kill)
        late.start()
        self.child.stdin.write(f"{command}\necho '{DONE}'\n")
        self.child.stdin.flush()
        said = []
        for line in self.child.stdout:
            if line.rstrip("\n").endswith(DONE):
                late.cancel()
                return said + ([line.rstrip("\n")[:-len(DONE)]] if line.strip() != DONE else [])
            said.append(line.rstrip("\n"))
        raise Failed(f"the shell ended, or took more than {seconds} s, over: {command}\n" + "\n".join(said))

    def end(self):
        self.child.stdin.close()
        self.child.wait(20)


class FirstAlert(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = run_folder("newcomer")
        self.port, self.admin = free_ports(2)
        self.shell = Shell(self.folder)
        self.addCleanup(self.shell.end)
        self.addCleanup(lambda: self.shell.type("kill $(jobs -p) 2>/dev/null; $SOURCE/dev kafka stop"))

    def placed(self, text):
        text = text.replace("localhost:9090", f"127.0.0.1:{self.port}").replace("localhost:9465", f"127.0.0.1:{self.admin}")
        return text.replace("prometheus --config.file", f"prometheus --web.listen-address=127.0.0.1:{self.port} --config.file")

    def write(self, name, body):
        if name == "winnow.yaml":
            body += f"admin: {{listen: \"127.0.0.1:{self.admin}\"}}\n"
        with open(os.path.join(self.folder, "trial", name), "w", encoding="utf-8") as f:
            f.write(self.placed(body))

    def check(self, command, expected, patience):
        end = time.monotonic() + patience
        while True:
            got = self.shell.type(self.placed(command))
            if same(expected, got):
                return
            if time.monotonic() > end:
                self.assertEqual("\n".join(expected), "\n".join(got), command)
            time.sleep(1)

    def test_page(self):
        """docs/first-alert.md: every line typed gives what stands there, from the installation to the first alert"""
        begun, typed = time.monotonic(), 0
        with open(PAGE, encoding="utf-8") as f:
            page = f.read()
        for fence in FENCE.finditer(page):
            if fence["mark"] == "file":
                self.write(fence["argument"], fence["body"])
                continue
            for command, expected in commands(fence["body"]) if fence["language"] == "console" else ():
                self.check(command, expected, 90 if fence["mark"] == "wait" else 0)
                typed += 1
        self.assertGreaterEqual(typed, 24)
        print(f"{typed} lines typed in {time.monotonic() - begun:.0f} s", file=sys.__stderr__)


if __name__ == "__main__":
    unittest.main()
