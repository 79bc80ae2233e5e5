# SPDX-License-Identifier: Apache-2.0
"""What `cmake --install` puts somewhere works there: a program finds the library through pkg-config, shared and static, and the library shows its own names only."""
import json, os, re, subprocess, tempfile, unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# lint builds debug, every other part release
BUILDS = [os.path.join(ROOT, "build", preset) for preset in ("debug", os.environ.get("WINNOW_PRESET", "release"))]

PROGRAM = r"""
#include <stdio.h>
#include <string.h>
#include <winnow/winnow.h>

int main(void)
{
	static const char *const lines[] = {
		"{\"level\":\"info\",\"service\":\"cart\",\"message\":\"stored item 17\"}",
		"{\"level\":\"info\",\"service\":\"cart\",\"message\":\"stored item 18\"}",
		"{\"level\":\"error\",\"service\":\"cart\",\"message\":\"connection refused\"}",
	};
	struct winnow_engine *e = winnow_open(NULL, 0, 0, NULL);
	struct winnow_pattern p;
	for (size_t i = 0; i < 3; i++)
		if (winnow_feed(e, lines[i], strlen(lines[i]), 1772615700000000000))
			return 1;
	for (size_t i = 0; winnow_pattern_at(e, i, &p); i++)
		printf("%d %.*s\n", (int)p.count, (int)p.template_text.len, p.template_text.ptr);
	winnow_close(e);
	return 0;
}
"""


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def files_below(folder, *endings):
    return [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name.endswith(endings)]


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build = next((b for b in BUILDS if os.path.exists(os.path.join(b, "winnow"))), None)
        if not build:
            raise unittest.SkipTest("nothing is built")
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.prefix = os.path.join(cls.folder.name, "usr")
        run("cmake", "--install", build, "--prefix", cls.prefix)
        cls.pc = os.path.dirname(files_below(cls.prefix, "winnow.pc")[0])
        cls.lib = os.path.dirname(cls.pc)
        cls.source = os.path.join(cls.folder.name, "three.c")
        with open(cls.source, "w") as f:
            f.write(PROGRAM)

    def flags(self, *options):
        return run("pkg-config", *options, "winnow", env={**os.environ, "PKG_CONFIG_PATH": self.pc}).split()

    def check(self, program, **more):
        self.assertEqual(run(program, **more), "2 stored item <num>\n1 connection refused\n")

    def test_shared(self):
        """a program links the shared library through pkg-config and finds its patterns"""
        program = os.path.join(self.folder.name, "shared")
        run("cc", "-Wall", "-Werror", "-o", program, self.source, *self.flags("--cflags", "--libs"))
        self.check(program, env={**os.environ, "LD_LIBRARY_PATH": self.lib})

    def test_static(self):
        """a program links the static library through pkg-config and finds its patterns"""
        program = os.path.join(self.folder.name, "static")
        flags = [os.path.join(self.lib, "libwinnow.a") if f == "-lwinnow" else f for f in self.flags("--cflags", "--libs", "--static")]
        run("cc", "-Wall", "-Werror", "-o", program, self.source, *flags)
        self.check(program)

    def test_prefix(self):
        """pkg-config names the folder it was installed to, not the one it was built for"""
        folders = [os.path.realpath(f[2:]) for f in self.flags("--cflags") if f.startswith("-I")]
        self.assertIn(os.path.realpath(os.path.join(self.prefix, "include")), folders)

    def test_symbols(self):
        """the shared library shows winnow_* and nothing else"""
        library = next(f for f in files_below(self.lib, ".so") if os.path.basename(f).startswith("libwinnow"))
        names = [line.split()[-1] for line in run("nm", "-D", "--defined-only", library).splitlines()]
        self.assertIn("winnow_open", names)
        self.assertEqual([n for n in names if not n.startswith("winnow_")], [])

    def test_rules(self):
        """the program and the shipped rules are there, and the program accepts them"""
        self.assertIn("winnow", run(os.path.join(self.prefix, "bin", "winnow"), "version"))
        run(os.path.join(self.prefix, "bin", "winnow"), "check", os.path.join(self.prefix, "share", "winnow", "patterns"))
        for path, start in (("man/man1/winnow.1", ".TH WINNOW 1"), ("bash-completion/completions/winnow", "# winnow completion bash")):
            with open(os.path.join(self.prefix, "share", path)) as f:
                self.assertTrue(f.read().startswith(start), path)


if __name__ == "__main__":
    unittest.main()


class Profile(unittest.TestCase):
    def test_counts(self):
        """the optimised build compiles every source of the record room by counts of what the documented lines do in it"""
        build = BUILDS[1]
        if not any('CMAKE_C_COMPILER_ID "GNU"' in read(f) for f in files_below(os.path.join(build, "CMakeFiles"), "CMakeCCompiler.cmake")):
            self.skipTest("there is no optimised build by gcc")
        commands = [c for c in json.loads(read(os.path.join(build, "compile_commands.json"))) if "winnow_objects.dir/record/" in c["command"]]
        self.assertGreaterEqual(len(commands), 60)
        reached = 0
        for c in commands:
            self.assertIn("-fprofile-use", c["command"])
            counts = run("gcov-dump", "-l", os.path.join(build, "counts", os.path.basename(c["file"]) + ".gcda"))
            reached += re.search(r":\s+\d+: [\d ]*[1-9]", counts) is not None
        self.assertGreaterEqual(reached, 0.9 * len(commands))
