"""The timeline of a report: what ran when, as a gantt chart in mermaid's syntax, which GitHub draws in a summary."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from pipeline.model import WAITING, Phase, Report, Suite

_SHOWN = 0.001  # mermaid draws a task of no length as wide as its name
_ROWS = 40  # and nothing at all of a text beyond 50,000 characters
_LONGEST = 30  # characters of a name, which mermaid writes over the bars if it does not fit before them
_CHARACTER = 7  # pixels, of mermaid's own font size


def render(report: Report) -> str:
    """The chart as Markdown, with what its colours mean; empty where no time was taken."""
    timed = [suite for suite in report.suites if _tasks(suite)]
    if not timed:
        return ""
    notes = [f"The {_ROWS} that failed or took longest, of {len(timed)}."] if len(timed) > _ROWS else []
    notes += ["Red: what failed."] if any(suite.blocks for suite in _chosen(timed)) else []
    waited = any(span.phase == WAITING for suite in _chosen(timed) for span in suite.spans)
    notes += ["No bar: it waits for its base."] if waited else []
    return "\n\n".join([f"```mermaid\n{mermaid(report)}\n```", *([" ".join(notes)] if notes else [])])


def mermaid(report: Report) -> str:
    """A gantt chart in mermaid's syntax; times in milliseconds since the start. Waiting is the room before a bar."""
    chosen = _chosen([suite for suite in report.suites if _tasks(suite)])
    names = [_short(_plain(suite.name)) for suite in chosen]
    room = 20 + _CHARACTER * max(map(len, names), default=0)
    settings = json.dumps({"gantt": {"leftPadding": room, "numberSectionStyles": 2}})
    lines = [f"%%{{init: {settings}}}%%", "gantt", "    dateFormat x", "    axisFormat %M:%S"]
    for name, suite in zip(names, chosen, strict=True):
        lines += [f"    section {name}", *(f"    {task}" for task in _lines(suite))]
    return "\n".join(lines)


def _chosen(suites: Sequence[Suite]) -> list[Suite]:
    """Those that are drawn, in the report's order."""
    foremost = sorted(suites, key=lambda suite: (not suite.blocks, -suite.seconds))[:_ROWS]
    kept = {id(suite) for suite in foremost}
    return [suite for suite in suites if id(suite) in kept]


def _tasks(suite: Suite) -> list[Phase]:
    return [span for span in suite.spans if span.end - span.start >= _SHOWN and span.phase != WAITING]


def _lines(suite: Suite) -> Iterator[str]:
    tasks = _tasks(suite)
    for span in tasks:
        mark = "crit, " if suite.blocks and span is tasks[-1] else ""
        yield f"{_plain(span.phase)} {span.end - span.start:.1f} s :{mark}{_ms(span.start)}, {_ms(span.end)}"


def _plain(text: str) -> str:
    """Mermaid ends a name at a colon, and a statement at a semicolon or a number sign."""
    return " ".join(re.sub(r"[:;#,%\s]+", " ", text).split())


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
