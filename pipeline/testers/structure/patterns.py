"""Patterns as Go reads them, since that is whose they are: goss, a Go program that is at hand anyway, matches them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dagger import dag

from pipeline.goss.run import SHELL, prepared
from pipeline.testers.tester import Exam


@dataclass(frozen=True)
class PatternCheck:
    """A text that a pattern is to match, or, if not `wanted`, not to match; `said` is told when that does not hold."""

    pattern: str
    text: str
    wanted: bool
    said: str


async def failing(exam: Exam, checks: Sequence[PatternCheck]) -> list[str]:
    """What is to be told of each check, in their order: an empty text of one that holds."""
    if not checks:
        return []
    script = '/.goss/goss -g "$1" validate -f json >/.goss-run/out/report'
    tests = dag.directory().with_new_file("patterns.json", gossfile(checks))
    ran = (
        prepared(exam.image.with_user("0"), exam.tools, exam.nonce)
        .with_mounted_directory("/.goss-tests", tests)
        .with_exec([*SHELL, "-c", f"{script} || :", "sh", "/.goss-tests/patterns.json"])
    )
    return told(checks, await ran.file("/.goss-run/out/report").contents())


def gossfile(checks: Sequence[PatternCheck]) -> str:
    """A test by number for each check. goss reads a file as a template first, where two braces would mean something."""
    matching = {
        str(number): {"content": check.text, "matches": {"match-regexp": check.pattern}}
        for number, check in enumerate(checks)
    }
    # JSON's own braces never stand side by side as these two do.
    return json.dumps({"matching": matching}).replace("{{", r"\u007b\u007b")


def told(checks: Sequence[PatternCheck], printed: str) -> list[str]:
    """What goss found out, as sentences."""
    results: dict[int, Any] = {int(one["resource-id"]): one for one in json.loads(printed)["results"]}
    return [_said(check, results[number]) for number, check in enumerate(checks)]


def _said(check: PatternCheck, result: Any) -> str:
    if result.get("err"):
        return f"{check.pattern!r} is not a regular expression of Go's: {result['err'].splitlines()[-1].strip()}"
    return "" if (result["result"] == 0) is check.wanted else check.said
