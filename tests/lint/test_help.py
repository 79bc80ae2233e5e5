# SPDX-License-Identifier: Apache-2.0
"""What users read: the help of every command, and the documents' links and configurations."""
import os, re, shutil, subprocess, tempfile, unittest
from test_docker import ROOT, winnow

WIDTH, LINES = 100, 40


def run(*arguments, **more):
    return subprocess.run([winnow(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30, **more)


def documents():
    out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return sorted(p for p in out.stdout.decode().split("\0") if p and os.path.exists(os.path.join(ROOT, p)))


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def fences(path, language):
    """[(line, text)] of the code fences in a language."""
    whole = text(path)
    return [(whole.count("\n", 0, m.start()) + 2, m[1]) for m in re.finditer(rf"^```{language}\n(.*?)^```$", whole, flags=re.M | re.S)]


class Help(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.commands = re.findall(r"^  ([a-z]+)  +\S", run("--help").stdout.split("\n\nwinnow COMMAND")[0], flags=re.M)

    def test_all(self):
        """winnow --help exits with 0, fits one screen, and names the commands that there are"""
        done = run("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(os.path.join(ROOT, "src/app/command.c"), encoding="utf-8") as f:
            table = re.search(r"commands\[\] = \{(.*?)NULL", f.read(), flags=re.S)[1]
        self.assertEqual(self.commands, re.findall(r"cmd_(\w+)", table))
        self.fits("winnow", done.stdout)

    def fits(self, name, said):
        lines = said.splitlines()
        self.assertLessEqual(len(lines), LINES, f"{name}: lines")
        for line in lines:
            self.assertLessEqual(len(line), WIDTH, f"{name}: {line}")

    def test_each(self):
        """the help of every command exits with 0, fits one screen, and has an example"""
        for name in self.commands:
            with self.subTest(name):
                done = run(name, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertRegex(done.stdout, rf"\Ausage: winnow {name}\b")
                self.assertRegex(done.stdout, rf"\nExample:\n  .*winnow {name}\b")
                self.fits(name, done.stdout)

    def test_options(self):
        """every option in a command's synopsis is explained below it, and the other way round"""
        for name in self.commands:
            with self.subTest(name):
                said = run(name, "--help").stdout.split("Example:")[0]
                first, _, rest = said.partition("\n")
                named = set(re.findall(r"(?<!\w)--?[a-z][a-z-]*", first))
                explained = re.findall(r"^ +((?:--?[a-z][a-z-]*,? ?)+)", rest, flags=re.M)
                for options in explained:
                    self.assertTrue(named & set(re.findall(r"--?[a-z][a-z-]*", options)), f"{options} is not in the synopsis")
                for option in named:
                    self.assertTrue(any(option in re.findall(r"--?[a-z][a-z-]*", options) for options in explained), f"{option} is not explained")

    def test_man(self):
        """the man page is troff without a mistake, and has every command with its help"""
        page = run("help", "--man").stdout
        shown = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-P-cbou", "-rLL=200n"], input=page, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) if shutil.which("groff") else None
        if not shown:
            self.skipTest("groff is not installed")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        lines = [" ".join(line.split()) for line in shown.stdout.splitlines()]
        for name in self.commands:
            for line in run(name, "--help").stdout.replace("usage: ", "").splitlines():
                self.assertTrue(any(" ".join(line.split()) in shown for shown in lines), f"{name}: {line}")

    def test_completion(self):
        """bash completes commands, the options of each, the words of some, and files"""
        script = run("completion", "bash").stdout

        def complete(*words):
            line = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _winnow; printf "%s\\n" "${COMPREPLY[@]}"'
            done = subprocess.run(["bash", "-c", script + line, "bash", "winnow", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.stderr, "")
            return sorted(done.stdout.split())
        self.assertEqual(complete(""), sorted(self.commands + ["--help", "--version"]))
        self.assertEqual(complete("su"), ["suggest"])
        self.assertEqual(complete("plan", "--"), ["--brokers", "--config", "--format", "--help", "--json", "--top"])
        self.assertEqual(complete("schema", ""), ["config", "rules"])
        self.assertEqual(complete("check", "READ"), ["README.md"])

    def test_unknown(self):
        """an unknown command or option is wrong usage: exit 2 and a hint"""
        for arguments in (["rnu"], ["run", "--until"], ["check", "--nope"], ["explain", "--nope"], ["mine", "--nope"], ["suggest", "--nope", "x"],
                          ["plan", "--nope", "a", "b", "c"], ["schema", "--nope"], ["top", "--nope"], ["help", "--nope"], ["completion", "zsh"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("--help", done.stderr, arguments)


class Explain(unittest.TestCase):
    def test_every_path(self):
        """explain takes the rules of every path that the configuration names"""
        with tempfile.TemporaryDirectory() as folder:
            for name in ("one", "two"):
                with open(os.path.join(folder, name + ".yaml"), "w") as f:
                    f.write(f"rules:\n  - name: rule_{name}\n    match: order {name}\n")
            with open(os.path.join(folder, "winnow.yaml"), "w") as f:
                f.write("sources: [{file: {path: '-'}}]\nrules: [one.yaml, two.yaml]\nremote_write: {url: 'http://127.0.0.1:1/'}\n")
            for name in ("one", "two"):
                done = subprocess.run([winnow(), "explain", "--json", "-c", "winnow.yaml"], input=f'{{"message":"order {name}"}}', cwd=folder, capture_output=True, text=True, timeout=30)
                self.assertIn(f'"rule":"rule_{name}"', done.stdout, done.stderr)


class Documents(unittest.TestCase):
    def test_links(self):
        """every link from one file of the repository to another leads somewhere"""
        found = []
        for path in documents():
            body = re.sub(r"^```.*?^```$", "", text(path), flags=re.M | re.S)
            for target in re.findall(r"\]\(([^)\s]+)\)", body):
                if not re.match(r"[a-z]+:|#", target) and not os.path.exists(os.path.join(ROOT, os.path.dirname(path), target.split("#")[0])):
                    found.append(f"{path}: {target}")
        self.assertEqual(found, [])

    def test_configurations(self):
        """every winnow.yaml in README and docs passes winnow check"""
        seen = 0
        for path in documents():
            for line, body in fences(path, "yaml"):
                if "sources:" not in body:
                    continue
                seen += 1
                with self.subTest(f"{path}:{line}"), tempfile.TemporaryDirectory() as folder:
                    os.mkdir(os.path.join(folder, "rules"))
                    for name in re.findall(r"^rules: \[(\w+)\]", body, flags=re.M):
                        os.makedirs(os.path.join(folder, name), exist_ok=True)
                        with open(os.path.join(folder, name, "one.yaml"), "w") as f:
                            f.write("rules:\n  - name: one\n    match: one\n")
                    with open(os.path.join(folder, "winnow.yaml"), "w") as f:
                        f.write(body)
                    wanted = {name: "broker:9092" for name in re.findall(r"\$\{(\w+)\}", body)}  # the reader has set them
                    done = run("check", cwd=folder, env=dict(os.environ, **wanted))
                    self.assertEqual(done.returncode, 0, f"{path}:{line}\n{done.stdout}{done.stderr}")
        self.assertGreaterEqual(seen, 4)

    def test_rules(self):
        """every rule file in README and docs passes winnow check, but those that a transcript works on (tests/docs)"""
        seen = 0
        for path in documents():
            for line, body in fences(path, "yaml"):
                before = text(path).splitlines()[line - 3] if line > 2 else ""
                if not body.startswith("rules:\n") or before.startswith("<!-- file:"):
                    continue
                seen += 1
                with self.subTest(f"{path}:{line}"), tempfile.TemporaryDirectory() as folder:
                    file = os.path.join(folder, "one.yaml")
                    with open(file, "w") as f:
                        f.write(body)
                    done = run("check", file)
                    self.assertEqual(done.returncode, 0, f"{path}:{line}\n{done.stdout}{done.stderr}")
        self.assertGreaterEqual(seen, 3)
