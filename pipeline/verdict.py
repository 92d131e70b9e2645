"""From a report to what a function returns or raises."""

from __future__ import annotations

from pipeline import spans
from pipeline.errors import ChecksFailed
from pipeline.model import Report
from pipeline.report import text
from pipeline.report.fold import folded


def settle(report: Report) -> str:
    """The summary; raised as ChecksFailed when something failed, so that the call exits 1 and still shows it."""
    spans.tell(report)
    summary = text.render(report)
    if report.failed:
        shown = folded(report).suites
        failed = [suite.name for suite in shown if suite.blocks]
        # The SDK shows the name of an error's type before its message.
        named = type(f"{len(failed)} of {len(shown)} failed", (ChecksFailed,), {"__module__": "builtins"})
        raise named(f"{', '.join(failed)}\n\n{summary}")
    return summary
