#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The real servers of tests and demo: Kafka, Prometheus, the embedded broker, and winnow itself.

Every process gets its own process group, a log file, free ports on 127.0.0.1, and a folder below build/. Those started for a test
die with the process that started them, however that ends (parent-death signal). Those started by `./dev kafka start` stay until
`stop`, which ends exactly the process it started: pid and start time are both kept, so a recycled pid is never hit.

usage: servers.py {kafka|prometheus} {start|stop}, servers.py kafka fetch
"""
import base64, ctypes, fcntl, json, os, secrets, shutil, signal, socket, subprocess, sys, tempfile, time, urllib.error, urllib.parse, urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
SERVERS = os.environ.get("WINNOW_SERVERS", os.path.join(BUILD, "servers"))     # what `./dev KIND start` keeps
TOOLS = os.path.join(BUILD, os.environ.get("WINNOW_PRESET", "release"), "tests", "tools")
KAFKA_VERSION = os.environ.get("KAFKA_VERSION", "4.1.0")
# Python's own proxy handling must stay out of the way of the loopback.
HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Failed(Exception):
    """Something that a person must read: what failed and where to look."""


def free_ports(count):
    held = []
    for _ in range(count):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        held.append(s)
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def run_folder(name):
    """A folder of this run. What earlier runs left, to be looked at, goes when the next one begins."""
    base = os.path.join(BUILD, "run")
    os.makedirs(base, exist_ok=True)
    for old in os.listdir(base):
        pid = old.split(".")[1] if old.count(".") == 2 else ""
        if pid.isdigit() and start_time(pid) is None:
            shutil.rmtree(os.path.join(base, old), ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"{name}.{os.getpid()}.", dir=base)


def _die_with_parent():
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def start_time(pid):
    """Clock ticks from boot to the start of the process: with the pid, its identity. None: no such process."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return None if fields[0] == "Z" else int(fields[19])
    except (FileNotFoundError, ProcessLookupError):
        return None


def tail(path, lines=15):
    try:
        with open(path, errors="replace") as f:
            return "".join("    " + line for line in f.readlines()[-lines:])
    except FileNotFoundError:
        return "    (no log)\n"


class Server:
    """One child process. `keep` leaves it running after this program."""
    name = "server"

    def __init__(self, folder=None, keep=False):
        self.folder = folder or run_folder(self.name)
        os.makedirs(self.folder, exist_ok=True)
        self.log = os.path.join(self.folder, self.name + ".log")
        self.keep = keep
        self.child = None

    def spawn(self, argv, env=None):
        if not shutil.which(argv[0]):
            raise Failed(f"{self.name}: {argv[0]} is not there")
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                                          env=dict(os.environ, **(env or {})), preexec_fn=None if self.keep else _die_with_parent)

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def wait_until(self, ready, seconds, what):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.alive():
                raise Failed(f"{self.name} ended with {self.child.returncode}; end of {self.log}:\n{tail(self.log)}")
            if ready():
                return
            time.sleep(0.1)
        raise Failed(f"{self.name}: {what} not seen within {seconds} s; end of {self.log}:\n{tail(self.log)}")

    def signal(self, number):
        if self.alive():
            os.killpg(self.child.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        if self.child:
            self.child.wait()

    def stop(self, seconds=20):
        """SIGTERM, then SIGKILL; returns the exit status."""
        if not self.child:
            return None
        if self.alive():
            self.signal(signal.SIGTERM)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.child.returncode

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def listening(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def kafka_jars(version=KAFKA_VERSION):
    """The folder with the jars of one version: fetched by Maven once, checked against the committed sums, and kept."""
    sums = os.path.join(ROOT, "tests", "tools", "kafka", f"kafka-{version}.sha256")
    if not os.path.exists(sums):
        raise Failed(f"KAFKA_VERSION={version}: no {sums}")
    folder = os.path.join(BUILD, "kafka-" + version)
    os.makedirs(BUILD, exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(os.path.join(folder, "complete")):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        pom = os.path.join(ROOT, "tests", "tools", "kafka", "pom.xml")
        print(f"kafka: fetching {version} with Maven", file=sys.stderr)
        fetch = subprocess.run(["mvn", "-q", "-B", "-Dstyle.color=never", "-f", pom, "dependency:copy-dependencies", "-DincludeScope=runtime",
                                f"-DoutputDirectory={folder}", f"-Dkafka.version={version}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if fetch.returncode != 0:
            raise Failed(f"kafka {version}: Maven could not fetch it:\n{fetch.stdout[-2000:]}")
        if subprocess.run(["sha256sum", "--quiet", "-c", sums], cwd=folder).returncode != 0:
            raise Failed(f"kafka {version}: the jars in {folder} are not those of {sums}")
        open(os.path.join(folder, "complete"), "w").close()
    return folder


class Kafka(Server):
    """One node, KRaft, broker and controller in one. Its data and ports survive stop() and a second start()."""
    name = "kafka"
    advertised = None

    def configure(self):
        """`advertised`, if set before, is the port that clients are told: a proxy's."""
        self.port, controller = free_ports(2)
        settings = {
            "process.roles": "broker,controller", "node.id": 1, "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.advertised or self.port}", "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "log.dirs": os.path.join(self.folder, "data"), "num.partitions": 4, "auto.create.topics.enable": "true",
            "offsets.topic.replication.factor": 1, "offsets.topic.num.partitions": 4, "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1, "group.initial.rebalance.delay.ms": 0, "group.min.session.timeout.ms": 1000,
            "message.max.bytes": 16 << 20, "replica.fetch.max.bytes": 16 << 20, "log.retention.ms": -1,
            "log.segment.bytes": 256 << 20, "num.network.threads": 2, "num.io.threads": 2, "controlled.shutdown.enable": "false",
        }
        self.config = os.path.join(self.folder, "server.properties")
        with open(self.config, "w") as f:
            f.writelines(f"{k}={v}\n" for k, v in settings.items())

    def java(self, *args, heap="512m"):
        return ["java", "-Xms128m", f"-Xmx{heap}", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.logFile=System.out",
                "-Dorg.slf4j.simpleLogger.showDateTime=true", "-cp", os.path.join(kafka_jars(), "*"), *args]

    def format(self):
        cluster = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        # an id that starts with '-' would be read as an option
        done = subprocess.run(self.java("kafka.tools.StorageTool", "format", "-t", "w" + cluster[1:], "-c", self.config, heap="128m"),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Failed(f"kafka: formatting failed:\n{done.stdout}")

    def start(self):
        if not hasattr(self, "config"):
            self.configure()
            self.format()
        mark = os.path.getsize(self.log) if os.path.exists(self.log) else 0

        def started():
            with open(self.log, errors="replace") as f:
                f.seek(mark)
                return "Kafka Server started" in f.read() and listening(self.port)
        self.spawn(self.java("kafka.Kafka", self.config))
        self.wait_until(started, 60, '"Kafka Server started"')
        self.brokers = f"127.0.0.1:{self.advertised or self.port}"
        return self

    def facts(self):
        return {"BOOTSTRAP": self.brokers, "KAFKA_LOG": self.log}


class NodeExporter(Server):
    """Debian's exporter of this host's CPU, memory and disks."""
    name = "node_exporter"
    binary = "prometheus-node-exporter"

    def start(self):
        self.port, = free_ports(1)
        self.spawn([self.binary, f"--web.listen-address=127.0.0.1:{self.port}"])
        self.wait_until(self.ready, 30, "/metrics")
        return self

    def ready(self):
        try:
            return HTTP.open(f"http://127.0.0.1:{self.port}/metrics", timeout=5).status == 200
        except (urllib.error.URLError, OSError):
            return False


# What instances also send must not be scraped: docker/prometheus.yml has the same.
OWN_ONLY = {"source_labels": ["__name__"], "action": "drop",
            "regex": "(log|traces)_.*|winnow_(records|records_consumed|undecodable|late_records|clock_ahead_records|overflow|input_bytes|offset_gap_records)_total"}


class Prometheus(Server):
    """Debian's Prometheus as a remote-write receiver. Its data and port survive stop() and a second start()."""
    name = "prometheus"
    binary = "prometheus"

    def __init__(self, rules=(), scrape=None, **more):
        """rules: files of rules, evaluated every 5 s. scrape: {job: ["host:port"]}."""
        super().__init__(**more)
        self.rules, self.scrape = list(rules), scrape or {}

    def settings(self):
        jobs = [{"job_name": job, "static_configs": [{"targets": targets}], "metric_relabel_configs": [dict(OWN_ONLY)]} for job, targets in self.scrape.items()]
        return {"global": {"scrape_interval": "5s", "evaluation_interval": "5s"}, "storage": {"exemplars": {"max_exemplars": 1000000}},
                "rule_files": self.rules, "scrape_configs": jobs}

    def start(self, retention="30d"):
        if not hasattr(self, "port"):
            self.port, = free_ports(1)
        config = os.path.join(self.folder, "prometheus.yml")
        with open(config, "w") as f:
            json.dump(self.settings(), f)     # YAML reads JSON
        self.url = f"http://127.0.0.1:{self.port}"
        self.spawn([self.binary, f"--config.file={config}", f"--storage.tsdb.path={self.folder}/data", f"--web.listen-address=127.0.0.1:{self.port}",
                    f"--storage.tsdb.retention.time={retention}", "--web.enable-remote-write-receiver",
                    "--enable-feature=exemplar-storage,native-histograms"])
        self.wait_until(self.ready, 30, "/-/ready")
        return self

    def ready(self):
        try:
            return HTTP.open(self.url + "/-/ready", timeout=2).status == 200
        except (urllib.error.URLError, OSError):
            return False

    def api(self, path, **parameters):
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with HTTP.open(url, timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as e:
            raise Failed(f"prometheus: {parameters}: {e.read().decode(errors='replace')}") from e

    def query(self, promql):
        """[(labels without the name, value)] of an instant query."""
        return [(row["metric"], float(row["value"][1])) for row in self.api("query", query=promql)["result"]]

    def by(self, label, promql):
        return {labels.get(label, ""): value for labels, value in self.query(promql)}

    def exemplars(self, promql, hours=3):
        now = time.time()
        return self.api("query_exemplars", query=promql, start=now - hours * 3600, end=now + 600)

    def facts(self):
        return {"PROMETHEUS": self.url, "PROMETHEUS_LOG": self.log}


class VictoriaMetrics(Prometheus):
    """Debian's VictoriaMetrics; its query API is Prometheus's. What it took can be asked for after a second or so."""
    name = "victoria-metrics"

    def start(self, retention="30d"):
        if not hasattr(self, "port"):
            self.port, = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.spawn(["victoria-metrics", f"-storageDataPath={self.folder}/data", f"-httpListenAddr=127.0.0.1:{self.port}", f"-retentionPeriod={retention}",
                    "-search.latencyOffset=0s", "-search.disableCache"])
        self.wait_until(self.ready, 30, "/health")
        return self

    def ready(self):
        try:
            return HTTP.open(self.url + "/health", timeout=2).status == 200
        except (urllib.error.URLError, OSError):
            return False

    def facts(self):
        return {"VICTORIA_METRICS": self.url, "VICTORIA_METRICS_LOG": self.log}


class Broker(Server):
    """The embedded broker: librdkafka's mock cluster in a process of its own. `topics`: {name: partitions}."""
    name = "broker"

    def __init__(self, topics, **more):
        super().__init__(**more)
        self.topics = topics

    def start(self):
        self.spawn([os.path.join(TOOLS, "broker"), *(f"{name}:{count}" for name, count in self.topics.items())])

        def said():
            with open(self.log, errors="replace") as f:
                return [line for line in f if line.startswith("BOOTSTRAP=") and line.endswith("\n")]
        self.wait_until(said, 10, "BOOTSTRAP=")
        self.brokers = said()[0].strip().split("=", 1)[1]
        return self


class Winnow(Server):
    """winnow run. `settings` is winnow.yaml as Python values (YAML reads JSON); admin.listen is filled in with a free port."""
    name = "winnow"

    def __init__(self, settings, arguments=(), binary=None, env=None, **more):
        super().__init__(**more)
        self.port, = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.arguments = list(arguments)
        self.env = env
        self.binary = binary or os.path.join(BUILD, os.environ.get("WINNOW_PRESET", "release"), "winnow")
        self.config = os.path.join(self.folder, "winnow.yaml")
        self.settings = dict(settings, admin={"listen": f"127.0.0.1:{self.port}"})
        with open(self.config, "w") as f:
            f.write("# generated\n" + to_yaml(self.settings))

    def start(self):
        self.spawn([self.binary, "run", "-c", self.config, *self.arguments], self.env)
        return self

    def get(self, path, method="GET"):
        """Answer of the admin server: (status, text); (0, reason) when it is not there."""
        try:
            with HTTP.open(urllib.request.Request(self.url + path, method=method), timeout=15) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode(errors="replace")
        except (urllib.error.URLError, OSError) as e:
            return 0, str(e)

    def text(self, path):
        """The 200 answer to a path. Started a moment ago, it may not listen yet: that is waited for, and an end before it is told with its log."""
        if not listening(self.port):
            self.wait_until(lambda: listening(self.port), 20, "its admin server")
        status, text = self.get(path)
        if status != 200:
            raise Failed(f"winnow: {path}: {status} {text}")
        return text

    def json(self, path):
        return json.loads(self.text(path))

    def said(self):
        with open(self.log, errors="replace") as f:
            return f.read()


def to_yaml(value, indent=0):
    """Plain block style, as a person would write it."""
    pad = "  " * indent
    if isinstance(value, dict):
        return "".join(f"{pad}{k}:" + (f"\n{to_yaml(v, indent + 1)}" if isinstance(v, (dict, list)) and v else f" {scalar(v)}\n") for k, v in value.items())
    out = ""
    for item in value:
        body = to_yaml(item, indent + 1) if isinstance(item, dict) else f"{pad}  {scalar(item)}\n"
        out += f"{pad}- " + body[len(pad) + 2:]
    return out


def scalar(value):
    return json.dumps(value) if not isinstance(value, str) or not value or value[0] in "^$@!&*?|>%'\"[]{}#-" or ": " in value else value


KINDS = {"kafka": Kafka, "prometheus": Prometheus}


def keep_started(kind):
    """`./dev KIND start`: starts it unless it runs, prints its addresses."""
    folder = os.path.join(SERVERS, kind)
    os.makedirs(folder, exist_ok=True)
    state = os.path.join(folder, "state.json")
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = read_state(state)
        if not kept:
            server = KINDS[kind](folder=tempfile.mkdtemp(prefix="data.", dir=folder), keep=True).start()
            kept = {"pid": server.child.pid, "start": start_time(server.child.pid), "folder": server.folder, "facts": server.facts()}
            with open(state, "w") as f:
                json.dump(kept, f)
    for key, value in kept["facts"].items():
        print(f"{key}={value}")


def read_state(state):
    """What was started and still runs, else None."""
    try:
        with open(state) as f:
            kept = json.load(f)
    except (FileNotFoundError, ValueError):
        return None
    return kept if start_time(kept["pid"]) == kept["start"] else None


def stop_kept(kind):
    folder = os.path.join(SERVERS, kind)
    state = os.path.join(folder, "state.json")
    kept = read_state(state)
    if kept:
        os.killpg(kept["pid"], signal.SIGTERM)
        end = time.monotonic() + 20
        while start_time(kept["pid"]) == kept["start"]:
            if time.monotonic() > end:
                os.killpg(kept["pid"], signal.SIGKILL)
            time.sleep(0.1)
        shutil.rmtree(kept["folder"], ignore_errors=True)
    if os.path.exists(state):
        os.unlink(state)
    print(f"{kind}: " + ("stopped" if kept else "was not running"), file=sys.stderr)


def main():
    if sys.argv[1:] == ["kafka", "fetch"]:
        actions = {"fetch": lambda _: kafka_jars()}
    else:
        actions = {"start": keep_started, "stop": stop_kept}
    if len(sys.argv) != 3 or sys.argv[1] not in KINDS or sys.argv[2] not in actions:
        print(__doc__.strip().splitlines()[-1], file=sys.stderr)
        return 2
    try:
        actions[sys.argv[2]](sys.argv[1])
    except Failed as e:
        print(e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
