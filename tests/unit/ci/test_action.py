"""The action's steps in a clean environment: what is called, what comes out, also when it fails or is broken."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
ACTION = yaml.safe_load((CHECKOUT / "action.yml").read_text())

FAKE = """#!/bin/sh
printf '%s\\n' "$@" >"$RUNNER_TEMP/called"
for word; do [ "${previous:-}" != -o ] || report=$word; previous=$word; done
[ -z "${BROKEN:-}" ] || { echo "no such thing" >&2; exit 2; }
cp -r "$RUNNER_TEMP/made" "$report"
"""


class Job:
    """A runner's surroundings around the checkout's action, with a stand-in for the launcher."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.temp = root / "temp"
        (root / ".ci").mkdir()
        self.temp.mkdir()
        shutil.copy(CHECKOUT / ".ci" / "action", root / ".ci" / "action")
        (root / "baselard").write_text(FAKE)
        (root / "baselard").chmod(0o755)
        self.env = {
            "PATH": os.environ["PATH"],
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_OUTPUT": str(root / "output"),
            "GITHUB_STEP_SUMMARY": str(root / "summary"),
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_SHA": "1" * 40,
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_ACTOR": "somebody",
            "BASELARD_CALL": "ci",
            "BASELARD_SOURCE": ".",
            "BASELARD_ARGS": "",
            "BASELARD_ENGINE": "embedded",
        }
        self.report(0)

    def report(self, code: int) -> None:
        made = self.temp / "made"
        made.mkdir(exist_ok=True)
        images = {"standard": {"tags": ["ghcr.io/o/r:latest", "ghcr.io/o/r:1"], "digest": "sha256:abc"}}
        (made / "outputs.json").write_text(json.dumps({"title": "ü\n::error::x", "images": images}, indent=2))
        (made / "summary.md").write_text("# All\n")
        (made / "annotations").write_text("::error file=a,line=1::b\n")
        (made / "exit-code").write_text(f"{code}\n")

    def run(self, step: str, **env: str) -> "subprocess.CompletedProcess[str]":
        command = ["sh", "-e", "-c", '"$GITHUB_ACTION_PATH/.ci/action" ' + step]
        environ = {**self.env, "GITHUB_ACTION_PATH": str(self.root), **env}
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)

    @property
    def called(self) -> list[str]:
        return (self.temp / "called").read_text().splitlines()

    @property
    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in (self.root / "output").read_text().splitlines())


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_a_push_calls_ci_with_the_event_and_the_token(job: Job) -> None:
    assert job.run("call", BASELARD_TOKEN="t").returncode == 0
    words = " ".join(job.called)
    assert words.startswith(f"--engine embedded call -m {job.root} --source . ci-report --ref refs/heads/main")
    assert "--event push --username somebody --password env://BASELARD_TOKEN -o" in words


def test_without_a_token_none_is_named(job: Job) -> None:
    job.run("call", GITHUB_EVENT_NAME="pull_request", GITHUB_REF="refs/pull/7/merge", BASELARD_TOKEN="")
    assert "--password" not in job.called
    assert "refs/pull/7/merge" in job.called


def test_a_check_is_called_with_the_given_arguments_as_they_are(job: Job) -> None:
    job.run("call", BASELARD_CALL="test-examples", BASELARD_ARGS="--only\n$(touch pwned) a b\n\n")
    at = job.called.index("report")
    assert job.called[at : at + 5] == ["report", "--check", "test-examples", "--only", "$(touch pwned) a b"]
    assert not (job.root / "pwned").exists()


@pytest.mark.parametrize("code", [0, 1])
def test_report_and_outputs_are_there_whatever_the_verdict(job: Job, code: int) -> None:
    job.report(code)
    done = job.run("call")
    assert done.returncode == 0
    assert "::error file=a,line=1::b\n" in done.stdout
    assert (job.root / "summary").read_text() == "# All\n"
    outputs = job.outputs
    assert outputs["exit-code"] == str(code)
    assert outputs["digest"] == "sha256:abc"
    assert outputs["tags"] == "ghcr.io/o/r:latest ghcr.io/o/r:1"
    assert json.loads(outputs["json"])["images"]
    assert (Path(outputs["report"]) / "summary.md").exists()
    assert job.run("verdict", BASELARD_EXIT_CODE=outputs["exit-code"]).returncode == code


def test_a_summary_is_added_to_not_replaced(job: Job) -> None:
    (job.root / "summary").write_text("before\n")
    job.run("call")
    assert (job.root / "summary").read_text() == "before\n# All\n"


def test_a_call_that_never_got_to_a_report_fails_too(job: Job) -> None:
    done = job.run("call", BROKEN="1")
    assert (done.returncode, job.outputs["exit-code"]) == (0, "2")
    assert "no such thing" in done.stderr


def test_no_expression_is_part_of_a_script() -> None:
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    assert scripts and not [script for script in scripts if "${{" in script]


def test_actions_are_pinned() -> None:
    workflows = (CHECKOUT / ".github" / "workflows").glob("*.yml")
    for path in [CHECKOUT / "action.yml", *workflows]:
        for line in path.read_text().splitlines():
            if "uses:" in line and "uses: ./" not in line:
                assert len(line.split("@")[1].split()[0]) == 40, f"{path.name}: {line.strip()}"


def test_every_output_is_one_the_step_gives() -> None:
    given = {"exit-code", "report", "digest", "tags", "json"}
    assert {value["value"].split(".")[-1].rstrip(" }") for value in ACTION["outputs"].values()} == given
