"""Progress told once, when all is over: what failed with its own output, then a line for each image."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from baselard.engine.progress import spans
from baselard.engine.progress.display import Quiet, ShownStep
from baselard.engine.progress.rows import Row, Rows
from baselard.engine.progress.spans import Span
from baselard.engine.progress.text import clean
from baselard.engine.progress.text import label as shown
from baselard.engine.solver.graph import CALLED_OFF


@dataclass
class Final(Quiet):
    """Shows nothing until it is closed. Safe from any thread."""

    stream: IO[str]
    clock: Callable[[], float] = time.monotonic
    _rows: Rows = field(default_factory=Rows)
    _steps: dict[str, ShownStep] = field(default_factory=dict)
    _failed: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def span(self, span: Span) -> None:
        with self._lock:
            self._rows.span(span, self.clock())

    def started(self, key: str, label: str) -> None:
        with self._lock:
            self._steps[key] = ShownStep(0, label, self.clock())

    def output(self, key: str, stream: int, data: bytes) -> None:  # noqa: ARG002 -- both streams look alike here
        with self._lock:
            if step := self._steps.get(key):
                step.lines.extend(step.add(data))

    def finished(self, key: str, *, cached: bool, error: str = "", label: str = "") -> None:  # noqa: ARG002
        with self._lock:
            step = self._steps.pop(key, None)
            if step and error and error != CALLED_OFF:
                asker = spans.asker()
                name = self._rows.folded(asker) or shown(step.label)
                row = self._rows.name(asker)
                told = [f"✘ {row}: {name}" if row else f"✘ {name}", *(f"  {line}" for line in step.lines)]
                self._failed += [*told, *([f"  {clean(step.rest)}"] if step.rest else []), f"  {clean(error.encode())}"]

    def note(self, text: str) -> None:
        with self._lock:
            self._failed += [clean(line) for line in text.encode(errors="replace").splitlines()]

    def close(self) -> None:
        with self._lock:
            rows = list(self._rows.rows.values())
            widest = max((len(row.name) for row in rows), default=0)
            lines = [*self._failed, *(self._line(row, widest) for row in rows)]
            self._failed, self._rows = [], Rows()
            self.stream.write("".join(f"{line}\n" for line in lines))
            self.stream.flush()

    def _line(self, row: Row, widest: int) -> str:
        mark = "✘" if row.failed else "✔" if row.ended else "–"  # noqa: RUF001 -- a mark like ✔
        said = row.failed or row.last or ("cached" if row.cached and not row.ran else "")
        return f"{mark} {row.name:<{widest}}  {row.seconds(self.clock()):6.1f} s  {said}".rstrip()
