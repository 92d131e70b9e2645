"""A module's own spans, from its code to what people see and to a collector.

Judges: the lines on standard error, and opentelemetry-proto, which reads what a collector was sent.
"""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

pytestmark = pytest.mark.root

CODE = """
import dagger
from dagger import dag, function, object_type
from opentelemetry import trace


@object_type
class Mine:
    @function
    async def work(self, token: dagger.Secret) -> str:
        tracer = trace.get_tracer("mine")
        with tracer.start_as_current_span("image", attributes={"test.suite.name": "my image"}):
            with tracer.start_as_current_span("build " + await token.plaintext()):
                made = dag.directory().with_new_file("a", "b")
                return await made.file("a").contents()
"""
SECRET = "correct horse battery staple"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    root = tmp_path / "mine"
    (root / "src/mine").mkdir(parents=True)
    (root / "src/mine/__init__.py").write_text(CODE)
    (root / "dagger.json").write_text(json.dumps({"name": "mine", "sdk": "python"}))
    (root / "pyproject.toml").write_text('[project]\nname = "mine"\nversion = "1"\ndependencies = ["dagger-io"]\n')
    return root


@pytest.fixture
def received() -> Iterator[tuple[str, list[Span]]]:
    """A collector's address and the spans that it is sent."""
    spans: list[Span] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                spans.extend(span for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", spans
        server.shutdown()


def call(module: Path, store: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    words = ["call", "-m", str(module), "--progress", "plain", "work", "--token", "env://TOKEN"]
    env = {**os.environ, "BASELARD_STORE": str(store), "TOKEN": SECRET, **environ}
    argv = [sys.executable, "-m", "baselard.cli", *words]
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=True, timeout=300)


def test_a_span_names_what_is_shown_and_sent(module: Path, tmp_path: Path, received: tuple[str, list[Span]]) -> None:
    endpoint, spans = received
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    done = call(module, tmp_path / "store", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, TRACEPARENT=f"00-{trace}-{parent}-01")
    assert done.stdout == "b"
    assert [line for line in done.stderr.splitlines() if line.startswith("my image │ new file")]
    named = {span.name: span for span in spans}
    assert {span.trace_id.hex() for span in spans} == {trace}
    assert named["baselard"].parent_span_id.hex() == parent
    (step,) = [span for span in spans if span.name.startswith("new file")]
    above = {"work": "baselard", "image": "work", "build ***": "image", step.name: "build ***"}
    assert {name: named[name].parent_span_id for name in above} == {
        name: named[parent].span_id for name, parent in above.items()
    }


def test_a_collector_that_is_away_fails_nothing(module: Path, tmp_path: Path) -> None:
    done = call(module, tmp_path / "store", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert done.stdout == "b"
    assert "did not reach the collector" in done.stderr
