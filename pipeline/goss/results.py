"""From the output of run.sh to cases. The JSON is goss 0.4's `-f json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.goss.variables import explained
from pipeline.model import Case, Verdict

_PASS, _FAIL, _SKIP = 0, 1, 2  # goss: resource.SUCCESS, FAIL, SKIP
CODE = "goss/"
"""What the codes of goss's tests begin with; then follows the section of a gossfile that such a test stands in."""
_SECTIONS = {"KernelParam": "kernel-param"}
# What holds the text that a property is about; a command's is its output.
_HOLDERS = {"contents": "the file", "body": "the body"}


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


Read = Callable[[Mapping[str, str]], tuple[Case, ...]]
"""How the sections of a run become cases."""


def outcome(text: str, mark: str, stderr: str = "", wait: str = "", read: Read | None = None) -> Outcome:
    """Read one run of run.sh. Whatever did not come to an end is an error case that says so.

    `wait` is the gossfile that was waited for; without one, it was what the image declares. `read` makes cases of what
    was tested then; without one, those are goss's.
    """
    parts = sections(text, mark)
    log = parts.get("log", "")
    if "end" not in parts:
        return Outcome((_error("test runner", "was killed before it came to an end", stderr),), log)
    if "wait-error" in parts:
        said = _as_in_repository(parts["wait-error"])
        return Outcome((_error(wait or "goss_wait.yaml", _first_line(explained(said)), said),), log)
    if "wait" in parts:
        return Outcome(_never_ready(parts, wait), log)
    return Outcome((*(read or _cases)(parts), *_process(parts)), log)


def _cases(parts: Mapping[str, str]) -> tuple[Case, ...]:
    """The cases of the main gossfile; exit status 78 means that goss could not use the file."""
    if parts["status"].strip() not in {"0", "1"}:
        said = _as_in_repository(parts["errors"] or parts["results"])
        return (_error("goss.yaml", f"goss cannot use this file: {_first_line(explained(said))}", said),)
    return tuple(case_of(result) for result in json.loads(parts["results"])["results"])


def _as_in_repository(text: str) -> str:
    """goss's words without the places where it sees the files; which one includes all others is nobody's business."""
    return text.strip().replace(", source: /.goss-tests/goss-main.yaml", "").replace("/.goss-tests/", "")


def _process(parts: Mapping[str, str]) -> tuple[Case, ...]:
    """A case for the image's own process, if it was started and did not outlive the tests."""
    if "exited" not in parts:
        return ()
    status = parts["exited"].strip()
    message = f"the image's own command ended with exit code {status} during the tests"
    return (Case("process", Verdict.FAILED, message=message),)


def _never_ready(parts: Mapping[str, str], wait: str) -> tuple[Case, ...]:
    results = json.loads(parts["wait"])["results"]
    waiting = tuple(case for result in results if (case := case_of(result)).verdict.bad)
    if "exited" in parts:
        message = f"the image's own command ended with exit code {parts['exited'].strip()} before it was ready"
    elif not waiting:
        message = "became ready too late; `wait` in baselard.yaml allows more seconds"
    elif wait:
        message = f"{wait} did not pass in time: {waiting[0].name}; `wait` in baselard.yaml allows more seconds"
    else:
        message = _unanswered(results)
    return (Case("ready", Verdict.FAILED, message=message), *waiting)


def _unanswered(results: Sequence[Mapping[str, Any]]) -> str:
    """One sentence about what an image declares and does not keep (pipeline.goss.ready has the tests)."""
    bad = [result for result in results if result["result"] == _FAIL]
    missing, answered = _ports(bad), _ports([one for one in results if one not in bad])
    said = []
    if missing:
        others = f" ({_port_list(answered)} answer{'s' if len(answered) == 1 else ''})" if answered else ""
        said.append(f"nothing answers on {_port_list(missing)}, which the image declares by EXPOSE{others}")
    if len(missing) < len(bad):
        reason = next(_reason(one) for one in bad if one["resource-type"] != "Addr")
        said.append(f"its healthcheck does not pass ({reason})")
    remedy = "if that is as it should be, a goss_wait.yaml among its gossfiles says what to wait for instead"
    return f"never became ready: {', and '.join(said)}; {remedy}; if it is slow, `wait` allows more seconds"


def _ports(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ports of addresses, each once; goss has a result for each property of an address."""
    addresses = [result["resource-id"] for result in results if result["resource-type"] == "Addr"]
    return list(dict.fromkeys(address.rpartition(":")[2] for address in addresses))


def _port_list(ports: Sequence[str]) -> str:
    return f"port {ports[0]}" if len(ports) == 1 else f"ports {', '.join(ports)}"


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
        code=CODE + _SECTIONS.get(result["resource-type"], result["resource-type"].lower()),
    )


def _reason(result: Mapping[str, Any]) -> str:
    """One line: expected this, got that."""
    if result.get("err"):
        return str(result["err"])
    match = result["matcher-result"]
    if _is_stream(match):
        return _unmatched(_HOLDERS.get(result["property"], "output"), match["missing-elements"] or [])
    return f"expected {json.dumps(match['expected'])}, got {json.dumps(match['actual'])}"


def _unmatched(holder: str, patterns: Sequence[str]) -> str:
    """The patterns that a text should have and has not, and those behind `!` that it has and should not."""
    lacks = [_shown(pattern) for pattern in patterns if not pattern.startswith("!")]
    has = [_shown(one[1:]) for one in patterns if one.startswith("!")]
    complaints = [f"lacks {', '.join(lacks)}"] if lacks else []
    complaints += [f"has {', '.join(has)}, which it must not"] if has else []
    return f"{holder} {' and '.join(complaints) or 'is not as expected'}"


def _shown(pattern: str) -> str:
    """A text in quotes, a regular expression as the gossfile has it."""
    return pattern if pattern.startswith("/") and pattern.endswith("/") else json.dumps(pattern)


def _is_stream(match: Mapping[str, Any]) -> bool:
    return isinstance(match["actual"], str) and match["actual"].startswith("object: *")


def _detail(result: Mapping[str, Any]) -> str:
    lines = [result["title"]] if result.get("title") else []
    lines += [f"{key}: {value}" for key, value in (result.get("meta") or {}).items()]
    if result.get("err"):  # otherwise the reason has said all of it
        lines.append(result["summary-line"])
    elif _is_stream(match := result["matcher-result"]) and (has := match.get("found-elements")):
        lines.append(f"it has {', '.join(map(json.dumps, has))}")
    return "\n".join(lines)


def _error(name: str, message: str, detail: str) -> Case:
    return Case(name, Verdict.ERROR, message=message, detail=detail)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].removeprefix("Error: ")
