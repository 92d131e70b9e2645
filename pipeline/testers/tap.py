"""The Test Anything Protocol, as testanything.org specifies versions 12 to 14; subtests count by their parent's line.

The parsers on PyPI take any line that begins with "ok" for a result, and none of them checks the plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

_VERSION = re.compile(r"TAP version (\d+)")
_PLAN = re.compile(r"1\.\.(\d+)(?:\s*#\s*(.*))?")
_POINT = re.compile(r"(not )?ok(?:\s+(\d+))?(?:\s+(?:-\s*)?(.*)|)")
_DIRECTIVE = re.compile(r"(?<!\\)(?:\\\\)*\s+#\s*(skip\S*|todo)\b\s*(.*)", re.IGNORECASE)
_BAIL = re.compile(r"Bail out!\s*(.*)")


@dataclass(frozen=True)
class Point:
    """One result. `directive` is "skip", "todo" or empty; `detail` is what was said of it below, without its marks."""

    number: int
    ok: bool
    name: str = ""
    directive: str = ""
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Tap:
    """What a test program said. `problem` is one sentence, empty where its plan adds up; `skipped` why none ran."""

    points: tuple[Point, ...]
    problem: str = ""
    skipped: str = ""


def is_tap(text: str) -> bool:
    """Whether a program speaks it: its first line or its last is a plan, or the first names the version."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return bool(lines) and bool(
        _VERSION.fullmatch(lines[0]) or _PLAN.fullmatch(lines[0]) or (_PLAN.fullmatch(lines[-1]) and len(lines) > 1)
    )


def parse(text: str) -> Tap:
    """Read it; lines that are none of the protocol's are the test program's own affair."""
    points: list[Point] = []
    plans: list[re.Match[str]] = []
    for line in text.splitlines():
        if bail := _BAIL.match(line):
            return Tap(tuple(points), f"it bailed out{f': {bail[1].strip()}' if bail[1].strip() else ''}")
        if plan := _PLAN.fullmatch(line.rstrip()):
            plans.append(plan)
        elif point := _POINT.fullmatch(line.rstrip()):
            points.append(_point(point, len(points) + 1))
        elif points and (line.startswith("#") or line.startswith("  ")):
            points[-1] = replace(points[-1], detail=_joined(points[-1].detail, line))
    skipped = _skipped(plans)
    return Tap(tuple(points), "" if skipped else " and ".join(_problems(points, plans)), skipped)


def _point(found: re.Match[str], following: int) -> Point:
    text = found[3] or ""
    marked = _DIRECTIVE.search(f" {text}")
    name = text[: max(marked.start() - 1, 0)] if marked else text
    directive = marked[1][:4].lower() if marked else ""
    number = int(found[2]) if found[2] else following
    plain = re.sub(r"\\([\\#])", r"\1", name.strip())
    return Point(number, not found[1], plain, directive, marked[2].strip() if marked else "")


def _joined(detail: str, line: str) -> str:
    said = line.removeprefix("#").removeprefix(" ").rstrip()
    return f"{detail}\n{said}" if detail else said


def _skipped(plans: Sequence[re.Match[str]]) -> str:
    """The reason for which a whole program skips; only a plan of nothing can say so."""
    if len(plans) == 1 and plans[0][1] == "0":
        return re.sub(r"(?i)^skip\S*\s*", "", plans[0][2] or "") or "it has no tests"
    return ""


def _problems(points: Sequence[Point], plans: Sequence[re.Match[str]]) -> Iterator[str]:
    if len(plans) != 1:
        yield "it has no plan (1..N), so nobody knows whether it ended early" if not plans else "it has several plans"
        return
    planned = int(plans[0][1])
    if planned != len(points):
        yield f"its plan is {planned} test{'s' if planned != 1 else ''} and {len(points)} ran"
    wrong = next((at for at, point in enumerate(points, 1) if point.number != at), 0)
    if wrong:
        yield f"its result {wrong} is numbered {points[wrong - 1].number}"
