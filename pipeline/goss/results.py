"""From the output of run.sh to cases. The JSON is goss 0.4's `-f json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.model import Case, Verdict

_PASS, _FAIL, _SKIP = 0, 1, 2  # goss: resource.SUCCESS, FAIL, SKIP


@dataclass(frozen=True)
class Outcome:
    """One attempt: what was asserted, and what the image's own process wrote meanwhile."""

    cases: tuple[Case, ...]
    log: str = ""


def sections(text: str, mark: str) -> dict[str, str]:
    """Split the output of run.sh into its sections by name."""
    found: dict[str, str] = {}
    for part in text.split(f"\n{mark} ")[1:]:
        name, _, body = part.partition("\n")
        found[name] = body
    return found


def came_to_an_end(text: str, mark: str) -> bool:
    """Whether run.sh or basic.sh wrote its last section."""
    return "end" in sections(text, mark)


def outcome(text: str, mark: str, stderr: str = "") -> Outcome:
    """Read one run of run.sh. Whatever did not come to an end is an error case that says so."""
    parts = sections(text, mark)
    log = parts.get("log", "")
    if "end" not in parts:
        return Outcome((_error("test runner", "was killed before it came to an end", stderr),), log)
    if "wait-error" in parts:
        said = _as_in_repository(parts["wait-error"])
        return Outcome((_error("goss_wait.yaml", _first_line(said), said),), log)
    if "wait" in parts:
        return Outcome(_never_ready(parts), log)
    return Outcome((*_cases(parts), *_process(parts)), log)


def _cases(parts: Mapping[str, str]) -> tuple[Case, ...]:
    """The cases of the main gossfile; exit status 78 means that goss could not use the file."""
    if parts["status"].strip() not in {"0", "1"}:
        said = _as_in_repository(parts["errors"] or parts["results"])
        return (_error("goss.yaml", f"goss cannot use this file: {_first_line(said)}", said),)
    return tuple(case_of(result) for result in json.loads(parts["results"])["results"])


def _as_in_repository(said: str) -> str:
    """goss's words without the places where it sees the files; which one includes all others is nobody's business."""
    return said.strip().replace(", source: /.goss-tests/goss-main.yaml", "").replace("/.goss-tests/", "")


def _process(parts: Mapping[str, str]) -> tuple[Case, ...]:
    """A case for the image's own process, if it was started and did not outlive the tests."""
    if "exited" not in parts:
        return ()
    status = parts["exited"].strip()
    message = f"the image's own command ended with exit code {status} during the tests"
    return (Case("process", Verdict.FAILED, message=message),)


def _never_ready(parts: Mapping[str, str]) -> tuple[Case, ...]:
    results = json.loads(parts["wait"])["results"]
    waiting = tuple(case for result in results if (case := case_of(result)).verdict.bad)
    message = "never became ready in time; `wait` in baselard.yaml allows more"
    if "exited" in parts:
        message = f"the image's own command ended with exit code {parts['exited'].strip()} before it was ready"
    return (Case("ready", Verdict.FAILED, message=message), *waiting)


def case_of(result: Mapping[str, Any]) -> Case:
    """One element of goss's `results`. Durations are nanoseconds; stream assertions have no useful actual value."""
    verdict = {_PASS: Verdict.PASSED, _SKIP: Verdict.SKIPPED}.get(result["result"], Verdict.FAILED)
    name = f"{result['resource-type']} {result['resource-id']} {result['property']}"
    bad = verdict.bad
    return Case(
        name=name,
        verdict=verdict,
        seconds=result["duration"] / 1e9,
        message=_reason(result) if bad else "",
        detail=_detail(result) if bad else "",
    )


def _reason(result: Mapping[str, Any]) -> str:
    """One line: expected this, got that."""
    if result.get("err"):
        return str(result["err"])
    match = result["matcher-result"]
    if _is_stream(match):
        missing = ", ".join(json.dumps(element) for element in match["missing-elements"] or [])
        return f"output lacks {missing}"
    return f"expected {json.dumps(match['expected'])}, got {json.dumps(match['actual'])}"


def _is_stream(match: Mapping[str, Any]) -> bool:
    return isinstance(match["actual"], str) and match["actual"].startswith("object: *")


def _detail(result: Mapping[str, Any]) -> str:
    lines = [result["title"]] if result.get("title") else []
    lines += [f"{key}: {value}" for key, value in (result.get("meta") or {}).items()]
    if result.get("err") or _is_stream(result["matcher-result"]):  # otherwise the reason has said all of it
        lines.append(result["summary-line"])
    return "\n".join(lines)


def _error(name: str, message: str, detail: str) -> Case:
    return Case(name, Verdict.ERROR, message=message, detail=detail)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].removeprefix("Error: ")
