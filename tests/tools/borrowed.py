# SPDX-License-Identifier: Apache-2.0
"""What others publish to judge files by: fetched once, by pip or go, into build/borrowed. Where there is no network and it is not there, the test is skipped and says so."""
import glob, json, os, shutil, subprocess, sys, unittest
from servers import BUILD

FOLDER = os.path.join(BUILD, "borrowed")
# the types are those of the Grafana that docker/compose.yaml starts
PACKAGES = ("grafana-foundation-sdk==1769699520!11.4.0", "kubernetes-validate==1.37.0", "jsonschema==4.26.0", "PyYAML==6.0.3")
COMPOSE = "github.com/compose-spec/compose-go/v2@v2.4.7"
OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.79.2"
KEDA = "github.com/kedacore/keda/v2@v2.16.0"


def python():
    """Makes PACKAGES importable."""
    target = os.path.join(FOLDER, "python-%d.%d" % sys.version_info[:2])
    done = os.path.join(target, "complete")
    wanted = "\n".join(PACKAGES)
    if not os.path.exists(done) or open(done).read() != wanted:
        shutil.rmtree(target, ignore_errors=True)
        pip = subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", target, *PACKAGES],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if pip.returncode:
            raise unittest.SkipTest("pip cannot fetch " + ", ".join(PACKAGES) + ": " + (pip.stdout.strip().splitlines() or ["?"])[-1])
        with open(done, "w") as f:
            f.write(wanted)
    if target not in sys.path:
        sys.path.insert(0, target)


def module(name, path):
    """A file of a Go module, as its authors publish it; its sum is checked by go against the public database."""
    go = shutil.which("go") or next(iter(glob.glob("/usr/local/go/bin/go")), None)
    if not go:
        raise unittest.SkipTest(f"no go here, to fetch {path} of {name}")
    fetched = subprocess.run([go, "mod", "download", "-json", name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=BUILD,
                             env=dict(os.environ, GOMODCACHE=os.path.join(FOLDER, "go"), GOFLAGS="-modcacherw", GOTOOLCHAIN="local"))
    about = json.loads(fetched.stdout or "{}")
    if "Dir" not in about:
        raise unittest.SkipTest(f"go cannot fetch {name}: {about.get('Error') or fetched.stderr.strip()}")
    return os.path.join(about["Dir"], path)


def strict(schema):
    """A schema of a custom resource, which refuses what it does not know: a cluster drops that without a word."""
    if isinstance(schema, list):
        return [strict(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    out = {k: strict(v) for k, v in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        out.pop("type", None)
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not schema.get("x-kubernetes-preserve-unknown-fields"):
        out.setdefault("additionalProperties", False)
    return out


def resource(path, version):
    """The schema of one version of a custom resource, with metadata open."""
    import yaml
    with open(path, encoding="utf-8") as f:
        definition = yaml.safe_load(f)
    schema = next(v for v in definition["spec"]["versions"] if v["name"] == version)["schema"]["openAPIV3Schema"]
    out = strict(schema)
    out["properties"]["metadata"] = {"type": "object"}
    return out
