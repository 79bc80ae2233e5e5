# SPDX-License-Identifier: Apache-2.0
import json, os, time
from stage import Stage


class Examples(Stage):
    def shown(self, examples):
        """What the API says of the one pattern of a file of logins."""
        self.prometheus()
        path = os.path.join(self.folder, "logins.jsonl")
        with open(path, "w", encoding="utf-8") as f:
            for n, who in enumerate(("ann", "bob", "eve")):
                f.write(json.dumps({"ts": time.time() - 60 + n, "level": "info", "service": "door", "msg": f"login of user {who} from 10.0.0.{n} took {n}ms"}) + "\n")
        settings = {**self.settings(brokers="unused"), "sources": [{"file": {"path": path, "follow": True}}], "examples": examples}
        w = self.winnow(settings)
        self.until(lambda: "login of user" in w.get("/api/v1/patterns")[1], 30, lambda: f"a pattern: {w.get('/api/v1/patterns')}; it said: {w.said()[-1500:]}")
        patterns = [p for p in json.loads(w.get("/api/v1/patterns")[1])["patterns"] if "login" in p["template"]]
        self.assertEqual(len(patterns), 1, patterns)
        status, text = w.get("/api/v1/patterns/" + patterns[0]["id"])
        self.assertEqual(status, 200, text)
        self.ends_well(w)
        return text

    def test_full(self):
        """by default the example is a record as it came"""
        self.assertIn("login of user ann from 10.0.0.0 took 0ms", self.shown("full"))

    def test_masked(self):
        """with examples: masked no value of a record leaves the program"""
        text = self.shown("masked")
        self.assertIn("login of user <*> from <ip> took <duration>", text)
        self.assertNotIn("10.0.0.", text)

    def test_none(self):
        """with examples: none there is a pattern and no example"""
        text = self.shown("none")
        self.assertIn("login of user", text)
        self.assertNotIn("took 0ms", text)
        self.assertNotIn("10.0.0.", text)
