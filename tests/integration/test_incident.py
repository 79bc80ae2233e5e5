# SPDX-License-Identifier: Apache-2.0
"""One call puts a service under incident: more of it is kept, everyone knows, it outlives a kill, and it ends by itself."""
import json, time, unittest, urllib.request, urllib.error
from servers import HTTP
from stage import Stage, dump, kafka, produce_values

SECONDS = 21     # of the incident


def stamp(at=None):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at or time.time())) + "Z"


def line(service, text, level="error"):
    return json.dumps({"time": stamp(), "level": level, "service": service, "message": text, "trace_id": "%032x" % abs(hash(text))}).encode()


def words(i):
    return "".join(chr(97 + int(d)) for d in str(i))


class Incident(Stage):
    def post(self, server, body, headers=()):
        request = urllib.request.Request(server.url + "/api/v1/incident", method="POST", data=body if isinstance(body, bytes) else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json", **dict(headers)})
        try:
            with HTTP.open(request, timeout=15) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)

    def services(self, server):
        return [i["service"] for i in server.json("/api/v1/incidents")["incidents"]]

    def pattern(self, server, service, text):
        found = [p for p in server.json(f"/api/v1/patterns?service={service}&limit=1000")["patterns"] if text in p["template"]]
        return server.json("/api/v1/patterns/" + found[0]["id"]) if found else None

    def counted(self, server, n, seconds=30):
        self.until(lambda: sum(server.json("/api/v1/status").get("outcomes", {}).values()) >= n, seconds, f"{n} records counted")

    def test_one_call(self):
        """raised at one instance, seen by the other, kept over kill -9, more examples in full and twice the budget meanwhile; then over by itself"""
        self.prometheus()
        settings = self.settings("kafka", examples="masked", budgets={"patterns_per_service": 4}, incident={"topic": self.name + ".control"})
        first, second = self.winnow(settings), self.winnow(settings)
        for server in (first, second):
            self.until(lambda s=server: s.get("/-/healthy")[0] == 200 and s.get("/api/v1/incidents")[0] == 200, 30, "/api/v1/incidents")
            self.until(lambda s=server: "patterns" in s.json("/api/v1/status"), 30, "the journal is read")

        # before: masked, one example
        produce_values(kafka().brokers, self.logs, [line("payment", f"calm charge of {i} cents refused") for i in range(5)])
        self.counted(first, 5)
        calm = self.pattern(first, "payment", "calm charge")
        self.assertNotIn("of 0 cents", calm["example"]["text"])
        self.assertEqual(calm["examples"], [])

        began = time.time()
        status, said = self.post(first, {"service": "payment", "minutes": SECONDS / 60})
        self.assertEqual((status, said["service"], said["level"], said["sampling"]), (200, "payment", "debug", 1))
        for server in (first, second):
            self.until(lambda s=server: self.services(s) == ["payment"], 5, "the incident at both instances")
        control = second.json("/api/v1/control/payment")
        self.assertEqual((control["level"], control["sampling"], control["until"]), ("debug", 1, said["until"]))
        self.assertGreater(control["seconds_left"], SECONDS - 8)
        self.assertIsNone(second.json("/api/v1/control/cart")["level"])
        notice, = [m for m in dump(kafka().brokers, self.name + ".control") if m["key"] == b"payment"]
        self.assertEqual(json.loads(notice["value"])["level"], "debug")

        # it outlives the instance that was told
        first.kill()
        first.start()
        self.until(lambda: first.get("/api/v1/incidents")[0] == 200 and self.services(first) == ["payment"], 15, "the incident after kill -9")
        until = self.metric(first, "winnow_incident_until_timestamp_seconds", service_name="payment")
        self.assertAlmostEqual(until, began + SECONDS, delta=3)
        self.assertEqual([i["service"] for i in first.json("/api/v1/status")["incidents"]], ["payment"])

        # during: in full, several, and eight patterns in place of four; the other service as ever
        for i in range(4):
            produce_values(kafka().brokers, self.logs, [line("payment", f"calm charge of {i} cents refused"), line("cart", f"item {i} is gone from the cart")])
            time.sleep(1.1)
        produce_values(kafka().brokers, self.logs, [line(s, f"{words(i)} {words(i)} {words(i)} {words(i)}") for i in range(100, 112) for s in ("payment", "cart")])
        self.assertLess(time.time(), began + SECONDS - 1, "the machine is too slow for this test")
        self.counted(first, 5 + 8 + 24)
        calm = self.pattern(first, "payment", "calm charge")
        self.assertGreaterEqual(len(calm["examples"]), 3)
        for e in calm["examples"]:
            self.assertRegex(e["text"], r"of \d cents")
            self.assertEqual(len(e["trace_id"]), 32)
        self.assertEqual(self.pattern(first, "cart", "is gone from")["examples"], [])
        mined = lambda s: len([p for p in first.json(f"/api/v1/patterns?service={s}&limit=1000")["patterns"] if p["template"] != "other"])
        self.assertLessEqual(mined("cart"), 4 * 2)        # the shards of two instances, each with its own budget
        self.assertGreater(mined("payment"), mined("cart"))
        self.assertGreaterEqual(sum(self.metric(s, "winnow_incident_records_total") for s in (first, second)), 12)

        # by itself it is over
        self.until(lambda: not self.services(first) and not self.services(second), SECONDS + 5, "the end of the incident")
        self.assertGreater(time.time(), began + SECONDS - 0.5)
        self.assertIsNone(first.json("/api/v1/control/payment")["level"])
        self.assertEqual(self.metric(first, "winnow_incident_until_timestamp_seconds"), 0)
        self.until(lambda: "payment: over" in first.said(), 5, "that it is over in the log")
        time.sleep(1.1)    # records say whole seconds, and what counts is their time
        produce_values(kafka().brokers, self.logs, [line("payment", f"calm charge of {i} cents refused") for i in range(3)])
        self.counted(first, 5 + 8 + 24 + 3)
        after = self.pattern(first, "payment", "calm charge")
        self.assertEqual((after["count"], after["examples"]), (calm["count"] + 3, calm["examples"]), "no more of them are kept")
        for server in (first, second):
            self.ends_well(server)

    def span(self, service, number):
        now = time.time_ns()
        return json.dumps({"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}, "scopeSpans": [{"spans": [
            {"traceId": "%032x" % number, "spanId": "%016x" % number, "name": "GET /", "kind": 2, "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 10**7)}]}]}]}).encode()

    def test_sampling(self):
        """the share of traces kept of a service under incident rises from none to all, that of others does not, and afterwards it is as before"""
        self.prometheus()
        kept = self.name + ".kept"
        policy = {"topic": kept, "share": "0%", "errors": False, "slow": "0s", "patterns": False, "hold": "2s", "quiet": "1s", "grace": "2s"}
        server = self.winnow(self.settings("file", sampling=policy))
        self.until(lambda: server.get("/-/healthy")[0] == 200 and "patterns" in server.json("/api/v1/status"), 30, "the journal is read")

        def play(first):
            """A trace of each of two services."""
            produce_values(kafka().brokers, self.spans, [self.span(s, n) for n, s in ((first, "payment"), (first + 1, "cart"))])

        def traces():
            return {int(m["key"].decode(), 16) for m in dump(kafka().brokers, kept)}
        play(10)
        self.until(lambda: self.post(server, {"service": "payment", "minutes": 8 / 60})[0] == 200, 10, "it is raised")
        until = time.time() + 8
        for n in range(20, 26, 2):
            play(n)
            time.sleep(1)
        time.sleep(max(0, until + 0.5 - time.time()))
        for n in range(30, 50, 2):
            play(n)
            time.sleep(0.8)
        self.until(lambda: {20, 22, 24} <= traces(), 30, lambda: f"the incident's traces are kept; kept are {traces()}")
        self.assertEqual(traces(), {20, 22, 24})
        self.assertEqual({m["headers"]["winnow.kept"] for m in dump(kafka().brokers, kept)}, {"incident"})
        self.ends_well(server)

    def test_alertmanager(self):
        """Alertmanager's webhook raises the services of alerts that fire; what is not understood is refused with a reason; a file keeps it over kill -9"""
        self.prometheus()
        server = self.winnow(self.settings("file", incident={"minutes": 10}))
        self.until(lambda: server.get("/-/healthy")[0] == 200, 10, "/-/healthy")
        alert = lambda status, **labels: {"status": status, "labels": labels, "annotations": {}, "startsAt": stamp(), "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "a1"}
        body = {"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "winnow", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://a",
                "alerts": [alert("firing", alertname="SloErrorBudgetBurn", sloth_service="frontend", burn_rate="14.4"), alert("firing", alertname="X", service_name="cart"),
                           alert("resolved", alertname="Y", service="shipping"), alert("firing", alertname="WinnowDown")]}
        self.until(lambda: self.post(server, body)[0] == 200, 10, "the webhook taken")
        status, said = self.post(server, body)
        self.assertEqual((status, [i["service"] for i in said["incidents"]], said["skipped"]), (200, ["frontend", "cart"], 2))
        self.assertEqual(said["incidents"][0]["by"], "alert SloErrorBudgetBurn")
        self.assertEqual(self.metric(server, "winnow_incidents_total"), 2)
        for wrong, why in ((b"{", "not a JSON object"), ({"minutes": 3}, "service is missing"), ({"service": "a", "minutes": -1}, "minutes"), ({"service": "a", "minutes": 1e9}, "minutes"),
                           ({"service": "a", "level": "loud"}, "level"), ({"service": "a\tb"}, "tabs"), ({"service": "x" * 300}, "longer")):
            status, said = self.post(server, wrong)
            self.assertEqual(status, 400, wrong)
            self.assertIn(why, said["error"])
        self.assertEqual(self.post(server, {"service": "a"}, {"Origin": "http://evil.example"})[0], 403)
        self.assertEqual(self.post(server, b"x" * (2 << 20))[0], 413)
        server.kill()
        server.start()
        self.until(lambda: server.get("/api/v1/incidents")[0] == 200 and self.services(server) == ["frontend", "cart"], 15, "both after kill -9")
        self.assertEqual(self.post(server, {"service": "cart", "minutes": 0})[0], 200)
        self.assertEqual(self.services(server), ["frontend"])
        self.ends_well(server)


if __name__ == "__main__":
    unittest.main()
