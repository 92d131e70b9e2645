"""A display for each of several rounds, behind one that stays; and which images failed when last looked at."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from baselard.engine.progress.display import Display, Quiet
from baselard.engine.progress.spans import SUITE, Span
from baselard.engine.progress.text import plainly


@dataclass
class Renewed:
    """Shows what the round's own display shows. ``failed`` holds images' names, over all rounds."""

    make: Callable[[], Display]
    failed: dict[str, None] = field(default_factory=dict)
    _current: Display = field(default_factory=Quiet)

    def begin(self) -> None:
        """Begin a round, with nothing to be seen of the one before."""
        self._current = self.make()

    def span(self, span: Span) -> None:
        if span.end and (name := span.attributes.get(SUITE)):
            self.failed.pop(plainly(str(name)), None)
            if span.failed:
                self.failed[plainly(str(name))] = None
        self._current.span(span)

    def started(self, key: str, label: str) -> None:
        self._current.started(key, label)

    def output(self, key: str, stream: int, data: bytes) -> None:
        self._current.output(key, stream, data)

    def finished(self, key: str, *, cached: bool, error: str = "", label: str = "") -> None:
        self._current.finished(key, cached=cached, error=error, label=label)

    def note(self, text: str) -> None:
        self._current.note(text)

    def aside(self) -> AbstractContextManager[None]:
        return self._current.aside()

    def close(self) -> None:
        """End the round."""
        current, self._current = self._current, Quiet()
        current.close()
