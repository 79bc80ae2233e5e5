# SPDX-License-Identifier: Apache-2.0
"""The package, the unit, the manifests: what can be tried without an engine or a cluster. systemd as process 1 runs on a machine that is emulated."""
import glob, json, os, re, shutil, subprocess, sys, tempfile, unittest
import borrowed, machine
from servers import ROOT, Prometheus, Winnow, free_ports, run_folder
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
            said = ""
            while "Connection refused" not in said:     # and not for a moment is it ready before that
                done = run(WINNOW, "health", "--ready", server.url)
                said = done.stdout
                self.assertEqual(done.returncode, 1, said)
                self.assertRegex(said, "kafka|journal")

    def test_any_folder(self):
        """winnow top asks where an instance usually listens, in a folder without a winnow.yaml as well: nobody is there, or it answers"""
        with tempfile.TemporaryDirectory() as folder:
            done = run(WINNOW, "top", "--once", cwd=folder)
        self.assertIn(done.returncode, (0, 3), done.stdout)
        self.assertIn("127.0.0.1:9465", done.stdout)


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


# The same under systemd as process 1, on a machine that starts twice: what only it does (the folder for the state, the sandbox, restart, reload, the start at boot), and a Prometheus that counts.
BOOTED = r"""
answers() { for i in $(seq 600); do winnow health 2>/dev/null && return; sleep 0.2; done; systemctl status --no-pager winnow; }
line() { printf '{"time":"%s","level":"error","service":"booted","message":"charge %d refused"}\n' "$(date -u +%FT%TZ)" "$1" >> /srv/app.jsonl; }
counted() { for i in $(seq 300); do winnow top --once 2>/dev/null | grep -F "charge <num> refused" | grep -qw "$1" && { echo "counted $1"; return; }; sleep 0.2; done; winnow top --once; }
arrived() {
	local query='sum(last_over_time(log_pattern_records_total%7Bservice_name%3D%22booted%22%7D%5B1h%5D))'
	for i in $(seq 300); do
		exec 3<>/dev/tcp/10.0.2.2/PORT; printf 'GET /api/v1/query?query=%s HTTP/1.0\r\n\r\n' "$query" >&3
		grep -qF "\"$1\"]" <&3 && { echo "arrived $1"; return; }
		sleep 0.2
	done
}
got() { systemctl show winnow -p "$1" --value; }
if [ ! -e /srv/app.jsonl ]; then
	echo "process 1 is $(cat /proc/1/comm), $(systemctl --version | head -1)"
	dpkg -i /srv/winnow.deb >/dev/null 2>&1 || dpkg -i /srv/winnow.deb
	echo "installed, and $(systemctl is-active winnow) until somebody says where Kafka is"
	printf 'sources: [{file: {path: /srv/app.jsonl, follow: true}}]\njournal: {file: /var/lib/winnow}\nrules: [/etc/winnow/rules.d]\nremote_write: {url: "http://10.0.2.2:PORT/api/v1/write"}\n' > /etc/winnow/winnow.yaml
	line 1
	systemctl enable --now winnow 2>/dev/null; answers; counted 1
	echo "state: $(stat -c '%U %a' /var/lib/winnow); main process of $(ps -o user= -p "$(got MainPID)" 2>/dev/null || stat -c %U "/proc/$(got MainPID)")"
	grep -E '^(NoNewPrivs|Seccomp|CapEff):' "/proc/$(got MainPID)/status"
	systemd-analyze security --no-pager winnow.service | tail -1
	printf 'rules: [{name: broken}]\n' > /etc/winnow/rules.d/broken.yaml
	systemctl reload winnow >/dev/null 2>&1 && echo "a broken rule was taken" || echo "a broken rule is refused, still $(systemctl is-active winnow)"
	rm /etc/winnow/rules.d/broken.yaml; if systemctl reload winnow; then echo "reloaded"; else journalctl -q --no-pager -u winnow -o cat | tail -8; fi
	before=$(got MainPID); kill -KILL "$before"
	for i in $(seq 300); do [ "$(got MainPID)" != 0 ] && [ "$(got MainPID)" != "$before" ] && break; sleep 0.2; done
	answers; line 2; counted 2; echo "killed, restarts: $(got NRestarts)"
	journalctl -q --no-pager -u winnow -o cat | tail -3
else
	answers; echo "at boot: $(systemctl is-active winnow), $(systemctl is-enabled winnow)"
	line 3; counted 3; arrived 3
	systemctl stop winnow; echo "stopped: $(got Result) $(got ExecMainStatus)"
fi
echo "trial ended"
"""


class Package(unittest.TestCase):
    def test_package(self):
        """the Debian package builds, lintian finds no error, and in a fresh root it installs, runs as its user, ends well and leaves without a trace"""
        if not os.environ.get("WINNOW_PACKAGE"):
            self.skipTest("it compiles everything again and starts a machine twice, ten minutes: WINNOW_PACKAGE=1 ./dev test operate")
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
        self.booted(root, folder)

    def booted(self, root, folder):
        """The service under systemd as process 1, over two starts of an emulated machine; what it read arrives once in a Prometheus outside."""
        if lacking := machine.missing():
            print(f"not tried: running as a service under systemd needs {' '.join(lacking)}; apt-get install qemu-system-x86 e2fsprogs", file=sys.__stderr__)
            return
        shutil.copy(next(p for p in glob.glob(os.path.join(folder, "winnow_*.deb"))), os.path.join(root.folder, "srv", "winnow.deb"))
        with Prometheus() as prometheus:
            own = machine.Machine(root, folder, BOOTED.replace("PORT", prometheus.url.rsplit(":", 1)[1]))
            for parts in (("process 1 is systemd", "and inactive until", "healthy", "counted 1\n", "state: winnow 700; main process of winnow", "NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000",
                           "a broken rule is refused, still active", "reloaded", "counted 2\n", "killed, restarts: 1", "trial ended"),
                          ("healthy", "at boot: active, enabled", "counted 3\n", "arrived 3\n", "stopped: success 0", "trial ended")):
                said = own.start(900)
                print(said, file=sys.__stderr__)
                for part in parts:
                    self.assertIn(part, said)
                if found := re.search(r"exposure level for winnow.service: ([\d.]+)", said):
                    self.assertLessEqual(float(found[1]), SECURITY)
            self.assertEqual(prometheus.by("service_name", 'sum by (service_name) (last_over_time(log_pattern_records_total{service_name="booted"}[1h]))'), {"booted": 3})


if __name__ == "__main__":
    unittest.main()
