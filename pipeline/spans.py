"""Spans for what a person would name: OpenTelemetry's tracer, which an engine's interface shows live.

Attributes follow OpenTelemetry's semantic conventions for tests and for CI/CD, and those of Dagger's own interface.
Where no tracer is configured they cost next to nothing. dagger-io sends the current span along with each query, so
that an engine hangs its own steps below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.context import Context

from pipeline.model import Suite

SUITE = "test.suite.name"
SUITE_STATUS = "test.suite.run.status"
TASK = "cicd.pipeline.task.name"
# Nothing is done in the span but waiting for the work of another.
WAITS = "baselard.waits"
# An engine's interface shows the span alone, without the steps below it, unless one fails.
FOLDED = "dagger.io/ui.encapsulate"


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


def _tracer() -> trace.Tracer:
    return trace.get_tracer("baselard")
