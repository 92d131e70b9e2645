"""A fork of the resident engine becomes the process that its client would have been, and runs the call."""

import atexit
import fcntl
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from baselard.engine.modules import warm
from baselard.resident import alone, words
from baselard.resident.words import HandedOver

_PATIENCE = 10.0  # seconds a client may take to hand over its call
CommandLine = Callable[[list[str]], int]
"""Runs a command line in this process; its exit code."""


class Prepared(NamedTuple):
    """A process that is ready to run calls. ``told`` is what a call had to make for itself, and another process, such
    as the one whose forks run further calls, has at hand once it did ``learn`` that."""

    command_line: CommandLine
    told: Callable[[], bytes]
    learn: Callable[[bytes], None]


_INTERRUPTED = 130


def run(channel: socket.socket, own_kind: bytes, prepared: Prepared, tell: int) -> None:
    """Run the call that comes by ``channel``, and tell its client the exit code.

    What is to be learnt of it is written to the descriptor ``tell``.
    """
    channel.settimeout(_PATIENCE)
    call, descriptors = words.take(channel)
    if call.kind != own_kind:
        return
    channel, tell = _become(call, descriptors, channel, tell)
    channel.settimeout(None)
    own = os.pidfd_open(os.getpid())
    socket.send_fds(channel, [words.TAKEN], [own])
    os.close(own)
    try:
        if channel.recv(1) != words.BEGIN:
            return
        code = _exit_code(prepared.command_line, call.argv)
    except alone.Needed:
        channel.send(words.ALONE)
        return
    except KeyboardInterrupt:
        code = _INTERRUPTED
    os.write(tell, prepared.told())  # before the client goes, which ends this process
    channel.send(words.ENDED + bytes([code & 0xFF]))


def _exit_code(command_line: CommandLine, argv: list[str]) -> int:
    """Run the command line, and end what an interpreter ends with it."""
    try:
        code = command_line(argv)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _become(
    call: HandedOver, descriptors: Sequence[int], channel: socket.socket, tell: int
) -> tuple[socket.socket, int]:
    """Have all that the client's process had; the channel and ``tell``, at numbers that are none of the client's."""
    above = max(call.descriptors) + 1
    warm.keep_above(above)
    moved = [_moved(number, above) for number in descriptors]
    channel, tell = socket.socket(fileno=_moved(channel.detach(), above)), _moved(tell, above)
    where, *given = moved
    for number, descriptor in zip(call.descriptors, given, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.fchdir(where)
    os.close(where)
    os.umask(call.umask)
    os.environb.clear()
    os.environb.update(call.environ)
    time.tzset()
    tempfile.tempdir = None
    for ignored in call.ignored:
        signal.signal(ignored, signal.SIG_IGN)
    sys.argv[1:] = call.argv
    sys.stdin = None  # made anew by who prepares the streams
    alone.handed_over()
    return channel, tell


def _moved(descriptor: int, above: int) -> int:
    found = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, above)
    os.close(descriptor)
    return found
