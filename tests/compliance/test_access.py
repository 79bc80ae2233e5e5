# SPDX-License-Identifier: Apache-2.0
"""Ways to a receiver: a proxy, tokens that run out (OAuth 2), signed requests (AWS Signature Version 4), each against a server of our own."""
import hashlib, hmac, http.server, json, threading, time, urllib.parse, urllib.request
from desk import Answer, Desk


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


class Access(Desk):
    def serve(self, handler):
        server = Server(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}"

    def goes_through(self, receiver, records=30, **remote_write):
        server, write = self.start(receiver, "1.0", **remote_write)
        for _ in range(records // 10):
            write(*({} for _ in range(10)))
            time.sleep(0.6)
        self.until(lambda: write({"service": "clock"}) or receiver.last("log_records_total", service_name="desk") == records, 30, lambda: f"{receiver.last('log_records_total')}\n{server.said()[-2000:]}")
        self.assertEqual(receiver.faults, [])
        return server

    def test_proxy(self):
        """a proxy: every request goes through it"""
        seen = []

        class Proxy(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                seen.append(self.path)
                ask = urllib.request.Request(self.path, body, {k: v for k, v in self.headers.items() if not k.lower().startswith("proxy")}, method="POST")
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(ask) as answer:
                    self.send_response(answer.status)
                    self.end_headers()

            def log_message(self, *_):
                pass
        r = self.receiver()
        self.goes_through(r, proxy=self.serve(Proxy))
        self.assertEqual(len(seen), len(r.requests))
        self.assertEqual(set(seen), {r.url})

    def test_oauth2(self):
        """OAuth 2 client credentials: a token is fetched, used until it runs out, and fetched again when the receiver does not take it"""
        asked, valid, revoked = [], set(), []

        class Tokens(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                asked.append(form)
                token = f"token-{len(asked)}"
                valid.clear()
                valid.add("Bearer " + token)
                body = json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 3}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        count = [0]

        def answer(q):
            count[0] += 1
            if q.series and count[0] >= 3 and not revoked:
                revoked.append(valid.pop())
            return None if q.headers.get("Authorization") in valid else Answer(401, "who are you?")
        r = self.receiver(answer=answer)
        url = self.serve(Tokens)
        server, write = self.start(r, "1.0", oauth2={"token_url": url, "client_id": "winnow", "client_secret": "s&cret=1", "scopes": "write all"})
        self.until(lambda: write({}) or time.sleep(0.3) or (len(asked) >= 4 and r.last("log_records_total", service_name="desk") > 10), 60, lambda: f"{len(asked)} {server.said()[-2000:]}")
        self.assertIn(401, [q.status for q in r.requests])
        self.until(lambda: "who are you?" in server.said(), 15, server.said)     # lines of a kind are held back for a while
        self.assertEqual(asked[0], {"grant_type": "client_credentials", "client_id": "winnow", "client_secret": "s&cret=1", "scope": "write all"})
        self.assertNotIn("s&cret", server.said())
        self.assertNotIn("token-1", server.said())

    def test_sigv4(self):
        """AWS Signature Version 4: every request's signature is right for its body and headers"""
        wrong = []

        def sign(key, text):
            return hmac.new(key, text.encode(), hashlib.sha256).digest()

        def answer(q):
            try:
                return check(q)
            except Exception as e:
                wrong.append(repr(e) + str(q.headers))
                return Answer(403)

        def check(q):
            given = q.headers.get("Authorization", "")
            if not given.startswith("AWS4-HMAC-SHA256 "):
                wrong.append(given)
                return Answer(403, "not signed")
            parts = dict(p.strip().split("=", 1) for p in given[len("AWS4-HMAC-SHA256 "):].split(","))
            key_id, day, region, service, end = parts["Credential"].split("/")
            names = parts["SignedHeaders"].split(";")
            lower = {k.lower(): v for k, v in q.headers.items()}
            canonical = "\n".join(["POST", "/api/v1/write", "", *(f"{n}:{' '.join(lower[n].split())}" for n in names), "", parts["SignedHeaders"], hashlib.sha256(q.body).hexdigest()])
            text = "\n".join(["AWS4-HMAC-SHA256", lower["x-amz-date"], f"{day}/{region}/{service}/{end}", hashlib.sha256(canonical.encode()).hexdigest()])
            key = sign(sign(sign(sign(b"AWS4a secret", day), region), service), end)
            if (key_id, region, service) != ("AKID", "eu-central-1", "aps") or sign(key, text).hex() != parts["Signature"]:
                wrong.append((given, canonical))
                return Answer(403, "bad signature")
        r = self.receiver(answer=answer)
        self.goes_through(r, sigv4={"region": "eu-central-1", "access_key": "AKID", "secret_key": "a secret"})
        self.assertEqual(wrong, [])
