"""The last lines of a terminal, drawn again and again, while what is finished scrolls away above them."""

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

_EVERY = 0.2  # seconds
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"

Rows = Callable[[int, int], Sequence[Text]]
"""What is to be seen now on so many columns and lines."""


@dataclass
class Screen:
    """Draws ``rows`` until it is closed. Nothing is drawn where there is no terminal. Safe from any thread."""

    console: Console
    rows: Rows
    _widths: list[int] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _ticker: threading.Thread | None = None

    def start(self) -> None:
        """Begin to draw."""
        if self.console.is_terminal and not self.console.is_dumb_terminal and self._ticker is None:
            self._stop.clear()
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()

    def stop(self) -> None:
        """Take away what is drawn."""
        if ticker := self._ticker:
            self._stop.set()
            ticker.join()
            self._ticker = None
            with self._lock:
                self._write(self._erased() + _SHOW)

    def above(self, *texts: Text) -> None:
        """Lines that stay."""
        with self._lock:
            self._write(self._erased() + self._rendered(texts, wrap=True) + (self._drawn() if self._ticker else ""))

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines as they are now, whatever ``COLUMNS`` says that they were once."""
        with contextlib.suppress(OSError, ValueError):
            return os.get_terminal_size(self.console.file.fileno())
        return self.console.size

    def _tick(self) -> None:
        while not self._stop.wait(_EVERY):
            with self._lock:
                self._write(_HIDE + self._erased() + self._drawn())

    def _drawn(self) -> str:
        width, height = self.size
        rows = list(self.rows(width - 1, height - 1))[: max(1, height - 1)]
        for row in rows:
            row.expand_tabs(4)  # a terminal would, after the line was found to fit
            row.truncate(width - 1, overflow="ellipsis")
        self._widths = [row.cell_len for row in rows]
        return self._rendered(rows)

    def _erased(self) -> str:
        """Back to where drawing began; a terminal that has become narrower has broken lines meanwhile.

        Line by line: a terminal that is cleared at once, from its first line on, may keep what it showed as history.
        """
        width = max(1, self.size[0])
        lines = sum(max(1, -(-cells // width)) for cells in self._widths)
        self._widths = []
        return "\r\x1b[2K" + "\x1b[1A\x1b[2K" * lines if lines else ""

    def _rendered(self, texts: Sequence[Text], *, wrap: bool = False) -> str:
        with self.console.capture() as captured:
            for text in texts:
                self.console.print(text, soft_wrap=wrap, no_wrap=not wrap, crop=False, overflow="ignore")
        return captured.get()

    def _write(self, text: str) -> None:
        if text:
            self.console.file.write(text)
            self.console.file.flush()
