"""Every workflow of this repository, step by step, for every event and every way to end."""

import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from baselard.cli import init
from tests.actions_runner import services
from tests.actions_runner.expressions import condition, evaluate, fill
from tests.actions_runner.runner import Event

ROOT = Path(__file__).resolve().parents[3]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
FORK = Event("pull_request", fork="someone/images")
EVENTS = [Event(), Event("push", "refs/tags/v1.0.0"), Event("pull_request"), FORK, Event("schedule")]
EVENTS.append(Event("workflow_dispatch"))


@pytest.fixture(autouse=True)
def real_engine(monkeypatch):
    """dagger-for-github without a verb: installs the CLI."""

    def dagger(job, given):
        assert set(given) == {"version"}
        return {}

    monkeypatch.setitem(services.ACTIONS, "dagger/dagger-for-github", dagger)


@pytest.mark.parametrize("event", EVENTS, ids=lambda one: f"{one.name}{'-fork' if one.fork else one.ref}")
@pytest.mark.parametrize("ending", ["pass", "fail", "broken"])
def test_ci_is_one_call_whatever_happens(repository, event, ending):
    env = {"pass": {}, "fail": {"FAILING": "ci-report"}, "broken": {"BROKEN": "ci-report"}}[ending]
    run = repository.run(event, **env)
    done = run.workflow(repository.workflow())
    assert done["ci"]["result"] == ("success" if ending == "pass" else "failure")
    (words,) = repository.calls
    assert words[words.index("--ref") + 1] == run.github["ref"]
    assert words[words.index("--event") + 1] == event.name
    (job,) = run.jobs
    assert job.summary and job.ran[0].startswith("actions/checkout@")
    assert (repository.noted / "artifacts-1" / "baselard-report").exists() == (ending != "broken")


def test_the_written_workflow_runs_as_ours_does(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    init.run(github=True)
    run = repository.run(Event("pull_request"))
    assert run.workflow(tmp_path / init.WORKFLOW)["images"]["result"] == "success"
    assert len(repository.calls) == 1


def test_a_real_engine_is_asked_everything_that_there_is_to_ask(repository):
    known = subprocess.run([ROOT / "tests/real_engine/run", "--list"], capture_output=True, text=True, check=True)
    done = repository.run().workflow(repository.workflow("dagger"))
    assert done["real-engine"]["result"] == "success"
    assert [
        line.split()[-1] for line in (repository.noted / "programs").read_text().splitlines()
    ] == known.stdout.split()


def test_ci_installs_an_emulator_where_there_is_none(repository):
    repository.run().workflow(repository.workflow())
    has_one = any(Path("/proc/sys/fs/binfmt_misc").glob("qemu-*"))
    programs = repository.noted / "programs"
    assert has_one or "install --yes --no-install-recommends qemu-user-static" in programs.read_text()


# --- the fan-out ------------------------------------------------------------------------------------------------------


def functions(repository):
    return [words[words.index("--source") + 2] for words in repository.calls]


@pytest.mark.parametrize("event", [Event(), FORK])
def test_a_fan_out_builds_once_for_each_platform_and_ends_in_one_report(repository, event):
    run = repository.run(event)
    done = run.workflow(repository.workflow("fan-out"), {"matrix": "--shards=2", "registry": "r.example/base"})
    assert {name: one["result"] for name, one in done.items()} == dict.fromkeys(done, "success")
    expected = ["matrix", "hand-over", "hand-over", "report", "report", "report", "merge-reports"]
    assert functions(repository) == expected + ([] if event.fork else ["cleanup"])
    assert [job.label for job in run.jobs] == ["ubuntu-24.04"] * 2 + ["ubuntu-24.04-arm"] + ["ubuntu-24.04"] * 2 + [
        "ubuntu-24.04-arm",
        "ubuntu-24.04",
        "ubuntu-24.04",
    ]
    build, test, merge = repository.calls[1], repository.calls[3], repository.calls[6]
    assert {"--only=a,b,c", "--platform=linux/amd64", "--registry=r.example/base", "--tag=test-1"} <= set(build)
    assert ("--password" in build) == (not event.fork)
    assert {"--only=a,b", "--platform=linux/amd64", f"--bases={run.jobs[3].temp}/bases"} <= set(test)
    parts = {one.name for one in (run.jobs[6].temp / "parts").iterdir()}
    assert parts == {
        *("baselard-part-build-X64", "baselard-part-build-ARM64"),
        *("baselard-part-test-X64-0", "baselard-part-test-X64-1", "baselard-part-test-ARM64-2"),
    }
    assert f"--plan={done['plan']['outputs']['json']}" in merge


@pytest.mark.parametrize("broken", ["hand-over", "report"])
def test_what_breaks_is_reported_and_cleaned_up_after(repository, broken):
    done = repository.run(BROKEN=broken).workflow(repository.workflow("fan-out"))
    assert done["build" if broken == "hand-over" else "test"]["result"] == "failure"
    assert done["test"]["result"] == ("skipped" if broken == "hand-over" else "failure")
    assert done["cleanup"]["result"] == "success"
    assert functions(repository)[-2:] == ["merge-reports", "cleanup"]


def test_where_nothing_changed_there_is_nothing_to_run(repository):
    plan = repository.noted / "plan"
    plan.write_text('{"matrix": {"include": []}, "builds": {"include": []}}')
    done = repository.run().workflow(repository.workflow("fan-out"))
    assert (done["build"]["result"], done["test"]["result"]) == ("skipped", "skipped")


# --- together ---------------------------------------------------------------------------------------------------------


def test_every_step_of_every_workflow_is_run(repository):
    """Steps that no test reaches would be steps that nobody has ever seen work."""
    ran = set()
    names = sorted(path.stem for path in (repository.root / ".github/workflows").iterdir())
    for number, name in enumerate(names):
        events = {"ci": Event("pull_request"), "release": Event(ref=f"refs/tags/v{VERSION}")}
        event = events.get(name, Event())
        for again in (1, 2):  # the second time there is a cache to restore
            (repository.noted / "digest").write_text(str(again) * 64)
            run = repository.run(event, number=10 * number + again)
            run.workflow(repository.workflow(name))
            ran |= {step for job in run.jobs for step in job.ran}
    flows = [yaml.safe_load(path.read_text()) for path in (repository.root / ".github/workflows").iterdir()]
    steps = [step for flow in flows for job in flow["jobs"].values() for step in job["steps"]]
    steps += yaml.safe_load((repository.root / "action.yml").read_text())["runs"]["steps"]
    assert {step.get("name") or step.get("uses") or step["run"] for step in steps} <= ran


CONTEXTS = {
    "a": {"b-c": "x", "list": [1]},
    "none": None,
    "always": lambda: True,
    "success": lambda: False,
    "failure": lambda: True,
    "cancelled": lambda: False,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b-c == 'X'", True),
        ("a.nothing.more || 'other'", "other"),
        ("a.b-c && 5 || 6", 5),
        ("!a.list[1] && a.list[0] == 1", True),
        ("fromJSON('{\"k\": [\"it''s\"]}').k[0]", "it's"),
        ("none == '' && none != 'x'", True),
    ],
)
def test_the_runner_reads_expressions_as_github_does(text, value):
    assert evaluate(text, CONTEXTS) == value


def test_the_runner_reads_conditions_and_templates_as_github_does():
    assert fill({"k": ["${{ a.list }}", "x${{ a.b-c }}y"]}, CONTEXTS) == {"k": [[1], "xxy"]}
    assert [condition(text, CONTEXTS) for text in (None, "a.b-c", "always() && a.b-c", "${{ failure() }}")] == [
        *(False, False, True, True)
    ]
