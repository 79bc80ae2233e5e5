# SPDX-License-Identifier: Apache-2.0
"""The house rules that a machine can check: rooms, sizes, banned calls, first lines. Every finding is a line `file:line: what`."""
import os, re, subprocess, unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FUNCTION_LINES, COMPLEXITY, FILE_LINES = 80, 15, 800
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|atoi|atol|atof|strtok|gets|alloca)\s*\(")
SHELL = re.compile(r"\b(system|popen)\s*\(")        # a bench may start a program, winnow never
CODE = (".c", ".h", ".cc")
COMMENTED = CODE + (".py", ".sh", ".cmake", ".yaml", ".yml")


def tracked():
    """Files under version control, and new ones not ignored, so that a finding comes before the commit."""
    out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return sorted(p for p in out.stdout.decode().split("\0") if p and os.path.isfile(os.path.join(ROOT, p)))


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="surrogateescape") as f:
        return f.read()


def without_comments(source):
    """C source with comments and literals blanked, every line still where it was."""
    blank = lambda m: re.sub(r"[^\n]", " ", m[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, source, flags=re.S)


def includes(path):
    """[(line, name)] of the includes in quotes."""
    return [(n, m[1]) for n, line in enumerate(text(path).splitlines(), 1) if (m := re.match(r'\s*#\s*include\s+"([^"]+)"', line))]


def rooms():
    allowed = {}
    for line in text("src/LAYERS").splitlines():
        if line and not line.startswith("#"):
            room, _, rest = line.partition(":")
            allowed[room] = set(rest.split()) | {room}
    return allowed


class House(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = tracked()
        cls.code = [p for p in cls.files if p.endswith(CODE)]

    def none(self, findings):
        if findings:
            self.fail("\n" + "\n".join(findings))

    def test_layers(self):
        """a room includes only the rooms its line in src/LAYERS names"""
        allowed, found = rooms(), []
        for path in (p for p in self.code if p.startswith("src/")):
            room = path.split("/")[1]
            for n, name in includes(path):
                other = name.split("/")[0] if "/" in name else room
                if room not in allowed:
                    found.append(f"{path}:{n}: room {room} is not in src/LAYERS")
                elif other in allowed and other not in allowed[room]:
                    found.append(f"{path}:{n}: {room} must not include {name}: src/LAYERS allows {' '.join(sorted(allowed[room]))}")
                elif not os.path.exists(os.path.join(ROOT, "src", name)) and not os.path.exists(os.path.join(ROOT, "include", name)):
                    found.append(f"{path}:{n}: no such header: {name} (write it as room/file.h)")
        self.none(found)

    def test_layers_have_order(self):
        """src/LAYERS is a stack: a room names only rooms above its line in the file"""
        found, seen = [], set()
        for room, others in rooms().items():
            found += [f"src/LAYERS: {room} names {o}, which comes later" for o in sorted(others - {room} - seen)]
            seen.add(room)
        self.none(found)

    def test_no_circles(self):
        """no two files include each other, directly or on a way round"""
        graph = {p: [(n, "src/" + name) for n, name in includes(p) if os.path.exists(os.path.join(ROOT, "src", name))]
                 for p in self.code if p.startswith("src/")}
        found, done = [], set()

        def visit(path, way):
            if path in way:
                found.append(f"{path}:1: circle: {' -> '.join(way[way.index(path):] + [path])}")
            elif path not in done:
                for _, other in graph.get(path, []):
                    visit(other, way + [path])
                done.add(path)
        for path in sorted(graph):
            visit(path, [])
        self.none(found)

    def test_functions(self):
        """no function is longer than 80 lines or more complex than 15"""
        paths = [p for p in self.code if p.endswith((".c", ".cc"))]
        out = subprocess.run(["pmccabe", *paths], cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        found = []
        for line in out.stdout.splitlines():
            modified, _, _, first, lines, where = line.split("\t")[:6]
            name = where.split(": ")[-1]
            file = where.split("(")[0]
            # table tests and the like are data, but a function is a function
            if int(lines) > FUNCTION_LINES:
                found.append(f"{file}:{first}: {name} has {lines} lines (at most {FUNCTION_LINES})")
            if int(modified) > COMPLEXITY:
                found.append(f"{file}:{first}: {name} has complexity {modified} (at most {COMPLEXITY})")
        self.none(found)

    def test_file_length(self):
        """no file of code is longer than 800 lines"""
        self.none([f"{p}:{n}: {n} lines (at most {FILE_LINES})" for p in self.files if p.endswith(CODE + (".py",)) and (n := text(p).count("\n")) > FILE_LINES])

    def test_spdx(self):
        """every file of code names its licence in the first lines"""
        self.none([f"{p}:1: no SPDX-License-Identifier: Apache-2.0 in the first two lines" for p in self.files
                   if (p.endswith(CODE + (".py", ".sh")) or p in ("dev", ".ci/run"))
                   and "SPDX-License-Identifier: Apache-2.0" not in "\n".join(text(p).splitlines()[:2])])

    def test_no_later(self):
        """nothing is left for later in a comment: that is what issues are for"""
        word = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")
        self.none([f"{p}:{n}: {m[0]}" for p in self.files if p.endswith(COMMENTED) or p == "dev"
                   for n, line in enumerate(text(p).splitlines(), 1) if (m := word.search(line)) and "mktemp" not in line])

    def test_banned(self):
        """no call that overflows, guesses or starts a shell"""
        self.none([f"{p}:{n}: {m[1]}()" for p in self.code for n, line in enumerate(without_comments(text(p)).splitlines(), 1)
                   if (m := BANNED.search(line) or p.startswith("src/") and SHELL.search(line)) and not line.lstrip().startswith("#")])

    def test_one_label(self):
        """a function has at most one cleanup label, and it is called out"""
        label = re.compile(r"^(?!default\b)([a-z_]+):(?!:)\s*$")
        found = []
        for p in (p for p in self.code if p.startswith("src/") and p.endswith(".c")):
            seen = None
            for n, line in enumerate(without_comments(text(p)).splitlines(), 1):
                seen = None if line.startswith("}") else seen
                if m := label.match(line.strip()):
                    if m[1] != "out" or seen:
                        found.append(f"{p}:{n}: label {m[1]}" + (f", after one in line {seen}" if seen else ": name it out"))
                    seen = n
        self.none(found)

    def test_headers(self):
        """every header compiles alone and has its guard"""
        headers = [p for p in self.code if p.endswith(".h") and p.startswith(("src/", "include/"))]
        found = [f"{p}:1: no include guard" for p in headers if not re.search(r"#ifndef (WINNOW_\w+_H)\n#define \1\n", text(p))]
        flags = ["-std=gnu11", "-D_GNU_SOURCE", "-Isrc", "-Iinclude", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c"]
        for p in headers:
            one = subprocess.run(["gcc", *flags, "-include", p, "/dev/null"], cwd=ROOT, stderr=subprocess.PIPE, text=True)
            if one.returncode != 0:
                found.append(f"{p}:1: does not compile alone: {one.stderr.strip().splitlines()[0]}")
        self.none(found)

    def test_machine_paths(self):
        """no path of somebody's machine"""
        path = re.compile(r"(?<![\w.}])/(work|home|root|Users)/\w")
        self.none([f"{p}:{n}: {line.strip()[:100]}" for p in self.files if not p.startswith(("fixtures/", "patterns/", "tests/unit/record/")) and p != "LICENSE"
                   for n, line in enumerate(text(p).splitlines(), 1) if path.search(line)])

    def test_shell(self):
        """shellcheck finds nothing in the shell scripts"""
        scripts = [p for p in self.files if p.endswith(".sh") or text(p)[:16].startswith(("#!/bin/bash", "#!/bin/sh"))]
        out = subprocess.run(["shellcheck", "-f", "gcc", *scripts], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.none(out.stdout.splitlines())


if __name__ == "__main__":
    unittest.main()
