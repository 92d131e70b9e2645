"""The common part of all displays; ``dots``, and the one that shows nothing."""

import contextlib
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import IO, Protocol

from baselard.engine.progress.spans import Span
from baselard.engine.progress.text import clean
from baselard.engine.solver.graph import CALLED_OFF, Progress

_KEPT = 4 << 20  # of an operation whose output is shown when it has ended
_LONGEST = 64 << 10  # bytes of a line


@dataclass
class Lines:
    """The last lines of an operation, for as long as it runs: at most ``_KEPT`` letters of them."""

    kept: deque[str] = field(default_factory=deque)
    size: int = 0
    left_out: int = 0

    def extend(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.kept.append(line)
            self.size += len(line) + 1
            while self.size > _KEPT:
                self.size -= len(self.kept.popleft()) + 1
                self.left_out += 1

    def __iter__(self) -> Iterator[str]:
        """The lines, after one that says how many are left out."""
        if self.left_out:
            yield f"… {self.left_out} lines before these are left out"
        yield from self.kept

    def __bool__(self) -> bool:
        return bool(self.kept)


@dataclass
class ShownStep:
    """One operation under way. ``rest`` is the beginning of a line that is still being written."""

    number: int
    label: str
    began: float
    rest: bytes = b""
    lines: Lines = field(default_factory=Lines)

    def add(self, data: bytes) -> list[str]:
        """The lines that ``data`` completes; one that does not end is broken where it is too long."""
        *whole, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > _LONGEST:
            whole.append(self.rest)
            self.rest = b""
        return [clean(line) for line in whole]


class Display(Progress, Protocol):
    """A way of showing progress; to be closed when the work is done. Safe from any thread."""

    def note(self, text: str) -> None:
        """Lines that belong to no operation, such as what a module's function prints."""

    def aside(self) -> AbstractContextManager[None]:
        """Nothing is shown inside the block; what happened meanwhile is, after it."""

    def close(self) -> None:
        """Write what is still to be said."""


@dataclass
class Outlet:
    """Where text goes, at once or after a while in which it is held back. Safe from any thread."""

    stream: IO[str]
    _held: list[str] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, text: str) -> None:
        with self._lock:
            if self._held is not None:
                self._held.append(text)
            elif text:
                self.stream.write(text)
                self.stream.flush()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Hold everything back inside the block."""
        with self._lock:
            held = self._held = []
        try:
            yield
        finally:
            with self._lock:
                self._held = None
                self.stream.write("".join(held))
                self.stream.flush()


@dataclass
class Quiet:
    """Shows nothing."""

    def started(self, key: str, label: str) -> None:
        pass

    def output(self, key: str, stream: int, data: bytes) -> None:
        pass

    def finished(self, key: str, *, cached: bool, error: str = "", label: str = "") -> None:
        pass

    def span(self, span: Span) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def aside(self) -> AbstractContextManager[None]:
        return contextlib.nullcontext()

    def close(self) -> None:
        pass


@dataclass
class Dots:
    """A mark for every operation: ``.`` it ran, ``X`` it failed and its output follows, ``-`` it was called off."""

    stream: IO[str]
    _steps: dict[str, ShownStep] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _marks: int = 0

    def __post_init__(self) -> None:
        self._out = Outlet(self.stream)

    def started(self, key: str, label: str) -> None:
        with self._lock:
            self._steps[key] = ShownStep(0, label, 0)

    def output(self, key: str, stream: int, data: bytes) -> None:  # noqa: ARG002 -- both streams look alike here
        with self._lock:
            if step := self._steps.get(key):
                step.lines.extend(step.add(data))

    def finished(self, key: str, *, cached: bool, error: str = "", label: str = "") -> None:  # noqa: ARG002
        with self._lock:
            if step := self._steps.pop(key, None):
                failed = error and error != CALLED_OFF
                self._mark("X" if failed else "-" if error else ".")
                if failed:
                    self._break()
                    told = [step.label, *step.lines, clean(step.rest), error]
                    self._out.write("".join(f"{line}\n" for line in told))

    def span(self, span: Span) -> None:
        pass

    def note(self, text: str) -> None:
        with self._lock:
            self._break()
            self._out.write(text.rstrip("\n") + "\n")

    def aside(self) -> AbstractContextManager[None]:
        self._break()
        return self._out.aside()

    def close(self) -> None:
        with self._lock:
            self._break()

    def _mark(self, mark: str) -> None:
        self._out.write(mark)
        self._marks += 1

    def _break(self) -> None:
        if self._marks:
            self._out.write("\n")
        self._marks = 0
