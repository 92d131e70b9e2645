"""A call handed over to the resident engine: all that its process has goes along, the exit code comes back.

Imports nothing large. Whatever is in the way of handing over, the call is run here, as it would be without an engine.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import sys
import zlib

from baselard.resident import kind, words
from baselard.resident.words import HandedOver

TYPE_CHECKING = False  # typing itself would take a third of all that is loaded here
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

SERVED = frozenset({"call", "check", "compare", "functions", "history", "plan"})
"""Commands that end by themselves."""
VARIABLE = "BASELARD_NO_DAEMON"
LISTENER = 3
"""The descriptor by which an engine gets the socket that it is to listen on."""
_MOST_DESCRIPTORS = 200
_PASSED_ON = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT),
    *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH),
)
_PYTHONS_OWN = {signal.SIGPIPE, signal.SIGXFSZ}  # ignored by every interpreter
_FAILED = 1
_TRIES = 2  # the first may find an engine of another version, which leaves the place to a new one


def call(argv: Sequence[str]) -> int | None:
    """The exit code of a command line that a resident engine ran; None where it is to be run here."""
    if not wanted(argv, os.environ):
        return None
    for _ in range(_TRIES):
        with contextlib.ExitStack() as stack:
            handed = None
            with contextlib.suppress(OSError):
                handed = _handed_over(argv, stack)
            if handed:
                return _followed(*handed)
    return None


def wanted(argv: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether a command line is one for the resident engine: not in CI, nor where somebody wants none."""
    if environ.get(VARIABLE) or environ.get("CI", "") not in ("", "0", "false") or sys.platform != "linux":
        return False
    line = list(argv)
    while line[:1] == ["-C"]:
        del line[:2]
    return bool(line) and line[0] in SERVED and not environ.get("BASELARD_ENGINE")


def _handed_over(argv: Sequence[str], stack: contextlib.ExitStack) -> tuple[socket.socket, int] | None:
    """The channel to the process that runs the call, and that process's descriptor. Raises OSError."""
    numbers = _inherited()
    if numbers is None or not kind.is_shared():
        return None
    own_kind = kind.of_this_process()
    channel = _connected(own_kind, stack)
    if channel is None:
        return None
    where = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    stack.callback(os.close, where)
    ignored = [int(one) for one in signal.valid_signals() - _PYTHONS_OWN if signal.getsignal(one) is signal.SIG_IGN]
    umask = os.umask(0o77)
    os.umask(umask)
    words.hand_over(
        channel, HandedOver(own_kind, list(argv), dict(os.environb), umask, numbers, ignored), [where, *numbers]
    )
    said, processes, _, _ = socket.recv_fds(channel, 1, 1)
    return (channel, processes[0]) if said == words.TAKEN else None


def _inherited() -> list[int] | None:
    """The numbers of the descriptors that this process was given; None where they are too many, or a stream is closed.

    Called before any other is opened.
    """
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the directory itself
            if os.get_inheritable(int(name)):
                found.append(int(name))
    return sorted(found) if {0, 1, 2} <= {*found} and len(found) <= _MOST_DESCRIPTORS else None


def _connected(own_kind: bytes, stack: contextlib.ExitStack) -> socket.socket | None:
    """A connection to this kind's engine, which is started where there is none. Raises OSError."""
    place = kind.place(os.environ)
    with contextlib.suppress(FileExistsError):
        os.makedirs(os.path.dirname(place), 0o711, exist_ok=True)
        os.mkdir(place, 0o700)
    here = os.lstat(place)
    if here.st_mode != 0o40700 or here.st_uid != os.geteuid():
        return None
    path = f"{place}/{zlib.crc32(own_kind):08x}"
    channel = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    try:
        channel.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        _start(path)
        channel.connect(path)
    return channel if kind.is_own(channel) else None


def _start(path: str) -> None:
    """Start an engine that listens at ``path``, unless another process just did. Raises OSError."""
    with locked(path), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            other.connect(path)
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        before = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(before)
        listener.listen()
        _spawn(listener, path)


def _spawn(listener: socket.socket, path: str) -> None:
    """Begin the engine's process: in a session of its own, with none of this call's terminal, files or variables."""
    streams = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-I" if sys.flags.isolated else "-P", "-m", "baselard.cli.resident", path],
        {"PATH": os.environ.get("PATH", os.defpath), "HOME": os.environ.get("HOME", "/"), **kind.variables(os.environ)},
        file_actions=[*streams, (os.POSIX_SPAWN_DUP2, listener.fileno(), LISTENER)],
        setsid=True,
        setsigmask=(),
        setsigdef=signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP},
    )


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Hold what only one process may do about the socket at ``path`` at a time. Raises OSError."""
    lock = os.open(f"{path}.lock", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _followed(channel: socket.socket, process: int) -> int | None:
    """Pass signals on until the call ends; its exit code, or None where it turned out to need this very process."""
    before = _passing_on(process)
    said, value = _answer(channel)
    for number, handler in before.items():
        signal.signal(number, handler)
    os.close(process)
    if said == words.ALONE:
        return None
    if not value:
        sys.stderr.write("baselard: the resident engine was killed, and this call with it; run it again\n")
        return _FAILED
    if said == words.KILLED:
        with contextlib.suppress(OSError):  # of one that cannot be handled
            signal.signal(value[0], signal.SIG_DFL)
        os.kill(os.getpid(), value[0])
    return value[0]


def _answer(channel: socket.socket) -> tuple[bytes, bytes]:
    """How the call ended, and the number that belongs to it; nothing where nobody could say it any more."""
    with contextlib.suppress(OSError):
        channel.send(words.BEGIN)
        said = channel.recv(1)
        return said, channel.recv(1) if said in (words.ENDED, words.KILLED) else b""
    return b"", b""


def _passing_on(process: int) -> dict[signal.Signals, Any]:
    """Have this process's signals reach the call's; what they did before."""

    def pass_on(number: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, number)

    def stop(*_: object) -> None:
        pass_on(signal.SIGSTOP, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        pass_on(signal.SIGCONT, None)

    handlers: dict[signal.Signals, Any] = {**dict.fromkeys(_PASSED_ON, pass_on), signal.SIGTSTP: stop}
    return {
        number: signal.signal(number, handler)
        for number, handler in handlers.items()
        if signal.getsignal(number) is not signal.SIG_IGN
    }
