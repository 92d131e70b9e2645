"""Progress as lines that stay, for logs and for terminals that can do no more."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import IO

from baselard.engine.progress import spans
from baselard.engine.progress.display import Lines, Outlet, ShownStep
from baselard.engine.progress.rows import Row, Rows
from baselard.engine.progress.spans import FOLDED, HIDDEN, SUITE, WAITS, Asker, Span
from baselard.engine.progress.text import clean, label, plainly
from baselard.engine.solver.graph import CALLED_OFF

Clock = Callable[[], float]


@dataclass
class _NamedStep(ShownStep):
    """A step that is shown. ``row`` names the image or check that it is for, ``folded`` what stands for it."""

    row: str = ""
    folded: str = ""

    @property
    def mark(self) -> str:
        """The beginning of each of its lines."""
        return _mark(self.row) if self.row else f"#{self.number} "


@dataclass
class Plain:
    """One line for every line of output, after the name of the image it is about, or else its operation's number.

    With ``groups``, all lines about an image come together when it is done, folded as GitHub Actions can, and so do
    those of an operation that belongs to none; of what failed they stay open, and of an image they come last.
    """

    stream: IO[str]
    groups: bool = False
    verbose: bool = False
    clock: Clock = time.monotonic
    _rows: Rows = field(default_factory=Rows)
    _steps: dict[str, _NamedStep] = field(default_factory=dict)
    _lines: dict[str, Lines] = field(default_factory=dict)
    _phases: dict[str, float] = field(default_factory=dict)
    _folded: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _count: int = 0
    _cached: int = 0

    def __post_init__(self) -> None:
        self._out = Outlet(self.stream)

    def span(self, span: Span) -> None:
        with self._lock:
            row = self._rows.span(span, self.clock())
            if row and not any(span.attributes.get(name) for name in (SUITE, HIDDEN)):
                self._phase(row, span)
            if row and row.ended and self.groups and not row.failed:
                self._write_group(row)

    def started(self, key: str, label: str) -> None:
        with self._lock:
            self._count += 1
            asker = spans.asker()
            names = self._rows.name(asker), self._rows.folded(asker)
            step = self._steps[key] = _NamedStep(self._count, label, self.clock(), b"", Lines(), *names)
            if step.row or not self.groups:
                self._add(step, self._heading(step, asker))

    def output(self, key: str, stream: int, data: bytes) -> None:  # noqa: ARG002 -- both streams look alike here
        with self._lock:
            if step := self._steps.get(key):
                self._add(step, step.add(data))

    def finished(self, key: str, *, cached: bool, error: str = "", label: str = "") -> None:  # noqa: ARG002
        with self._lock:
            self._cached += cached
            if step := self._steps.pop(key, None):
                self._add(step, [clean(step.rest)] if step.rest else [])
                self._end(step, error)

    def note(self, text: str) -> None:
        with self._lock:
            self._write(text.splitlines())

    def aside(self) -> AbstractContextManager[None]:
        return self._out.aside()

    def close(self) -> None:
        with self._lock:
            for row in sorted(self._rows.rows.values(), key=lambda row: bool(row.failed)):
                self._write_group(row)
            if self.verbose:
                self._write([f"{self._count} operations run, {self._cached} found in the store"])

    def _heading(self, step: _NamedStep, asker: Asker) -> list[str]:
        """Its label, or that of the span that stands for it, which is said once."""
        if not step.folded:
            return [_named(step)]
        folding = self._rows.folding(asker)
        if folding in self._folded:
            return []
        self._folded.add(folding)
        return [step.folded]

    def _phase(self, row: Row, span: Span) -> None:
        """Say that a phase has begun or ended; one of the same name beside another says nothing new."""
        if any(one.name == span.name and one.id != span.id for one in row.open.values()):
            return
        if not span.end:
            self._phases[span.id] = self.clock()
            if not span.attributes.get(FOLDED):
                self._tell(row.name, [plainly(span.name)])
        elif (began := self._phases.pop(span.id, None)) is not None and not span.attributes.get(WAITS):
            verdict = _verdict(self.clock() - began, "failed" if span.failed else "")
            self._tell(row.name, [f"{plainly(span.name)}: {verdict}"])

    def _add(self, step: _NamedStep, lines: Iterable[str]) -> None:
        """Lines of a step: at once, or with those of its row or, where it has none, with its own."""
        if step.row:
            self._tell(step.row, lines)
        elif self.groups:
            step.lines.extend(f"{step.mark}{line}" for line in lines)
        else:
            self._write(f"{step.mark}{line}" for line in lines)

    def _tell(self, row: str, lines: Iterable[str]) -> None:
        marked = [f"{_mark(row)}{line}" for line in lines]
        if self.groups:
            self._lines.setdefault(row, Lines()).extend(marked)
        else:
            self._write(marked)

    def _end(self, step: _NamedStep, error: str) -> None:
        failed = bool(error) and error != CALLED_OFF
        verdict = _verdict(self.clock() - step.began, error)
        if step.row:
            if failed or not step.folded:
                self._tell(step.row, [verdict])
        elif not self.groups:
            self._write([f"{step.mark}{verdict}"])
        elif failed or not step.lines:
            self._write([f"{step.mark}{_named(step)}: {verdict}", *step.lines])
        else:
            self._write([f"::group::{step.mark}{_named(step)}: {verdict}", *step.lines, "::endgroup::"])

    def _write_group(self, row: Row) -> None:
        """All that was said of a row since its last group; what failed stays open."""
        if not (lines := self._lines.pop(row.name, None)):
            return
        took = f"{row.seconds(self.clock()):.1f} s"
        if row.failed:
            self._write([f"{row.name}: FAILED after {took}: {row.failed}", *lines])
        else:
            self._write([f"::group::{row.name}: done in {took}", *lines, "::endgroup::"])

    def _write(self, lines: Iterable[str]) -> None:
        self._out.write("".join(line.rstrip() + "\n" for line in lines))


def _mark(row: str) -> str:
    return f"{row} │ "


def _named(step: _NamedStep) -> str:
    return label(step.label)


def _verdict(took: float, error: str) -> str:
    if error == CALLED_OFF:
        return f"{error} after {took:.1f} s"
    if error:
        return f"FAILED after {took:.1f} s" + (f": {plainly(error)}" if error != "failed" else "")
    return f"done in {took:.1f} s"
