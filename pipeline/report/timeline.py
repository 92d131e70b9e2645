"""The timeline of a report: what ran when, as a gantt chart in mermaid's syntax, which GitHub draws in a summary."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.model import Report, Suite

_SHOWN = 0.001  # mermaid draws a task of no length as wide as its name


def mermaid(report: Report) -> str:
    """A gantt chart in mermaid's syntax; times in milliseconds since the start."""
    lines = ["gantt", "    dateFormat x", "    axisFormat %M:%S"]
    for suite in (one for one in report.suites if any(span.end - span.start >= _SHOWN for span in one.spans)):
        lines.append(f"    section {_plain(suite.name)}")
        lines += [f"    {task}" for task in _tasks(suite)]
    return "\n".join(lines)


def _tasks(suite: Suite) -> Iterator[str]:
    for span in suite.spans:
        if span.end - span.start < _SHOWN:
            continue
        mark = "crit, " if suite.blocks and span is suite.spans[-1] else ""
        yield f"{_plain(span.phase)} {span.end - span.start:.1f} s :{mark}{_ms(span.start)}, {_ms(span.end)}"


def _plain(text: str) -> str:
    """Mermaid ends a name at a colon, and a statement at a semicolon or a number sign."""
    return re.sub(r"[:;#,]+", " ", text).strip()


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
