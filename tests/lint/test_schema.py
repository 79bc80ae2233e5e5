# SPDX-License-Identifier: Apache-2.0
"""The JSON Schemas in docs/schema, judged by a validator that is not ours: they take what winnow takes, and refuse what it refuses."""
import glob, json, os, unittest
from test_docker import ROOT, parse_yaml
from test_help import documents, fences

try:
    import jsonschema
except ImportError:
    jsonschema = None


def validator(name):
    with open(os.path.join(ROOT, "docs", "schema", name), encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


@unittest.skipUnless(jsonschema, "python3-jsonschema is not installed")
class Schema(unittest.TestCase):
    def fits(self, schema, text, where):
        found = [f"{where}: {'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in schema.iter_errors(parse_yaml(text, typed=True))]
        self.assertEqual(found, [])

    def test_shipped(self):
        """every shipped rule file fits docs/schema/rules.json"""
        schema, files = validator("rules.json"), sorted(glob.glob(os.path.join(ROOT, "patterns", "*.yaml")))
        self.assertGreaterEqual(len(files), 15)
        for path in files:
            with self.subTest(os.path.basename(path)), open(path, encoding="utf-8") as f:
                self.fits(schema, f.read(), path)

    def test_documents(self):
        """every rule file and winnow.yaml in README and docs fits its schema"""
        rules, config, seen = validator("rules.json"), validator("config.json"), 0
        for path in documents():
            for line, body in fences(path, "yaml"):
                schema = config if "sources:" in body else rules if body.startswith("rules:\n") else None
                if schema:
                    seen += 1
                    with self.subTest(f"{path}:{line}"):
                        self.fits(schema, body, f"{path}:{line}")
        self.assertGreaterEqual(seen, 8)

    def test_refused(self):
        """what winnow refuses for its keys and kinds, the schemas refuse too"""
        rule = "rules: [{name: a, match: 'x <n:int>', %s}]"
        bad = {"rules.json": ["rules: [{match: x}]", "rules: [{name: a}]", "rules: {name: a}", "rule: []", "rules: [{name: a, match: x, regex: x}]",
                              *(rule % wrong for wrong in ("lable: x", "drop: [1]", "severity: loud", "duration: {unit: ms}", "duration: {from: n, unit: fortnights}", "tests: {message: x}",
                                                           "tests: [{message: x 1}]", "tests: [{message: x 1, expect: match, field: x}]", "labels: [a]"))],
               "config.json": ["sources: {kafka: {}}", "sources: [{kafka: {broker: x}}]", "metrics: {step: 10}", "budgets: {series: many}", "shards: 1000", "log_level: loud", "remote_write: http://x"]}
        for name, texts in bad.items():
            schema = validator(name)
            for text in texts:
                with self.subTest(text):
                    self.assertFalse(schema.is_valid(parse_yaml(text, typed=True)), text)
        self.assertTrue(validator("rules.json").is_valid(parse_yaml(rule % "drop: true", typed=True)))
