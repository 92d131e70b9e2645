"""A repository with the real workflows and the real action, around a launcher that only notes what it is asked."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.model import Case, Location, Report, Suite, Verdict
from pipeline.report.directory import files
from tests.actions_runner.runner import Event, Job, Run

CHECKOUT = Path(__file__).resolve().parents[3]
LAUNCHER = '''#!/usr/bin/env python3
"""Stands in for the launcher: notes its words, and gives what the test prepared."""
import json, os, pathlib, shutil, sys, time
noted = pathlib.Path(os.environ["FAKE"])
with (noted / "called").open("a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "cache":
    if "NOCACHE" in os.environ:
        sys.exit(2)
    place = pathlib.Path(sys.argv[3])
    if sys.argv[2] == "export":
        place.mkdir(exist_ok=True)
        digest = (noted / "digest").read_text()
        (place / "index.json").write_text(json.dumps({"manifests": [{"digest": "sha256:" + digest}]}))
    sys.exit(0)
if "plan" in sys.argv:
    if not (noted / "planned").exists():
        sys.exit("no such thing")
    print((noted / "planned").read_text())
    sys.exit(0)
function = sys.argv[sys.argv.index("--source") + 2]
if "HANG" in os.environ:
    pathlib.Path(os.environ["RUNNER_TEMP"], "started").touch()
    time.sleep(60)
if os.environ.get("BROKEN") in (function, "all"):
    sys.exit("no such thing")
if function == "matrix":
    print((noted / "plan").read_text())
elif "-o" in sys.argv:
    shutil.copytree(noted / ("failing" if os.environ.get("FAILING") == function else "made"), sys.argv[-1])
'''
STUB = """#!/bin/sh
echo "$(basename "$0") $*" >>"$FAKE/programs"
case "$*" in
  *"uv build --out-dir dist") mkdir -p dist && touch dist/baselard.whl ;;
  "build --strict") mkdir -p site && touch site/index.html ;;
esac
"""
PYTHON = """#!/bin/sh
# The machine's own, but for an environment: what would be installed there only notes that it was called.
[ "$1 $2" = "-m venv" ] || exec /usr/bin/python3 "$@"
mkdir -p "$3/bin" && cp "$FAKE/bin/sudo" "$3/bin/python" && cp "$FAKE/bin/sudo" "$3/bin/zensical"
"""
PUSH = Event()
IMAGES = {"standard": {"tags": ["ghcr.io/o/r:latest", "ghcr.io/o/r:1"], "digest": "sha256:abc"}}
SIZES = [
    {"name": "base", "compressed": 11_000_000, "unpacked": 3e7, "published": 10_000_000, "note": "against base:main"}
]


@dataclass(frozen=True)
class Repository:
    """What a test may prepare and look at."""

    root: Path
    noted: Path

    def run(self, event: Event = PUSH, number: int = 1, api: str = "http://127.0.0.1:9", **more: str) -> Run:
        env = {"FAKE": str(self.noted), "PATH": f"{self.noted / 'bin'}:/usr/bin:/bin", **more}
        secrets = {"GITHUB_TOKEN": "t", "registry-token": "t"}
        actions = {"baselard/baselard": self.root}
        return Run(self.noted, self.root, event, actions, secrets, lambda _: env, api, number)

    def workflow(self, name: str = "ci") -> Path:
        return self.root / ".github" / "workflows" / f"{name}.yml"

    @property
    def calls(self) -> list[list[str]]:
        """The words of each call of a function, without those that all have."""
        return [words for words in self.all_calls if "call" in words]

    @property
    def all_calls(self) -> list[list[str]]:
        """Those of each call, but for the question which platforms are published."""
        called = self.noted / "called"
        lines = called.read_text().splitlines() if called.exists() else []
        return [words for words in map(json.loads, lines) if "plan" not in words]


def made(place: Path, verdict: Verdict) -> None:
    """A report's directory, with a base beside it as hand-over has."""
    case = Case("c", verdict, message="m\n::error::x", place=Location("Dockerfile", 3))
    outputs = {"images": IMAGES, "digest": "sha256:abc", "sizes": SIZES}
    report = Report("ü", (Suite("python-cli", (case,)),), "2026-01-01T00:00:00+00:00", 1.0, outputs)
    (place / "bases").mkdir(parents=True)
    (place / "bases" / "bases.json").write_text("{}")
    for name, text in files(report).items():
        (place / name).write_text(text)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    root, noted = tmp_path / "repository", tmp_path / "noted"
    for name in ("action", ".github"):
        shutil.copytree(CHECKOUT / name, root / name)
    shutil.copy(CHECKOUT / "action.yml", root)
    shutil.copy(CHECKOUT / "pyproject.toml", root)
    (root / "baselard").write_text(LAUNCHER)
    (root / "baselard").chmod(0o755)
    (noted / "bin").mkdir(parents=True)
    (noted / "digest").write_text("1" * 64)
    for name in ("sudo", "apt-get", "dagger", "gh", "python3"):
        (noted / "bin" / name).write_text(PYTHON if name == "python3" else STUB)
        (noted / "bin" / name).chmod(0o755)
    (root / "tests/real_engine").mkdir(parents=True)
    shutil.copy(noted / "bin/sudo", root / "tests/real_engine/run")
    made(noted / "made", Verdict.PASSED)
    made(noted / "failing", Verdict.FAILED)
    job = {"platform": "linux/amd64", "runner": "ubuntu-24.04", "minutes": 1}
    arm = {"platform": "linux/arm64", "runner": "ubuntu-24.04-arm", "minutes": 1}
    tests = [{"example": "a,b", **job}, {"example": "c", **job}, {"example": "a", **arm}]
    builds = [{"examples": "a,b,c", **job}, {"examples": "a", **arm}]
    plan = {"matrix": {"include": tests}, "builds": {"include": builds}, "reference": "", "digest": ""}
    (noted / "plan").write_text(json.dumps(plan))
    planned = {"bases": {"b": {"platforms": ["linux/amd64", "linux/arm64"]}}, "examples": {}}
    (noted / "planned").write_text(json.dumps(planned))
    return Repository(root, noted)


@pytest.fixture
def step(repository: Repository) -> Callable[..., Job]:
    """Use the action in a job of one step, with these inputs."""

    def use(event: Event = PUSH, cancel_at: str = "", api: str = "http://127.0.0.1:9", **given: str) -> Job:
        env = {key: given.pop(key) for key in list(given) if key.isupper()}
        run = repository.run(event, len(list(repository.noted.glob("job-*"))) + 1, api, **env)
        job = Job(run, 0)
        job.cancel_at = cancel_at
        with_ = {key.replace("_", "-"): value for key, value in given.items()}
        steps = [{"id": "it", "uses": "baselard/baselard@v0", "with": with_}]
        job.steps(steps, {"github": run.github})
        return job

    return use
