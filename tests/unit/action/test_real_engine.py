"""`tests/real_engine/run` around a stand-in for the dagger program, and the workflow that runs it.

Judge: the words of the command line and the exit codes that the script's head promises.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "tests" / "real_engine" / "run"
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "dagger.yml").read_text())["jobs"]["real-engine"]
VERSION = json.loads((ROOT / "dagger.json").read_text())["engineVersion"]
STAND_IN = r"""#!/bin/sh
printf '%s\n' "$*" >>"$CALLED"
case $* in
  *query) [ -n "$ANSWER" ] || exit 1; printf '{\n    "version": "%s"\n}\n' "$ANSWER" ;;
  *report*-o*) for made; do :; done; mkdir -p "$made"; printf '%s\n' "${REPORTED:-0}" >"$made/exit-code" ;;
esac
for name in ${FAILING:-}; do case " $* " in *" $name "*) exit 1 ;; esac; done
"""


@dataclass(frozen=True)
class Place:
    """A checkout of no more than the script, with a dagger and a launcher that only note their words."""

    root: Path

    def run(self, *names: str, **more: str) -> "subprocess.CompletedProcess[str]":
        host = {"_EXPERIMENTAL_DAGGER_RUNNER_HOST": "unix:///run/some.sock", "ANSWER": VERSION}
        env = {"PATH": f"{self.root / 'bin'}:{os.defpath}", "CALLED": str(self.root / "called"), **host, **more}
        script = self.root / "tests/real_engine/run"
        given = {key: value for key, value in env.items() if value}
        return subprocess.run(
            [script, *names], env={**given, "ANSWER": env["ANSWER"]}, capture_output=True, text=True, check=False
        )

    @property
    def called(self) -> list[str]:
        return (self.root / "called").read_text().splitlines()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for name in ("bin/dagger", "baselard"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(STAND_IN)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "tests/real_engine").mkdir(parents=True)
    shutil.copy2(SCRIPT, tmp_path / "tests/real_engine/run")
    shutil.copy2(ROOT / "dagger.json", tmp_path)
    return Place(tmp_path)


def _names() -> list[str]:
    return subprocess.run([SCRIPT, "--list"], capture_output=True, text=True, check=True).stdout.split()


def test_everything_is_asked(place: Place) -> None:
    done = place.run()
    assert done.returncode == 0, done.stderr
    words = [re.sub(r"-o \S+", "-o DIR", line) for line in place.called]
    assert words == [
        "--silent query",
        "functions",
        *(f"call {name}" for name in ("test-examples", "test-base", "lint", "report -o DIR")),
        "test -q --engine=dagger tests/conformance/test_cases.py",
        "test -q --engine=dagger tests/conformance/dockerfile -k through_objects",
    ]


def test_what_tests_are_asked_for_is_there(place: Place) -> None:
    place.run()
    asked = [next(word for word in line.split() if "/" in word) for line in place.called if line.startswith("test ")]
    assert len(asked) == 2
    assert all((ROOT / path).exists() for path in asked)


def test_only_what_is_named_is_asked(place: Place) -> None:
    assert place.run("lint", "functions").returncode == 0
    assert place.called == ["--silent query", "call lint", "functions"]


def test_one_failure_fails_all_and_lets_the_others_run(place: Place) -> None:
    done = place.run("test-base", "lint", FAILING="test-base")
    assert done.returncode == 1
    assert place.called[-1] == "call lint"
    assert "failed: test-base\n" in done.stderr


def test_a_report_that_tells_of_a_failure_is_one(place: Place) -> None:
    assert place.run("report", REPORTED="1").returncode == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"_EXPERIMENTAL_DAGGER_RUNNER_HOST": ""}, "set _EXPERIMENTAL_DAGGER_RUNNER_HOST"),
        ({"_EXPERIMENTAL_DAGGER_CLI_BIN": "/no/such/dagger"}, "no dagger program"),
        ({"ANSWER": ""}, "no engine answers at unix:///run/some.sock"),
        ({"ANSWER": "v0.20.9"}, f'dagger.json\'s {VERSION}: {{"version":"v0.20.9"}}'),
    ],
)
def test_what_is_missing_is_said(place: Place, given: Mapping[str, str], said: str) -> None:
    done = place.run(**given)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_name_that_is_none_is_refused(place: Place) -> None:
    done = place.run("tests")
    assert done.returncode == 2
    assert "there is no tests; there are functions" in done.stderr


def test_the_workflow_asks_for_all_that_the_script_knows() -> None:
    runs = [step["run"] for step in WORKFLOW["steps"] if "run" in step]
    assert [run.rpartition("tests/real_engine/run ")[2] for run in runs] == _names()


def test_each_of_the_workflows_steps_runs_whatever_failed_before() -> None:
    later = [step for step in WORKFLOW["steps"] if "run" in step][1:]
    assert {step.get("if") for step in later} == {"${{ !cancelled() }}"}


def test_engine_and_program_are_of_the_modules_version() -> None:
    action = next(step for step in WORKFLOW["steps"] if "dagger-for-github" in step.get("uses", ""))
    assert f"v{action['with']['version']}" == VERSION
    assert WORKFLOW["env"]["_EXPERIMENTAL_DAGGER_RUNNER_HOST"].endswith(f":{VERSION}")
