"""A module that was imported ahead of the calls that use it: by the resident engine, for the forks of it."""

import contextlib
import fcntl
import os
import socket
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from baselard.engine.host.caller import Caller
from baselard.engine.modules import runner
from baselard.engine.modules.source import PythonModule

_PATIENCE = 30.0  # seconds for the import


@dataclass(frozen=True)
class Warm:
    """A runner for any number of engines: what it has imported, as whom, and the socket that engines are named by.

    Its process ends when the last copy of that socket is closed.
    """

    child: "subprocess.Popen[bytes]"
    digest: str
    interpreter: Path
    uid: int | None
    channel: socket.socket


_held: list[Warm] = []


def hold(warm: Warm) -> None:
    """Have this process and all that it forks know of it."""
    _held.append(warm)


def borrowed(source: PythonModule, interpreter: Path, user: Caller) -> socket.socket | None:
    """The socket of the runner that has imported just this; None where there is none, or it failed."""
    for warm in _held:
        if (warm.digest, warm.interpreter, warm.uid) == (source.digest, interpreter, user.uid) and _imported(warm):
            return warm.channel
    return None


def keep_above(number: int) -> None:
    """Have the sockets at descriptors higher than ``number``."""
    for index, warm in enumerate(_held):
        moved = fcntl.fcntl(warm.channel, fcntl.F_DUPFD_CLOEXEC, number + 1)
        os.close(warm.channel.detach())
        _held[index] = replace(warm, channel=socket.socket(fileno=moved))


def _imported(warm: Warm) -> bool:
    """Wait for the first message, which stays where it is, since others look at it too."""
    warm.channel.settimeout(_PATIENCE)
    with contextlib.suppress(OSError):
        return warm.channel.recv(runner.MESSAGE, socket.MSG_PEEK) == b"{}"
    return False
