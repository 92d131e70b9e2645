"""An example that fails once: what history, compare and --last-failed make of it, on one store."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.root, pytest.mark.network]

ROOT = Path(__file__).resolve().parents[3]
GOSS = "file: {/word: {exists: true, contains: [WORD]}}\n"
REPOSITORY = {
    "Dockerfile": "FROM debian:trixie-slim\nRUN echo hello >/word\n",
    "baselard.yaml": "bases: [{name: example.test/base}]\n",
    "examples/steady/Dockerfile": "FROM example.test/base\n",
    "examples/steady/goss.yaml": GOSS.replace("WORD", "hello"),
    "examples/turning/Dockerfile": "FROM example.test/base\n",
    "examples/turning/goss.yaml": GOSS.replace("WORD", "hullo"),
}


@pytest.fixture
def asked(kept_store: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run a command of Baselard in a directory."""

    def run(place: Path, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "BASELARD_STORE": str(kept_store), "PYTHONPATH": str(ROOT)}
        argv = [sys.executable, "-m", "baselard.cli", *words]
        return subprocess.run(argv, cwd=place, env=environment, capture_output=True, text=True, check=False)

    return run


def test_an_example_that_fails_once(call, write, asked):
    place = write(REPOSITORY)
    unknown = call(place, "test-examples", "--last-failed", inside=True)
    assert (unknown.code, unknown.stdout) == (2, "")
    assert "no test of an example" in unknown.stderr
    assert call(place, "test-examples", inside=True).code == 1
    assert call(place, "examples", inside=True).code == 0  # judges nothing

    write({"examples/turning/goss.yaml": GOSS.replace("WORD", "hello")})
    again = call(place, "test-examples", "--last-failed", inside=True)
    assert again.code == 0, again.stderr[-3000:]
    assert "turning" in again.stdout
    assert "steady" not in again.stdout
    third = call(place, "test-examples", "--last-failed", inside=True)
    assert (third.code, third.stdout) == (0, "")
    assert "there is nothing to do" in third.stderr

    after, before = json.loads(asked(place, "history", "--json").stdout)
    assert (before["code"], after["code"]) == (1, 0)
    verdicts = {one["name"]: one["verdict"] for one in before["judgements"]}
    assert verdicts == {"turning": "failed", "example.test/base (build)": "passed", "steady": "passed"}
    assert after["words"][-2:] == ["test-examples", "--last-failed"]

    numbers = str(before["run"]), str(after["run"])
    compared = asked(place, "compare", *numbers)
    assert compared.returncode == 0
    assert "turning: failed → passed\n" in compared.stdout
    assert "steady: passed → absent\n" in compared.stdout
    turned = json.loads(asked(place, "compare", *numbers, "--json").stdout)["verdicts"]
    assert [(one["name"], one["before"], one["after"]) for one in turned] == [
        *(("turning", "failed", "passed"), ("steady", "passed", "absent"))
    ]
    assert f"run {numbers[0]}: " in asked(place, "history", "show", numbers[0]).stdout
    assert asked(place, "compare", numbers[0], "999").returncode == 2


def test_failed_first_begins_with_what_failed(call, write):
    place = write({**REPOSITORY, "examples/another/Dockerfile": "FROM example.test/base\n"})
    assert call(place, "test-examples", inside=True).code == 1
    done = call(place, "test-examples", "--failed-first", "--fail-fast", "--jobs", "1", inside=True)
    assert done.code == 1
    assert done.stderr.count("failed when tested last: turning\n") == 1
    assert [line.split()[:2] for line in done.stderr.splitlines() if "(--fail-fast)" in line] == [
        *(["skipped", "another"], ["skipped", "steady"])
    ]
