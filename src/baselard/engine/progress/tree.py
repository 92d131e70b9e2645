"""Progress on a terminal: a line for each image with what happens to it, then what else runs, and totals."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

from rich.console import Console
from rich.text import Text

from baselard.engine.progress import spans
from baselard.engine.progress.rows import Row, Rows
from baselard.engine.progress.screen import Screen
from baselard.engine.progress.spans import Asker, Span
from baselard.engine.progress.text import clean, label
from baselard.engine.solver.graph import CALLED_OFF

_LAST_LINES = 3
_KEPT_LINES = 200
_KEPT = 64 << 10  # bytes of an operation's output
_SHOWN_STEPS = 8
_WIDEST_NAME = 2 / 5  # of the terminal
_LEAST_NAME = 12


@dataclass
class RunningStep:
    """An operation under way, and the end of what it wrote."""

    label: str
    began: float
    asker: Asker
    tail: bytes = b""

    def lines(self, count: int) -> list[str]:
        """The last lines that say something."""
        lines = [clean(line) for line in self.tail.split(b"\n")[-2 * count - 1 :]]
        return [line for line in lines if line.strip()][-count:]


@dataclass
class Tty:
    """The live tree. Make it with ``started_on``."""

    console: Console
    clock: Callable[[], float] = time.monotonic
    _rows: Rows = field(default_factory=Rows)
    _steps: dict[str, RunningStep] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _count: int = 0
    _cached: int = 0
    _failed: int = 0
    _held: list[Text] | None = None

    def __post_init__(self) -> None:
        self._began = self.clock()
        self._screen = Screen(self.console, self.rows)

    @classmethod
    def started_on(cls, stream: IO[str]) -> "Tty":
        """A display that is shown from now on until it is closed."""
        made = cls(Console(file=stream, highlight=False, soft_wrap=False))
        made._screen.start()
        return made

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        self._screen.stop()
        with self._lock:
            held = self._held = []
        try:
            yield
        finally:
            with self._lock:
                self._held = None
            self._screen.above(*held)
            self._screen.start()

    def span(self, span: Span) -> None:
        with self._lock:
            self._rows.span(span, self.clock())

    def started(self, key: str, label: str) -> None:
        with self._lock:
            self._count += 1
            step = self._steps[key] = RunningStep(label, self.clock(), spans.asker())
            if row := self._rows.row(step.asker):
                row.ran += 1

    def output(self, key: str, stream: int, data: bytes) -> None:  # noqa: ARG002 -- both streams look alike here
        with self._lock:
            if step := self._steps.get(key):
                step.tail = (step.tail + data)[-_KEPT:]

    def finished(self, key: str, *, cached: bool, error: str = "", label: str = "") -> None:  # noqa: ARG002
        with self._lock:
            self._cached += cached
            step = self._steps.pop(key, None)
            if step is None:
                if row := self._rows.row(spans.asker()):
                    row.cached += cached
                return
            self._failed += bool(error) and error != CALLED_OFF
            told = self._told(step, error)
        self._above(*told)

    def note(self, text: str) -> None:
        self._above(*(Text(clean(line)) for line in text.encode(errors="replace").split(b"\n") if line))

    def close(self) -> None:
        self._screen.stop()
        if self._count or self._cached:
            totals = self._totals().append(" in all", style="dim")
            totals.truncate(max(1, self._screen.size[0] - 1), overflow="ellipsis")
            self._screen.above(totals)

    def rows(self, width: int, height: int) -> list[Text]:
        """The screen at this moment, in so many columns and at most so many lines."""
        with self._lock:
            now = self.clock()
            loose = self._loose(now)[: max(0, height - 2)]
            return [*self._table(now, width, max(1, height - 1 - len(loose))), *loose, self._totals()]

    def _table(self, now: float, width: int, room: int) -> list[Text]:
        """A line for each row. Where there is no room for all, those that passed are counted, then the last ones."""
        known = list(self._rows.rows.values())
        room = max(1, room - len({row.call for row in known if row.call}))
        shown = known if len(known) <= room else [row for row in known if row.failed or not row.ended]
        shown = shown if len(shown) < room or shown is known else shown[: max(0, room - 1)]
        names = max((len(row.own_name) for row in shown), default=0)
        widest = min(names, max(_LEAST_NAME, int(width * _WIDEST_NAME)))
        times = max((len(_seconds(row.seconds(now))) for row in shown), default=0)
        lines: list[Text] = []
        for call in dict.fromkeys(row.call for row in shown):
            below = [row for row in shown if row.call == call]
            lines += [Text(call, style="bold")] if [row.own_name for row in below] != [call] and call else []
            lines += [self._line(row, widest, f"{_seconds(row.seconds(now)):>{times}}") for row in below]
        if hidden := len(known) - len(shown):
            done = sum(row.ended and not row.failed for row in known)
            lines.append(Text(f"… and {hidden} more, {done} done", style="dim"))
        return lines

    def _line(self, row: Row, widest: int, seconds: str) -> Text:
        name = row.own_name if len(row.own_name) <= widest else "…" + row.own_name[1 - widest :]
        mark, style = ("●", "") if not row.ended else ("✘", "bold red") if row.failed else ("✔", "green")
        rest = Text.assemble((f"  {seconds}  ", "dim"))
        if not row.ended:
            said = self._said(row)
            rest.append(row.phase or "waits for its turn").append(f"  {said}" if said else "", style="dim")
        elif row.failed:
            rest.append(row.failed, style="red")
        else:
            rest.append(row.last or ("cached" if row.cached and not row.ran else ""), style="dim")
        return Text.assemble((f"{mark} {name:<{widest}}", style), rest)

    def _said(self, row: Row) -> str:
        """The last line of what runs for this row, or what that is where it has said nothing."""
        steps = [step for step in self._steps.values() if self._rows.row(step.asker) is row]
        for step in reversed(steps):
            if lines := step.lines(1):
                return lines[0]
        return self._label(steps[-1]) if steps else ""

    def _loose(self, now: float) -> list[Text]:
        """Operations that run for no row, with their last lines."""
        steps = [step for step in self._steps.values() if self._rows.row(step.asker) is None]
        lines: list[Text] = []
        for step in steps[:_SHOWN_STEPS]:
            lines.append(Text.assemble("● ", self._label(step), (f"  {_seconds(now - step.began)}", "dim")))
            lines += [Text(f"  │ {line}", style="dim") for line in step.lines(_LAST_LINES)]
        if (more := len(steps) - _SHOWN_STEPS) > 0:
            lines.append(Text(f"… and {more} more", style="dim"))
        return lines

    def _told(self, step: RunningStep, error: str) -> list[Text]:
        """The lines that stay of an operation that has ended: of one that belongs to a row only a failure."""
        row, took = self._rows.row(step.asker), _seconds(self.clock() - step.began)
        name = f"{row.name}: {self._label(step)}" if row else self._label(step)
        if error and error != CALLED_OFF:
            lines = [*step.lines(_KEPT_LINES), clean(error.encode())]
            heading = Text(f"✘ {name}", style="bold red")
            heading.truncate(max(1, self._screen.size[0] - len(took) - 3), overflow="ellipsis")
            return [heading.append(f"  {took}"), *(Text(f"  {line}") for line in lines)]
        if row:
            return []
        if error:
            return [Text(f"– {name}  {error}, {took}", style="dim")]  # noqa: RUF001 -- a mark like ✔
        return [Text.assemble((f"✔ {name}", "green"), (f"  {took}", "dim"))]

    def _label(self, step: RunningStep) -> str:
        return self._rows.folded(step.asker) or label(step.label)

    def _totals(self) -> Text:
        rows = self._rows.rows.values()
        done = f"{sum(row.ended for row in rows)} of {len(rows)} done · " if rows else ""
        running = f"{len(self._steps)} running · " if self._steps else ""
        count = sum(bool(row.failed) for row in rows) if rows else self._failed  # a row fails without any step, too
        failed = f" · {count} failed" if count else ""
        seconds = _seconds(self.clock() - self._began)
        if not rows and not self._count and not self._cached:
            return Text(f"starts · {seconds}", style="dim")
        ran = f"{self._count} step{'' if self._count == 1 else 's'} run"
        return Text(f"{done}{running}{ran} · {self._cached} cached{failed} · {seconds}", style="dim")

    def _above(self, *texts: Text) -> None:
        with self._lock:
            if self._held is not None:
                self._held.extend(texts)
                return
        if texts:
            self._screen.above(*texts)


def _seconds(count: float) -> str:
    return f"{count:.1f} s"
