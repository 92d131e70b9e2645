"""Spans to a collector: named work and the engine's own steps, by OTLP over HTTP, while the work goes on.

Nothing waits for the collector: what does not fit in the queue is left out, and the end waits a second at most.
"""

import contextlib
import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from baselard.engine.progress import spans
from baselard.engine.progress.display import Display
from baselard.engine.progress.spans import Span

if TYPE_CHECKING:  # most runs have no collector
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

Hidden = Callable[[], Iterable[bytes]]
"""The texts that may not leave this machine, longest first."""

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP = "http/protobuf"
_LONGEST_QUEUE = 1 << 14
_BATCH = 512
_PAUSE = 0.5  # seconds in which spans gather
_PATIENCE = 1.0  # seconds at the end


@contextlib.contextmanager
def exported(display: Display, hidden: Hidden, environ: Mapping[str, str]) -> Iterator[Display]:
    """The display; if the environment names a collector, one that tells that too, until the end of the block."""
    endpoint = next(filter(None, map(environ.get, ENDPOINTS)), "")
    if not endpoint or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield display
        return
    protocol = next(filter(None, map(environ.get, _PROTOCOLS)), _HTTP)
    if protocol != _HTTP:
        display.note(f"warning: no spans are exported: OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}, it must be {_HTTP}")
        yield display
        return
    made = Exported(display, hidden)
    made.thread.start()
    try:
        yield made
    finally:
        made.end()


@dataclass
class Exported:
    """Shows what ``display`` shows, and sends each piece of work when it has ended. Safe from any thread."""

    display: Display
    hidden: Hidden
    thread: threading.Thread = field(init=False)
    _queue: "queue.Queue[Span | None]" = field(default_factory=lambda: queue.Queue(_LONGEST_QUEUE))
    _steps: dict[str, Span] = field(default_factory=dict)
    _found: set[tuple[str, str]] = field(default_factory=set)
    _sent: int = 0
    _told: int = 0
    _trying: float = 0

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._deliver, daemon=True)

    def span(self, span: Span) -> None:
        self.display.span(span)
        if span.end:
            self._tell(span)

    def started(self, key: str, label: str) -> None:
        self.display.started(key, label)
        asker = spans.asker()
        if asker.trace:
            self._steps[key] = Span(secrets.token_hex(8), label, asker.span, asker.trace, start=time.time_ns())

    def output(self, key: str, stream: int, data: bytes) -> None:
        self.display.output(key, stream, data)

    def finished(self, key: str, *, cached: bool, error: str = "", label: str = "") -> None:
        self.display.finished(key, cached=cached, error=error, label=label)
        now, asker = time.time_ns(), spans.asker()
        if step := self._steps.pop(key, None):
            self._found.add((key, asker.span))
            self._tell(replace(step, end=now, failed=bool(error), error=error))
        elif cached and asker.trace and (key, asker.span) not in self._found:
            self._found.add((key, asker.span))  # a span may ask for one thing many times
            about = {spans.CACHED: True}
            self._tell(Span(secrets.token_hex(8), label, asker.span, asker.trace, about, start=now, end=now))

    def note(self, text: str) -> None:
        self.display.note(text)

    def aside(self) -> AbstractContextManager[None]:
        return self.display.aside()

    def close(self) -> None:
        self.display.close()

    def end(self) -> None:
        """Send the rest; say how many spans did not arrive."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
            self.thread.join(max(0.0, _PATIENCE - (time.monotonic() - self._trying if self._trying else 0)))
        if lost := self._told - self._sent:
            self.display.note(f"warning: {lost} of {self._told} spans did not reach the collector of OpenTelemetry")

    def _tell(self, span: Span) -> None:
        self._told += 1
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(span)

    def _deliver(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # takes 0.1 s to import

        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # the end says it in one line
        exporter = OTLPSpanExporter()
        more = True
        while more:
            batch, more = self._batch()
            self._send(exporter, batch)

    def _batch(self) -> tuple[list[Span], bool]:
        """The next spans, once some have gathered, and whether there will be more."""
        batch: list[Span] = []
        while len(batch) < _BATCH:
            try:
                span = self._queue.get(timeout=_PAUSE if batch else None)
            except queue.Empty:
                break
            if span is None:
                return batch, False
            batch.append(span)
        return batch, True

    def _send(self, exporter: "SpanExporter", batch: Sequence[Span]) -> None:
        from opentelemetry.sdk.trace.export import SpanExportResult

        hidden = [text.decode(errors="replace") for text in self.hidden()]
        with contextlib.suppress(Exception):  # whatever becomes of it, the work goes on
            told = [readable(scrubbed(span, hidden)) for span in batch]
            self._trying = time.monotonic()
            if told and exporter.export(told) is SpanExportResult.SUCCESS:
                self._sent += len(told)
        self._trying = 0


def scrubbed(span: Span, hidden: Iterable[str]) -> Span:
    """The span without the texts that are secret."""

    def scrub(text: str) -> str:
        for secret in hidden:
            text = text.replace(secret, "***")
        return text

    def value(given: object) -> object:
        plain = given if isinstance(given, bool | int | float) else str(given)
        return scrub(plain) if isinstance(plain, str) else plain

    attributes = {scrub(name): value(given) for name, given in span.attributes.items()}
    return replace(span, name=scrub(span.name), error=scrub(span.error), attributes=attributes)


def readable(span: Span) -> "ReadableSpan":
    """The span as OpenTelemetry's exporters take it."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

    def context(identity: str) -> SpanContext:
        return SpanContext(int(span.trace, 16), int(identity, 16), is_remote=False, trace_flags=TraceFlags(1))

    return ReadableSpan(
        span.name,
        context=context(span.id),
        parent=context(span.parent) if span.parent else None,
        resource=Resource({"service.name": "baselard"}),
        attributes=span.attributes,  # type: ignore[arg-type]  # scrubbed() leaves only what OTLP has
        status=Status(StatusCode.ERROR, span.error) if span.failed else Status(StatusCode.UNSET),
        start_time=span.start,
        end_time=max(span.start, span.end),
        instrumentation_scope=InstrumentationScope("baselard"),
    )
