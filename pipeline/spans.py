"""Spans for what a person would name: OpenTelemetry's tracer, which an engine's interface shows live.

Attributes follow OpenTelemetry's semantic conventions for tests and for CI/CD, and those of Dagger's own interface.
Where no tracer is configured they cost next to nothing. dagger-io sends the current span along with each query, so
that an engine hangs its own steps below it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import context, trace
from opentelemetry.context import Context

from pipeline.model import WAITING, Report, Suite
from pipeline.report import text
from pipeline.report.fold import folded

SUITE = "test.suite.name"
SUITE_STATUS = "test.suite.run.status"
TASK = "cicd.pipeline.task.name"
# Nothing is done in the span but waiting for the work of another.
WAITS = "baselard.waits"
# The name of such a span of an example.
WAITED = "waits for its base"
# An engine's interface shows the span alone, without the steps below it, unless one fails.
FOLDED = "dagger.io/ui.encapsulate"
# An engine's interface does not show the span.
HIDDEN = "dagger.io/ui.internal"
# What a call found out, as JSON: for an engine that keeps a history of calls.
REPORT = "baselard.report"
_TOLD = 1000  # suites, those that failed first
_LONGEST = 200  # characters of a name or a reason


def here() -> Context:
    """The current place in the tree, for spans that belong to it whoever asks for their work first."""
    return context.get_current()


@contextmanager
def of(subject: str, under: Context | None = None) -> Iterator[trace.Span]:
    """All that is done for one image, such as an example or a base's target."""
    with _tracer().start_as_current_span(subject, context=under, attributes={SUITE: subject}) as span:
        yield span


@contextmanager
def task(name: str, *, folded: bool = False, waits: bool = False) -> Iterator[trace.Span]:
    """A phase, or another piece of work; `folded` when its steps say less than its name."""
    marks = {FOLDED: folded, WAITS: waits}
    attributes: dict[str, str | bool] = {TASK: name, **{mark: True for mark, wanted in marks.items() if wanted}}
    with _tracer().start_as_current_span(name, attributes=attributes) as span:
        yield span


def settle(span: trace.Span, suite: Suite) -> None:
    """Say what became of a suite."""
    failed = suite.verdict.bad
    span.set_attribute(SUITE_STATUS, "failure" if failed else "success")
    if failed:
        case = suite.failures[0]
        span.set_status(trace.StatusCode.ERROR, f"{case.name}: {case.message}")


def tell(report: Report) -> None:
    """Say what a whole call found out: a span of no length with the verdicts, seconds by phase, and sizes in bytes."""
    with _tracer().start_as_current_span("report", attributes={HIDDEN: True}) as span:
        if span.is_recording():
            suites = sorted(folded(report).suites, key=lambda suite: not suite.blocks)[:_TOLD]
            span.set_attribute(REPORT, json.dumps([_told(suite) for suite in suites], ensure_ascii=False))


def _told(suite: Suite) -> dict[str, Any]:
    phases: dict[str, float] = {}
    for span in suite.spans:
        phase = WAITED if span.phase == WAITING else span.phase
        phases[phase] = phases.get(phase, 0) + span.end - span.start
    why = next((f"{case.name}: {case.message}" for case in suite.failures), "")
    return {
        "name": suite.name[:_LONGEST],
        "verdict": text.label(suite).lower(),
        "blocks": suite.blocks,
        "cases": len(suite.cases),
        "seconds": round(suite.seconds, 3),
        "phases": {phase: round(seconds, 3) for phase, seconds in phases.items()},
        "why": " ".join(why.split())[:_LONGEST],
        "sizes": {key: suite.properties[key] for key in ("unpacked", "compressed") if key in suite.properties},
    }


def _tracer() -> trace.Tracer:
    return trace.get_tracer("baselard")
