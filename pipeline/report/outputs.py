"""The machine-readable result: what a later CI step wants to know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pipeline.model import Attempt, Case, Report, Suite


def render(report: Report) -> str:
    """JSON with the verdict, a line per suite, and whatever the call produced (tags, digests …)."""
    document = {
        "title": report.title,
        "exit-code": report.exit_code,
        "started": report.started,
        "seconds": round(report.seconds, 3),
        "suites": [_suite(suite) for suite in report.suites],
        **report.outputs,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _attempt(attempt: Attempt) -> dict[str, Any]:
    """An attempt before the one that counts."""
    return {"seconds": round(attempt.seconds, 3), "failures": _said(attempt.failures)}


def _said(failures: Sequence[Case]) -> list[str]:
    return [
        f"{case.place}: {case.name}: {case.message}" if case.place else f"{case.name}: {case.message}"
        for case in failures
    ]


def _suite(suite: Suite) -> dict[str, Any]:
    return {
        "name": suite.name,
        "verdict": str(suite.verdict),
        "blocks": suite.blocks,
        "quarantined": suite.quarantined,
        "cases": len(suite.cases),
        "failures": _said(suite.failures),
        "notes": _said(suite.noted),
        "earlier attempts": [_attempt(attempt) for attempt in suite.earlier],
        "phases": {span.phase: round(span.end - span.start, 3) for span in suite.spans},
        **suite.properties,
    }
