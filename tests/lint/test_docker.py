# SPDX-License-Identifier: Apache-2.0
"""What can be said of docker/ without an engine."""
import ctypes, os, re, shutil, subprocess, unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCKER = os.path.join(ROOT, "docker")
PINNED = re.compile(r"^[\w./-]+:v?\d+(\.\d+)*(-[\w.]+)?$")
# build packages of ./dev that only tests need
TESTS_ONLY = {"libcmocka-dev", "python3", "procps"}
# runtime packages that the program is not linked with
BESIDES = {"ca-certificates", "tzdata"}


def winnow():
    """The newer of the two builds without sanitizers, which link other libraries: lint builds debug, docs release."""
    built = [p for p in (os.path.join(ROOT, "build", preset, "winnow") for preset in ("debug", "release")) if os.path.exists(p)]
    if not built:
        raise unittest.SkipTest("winnow is not built")
    return max(built, key=os.path.getmtime)


def read(*path):
    with open(os.path.join(DOCKER, *path), encoding="utf-8") as f:
        return f.read()


def plain_scalar(value):
    """What a scalar without quotes is in YAML's core schema."""
    if value in ("true", "false", "null", "~", ""):
        return {"true": True, "false": False}.get(value)
    number = re.fullmatch(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?", value)
    return value if not number else float(value) if number[2] or number[3] else int(value)


def parse_yaml(text, typed=False):
    """A tree of dicts, lists and strings, by the libyaml that winnow itself uses: Python has no YAML reader of its own. typed: with numbers, booleans and None."""
    lib = ctypes.CDLL("libyaml-0.so.2")
    parser, event, raw = ctypes.create_string_buffer(4096), ctypes.create_string_buffer(1024), text.encode()
    lib.yaml_parser_initialize(parser)
    lib.yaml_parser_set_input_string(parser, raw, ctypes.c_size_t(len(raw)))

    def advance():
        if not lib.yaml_parser_parse(parser, event):
            raise ValueError("not YAML")
        kind = ctypes.c_int.from_buffer(event).value
        # yaml_event_t: type, then of a scalar: anchor, tag, value, length
        value = ctypes.string_at(ctypes.c_void_p.from_buffer(event, 24).value, ctypes.c_size_t.from_buffer(event, 32).value).decode() if kind == 6 else None
        if typed and kind == 6 and ctypes.c_int.from_buffer(event, 40).value:    # plain_implicit
            value = plain_scalar(value)
        lib.yaml_event_delete(event)
        return kind, value

    def node(kind, value):
        if kind == 6:
            return value
        if kind == 7:
            items = []
            while (e := advance())[0] != 8:
                items.append(node(*e))
            return items
        if kind == 9:
            map = {}
            while (e := advance())[0] != 10:
                key = node(*e)
                map[key if isinstance(key, str) else str(key)] = node(*advance())
            return map
        raise ValueError(f"event {kind} is not expected here")

    try:
        while (e := advance())[0] in (1, 3):
            pass
        return node(*e)
    finally:
        lib.yaml_parser_delete(parser)


def installed_by(stage):
    """Packages of the apt-get install in one stage of the Dockerfile."""
    m = re.search(r"apt-get -qq install -y --no-install-recommends((?:[^&\\\n]|\\\n)*)", stage)
    return set(m[1].replace("\\\n", " ").split())


class Docker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = read("Dockerfile")
        cls.stages = re.split(r"^(?=FROM )", cls.file, flags=re.M)[1:]
        cls.compose = parse_yaml(read("compose.yaml"))

    def test_yaml(self):
        """every YAML file in docker/ is YAML"""
        for folder, _, names in os.walk(DOCKER):
            for name in names:
                if name.endswith((".yaml", ".yml")):
                    with self.subTest(name):
                        self.assertIsInstance(parse_yaml(read(os.path.join(folder, name))), dict)
        with self.assertRaises(ValueError):
            parse_yaml("a: {b: 1\nc")

    def test_tags(self):
        """every image has a fixed tag"""
        images = re.findall(r"^FROM (\S+)", self.file, flags=re.M) + [s["image"] for s in self.compose["services"].values()]
        self.assertGreaterEqual(len(images), 6)
        for image in images:
            self.assertRegex(image, PINNED)

    def test_mounts(self):
        """what compose.yaml mounts and builds from is there, and every port is on loopback"""
        for name, service in self.compose["services"].items():
            for mount in service.get("volumes", []):
                if mount.split(":")[0] in self.compose.get("volumes", {}):
                    continue
                self.assertTrue(os.path.exists(os.path.join(DOCKER, mount.split(":")[0])), f"{name}: {mount}")
            for port in service.get("ports", []):
                self.assertTrue(port.startswith("127.0.0.1:"), f"{name}: {port}")
        build = self.compose["services"]["winnow"]["build"]
        self.assertTrue(os.path.exists(os.path.join(DOCKER, build["context"], build["dockerfile"])))

    def test_copies(self):
        """what the Dockerfile copies from the repository is there"""
        for line in re.findall(r"^COPY (?!--from)(.*)", self.file, flags=re.M):
            for path in line.split()[:-1]:
                self.assertTrue(os.path.exists(os.path.join(ROOT, path)), path)

    def test_build_packages(self):
        """the build stage installs the build packages of ./dev, less what only tests need"""
        with open(os.path.join(ROOT, "dev"), encoding="utf-8") as f:
            wanted = set(re.search(r'^packages_build="([^"]*)"', f.read(), flags=re.M)[1].split())
        self.assertEqual(installed_by(self.stages[0]), wanted - TESTS_ONLY)

    def test_runtime_packages(self):
        """the last stage installs the packages of the libraries that winnow is linked with, and no other"""
        if not shutil.which("dpkg") or not shutil.which("readelf"):
            self.skipTest("dpkg and readelf are not here")
        run = lambda *command: subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
        needed = re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", winnow()))
        # sanitizers' libraries are a build's own
        needed = [n for n in needed if not n.startswith(("libc.", "libm.", "ld-linux", "libasan", "libubsan", "libtsan"))]
        packages = set()
        for name in needed:
            files = [f for f in re.findall(r"=> (\S+)", run("ldconfig", "-p")) if os.path.basename(f) == name and "lib32" not in f]
            for f in {*files, *map(os.path.realpath, files), *(re.sub(r"^/usr/lib/", "/lib/", f) for f in files)}:
                found = subprocess.run(["dpkg", "-S", f], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
                packages |= {line.split(":")[0] for line in found.splitlines() if not line.startswith(("diversion", "local"))}
        self.assertEqual({p for p in packages if not p.endswith("-dev")}, installed_by(self.stages[-1]) - BESIDES)

    def test_user(self):
        """the image runs as a user who is not root, by number"""
        self.assertRegex(self.stages[-1], r"\nUSER [1-9]\d*\n")

    def test_configuration(self):
        """winnow.yaml passes winnow check, and names the services of compose.yaml"""
        done = subprocess.run([winnow(), "check", os.path.join(DOCKER, "winnow.yaml")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        for host in re.findall(r":-(?:http://)?(\w+):\d+", read("winnow.yaml")):
            self.assertIn(host, self.compose["services"])

    def test_prometheus(self):
        """prometheus.yml passes promtool"""
        if not shutil.which("promtool"):
            self.skipTest("promtool is not here")
        done = subprocess.run(["promtool", "check", "config", os.path.join(DOCKER, "prometheus.yml")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
