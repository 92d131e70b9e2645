"""Progress on a terminal: what runs and its last lines, live; what is done scrolls away above; totals at the end."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from baselard.engine.progress.display import ShownStep, clean
from baselard.engine.solver.graph import CALLED_OFF

_LAST_LINES = 3
_KEPT_LINES = 200
_SHOWN_STEPS = 8


@dataclass
class Tty:
    """The live tree. Make it with ``started_on``."""

    console: Console
    _steps: dict[str, ShownStep] = field(default_factory=dict)
    _tails: "dict[str, deque[str]]" = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _began: float = field(default_factory=time.monotonic)
    _count: int = 0
    _cached: int = 0
    _failed: int = 0
    _live: Live | None = None
    _held: list[Text] | None = None

    @classmethod
    def started_on(cls, stream: IO[str]) -> "Tty":
        """A display that is shown from now on until it is closed."""
        made = cls(Console(file=stream, highlight=False, soft_wrap=False))
        made._begin()
        return made

    def _begin(self) -> None:
        self._live = Live(
            console=self.console,
            get_renderable=self.render,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def _end(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        self._end()
        with self._lock:
            held = self._held = []
        try:
            yield
        finally:
            with self._lock:
                self._held = None
                for text in held:
                    self._print(text)
            self._begin()

    def started(self, key: str, label: str) -> None:
        with self._lock:
            self._count += 1
            self._steps[key] = ShownStep(self._count, label, time.monotonic())
            self._tails[key] = deque(maxlen=_KEPT_LINES)

    def output(self, key: str, stream: int, data: bytes) -> None:  # noqa: ARG002 -- both streams look alike here
        with self._lock:
            if step := self._steps.get(key):
                self._tails[key].extend(step.add(data))

    def finished(self, key: str, *, cached: bool, error: str = "") -> None:
        with self._lock:
            self._cached += cached
            step = self._steps.pop(key, None)
            if step is None:
                return
            tail = self._tails.pop(key)
            took = f"{time.monotonic() - step.began:.1f} s"
            if error == CALLED_OFF:
                self._print(Text(f"– {step.label}  {error}, {took}", style="dim"))  # noqa: RUF001 -- a mark like ✔
            elif error:
                self._failed += 1
                self._print(Text(f"✘ {step.label}  {took}", style="bold red"))
                for line in [*tail, *([clean(step.rest)] if step.rest else []), error]:
                    self._print(Text(f"  {line}"))
            else:
                self._print(Text.assemble((f"✔ {step.label}", "green"), (f"  {took}", "dim")))

    def note(self, text: str) -> None:
        with self._lock:
            self._print(Text(text.rstrip("\n")))

    def close(self) -> None:
        self._end()
        if self._count or self._cached:
            self.console.print(self._totals())

    def render(self) -> Group:
        """What is under way at this moment."""
        with self._lock:
            rows: list[Text] = []
            for key, step in list(self._steps.items())[:_SHOWN_STEPS]:
                rows.append(Text.assemble("● ", step.label, (f"  {time.monotonic() - step.began:.1f} s", "dim")))
                rows += [Text(f"  │ {line}", style="dim") for line in list(self._tails[key])[-_LAST_LINES:]]
            if (more := len(self._steps) - _SHOWN_STEPS) > 0:
                rows.append(Text(f"… and {more} more", style="dim"))
        for row in rows:
            row.truncate(self.console.width - 1, overflow="ellipsis")
        return Group(*rows, self._totals())

    def _totals(self) -> Text:
        running = f"{len(self._steps)} running · " if self._steps else ""
        failed = f" · {self._failed} failed" if self._failed else ""
        seconds = time.monotonic() - self._began
        return Text(f"{running}{self._count} run · {self._cached} cached{failed} · {seconds:.1f} s", style="dim")

    def _print(self, text: Text) -> None:
        if self._held is None:
            self.console.print(text, soft_wrap=True)
        else:
            self._held.append(text)
