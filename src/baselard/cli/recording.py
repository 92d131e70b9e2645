"""Keeps what a run judged in the store's history, as the module's spans tell it. Other runs leave nothing there."""

import contextlib
import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from baselard.engine.errors import HostError, UserError, without_passwords
from baselard.engine.files import checkout
from baselard.engine.progress.spans import REPORT, SUITE, OnSpan, Span
from baselard.engine.store import runs
from baselard.engine.store.database import Store
from baselard.engine.store.runs import Commit, Judgement, RecordedRun

_PATIENCE = 5.0  # seconds that git may take once the work is done
_LONGEST = 200  # characters of a word, a name or a reason


@dataclass
class Recording:
    """Listens while a call is about the tree at ``place``; ``words`` are the command line."""

    place: Path
    words: Sequence[str]
    _began: float = field(default_factory=time.time)
    _reports: list[str] = field(default_factory=list)
    _looking: threading.Thread | None = None
    _tree: Commit = field(default_factory=Commit)

    def listening(self, tell: OnSpan) -> OnSpan:
        """``tell``, overheard."""

        def heard(span: Span) -> None:
            tell(span)
            if SUITE in span.attributes:
                self._look()
            if isinstance(told := span.attributes.get(REPORT), str):
                self._reports.append(told)

        return heard

    @contextlib.contextmanager
    def kept(self, store: Store, hidden: Callable[[], Iterable[bytes]]) -> Iterator[None]:
        """Record what was heard in the block, without the texts that are ``hidden``, however the block ends."""
        code = 0
        try:
            yield
        except BaseException as error:
            code = 130 if isinstance(error, KeyboardInterrupt) else 2 if isinstance(error, UserError | HostError) else 1
            raise
        finally:
            if self._reports:
                runs.add(store, self._run(code, [text.decode(errors="replace") for text in hidden()]))

    def _look(self) -> None:
        """Begin to find out at which commit the tree is, as long as it is the one that is judged."""
        if self._looking is None:
            self._looking = threading.Thread(target=self._see, daemon=True)
            self._looking.start()

    def _see(self) -> None:
        self._tree = checkout.commit(str(self.place))

    def _run(self, code: int, hidden: Sequence[str]) -> RecordedRun:
        self._look()
        if self._looking:
            self._looking.join(_PATIENCE)
        seconds = round(time.time() - self._began, 3)
        words = [plain(word, hidden) for word in self.words]
        found = [_scrubbed(judgement, hidden) for text in self._reports for judgement in judgements(text)]
        return RecordedRun(str(self.place), words, self._began, max(0.0, seconds), code, self._tree, found)


def judgements(text: str) -> list[Judgement]:
    """The record that a call made of itself; nothing when that is not what it should be."""
    try:
        return [_judgement(entry) for entry in json.loads(text)]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []


def _judgement(told: Mapping[str, object]) -> Judgement:
    return Judgement(
        name=str(told["name"]),
        verdict=str(told["verdict"]),
        blocks=told["blocks"] is True,
        cases=int(_number(told["cases"])),
        seconds=_number(told["seconds"]),
        phases=_numbers(told["phases"]),
        why=str(told["why"]),
        sizes={name: int(size) for name, size in _numbers(told["sizes"]).items()},
    )


def _numbers(told: object) -> dict[str, float]:
    if not isinstance(told, Mapping):
        raise TypeError("a mapping is expected")
    return {str(name)[:_LONGEST]: _number(value) for name, value in told.items()}


def _number(told: object) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told):
        raise TypeError("a number is expected")
    return told


def _scrubbed(judgement: Judgement, hidden: Sequence[str]) -> Judgement:
    return replace(judgement, name=plain(judgement.name, hidden), why=plain(judgement.why, hidden))


def plain(text: str, hidden: Sequence[str] = ()) -> str:
    """A text without secrets: those that the session knows, passwords in URLs, and commands that give secrets."""
    for secret in hidden:
        text = text.replace(secret, "***")
    name, equals, value = text.partition("=") if text.startswith("--") else ("", "", text)
    text = f"{name}{equals}cmd:…" if value.startswith("cmd:") else without_passwords(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
