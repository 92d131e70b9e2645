"""Progress for programs: one JSON object a line, for each piece of work that begins or ends and each line of output.

The names are documented in docs/reference/command-line.md, and stay.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO

from baselard.engine.host import process
from baselard.engine.progress import spans
from baselard.engine.progress.display import Outlet, ShownStep
from baselard.engine.progress.rows import Rows
from baselard.engine.progress.spans import SUITE, Asker, Span
from baselard.engine.progress.text import clean, plainly
from baselard.oci.text import JSON

_STREAMS = {process.STDOUT: "stdout", process.STDERR: "stderr"}


@dataclass
class _Told:
    """A step that has begun: what all its lines say of it, and a beginning of a line for each of its streams."""

    named: dict[str, JSON]
    began: float
    rests: dict[int, ShownStep] = field(default_factory=dict)


@dataclass
class JsonLines:
    """Writes as things happen. Safe from any thread."""

    stream: IO[str]
    clock: Callable[[], float] = time.time
    _rows: Rows = field(default_factory=Rows)
    _steps: dict[str, _Told] = field(default_factory=dict)
    _found: set[tuple[str, str]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._out = Outlet(self.stream)

    def span(self, span: Span) -> None:
        with self._lock:
            self._rows.span(span, self.clock())
            kind = "image" if span.attributes.get(SUITE) else "work"
            named = self._named(span.id, span.asker, span.parent, kind, span.name)
            if span.end:
                self._end(named, span.end / 1e9, span.start / 1e9, span.error or ("failed" if span.failed else ""))
            else:
                self._write("begin", span.start / 1e9, named)

    def started(self, key: str, label: str) -> None:
        with self._lock:
            asker = spans.asker()
            named = self._named(secrets.token_hex(8), asker, asker.span, "step", label)
            self._steps[key] = _Told(named, self.clock())
            self._write("begin", self._steps[key].began, named)

    def output(self, key: str, stream: int, data: bytes) -> None:
        with self._lock:
            if step := self._steps.get(key):
                for line in step.rests.setdefault(stream, ShownStep(0, "", 0)).add(data):
                    self._line(step, stream, line)

    def finished(self, key: str, *, cached: bool, error: str = "", label: str = "") -> None:
        with self._lock:
            now, asker = self.clock(), spans.asker()
            step = self._steps.pop(key, None)
            known = (key, asker.span) in self._found  # a span may ask for one thing many times
            self._found.add((key, asker.span))
            if step is None and known:
                return
            if step is None:
                named = self._named(secrets.token_hex(8), asker, asker.span, "step", label)
                self._end(named, now, now, error, cached=cached)
                return
            for stream, rest in step.rests.items():
                if rest.rest:
                    self._line(step, stream, clean(rest.rest))
            self._end(step.named, now, step.began, error, cached=cached)

    def note(self, text: str) -> None:
        with self._lock:
            for line in text.encode(errors="replace").splitlines():
                self._write("note", self.clock(), {"text": clean(line)})

    def aside(self) -> AbstractContextManager[None]:
        return self._out.aside()

    def close(self) -> None:
        pass

    def _named(self, identity: str, asker: Asker, parent: str, kind: str, name: str) -> dict[str, JSON]:
        return {
            "trace": asker.trace,
            "id": identity,
            "parent": parent,
            "kind": kind,
            "image": self._rows.name(asker),
            "name": plainly(name),
        }

    def _line(self, step: _Told, stream: int, line: str) -> None:
        told: dict[str, JSON] = {"id": step.named["id"], "image": step.named["image"]}
        self._write("output", self.clock(), {**told, "stream": _STREAMS.get(stream, "stderr"), "text": line})

    def _end(self, named: dict[str, JSON], now: float, began: float, error: str, *, cached: bool = False) -> None:
        ended: dict[str, JSON] = {"seconds": round(max(0.0, now - began), 3), "cached": cached, "error": plainly(error)}
        self._write("end", now, {**named, **ended})

    def _write(self, event: str, now: float, told: dict[str, JSON]) -> None:
        at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._out.write(json.dumps({"event": event, "time": at, **told}) + "\n")
