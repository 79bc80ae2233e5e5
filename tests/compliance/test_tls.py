# SPDX-License-Identifier: Apache-2.0
"""The way to a receiver over TLS: its certificate is checked against our own authorities, ours is shown, and a proxy sees neither what is sent nor our secrets."""
import base64, http.server, os, select, socket, ssl, subprocess, threading, time
from desk import Desk
from servers import run_folder


class Authority:
    """An authority with a certificate for the receiver and one for the client."""
    def __init__(self, name):
        self.folder = run_folder("tls")
        self.ca = self.path(name, "crt")
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", self.path(name, "key"), "-out", self.ca)
        self.name = name

    def path(self, name, end):
        return os.path.join(self.folder, f"{name}.{end}")

    def run(self, *arguments):
        done = subprocess.run(["openssl", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise RuntimeError(done.stdout.decode())

    def issue(self, name, names):
        """(certificate, key)"""
        key, request, certificate, more = (self.path(name, end) for end in ("key", "csr", "crt", "ext"))
        with open(more, "w") as f:
            f.write(f"subjectAltName={names}\n")
        self.run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        self.run("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.path(self.name, "key"), "-CAcreateserial", "-days", "2", "-extfile", more, "-out", certificate)
        return certificate, key


class Tls(Desk):
    @classmethod
    def setUpClass(cls):
        cls.authority, cls.other = Authority("ours"), Authority("theirs")
        cls.server_files = cls.authority.issue("receiver", "IP:127.0.0.1")
        cls.elsewhere = cls.authority.issue("elsewhere", "DNS:elsewhere.test")
        cls.client_files = cls.authority.issue("winnow-1", "DNS:winnow-1")

    def context(self, files, asks=False):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(*files)
        if asks:
            c.verify_mode = ssl.CERT_REQUIRED
            c.load_verify_locations(self.authority.ca)
        return c

    def arrives(self, receiver, records=20, **remote_write):
        server, write = self.start(receiver, "1.0", **remote_write)
        write(*({} for _ in range(records)))
        self.until(lambda: write({"service": "clock"}) or receiver.last("log_records_total", service_name="desk") == records, 30, lambda: server.said()[-2000:])
        self.assertEqual(receiver.faults, [])
        return server

    def never_arrives(self, receiver, reason, **remote_write):
        server, write = self.start(receiver, "1.0", **remote_write)
        write({})
        self.until(lambda: write({"service": "clock"}) or reason in server.said(), 30, lambda: server.said()[-2000:])
        self.assertEqual(receiver.requests, [])
        self.assertTrue(server.alive())

    def test_own_authority(self):
        """a receiver whose certificate is of an authority of one's own"""
        self.arrives(self.receiver(tls=self.context(self.server_files)), tls={"ca": self.authority.ca})

    def test_other_authority(self):
        """a receiver of another authority: nothing is sent, and the log says why"""
        self.never_arrives(self.receiver(tls=self.context(self.server_files)), "certificate", tls={"ca": self.other.ca})

    def test_other_name(self):
        """a certificate for another host: nothing is sent"""
        self.never_arrives(self.receiver(tls=self.context(self.elsewhere)), "no answer from the receiver", tls={"ca": self.authority.ca})

    def test_client_certificate(self):
        """mTLS: the receiver sees our certificate with every request"""
        r = self.receiver(tls=self.context(self.server_files, asks=True))
        cert, key = self.client_files
        self.arrives(r, tls={"ca": self.authority.ca, "cert": cert, "key": key})
        self.assertEqual({dict(pair for part in q.peer["subject"] for pair in part)["commonName"] for q in r.requests}, {"winnow-1"})

    def test_no_client_certificate(self):
        """mTLS: without a certificate nothing is taken, and we wait loudly"""
        self.never_arrives(self.receiver(tls=self.context(self.server_files, asks=True)), "no answer from the receiver", tls={"ca": self.authority.ca})

    def test_proxy(self):
        """a proxy with a password: a tunnel to the receiver, whose requests know nothing of the proxy's password, nor the proxy of ours"""
        tunnels, passed = [], bytearray()

        class Proxy(http.server.BaseHTTPRequestHandler):
            def do_CONNECT(self):
                tunnels.append((self.path, self.headers.get("Proxy-Authorization"), self.headers.get("Authorization")))
                host, port = self.path.split(":")
                with socket.create_connection((host, int(port))) as far:
                    self.send_response(200)
                    self.end_headers()
                    pair = {self.connection: far, far: self.connection}
                    while True:
                        for s in select.select(list(pair), [], [])[0]:
                            data = s.recv(1 << 16)
                            passed.extend(data)
                            if not data:
                                return
                            pair[s].sendall(data)

            def log_message(self, *_):
                pass
        proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        proxy.daemon_threads = True
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        self.addCleanup(proxy.shutdown)
        r = self.receiver(tls=self.context(self.server_files))
        server = self.arrives(r, tls={"ca": self.authority.ca}, proxy=f"http://door:open-sesame@127.0.0.1:{proxy.server_address[1]}", bearer_token="a-secret-token")
        basic = "Basic " + base64.b64encode(b"door:open-sesame").decode()
        self.assertEqual({t[1:] for t in tunnels}, {(basic, None)})
        self.assertEqual({q.headers.get("Authorization") for q in r.requests}, {"Bearer a-secret-token"})
        self.assertEqual([q for q in r.requests if q.headers.get("Proxy-Authorization")], [])
        self.assertGreater(len(passed), 1000)
        for secret in ("open-sesame", "a-secret-token"):
            self.assertNotIn(secret, server.said())
        self.assertNotIn(b"log_records_total", bytes(passed))
