"""Jobs and their steps, each `run` a real program in a clean environment with the runner's real files."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.actions_runner import services
from tests.actions_runner.expressions import condition, fill, shown

SHELLS = {
    "sh": ("sh", "-e"),
    "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail"),
    "": ("bash", "-e"),
}
REFS = {
    "push": "refs/heads/main",
    "pull_request": "refs/pull/7/merge",
    "schedule": "refs/heads/main",
    "workflow_dispatch": "refs/heads/main",
}


@dataclass(frozen=True)
class Event:
    """What started the run; ``fork`` is the repository a pull request comes from, empty for none."""

    name: str = "push"
    ref: str = ""
    fork: str = ""
    actor: str = "somebody"
    action: str = "synchronize"

    @property
    def document(self) -> dict[str, Any]:
        if self.name != "pull_request":
            return {"ref": self.ref or REFS[self.name]}
        head = {"repo": {"full_name": self.fork or "acme/images"}}
        return {"action": self.action, "number": 7, "pull_request": {"number": 7, "head": head}}


@dataclass
class Run:
    """One run of a workflow: the repository at a commit, what GitHub keeps for it, and the machines it runs on."""

    place: Path
    source: Path
    event: Event = field(default_factory=Event)
    actions: Mapping[str, Path] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    machine: Callable[[int], Mapping[str, str]] = lambda _: {}
    api: str = "http://127.0.0.1:9"
    number: int = 1
    jobs: list["Job"] = field(default_factory=list)

    @property
    def github(self) -> dict[str, Any]:
        event = self.event.document
        return {
            "event_name": self.event.name,
            "event": event,
            "ref": (ref := self.event.ref or REFS[self.event.name]),
            "ref_name": ref.split("/", 2)[2],
            "sha": "1" * 40,
            "actor": self.event.actor,
            "repository": "acme/images",
            "run_id": str(self.number),
            "run_attempt": "1",
            "token": self.secrets.get("GITHUB_TOKEN", "token"),
            "server_url": "https://github.example",
            "api_url": self.api,
        }

    def workflow(self, path: Path, inputs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run all jobs; by job, its result and its outputs, as `needs` has them."""
        text = yaml.safe_load(path.read_text())
        declared = (text[True].get("workflow_call") or {}).get("inputs", {}) if isinstance(text[True], dict) else {}
        given = {name: one.get("default", "") for name, one in declared.items()} | dict(inputs or {})
        done: dict[str, Any] = {}
        while waiting := [name for name in text["jobs"] if name not in done]:
            name = next(one for one in waiting if set(_needs(text["jobs"][one])) <= set(done))
            done[name] = self._job(text["jobs"][name], given, done)
        return done

    def _job(self, job: Mapping[str, Any], inputs: Mapping[str, Any], done: Mapping[str, Any]) -> dict[str, Any]:
        needs = {name: done[name] for name in _needs(job)}
        results = {one["result"] for one in needs.values()}
        contexts = {"github": self.github, "inputs": inputs, "needs": needs, "secrets": self.secrets}
        contexts |= _status("success" if results <= {"success"} else "failure")
        if not condition(job.get("if"), contexts):
            return {"result": "skipped", "outputs": {}}
        matrix = fill((job.get("strategy") or {}).get("matrix") or {"include": [{}]}, contexts)
        assert matrix["include"], "a matrix without a job is an error at GitHub"
        ended = [self._leg(job, contexts, leg, index) for index, leg in enumerate(matrix["include"])]
        outputs = {key: value for one in ended for key, value in one.outputs.items()}
        worst = [result for result in ("failure", "cancelled") if result in {one.status for one in ended}]
        return {"result": worst[0] if worst else "success", "outputs": outputs}

    def _leg(self, job: Mapping[str, Any], contexts: Mapping[str, Any], leg: Mapping[str, Any], index: int) -> "Job":
        label = fill(job["runs-on"], {**contexts, "matrix": leg})
        ran = Job(self, len(self.jobs), label)
        self.jobs.append(ran)
        ran.steps(job["steps"], {**contexts, "matrix": leg, "strategy": {"job-index": index}})
        ran.outputs = fill(job.get("outputs") or {}, {**contexts, "matrix": leg, "steps": ran.results})
        return ran


class Job:
    """One job on a machine of its own."""

    def __init__(self, run: Run, number: int, label: str = "ubuntu-24.04") -> None:
        self.run = run
        self.label = label
        self.root = run.place / f"job-{run.number}-{number}"
        self.temp, self.workspace = self.root / "temp", self.root / "workspace"
        self.temp.mkdir(parents=True)
        self.workspace.mkdir()
        self.event = self.root / "event.json"
        self.event.write_text(json.dumps(run.event.document))
        self.machine = run.machine(number)
        self.status = "success"
        self.results: dict[str, Any] = {}
        self.outputs: dict[str, Any] = {}
        self.log = ""
        self.summary = ""
        self.ran: list[str] = []
        self.cancel_at = ""

    @property
    def runner(self) -> dict[str, str]:
        arch = "ARM64" if self.label.endswith("-arm") else "X64"
        return {"os": "Linux", "arch": arch, "temp": str(self.temp)}

    def steps(self, steps: Sequence[Mapping[str, Any]], contexts: Mapping[str, Any], action: Path | None = None) -> Any:
        """Run the steps in order; the results by id."""
        results: dict[str, Any] = {}
        for step in steps:
            known = {**contexts, "runner": self.runner, "steps": results, **_status(self.status)}
            if not condition(step.get("if"), known):
                continue
            self.ran.append(step.get("name") or step.get("uses") or step["run"])
            outputs, result = self._step(step, known, action)
            if result != "success" and self.status != "cancelled":
                self.status = "cancelled" if result == "cancelled" else "failure"
            if "id" in step:
                results[step["id"]] = {"outputs": outputs, "outcome": result}
        self.results = results
        return results

    def _step(self, step: Mapping[str, Any], contexts: Mapping[str, Any], action: Path | None) -> tuple[Any, str]:
        if "run" in step:
            return self._program(step, contexts, action)
        with_ = {key: shown(value) for key, value in fill(step.get("with") or {}, contexts).items()}
        name = step["uses"].partition("@")[0]
        before = self.status
        if name in services.ACTIONS:
            try:
                return services.ACTIONS[name](self, with_), "success"
            except services.Failed as error:
                self.log += f"{error}\n"
                return {}, "failure"
        place = self.workspace / name if name.startswith("./") else self.run.actions[name]
        outputs = self._composite(place, with_, contexts)
        return outputs, self.status if self.status != before else "success"

    def _composite(self, place: Path, given: Mapping[str, str], contexts: Mapping[str, Any]) -> dict[str, Any]:
        action = yaml.safe_load((place / "action.yml").read_text())
        unknown = set(given) - set(action["inputs"])
        assert not unknown, f"{place} has no inputs {unknown}"
        own = {"github": contexts["github"]}
        inputs = {name: shown(fill(one.get("default", ""), own)) for name, one in action["inputs"].items()}
        results = self.steps(action["runs"]["steps"], {**own, "inputs": {**inputs, **given}}, place)
        return {key: fill(one["value"], {"steps": results}) for key, one in (action.get("outputs") or {}).items()}

    def _program(self, step: Mapping[str, Any], contexts: Mapping[str, Any], action: Path | None) -> tuple[Any, str]:
        script, output, summary = self.root / "script.sh", self.root / "output", self.root / "summary"
        script.write_text(fill(step["run"], contexts))
        output.write_text("")
        summary.write_text("")
        env = {**self._environment(), "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
        env |= {key: shown(value) for key, value in fill(step.get("env") or {}, contexts).items()}
        if action:
            env["GITHUB_ACTION_PATH"] = str(action)
        # Whoever runs the tests in the background has Ctrl-C ignored, and what it starts would inherit that.
        command = ["env", "--default-signal=INT", *SHELLS[step.get("shell", "")], str(script)]
        with (self.root / "log").open("w+") as log:
            process = subprocess.Popen(
                command, env=env, cwd=self.workspace, stdout=log, stderr=log, stdin=subprocess.DEVNULL, process_group=0
            )
            cancelled = step.get("id") == self.cancel_at != "" and self._cancel(process)
            code = process.wait(timeout=1500)
            log.seek(0)
            self.log += log.read()
        self.summary += summary.read_text()
        given = dict(line.split("=", 1) for line in output.read_text().splitlines())
        return given, "cancelled" if cancelled else "success" if code == 0 else "failure"

    def _cancel(self, process: "subprocess.Popen[bytes]") -> bool:
        """As GitHub does: an interrupt for everything that the step started, once it is at it."""
        while not (self.temp / "started").exists():
            assert process.poll() is None, "the step ended before it could be cancelled"
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        return True

    def _environment(self) -> dict[str, str]:
        github = {f"GITHUB_{key.upper()}": value for key, value in self.run.github.items() if isinstance(value, str)}
        del github["GITHUB_TOKEN"]
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": self.runner["arch"],
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_EVENT_PATH": str(self.event),
            **github,
            **self.machine,
        }


def _needs(job: Mapping[str, Any]) -> list[str]:
    needs = job.get("needs") or []
    return [needs] if isinstance(needs, str) else list(needs)


def _status(status: str) -> dict[str, Any]:
    return {
        "always": lambda: True,
        "success": lambda: status == "success",
        "failure": lambda: status == "failure",
        "cancelled": lambda: status == "cancelled",
    }
