"""Spans of the pipeline. Judge: OpenTelemetry's own SDK, which keeps what its tracers were told."""

import functools
import json
from collections.abc import Iterator

import anyio
import dagger
import pytest
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pipeline import checks, spans
from pipeline.checks import CheckOptions, Subject
from pipeline.clock import Clock
from pipeline.errors import BaselardError
from pipeline.goss.results import Outcome
from pipeline.model import Case, Phase, Quarantine, Report, Suite, Verdict


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter
    provider.shutdown()


class Image:
    async def sync(self) -> "Image":
        return self


def subject(name: str, *, verdict: Verdict = Verdict.PASSED, broken: bool = False) -> Subject:
    async def build() -> dagger.Container:
        if broken:
            raise BaselardError("no such file")
        return Image()  # type: ignore[return-value]  # all that is asked of it

    async def judge(_image: dagger.Container, _nonce: str) -> Outcome:
        with spans.task("goss", folded=True):
            return Outcome((Case("port", verdict, message="closed"),))

    async def wait() -> None: ...

    return Subject(name, build, judge, wait=wait)


def below(all_spans: tuple[ReadableSpan, ...], parent: ReadableSpan) -> list[str]:
    """The names of the spans below one, in the order of their starts."""
    found = [span for span in all_spans if span.parent and span.parent.span_id == parent.context.span_id]
    return [span.name for span in sorted(found, key=lambda span: span.start_time or 0)]


def run(*subjects: Subject) -> None:
    anyio.run(functools.partial(checks.check_all, "examples", subjects, CheckOptions(retries=1), Clock()))


def test_an_example_has_a_span_with_its_phases_below(kept: InMemorySpanExporter) -> None:
    run(subject("alpha"), subject("beta", verdict=Verdict.FAILED), subject("gamma", broken=True))
    told = kept.get_finished_spans()
    suites = {span.name: span for span in told if spans.SUITE in (span.attributes or {})}
    assert below(told, suites["alpha"]) == ["waits for its base", "build", "test"]
    assert below(told, suites["beta"]) == ["waits for its base", "build", "test", "test, attempt 2"]
    assert below(told, suites["gamma"]) == ["waits for its base", "build"]
    test = next(span for span in told if span.name == "test")
    assert below(told, test) == ["goss"]


def test_a_suite_says_how_it_ended(kept: InMemorySpanExporter) -> None:
    run(subject("alpha"), subject("beta", verdict=Verdict.FAILED), subject("gamma", broken=True))
    suites = {span.name: span for span in kept.get_finished_spans() if spans.SUITE in (span.attributes or {})}
    assert suites["alpha"].status.status_code is trace.StatusCode.UNSET
    assert suites["alpha"].attributes == {spans.SUITE: "alpha", spans.SUITE_STATUS: "success"}
    assert suites["beta"].status.description == "port: closed"
    assert (suites["gamma"].attributes or {})[spans.SUITE_STATUS] == "failure"
    assert suites["gamma"].status.description == "build: no such file"


def test_a_query_inside_a_span_names_it(kept: InMemorySpanExporter) -> None:
    """By W3C Trace Context, as dagger-io's transport asks the propagator for it."""
    with spans.task("build"):
        headers: dict[str, str] = {}
        propagate.inject(headers)
    (span,) = kept.get_finished_spans()
    assert headers["traceparent"].split("-")[1:3] == [f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"]


def test_work_that_others_wait_for_hangs_where_it_was_planned(kept: InMemorySpanExporter) -> None:
    with spans.task("call"):
        place = spans.here()
        with spans.of("alpha"), spans.of("base", under=place):
            pass
    named = {span.name: span for span in kept.get_finished_spans()}
    assert below(tuple(named.values()), named["call"]) == ["alpha", "base"]


def test_without_a_tracer_nothing_is_kept() -> None:
    with spans.task("build") as span:
        assert not span.is_recording()


def told(kept: InMemorySpanExporter) -> list[dict[str, object]]:
    (span,) = [span for span in kept.get_finished_spans() if spans.REPORT in (span.attributes or {})]
    assert span.attributes and span.attributes[spans.HIDDEN]
    return list(json.loads(str(span.attributes[spans.REPORT])))


def test_a_call_tells_all_that_it_found_in_one_span(kept: InMemorySpanExporter) -> None:
    phases = (Phase("base", 0, 1), Phase("build", 1, 2.5), Phase("test", 3, 4))
    excused = Quarantine("soon", "", "2999-01-01")
    bad = Case("port", Verdict.FAILED, message="closed\nfor good")
    suites = (
        Suite("good", (Case("a", Verdict.PASSED),), phases, properties={"unpacked": 7, "share": "archive"}),
        Suite("excused", (bad,), quarantine=excused),
        Suite("bad", (Case("a", Verdict.PASSED), bad)),
        *(Suite(name, (Case("clean", Verdict.PASSED),), group="lint") for name in ("x", "y")),
    )
    spans.tell(Report("several", suites))
    first, *others = told(kept)
    assert first == {
        **{"name": "bad", "verdict": "failed", "blocks": True, "cases": 2, "seconds": 0},
        **{"phases": {}, "why": "port: closed for good", "sizes": {}},
    }
    assert [(one["name"], one["verdict"], one["blocks"]) for one in others] == [
        *(("good", "passed", False), ("excused", "quarantined", False), ("lint", "passed", False))
    ]
    assert (others[0]["seconds"], others[0]["phases"], others[0]["sizes"]) == (
        *(2.5, {"waits for its base": 1, "build": 1.5, "test": 1}, {"unpacked": 7}),
    )


def test_a_call_of_very_many_tells_those_that_failed(kept: InMemorySpanExporter) -> None:
    suites = [Suite(f"{number}" * 200, (Case("a", Verdict.PASSED),)) for number in range(2000)]
    suites.append(Suite("bad", (Case("a", Verdict.FAILED, message="é" * 5000),)))
    spans.tell(Report("many", tuple(suites)))
    found = told(kept)
    assert (len(found), found[0]["name"]) == (1000, "bad")
    assert max(len(str(one["name"])) for one in found) == len(str(found[0]["why"])) == 200
