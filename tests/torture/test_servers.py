# SPDX-License-Identifier: Apache-2.0
"""What winnow stands on dies, is cut off or grows while records flow: broker, Prometheus, network, partitions, rules, group. Every series exact at the end."""
import os, signal, subprocess, time
from proxy import Proxy
from servers import BUILD, TOOLS, Kafka
from stage import Producer, kafka, real_files
from torment import FULL, Torment, only_full, tearDownModule  # noqa: F401

ROUNDS = 5 if FULL else 1


class Servers(Torment):
    def own_kafka(self):
        """A broker of its own behind a proxy, so that it can be killed and cut off."""
        self.door = Proxy()
        self.addCleanup(self.door.stop)
        self.broker = Kafka()
        self.broker.advertised = self.door.port
        self.addCleanup(self.broker.kill)
        self.broker.start()
        self.door.target = self.broker.port
        return self.broker.brokers

    def watched(self, settings):
        """settings with Prometheus behind a proxy."""
        self.window = Proxy(self.prom.port)
        self.addCleanup(self.window.stop)
        settings["remote_write"]["url"] = f"http://127.0.0.1:{self.window.port}/api/v1/write"
        return settings

    @only_full
    def test_broker(self):
        """the broker is killed, cut off and slow: every series exact"""
        self.prometheus()
        brokers = self.own_kafka()
        flows = self.flow(25 * ROUNDS + 15, brokers)
        w = self.winnow(self.settings("kafka", brokers=brokers))
        self.until(lambda: w.get("/-/ready")[0] == 200, 30, "ready")
        for _ in range(ROUNDS):
            time.sleep(self.random.uniform(1, 4))
            self.killed(self.broker)
            time.sleep(self.random.uniform(0.2, 2))
            self.broker.start()
            time.sleep(self.random.uniform(2, 4))
            self.door.cut()
            time.sleep(self.random.uniform(2, 5))
            self.door.heal()
            self.door.slow(0.2)
            time.sleep(3)
            self.door.heal()
        self.exact(self.truth(flows), 120, [w], brokers)

    @only_full
    def test_prometheus(self):
        """Prometheus is killed, stopped, cut off and slow, and winnow is killed meanwhile: every series exact"""
        self.prometheus()
        flows = self.flow(25 * ROUNDS + 10)
        settings = self.watched(self.settings("kafka"))
        w = self.winnow(settings)
        for _ in range(ROUNDS):
            time.sleep(self.random.uniform(1, 4))
            self.killed(self.prom)
            time.sleep(self.random.uniform(0.2, 4))
            self.prom.start()
            time.sleep(self.random.uniform(1, 3))
            self.window.cut()
            time.sleep(self.random.uniform(1, 4))
            for _ in range(3):
                self.killed(w)
                w = self.winnow(settings)
                time.sleep(self.random.uniform(0, 1))
            self.window.heal()
            self.window.slow(0.3)
            time.sleep(3)
            self.window.heal()
        self.exact(self.truth(flows), 90, [w])

    def add_partitions(self, topic, count):
        done = subprocess.run([os.path.join(TOOLS, "grow"), kafka().brokers, topic, str(count)], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    @only_full
    def test_growth(self):
        """one instance, then four, then one, while partitions are added and rules are reloaded: every series exact"""
        self.prometheus()
        rules = os.path.join(self.folder, "rules.yaml")
        with open(rules, "w") as f:
            f.write("rules:\n  - name: retrieve\n    match: '[retrieve][Retrieve config][configName: <name:word>]'\n")
        settings = self.settings("kafka", rules=[rules])
        flows = self.flow(60 if FULL else 35)
        first = self.winnow(settings)
        self.until(lambda: first.get("/-/ready")[0] == 200, 30, "ready")
        others = [self.winnow(settings) for _ in range(3)]
        time.sleep(4)
        for topic in (self.logs, self.spans):
            self.add_partitions(topic, 6)
        folder, suffix = real_files()
        flows[0].wait()
        more = Producer(kafka().brokers, self.logs, os.path.join(folder, "logs.jsonl" + suffix), "-T", "-R", 8000, "-u", 40000, "-p", 6)
        with open(rules, "a") as f:
            f.write("  - name: query\n    match: '[query][Query config success]<more:rest>'\n")
        for s in (first, *others):
            s.signal(signal.SIGHUP)
        self.until(lambda: self.metric(first, "winnow_rules_last_reload_successful") == 1, 10, "rules reloaded")
        time.sleep(3)
        for n, s in enumerate(others):
            if n % 2:
                self.killed(s)
            else:
                self.ends_well(s)
            time.sleep(1)
        truth = self.truth(flows)
        for service, count in more.wait()["services"].items():
            truth["logs"][service] = truth["logs"].get(service, 0) + count
        self.exact(truth, 120, [first])

    def snapshots(self, folder):
        return sorted((os.path.join(folder, n) for n in os.listdir(folder) if n.startswith("snapshot-")), key=os.path.getmtime)

    @only_full
    def test_snapshots(self):
        """snapshots are cut short and flipped between kill and start: an older one and the journal do, every series exact"""
        self.prometheus()
        flows = self.flow(30)
        settings = self.settings("file")
        binary = os.path.join(BUILD, "failpoints", "winnow")    # it takes a snapshot every 2 s
        damaged = 0
        for n in range(8 if FULL else 4):
            w = self.winnow(settings, binary=binary)
            time.sleep(self.random.uniform(4, 6))
            self.killed(w)
            found = self.snapshots(settings["journal"]["file"])
            if len(found) < 2:
                continue
            size = os.path.getsize(found[-1])
            with open(found[-1], "r+b") as f:
                if n % 2:
                    f.truncate(self.random.randrange(size))
                else:
                    f.seek(self.random.randrange(size))
                    byte = f.read(1)
                    f.seek(-1, os.SEEK_CUR)
                    f.write(bytes([byte[0] ^ 0x40]))
            damaged += 1
        self.assertGreater(damaged, 0)
        self.exact(self.truth(flows), 90, [self.winnow(settings, binary=binary)])
