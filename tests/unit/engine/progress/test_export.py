"""Spans to a collector. Judge: the protocol's own messages (opentelemetry-proto), read from what a server was sent."""

import contextlib
import http.server
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from baselard.engine.progress import spans
from baselard.engine.progress.display import Display, Quiet
from baselard.engine.progress.export import Exported, exported
from baselard.engine.progress.plain import Plain
from baselard.engine.progress.spans import SUITE, Span

TRACE, ABOVE, BELOW = "1" * 32, "a" * 16, "b" * 16


@dataclass
class Collector:
    """A receiver of OTLP over HTTP."""

    endpoint: str
    requests: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def spans(self) -> dict[str, Sent]:
        """All that it was sent, by name."""
        found = {}
        for path, body in self.requests:
            assert path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                found |= {span.name: span for scope in resource.scope_spans for span in scope.spans}
        return found


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.requests.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = Collector(f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.endpoint)
    with contextlib.closing(server.socket):
        yield made
        server.shutdown()


def example(display: Display, error: str = "exit code: 7") -> None:
    display.span(Span(ABOVE, "python-cli", "", TRACE, {SUITE: "python-cli"}, 5))
    spans.asked_by(f"00-{TRACE}-{ABOVE}-01")
    display.started("k", "exec make")
    display.finished("k", cached=False, error=error)
    for _ in range(2):  # asked for twice, told once
        display.finished("other", cached=True, label="copy a")
    display.finished("k", cached=True, label="exec make")  # it has just run
    display.span(Span(ABOVE, "python-cli", "", TRACE, {SUITE: "python-cli"}, 5, 9, failed=True, error="build: no"))


def send(collector: Collector, hidden: tuple[bytes, ...] = ()) -> dict[str, Sent]:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
    with exported(Quiet(), lambda: hidden, environ) as display:
        example(display)
        assert isinstance(display, Exported)
        display.thread.join(0)
    display.thread.join(60)
    return collector.spans


def test_work_is_sent_with_its_parent_its_times_and_how_it_ended(collector: Collector) -> None:
    sent = send(collector)
    example_, step = sent["python-cli"], sent["exec make"]
    assert example_.trace_id.hex() == step.trace_id.hex() == TRACE
    assert (example_.span_id.hex(), example_.parent_span_id.hex(), step.parent_span_id.hex()) == (ABOVE, "", ABOVE)
    assert (example_.start_time_unix_nano, example_.end_time_unix_nano) == (5, 9)
    assert [(one.key, one.value.string_value) for one in example_.attributes] == [(SUITE, "python-cli")]
    assert (example_.status.code, example_.status.message) == (Status.STATUS_CODE_ERROR, "build: no")
    assert (step.status.code, step.status.message) == (Status.STATUS_CODE_ERROR, "exit code: 7")
    found = sent["copy a"]  # in the store: named as Dagger's telemetry has it
    assert (found.parent_span_id.hex(), found.start_time_unix_nano) == (ABOVE, found.end_time_unix_nano)
    assert [(one.key, one.value.bool_value) for one in found.attributes] == [("dagger.io/dag.cached", True)]


def test_no_secret_is_sent(collector: Collector) -> None:
    send(collector, (b"python", b"make", b"exit"))
    assert collector.requests
    for _, body in collector.requests:
        assert b"***-cli" in body and not any(word in body for word in (b"python", b"make", b"exit"))


def test_a_clock_that_goes_back_and_odd_values_are_sent_all_the_same(collector: Collector) -> None:
    with exported(Quiet(), lambda: (), {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}) as display:
        display.span(Span(BELOW, "odd", "", TRACE, {"a": [1], "b": None, "c": True, "d": 1.5}, 9, 5))
    assert isinstance(display, Exported)
    display.thread.join(60)
    odd = collector.spans["odd"]
    assert odd.start_time_unix_nano == odd.end_time_unix_nano == 9
    assert {one.key: one.value.WhichOneof("value") for one in odd.attributes} == {
        "a": "string_value", "b": "string_value", "c": "bool_value", "d": "double_value"
    }  # fmt: skip


def test_a_collector_that_is_away_is_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens on the port: the block ends although the thread still tries."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    stream = io.StringIO()
    with exported(Plain(stream), lambda: (), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}) as display:
        example(display)
    last = stream.getvalue().splitlines()[-1]
    assert last == "warning: 3 of 3 spans did not reach the collector of OpenTelemetry"


def test_a_queue_that_is_full_lets_the_work_go_on() -> None:
    display = Exported(Quiet(), lambda: ())  # nobody takes from it
    for number in range(1 << 15):
        display.span(Span(f"{number:016x}", "x", "", TRACE, {}, 5, 9))
    assert display._queue.full() and display._told == 1 << 15


@pytest.mark.parametrize(
    "environ",
    [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}],
)
def test_without_a_collector_nothing_stands_between(environ: dict[str, str]) -> None:
    quiet = Quiet()
    with exported(quiet, lambda: (), environ) as display:
        assert display is quiet


def test_a_protocol_that_is_not_spoken_is_told() -> None:
    stream = io.StringIO()
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with exported(Plain(stream), lambda: (), environ):
        pass
    assert "OTEL_EXPORTER_OTLP_PROTOCOL is grpc" in stream.getvalue()
