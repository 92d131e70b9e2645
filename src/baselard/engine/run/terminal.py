"""The user's terminal: a container's shell has it for a while, and nothing else is shown meanwhile."""

import contextlib
import os
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from baselard.engine.errors import UserError
from baselard.engine.solver import cancel

_STDIN = 0


class Terminal(Protocol):
    """Where somebody sits, if anybody does."""

    @property
    def on_failure(self) -> tuple[str, ...]:
        """The command that is opened in the container of a command that failed; empty when none is."""

    def taken(self, why: str) -> AbstractContextManager[int]:
        """The terminal for this block alone, as a file descriptor, after it was told ``why``.

        Raises UserError when there is none, Cancelled when the work is called off meanwhile.
        """


@dataclass(frozen=True)
class Absent:
    """No terminal, as in a session that an SDK started."""

    on_failure: tuple[str, ...] = ()

    @contextlib.contextmanager
    def taken(self, why: str) -> Iterator[int]:  # noqa: ARG002
        raise UserError(
            "failed to open terminal: this session has none: call the function by `baselard call` on a terminal"
        )
        yield -1


@dataclass(frozen=True)
class Device:
    """The terminal that standard input is. ``aside`` keeps progress from being shown inside a block."""

    aside: Callable[[], AbstractContextManager[None]]
    on_failure: tuple[str, ...] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def taken(self, why: str) -> Iterator[int]:
        require()
        with self._lock:
            cancel.current().check()
            with self.aside(), _opened() as descriptor, _modes_kept(descriptor):
                os.write(descriptor, why.replace("\n", "\r\n").encode() + b"\r\n")
                yield descriptor


def require() -> None:
    """Raise UserError unless standard input is a terminal."""
    if not os.isatty(_STDIN):
        raise UserError("a terminal is wanted, and standard input is none: run this on a terminal, outside of a pipe")


@contextlib.contextmanager
def _opened() -> Iterator[int]:
    """Standard input's device, to read and to write whatever the streams lead to."""
    descriptor = os.open(os.ttyname(_STDIN), os.O_RDWR | os.O_NOCTTY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _modes_kept(descriptor: int) -> Iterator[None]:
    """Afterwards the terminal is as it was, even if the program that changed it was killed."""
    modes = termios.tcgetattr(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, modes)
