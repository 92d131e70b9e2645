"""The resident engines of a user: which are there, and ending them."""

import contextlib
import os
import select
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

from baselard.resident import kind

_PATIENCE = 3.0  # seconds for one that has nothing to do
_PROGRAM = b"baselard.cli.resident"


def processes() -> list[int]:
    """The numbers of the engines' processes."""
    return sorted(set(_listening(Path(kind.place(os.environ)))))


def stop() -> tuple[list[int], list[int]]:
    """Have all engines end: those that did, and those that do when the calls are done that they have under way."""
    ended: list[int] = []
    ending: list[int] = []
    for number in processes():
        with contextlib.suppress(ProcessLookupError):
            (ended if _stopped(number) else ending).append(number)
    return ended, ending


def _stopped(number: int) -> bool:
    process = os.pidfd_open(number)
    try:
        signal.pidfd_send_signal(process, signal.SIGTERM)
        return bool(select.select([process], [], [], _PATIENCE)[0])
    finally:
        os.close(process)


def _listening(place: Path) -> Iterator[int]:
    for path in place.glob("*"):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
            channel.connect(str(path))
            number, _, _ = kind.peer(channel)
            if kind.is_own(channel) and _PROGRAM in Path(f"/proc/{number}/cmdline").read_bytes():
                yield number
