"""The standard streams as a command finds them: closed, full, or unable to show a character.

A result that cannot be written is an error. A message that cannot be is none: there is nobody to tell.
"""

import contextlib
import io
import os
import sys
from collections.abc import Iterator

from baselard.engine.errors import HostError
from baselard.oci.text import ANYTHING

_MODES = (os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)


class UnwrittenError(HostError):
    """Stdout does not take the result."""


class UnreadError(UnwrittenError):
    """The reader of stdout has had enough of it."""


class _Result(io.TextIOWrapper):
    """Stdout. Raises UnwrittenError."""

    def write(self, text: str) -> int:
        with _told():
            return super().write(text)

    def flush(self) -> None:
        with _told():
            super().flush()


class _Messages(io.TextIOWrapper):
    """Stderr. What cannot be written is lost."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


def prepare() -> None:
    """Have the three streams open, so that no file of ours gets their numbers, and able to take any text.

    Call before any file is opened. Where stdout was closed writing fails, as it would have.
    """
    for number, mode in enumerate(_MODES):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # gets the lowest number that is free
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = _Result(os.fdopen(1, "wb", closefd=False), "utf-8", ANYTHING, line_buffering=os.isatty(1))
    sys.stderr = _Messages(os.fdopen(2, "wb", closefd=False), "utf-8", ANYTHING, line_buffering=True)


def pass_on(number: int, data: bytes) -> None:
    """Write, at once, what another program wrote to its own stream of that number. Raises UnwrittenError."""
    out = sys.stdout if number == 1 else sys.stderr
    out.write(data.decode("utf-8", "surrogateescape"))
    out.flush()


def give_up_stdout() -> None:
    """Let what is still to be written to stdout go nowhere; the interpreter would complain of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = UnreadError if isinstance(error, BrokenPipeError) else UnwrittenError
        raise kind(f"the result cannot be written: {error.strerror}") from error
