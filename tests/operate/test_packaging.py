# SPDX-License-Identifier: Apache-2.0
"""The package, the unit, the manifests: what can be tried without an engine, a cluster or systemd as process 1."""
import glob, json, os, re, shutil, subprocess, sys, tempfile, unittest
import borrowed
from servers import ROOT, Winnow, free_ports, run_folder
from test_slo import WINNOW

UNIT = os.path.join(ROOT, "debian", "winnow.service")
MANIFESTS = sorted(glob.glob(os.path.join(ROOT, "docker", "kubernetes", "*.yaml")))
LINTIAN, SECURITY = "lintian", 1.2


def run(*command, **more):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


def blocks(path, name):
    """The texts of a ConfigMap's key."""
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    for i, line in enumerate(lines):
        if re.match(rf"^  {re.escape(name)}: \|$", line):
            body = []
            for inside in lines[i + 1:]:
                if inside and not inside.startswith("    "):
                    break
                body.append(inside[4:])
            yield "\n".join(body) + "\n"


class Unit(unittest.TestCase):
    def test_security(self):
        """systemd-analyze rates the unit's exposure at most 1.2"""
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not here")
        done = run("systemd-analyze", "security", "--offline=true", "--no-pager", UNIT)
        found = re.search(r"Overall exposure level for winnow.service: ([\d.]+)", done.stdout)
        self.assertIsNotNone(found, done.stdout[-500:])
        print(f"systemd-analyze security: {found[1]}, at most {SECURITY} is allowed", file=sys.__stderr__)
        self.assertLessEqual(float(found[1]), SECURITY)

    def test_verify(self):
        """systemd reads the unit without a word"""
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not here")
        with tempfile.TemporaryDirectory() as folder:
            with open(UNIT, encoding="utf-8") as f:
                text = f.read().replace("/usr/bin/winnow", WINNOW)
            path = os.path.join(folder, "winnow.service")
            with open(path, "w") as f:
                f.write(text)
            said = run("systemd-analyze", "verify", "--man=no", path).stdout
        self.assertEqual([line for line in said.splitlines() if "winnow" in line and "User" not in line], [])


class Configurations(unittest.TestCase):
    def checked(self, text):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "rules.d"))
            with open(os.path.join(folder, "rules.d", "one.yaml"), "w") as f:
                f.write("rules:\n  - name: one\n    match: one\n")
            path = os.path.join(folder, "winnow.yaml")
            with open(path, "w") as f:
                f.write(text.replace("/usr/share/winnow/patterns", os.path.join(ROOT, "patterns")).replace("/etc/winnow/rules.d", os.path.join(folder, "rules.d")))
            done = run(WINNOW, "check", "-c", path)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_package(self):
        """the package's winnow.yaml passes winnow check"""
        with open(os.path.join(ROOT, "debian", "winnow.yaml"), encoding="utf-8") as f:
            self.checked(f.read())

    def test_kubernetes(self):
        """the ConfigMaps' winnow.yaml and rules pass winnow check"""
        texts = [t for path in MANIFESTS for t in blocks(path, "winnow.yaml")]
        self.assertEqual(len(texts), 1)
        self.checked(texts[0])
        rules = [t for path in MANIFESTS for t in blocks(path, "payment.yaml")]
        self.assertEqual(len(rules), 1)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write(rules[0])
            f.flush()
            done = run(WINNOW, "check", f.name)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_same_filter(self):
        """everyone who scrapes winnow leaves out the series that it also sends"""
        regex = "(log|traces)_.*|winnow_(records|records_consumed|undecodable|late_records|clock_ahead_records|overflow|input_bytes|offset_gap_records)_total"
        for path in ("docker/prometheus.yml", "docker/kubernetes/monitoring.yaml", "tests/tools/servers.py"):
            with open(os.path.join(ROOT, path), encoding="utf-8") as f:
                self.assertIn(regex, f.read(), path)

    def test_manifests(self):
        """manifests: Kubernetes' own schemas (kubernetes-validate), fixed image tags, nobody is root, no root is writable"""
        borrowed.python()
        import kubernetes_validate, yaml
        for path in MANIFESTS:
            with open(path, encoding="utf-8") as f:
                text = f.read()
            for image in re.findall(r"image: (\S+)", text):
                self.assertRegex(image, r":\d+(\.\d+)+$")
            self.assertEqual(text.count("readOnlyRootFilesystem: true"), len(re.findall(r"image: ", text)))
        known = 0
        for path in MANIFESTS:
            with open(path, encoding="utf-8") as f:
                for manifest in yaml.safe_load_all(f):
                    if "monitoring.coreos" in manifest["apiVersion"] or "keda" in manifest["apiVersion"]:
                        continue
                    kubernetes_validate.validate(manifest, "1.31", strict=True)
                    known += 1
        self.assertGreaterEqual(known, 6)

    def test_custom_resources(self):
        """PodMonitor and ScaledObject: the definitions that the Prometheus operator and KEDA publish, and not a key that they do not know"""
        borrowed.python()
        import jsonschema, yaml
        schemas = {"PodMonitor": borrowed.resource(borrowed.module(borrowed.OPERATOR, "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"), "v1"),
                   "ScaledObject": borrowed.resource(borrowed.module(borrowed.KEDA, "config/crd/bases/keda.sh_scaledobjects.yaml"), "v1alpha1")}
        seen = []
        for path in MANIFESTS:
            with open(path, encoding="utf-8") as f:
                for manifest in yaml.safe_load_all(f):
                    if manifest["kind"] in schemas:
                        seen.append(manifest["kind"])
                        self.assertEqual([f"{e.json_path}: {e.message}" for e in jsonschema.Draft7Validator(schemas[manifest["kind"]]).iter_errors(manifest)], [], manifest["kind"])
        self.assertEqual(sorted(seen), sorted(schemas))
        broken = yaml.safe_load("apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nspec: {scaleTargetRef: {name: winnow}, triggers: [{type: kafka, metadata: {}}], maxReplicas: 8}")
        self.assertTrue(list(jsonschema.Draft7Validator(schemas["ScaledObject"]).iter_errors(broken)), "an unknown key passes")

    def test_compose(self):
        """compose.yaml: the schema of the compose specification, as its reference implementation publishes it; every image is pinned"""
        borrowed.python()
        import jsonschema, yaml
        with open(borrowed.module(borrowed.COMPOSE, "schema/compose-spec.json"), encoding="utf-8") as f:
            schema = json.load(f)
        with open(os.path.join(ROOT, "docker", "compose.yaml"), encoding="utf-8") as f:
            compose = yaml.safe_load(f)
        judge = jsonschema.validators.validator_for(schema)(schema)
        self.assertEqual([f"{e.json_path}: {e.message}" for e in judge.iter_errors(compose)], [])
        self.assertTrue(list(judge.iter_errors({"services": {"a": {"imagee": "b"}}})), "an unknown key passes")
        for name, service in compose["services"].items():
            self.assertRegex(service["image"], r":v?\d+(\.\d+)+(-\w+)?$", name)


class Provisioning(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(ROOT, "docker", "grafana", "provisioning", "datasources", "prometheus.yaml"), encoding="utf-8") as f:
            self.text = f.read()

    def test_way(self):
        """metric -> exemplar -> trace -> logs -> pattern: each link leads to a data source or a dashboard there is"""
        sources = set(re.findall(r"^    uid: (\w+)$", self.text, flags=re.M))
        self.assertEqual(sources, {"prometheus", "tempo", "loki"})
        targets = re.findall(r"datasourceUid: (\w+)", self.text)
        self.assertGreaterEqual(len(targets), 5)
        self.assertLessEqual(set(targets), sources)
        self.assertRegex(self.text, r"name: trace_id\n          datasourceUid: tempo")
        boards = {os.path.basename(p)[:-5] for p in glob.glob(os.path.join(ROOT, "dashboards", "*.json"))}
        for uid in re.findall(r"url: /d/([\w-]+)", self.text):
            self.assertIn(uid, boards)
        with open(os.path.join(ROOT, "docker", "compose.yaml"), encoding="utf-8") as f:
            compose = f.read()
        for host in re.findall(r"url: http://(\w+):\d+", self.text):
            self.assertRegex(compose, rf"(?m)^  {host}:$")


class Health(unittest.TestCase):
    def test_health(self):
        """winnow health: 0 from an instance that answers, 1 with the reason from one that is not ready, 3 where nobody is, 2 for wrong usage"""
        port, = free_ports(1)
        self.assertEqual(run(WINNOW, "health", f"127.0.0.1:{port}").returncode, 3)
        self.assertEqual(run(WINNOW, "health", "a", "b").returncode, 2)
        folder = run_folder("health")
        broker, = free_ports(1)
        settings = {"sources": [{"kafka": {"brokers": f"127.0.0.1:{broker}", "topics": ["logs"]}}], "journal": {"file": os.path.join(folder, "journal")},
                    "remote_write": {"url": f"http://127.0.0.1:{port}/api/v1/write"}}
        with Winnow(settings, binary=WINNOW) as server:
            server.wait_until(lambda: server.get("/-/healthy")[0] == 200, 10, "/-/healthy")
            done = run(WINNOW, "health", "-c", server.config)
            self.assertEqual((done.returncode, done.stdout), (0, "healthy\n"))
            done = run(WINNOW, "health", "--ready", server.url)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("kafka", done.stdout)


class Root:
    """A bare Debian of its own to install into: debootstrap, kept as build/base-root.tar."""

    def __init__(self, folder):
        self.folder = folder
        base = os.path.join(ROOT, "build", "base-root.tar")
        if not os.path.exists(base):
            with tempfile.TemporaryDirectory() as fresh:
                done = run("debootstrap", "--variant=minbase", "bookworm", fresh)
                if done.returncode:
                    raise unittest.SkipTest("debootstrap cannot make a root: " + done.stdout.strip().splitlines()[-1])
                subprocess.run(["tar", "-C", fresh, "-cf", base + ".part", "."], check=True)
            os.rename(base + ".part", base)
        os.mkdir(folder)
        subprocess.run(["tar", "-C", folder, "-xf", base], check=True)
        os.chmod(folder, 0o755)    # it is / to the service's user
        # what belongs to this machine's network
        os.remove(folder + "/etc/apt/sources.list")
        for path in ("/etc/resolv.conf", "/etc/hosts", "/etc/apt/sources.list.d" if os.listdir("/etc/apt/sources.list.d") else "/etc/apt/sources.list", "/etc/apt/apt.conf.d", "/usr/local/share/ca-certificates", "/etc/ssl/certs"):
            if os.path.isdir(path):
                shutil.copytree(path, folder + path, dirs_exist_ok=True)
            elif os.path.exists(path):
                shutil.copy(path, folder + path)

    def run(self, script):
        """As root inside, with a /proc of its own; nothing that it starts outlives it."""
        inside = "mount -t proc proc {0}/proc && mount --rbind /dev {0}/dev && exec chroot {0} /bin/bash -euc \"$1\"".format(self.folder)
        environment = {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
        return run("unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-euc", inside, "bash", script,
                   env=dict(environment, PATH="/usr/sbin:/usr/bin:/sbin:/bin", LANG="C.UTF-8", DEBIAN_FRONTEND="noninteractive"))


# What an administrator does on the first day, and on the last.
SERVICE = r"""
apt-get -qq update && apt-get -qq install -y --no-install-recommends /tmp/winnow.deb systemd >/dev/null
echo "installed $(dpkg-query -W -f='${Version} ${db:Status-Status}' winnow)"
install -d -o winnow -g winnow -m 0700 /var/lib/winnow    # StateDirectory=, which systemd would make
echo "configuration: $(stat -c '%U:%G %a' /etc/winnow/winnow.yaml)"
systemctl is-enabled winnow || true
systemctl enable winnow 2>/dev/null && systemctl is-enabled winnow
systemd-analyze verify --man=no /lib/systemd/system/winnow.service && echo "unit verified"
systemd-analyze security --offline=true --no-pager winnow.service | tail -1
winnow check -c /etc/winnow/winnow.yaml
printf '{"time":"%s","level":"error","service":"pay","message":"charge 17 refused"}\n' "$(date -u +%FT%TZ)" > /var/lib/winnow/app.jsonl
printf 'sources: [{file: {path: /var/lib/winnow/app.jsonl, follow: true}}]\nremote_write: {url: "http://127.0.0.1:9/api/v1/write"}\nadmin: {listen: "127.0.0.1:PORT"}\n' > /etc/winnow/winnow.yaml
cd / && start=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/winnow.service)
runuser -u winnow -- $start >/tmp/log 2>&1 & 
for i in $(seq 300); do winnow health -c /etc/winnow/winnow.yaml 2>/dev/null && break; sleep 0.1; done
for i in $(seq 100); do winnow top --once -c /etc/winnow/winnow.yaml 2>/dev/null | grep "charge <num> refused" && break; sleep 0.1; done
cat /tmp/log
echo "runs as $(stat -c %U /proc/$(pidof winnow))"
kill -TERM $(pidof winnow) && wait $! && echo "ended with $?"
zcat -f /usr/share/man/man1/winnow.1* | grep -c '^.SS winnow '
test -s /usr/share/bash-completion/completions/winnow && echo "completion there"
apt-get -qq purge -y winnow >/dev/null && test ! -e /etc/winnow && test ! -e /var/lib/winnow && echo "purged"
"""


class Package(unittest.TestCase):
    def test_package(self):
        """the Debian package builds, lintian finds no error, and in a fresh root it installs, runs as its user, ends well and leaves without a trace"""
        if not os.environ.get("WINNOW_PACKAGE"):
            self.skipTest("it compiles everything again, 2 minutes: WINNOW_PACKAGE=1 ./dev test operate")
        missing = [t for t in ("dpkg-buildpackage", "dh", LINTIAN) if not shutil.which(t)]
        if missing:
            self.skipTest(f"not here: {' '.join(missing)}; apt-get install dpkg-dev debhelper lintian")
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "winnow")
            files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.decode().split("\0")
            for name in filter(None, files):
                os.makedirs(os.path.join(source, os.path.dirname(name)), exist_ok=True)
                if os.path.isfile(os.path.join(ROOT, name)):
                    shutil.copy2(os.path.join(ROOT, name), os.path.join(source, name))
            done = run("nice", "dpkg-buildpackage", "-b", "-us", "-uc", cwd=source)
            self.assertEqual(done.returncode, 0, done.stdout[-3000:])
            changes = glob.glob(os.path.join(folder, "*.changes"))
            said = run(LINTIAN, "--allow-root", *changes).stdout
            self.assertEqual([line for line in said.splitlines() if line.startswith("E:")], [], said)
            root = os.path.join(folder, "root")
            subprocess.run(["dpkg", "-x", next(p for p in glob.glob(os.path.join(folder, "winnow_*.deb"))), root], check=True)
            self.assertIn("winnow", run(os.path.join(root, "usr", "bin", "winnow"), "version").stdout)
            for path in ("lib/systemd/system/winnow.service", "etc/winnow/winnow.yaml", "usr/share/doc/winnow/runbooks/SloErrorBudgetBurn.md", "usr/share/winnow/dashboards/winnow-overview.json"):
                self.assertTrue(os.path.exists(os.path.join(root, path)), path)
            self.in_fresh_root(folder)

    def in_fresh_root(self, folder):
        if os.geteuid() != 0 or not shutil.which("debootstrap"):
            print("not tried: installing into a fresh root needs root and debootstrap", file=sys.__stderr__)
            return
        root = Root(os.path.join(folder, "fresh"))
        shutil.copy(next(p for p in glob.glob(os.path.join(folder, "winnow_*.deb"))), os.path.join(root.folder, "tmp", "winnow.deb"))
        port, = free_ports(1)
        said = root.run(SERVICE.replace("PORT", str(port)))
        print(said.stdout, file=sys.__stderr__)
        self.assertEqual(said.returncode, 0, said.stdout)
        for part in ("configuration: root:winnow 640", "enabled", "unit verified", "0 errors", "healthy", "charge <num> refused", "runs as winnow", "ended with 0", "completion there", "purged"):
            self.assertIn(part, said.stdout)


if __name__ == "__main__":
    unittest.main()
