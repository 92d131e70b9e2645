"""What people see while the engine works, on stderr. ``plain`` writes lines that stay readable side by side."""

import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Protocol

from engine.graph import Progress

STDERR = 2


@dataclass
class Step:
    """One operation under way. ``kept`` is the end of its output, for the time it fails."""

    number: int
    label: str
    began: float
    rest: bytes = b""
    kept: bytearray = field(default_factory=bytearray)


class Display(Progress, Protocol):
    """A way of showing progress; to be closed when the work is done."""

    def note(self, text: str) -> None:
        """A line that belongs to no operation, such as what a module's function prints."""

    def close(self) -> None:
        """Write what is still to be said."""


@dataclass
class Quiet:
    """Shows nothing but notes that are warnings to the user."""

    stream: IO[str]

    def started(self, key: str, label: str) -> None:
        pass

    def output(self, key: str, stream: int, data: bytes) -> None:
        pass

    def finished(self, key: str, *, cached: bool, error: str = "") -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass
class Plain:
    """One line for every line of output, marked with its operation's number; safe from any thread."""

    stream: IO[str]
    verbose: bool = False
    groups: bool = False
    _steps: dict[str, Step] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _count: int = 0
    _cached: int = 0

    def started(self, key: str, label: str) -> None:
        with self._lock:
            self._count += 1
            self._steps[key] = step = Step(self._count, label, time.monotonic())
            self._write(step, label)

    def output(self, key: str, stream: int, data: bytes) -> None:
        with self._lock:
            if step := self._steps.get(key):
                *lines, step.rest = (step.rest + data).split(b"\n")
                for line in lines:
                    self._write(step, _clean(line))

    def finished(self, key: str, *, cached: bool, error: str = "") -> None:
        with self._lock:
            step = self._steps.pop(key, None)
            if step is None:
                self._cached += cached
                return
            if step.rest:
                self._write(step, _clean(step.rest))
            took = time.monotonic() - step.began
            self._write(step, f"FAILED after {took:.1f} s: {error}" if error else f"done in {took:.1f} s")

    def note(self, text: str) -> None:
        with self._lock:
            for line in text.splitlines():
                self.stream.write(line.rstrip() + "\n")
            self.stream.flush()

    def close(self) -> None:
        with self._lock:
            if self._count and self.verbose:
                self.stream.write(f"{self._count} operations run, {self._cached} found in the store\n")
            self.stream.flush()

    def _write(self, step: Step, text: str) -> None:
        self.stream.write(f"#{step.number} {text}\n")
        self.stream.flush()


def display(mode: str, *, quiet: int = 0, verbose: int = 0, environ: Mapping[str, str] | None = None) -> Display:
    """The display for ``--progress`` on this terminal."""
    env = os.environ if environ is None else environ
    if quiet or mode == "quiet":
        return Quiet(sys.stderr)
    return Plain(sys.stderr, verbose=bool(verbose), groups=env.get("GITHUB_ACTIONS") == "true")


def _clean(line: bytes) -> str:
    """The line as it stands after its carriage returns, without terminal control."""
    text = line.rstrip(b"\r").rsplit(b"\r", 1)[-1].decode(errors="replace")
    return "".join(letter for letter in text if letter == "\t" or letter.isprintable())
