"""From a report to what a function returns or raises."""

from __future__ import annotations

from pipeline.errors import ChecksFailed
from pipeline.model import Report
from pipeline.report import text


def settle(report: Report) -> str:
    """The summary; raised as ChecksFailed when something failed, so that the call exits 1 and still shows it."""
    summary = text.render(report)
    if report.failed:
        raise ChecksFailed(f"\n{summary}")
    return summary
