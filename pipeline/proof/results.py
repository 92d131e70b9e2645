"""Which tests an image passed: in-toto's test result v0.1, with what it has no words for under names of our own.

https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from baselard.oci import digests
from pipeline.model import Case, Report, Suite, Verdict
from pipeline.project import Base, Example, Project, base_of
from pipeline.report.directory import TESTED

PASSED, WARNED, FAILED = "PASSED", "WARNED", "FAILED"
_LISTS = ("passedTests", "warnedTests", "failedTests", "baselard_skippedTests", "baselard_quarantinedTests")


@dataclass(frozen=True)
class TestedWith:
    """One suite that says something about an image, who judged it, and the files that told the tester what to ask."""

    __test__ = False  # no test class of pytest's

    suite: Suite
    tester: str
    files: tuple[str, ...] = ()


def about(report: Report, project: Project, base: Base, target: str, platform: str) -> list[TestedWith]:
    """The suites about a target's image for one platform: lint of its Dockerfile, its own tests, and those of the
    examples that were built on it."""
    on = f" ({platform})"
    examples = {f"{one.name}{on}": one for one in project.examples if _starts_from(one, project, base, target)}
    found = []
    for suite in report.suites:
        if suite.group == "lint" and suite.name == base.dockerfile:
            found.append(TestedWith(suite, "hadolint", (base.dockerfile,)))
        elif suite.name == base.title(target) + on:
            tests = base.tests_of(target)
            files = tuple(name for test in tests for name in test.files)
            found.append(TestedWith(suite, ", ".join(dict.fromkeys(test.tester for test in tests)), files))
        elif example := examples.get(suite.name):
            files = tuple(f"{example.directory}/{name}" for test in example.tests for name in test.files)
            found.append(TestedWith(suite, ", ".join(example.testers), files))
    return found


def _starts_from(example: Example, project: Project, base: Base, target: str) -> bool:
    meant = [base_of(from_.reference, project.bases) for from_ in example.froms]
    return (base, target) in meant


def predicate(tested: Sequence[TestedWith], texts: Mapping[str, str], report: bytes) -> dict[str, Any]:
    """The predicate. ``texts`` are those of the files by path, ``report`` is the whole report of the call, as JSON."""
    files = dict.fromkeys(path for one in tested for path in one.files)
    lists: dict[str, list[str]] = {name: [] for name in _LISTS}
    for one in tested:
        for case in one.suite.cases:
            lists[_list(one.suite, case)].append(f"{one.suite.name}: {case.name}")
    return {
        "result": _result(lists),
        "configuration": [_file(path, texts[path].encode()) for path in files],
        **lists,
        "baselard_testers": {one.suite.name: one.tester for one in tested},
        "baselard_report": _file(TESTED, report),
    }


def _list(suite: Suite, case: Case) -> str:
    if case.verdict.bad:
        return "baselard_quarantinedTests" if suite.quarantined else "failedTests"
    if case.verdict is Verdict.SKIPPED:
        return "baselard_skippedTests"
    return "passedTests" if case.verdict is Verdict.PASSED else "warnedTests"


def _result(lists: Mapping[str, Sequence[str]]) -> str:
    if lists["failedTests"]:
        return FAILED
    return WARNED if lists["warnedTests"] or lists["baselard_quarantinedTests"] else PASSED


def _file(name: str, content: bytes) -> dict[str, Any]:
    subject = digests.parse(digests.of_bytes(content))
    return {"name": name, "digest": {subject.algorithm: subject.hex}}


def joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The result of an index: what its platforms' results say together."""
    lists = {name: _each(entry for part in parts for entry in part.get(name) or ()) for name in _LISTS}
    files = {str(one["name"]): one for part in parts for one in part.get("configuration") or ()}
    reports = {str(one["digest"]): one for part in parts if (one := part.get("baselard_report"))}
    testers = {name: tester for part in parts for name, tester in (part.get("baselard_testers") or {}).items()}
    return {
        "result": FAILED if any(part.get("result") == FAILED for part in parts) else _result(lists),
        "configuration": list(files.values()),
        **lists,
        "baselard_testers": testers,
        "baselard_reports": list(reports.values()),
    }


def _each(entries: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(entries))
