"""The only module that starts programs: argv tuples, never shell strings; whoever is called off kills its child."""

import contextlib
import contextvars
import os
import selectors
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from baselard.engine.errors import HostError, ProcessError
from baselard.engine.solver import cancel

STDOUT, STDERR = 1, 2
OnOutput = Callable[[int, bytes], None]
"""Receives what a program writes, in order: the stream (STDOUT or STDERR) and the bytes."""

Input = bytes | IO[bytes]

_CHUNK = 1 << 16


@dataclass(frozen=True)
class Completed:
    """A program that ended. ``code`` is negative for a signal; streams are empty when they went to ``on_output``."""

    argv: tuple[str, ...]
    code: int
    stdout: bytes = b""
    stderr: bytes = b""


def run(  # noqa: PLR0913
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: Input = b"",
    on_output: OnOutput | None = None,
    check: bool = True,
    timeout: float | None = None,
    pass_fds: Sequence[int] = (),
) -> Completed:
    """Run a program to its end.

    Without ``on_output`` both streams are kept and come back. Raises ProcessError on a non-zero exit code when
    ``check``, HostError when the program is not there, Cancelled when the work is called off, TimeoutError after
    ``timeout`` seconds; in the last two cases the program has been killed.
    """
    kept: dict[int, list[bytes]] = {STDOUT: [], STDERR: []}
    sink = on_output or (lambda stream, data: kept[stream].append(data))
    child = spawn(argv, cwd=cwd, env=env, stdin=stdin, pass_fds=pass_fds)
    with child, _Ending(child) as ending, ending.when_cancelled(), ending.after(timeout) as expired:
        try:
            pump(child, sink, ending.fd)
            child.wait()
        except BaseException:
            kill(child)
            raise
    cancel.current().check()
    if expired.is_set():
        raise TimeoutError(f"{argv[0]}: not done after {timeout} s")
    streams = (b"".join(kept[STDOUT]), b"".join(kept[STDERR]))
    completed = Completed(tuple(map(str, argv)), child.returncode, *streams)
    if check and completed.code:
        raise ProcessError(completed.argv, completed.code, completed.stderr + completed.stdout)
    return completed


def run_regardless(argv: Sequence[str | Path]) -> Completed:
    """Run a program that cleans up: to its end even if the work was called off, whatever its exit code."""
    return contextvars.Context().run(run, argv, check=False)


def spawn(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: Input = b"",
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own, both streams on pipes; the caller pumps and waits.

    A group of its own, so that a Ctrl-C at the terminal reaches the engine alone. Raises HostError when the program
    is not there.
    """
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(_memory_file(stdin)) if isinstance(stdin, bytes) and stdin else stdin
        try:
            return subprocess.Popen(
                tuple(map(str, argv)),
                cwd=cwd,
                env=env,
                stdin=source or subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                process_group=0,
                pass_fds=pass_fds,
            )
        except (FileNotFoundError, PermissionError) as error:  # the latter where PATH has what is closed to this user
            if isinstance(error, PermissionError) and which(str(argv[0])):
                raise
            raise HostError(f"the program {argv[0]} is not installed") from error


def attach(argv: Sequence[str | Path], terminal: int) -> int:
    """Run a program that has the user's terminal to itself until it ends; its exit code, negative for a signal.

    It stays in this process's group, the terminal's foreground. Raises Cancelled when the work is called off.
    """
    with (
        subprocess.Popen(tuple(map(str, argv)), stdin=terminal, stdout=terminal, stderr=terminal) as child,
        cancel.current().on_cancel(child.kill),
    ):
        child.wait()
    cancel.current().check()
    return child.returncode


def pump(child: subprocess.Popen[bytes], sink: OnOutput, ending: int = -1) -> None:
    """Hand what the child writes to ``sink`` until it has closed both streams, or ``ending`` can be read.

    Somebody else may hold the streams open when the child has gone: what it started, in a group of its own.
    """
    with selectors.DefaultSelector() as selector:
        for stream, pipe in ((STDOUT, child.stdout), (STDERR, child.stderr)):
            if pipe:
                selector.register(pipe, selectors.EVENT_READ, stream)
        if ending >= 0:
            selector.register(ending, selectors.EVENT_READ)
        while len(selector.get_map()) > (ending >= 0):
            for ready, _ in selector.select():
                if ready.fd == ending:
                    return
                data = os.read(ready.fd, _CHUNK)
                if data:
                    sink(ready.data, data)
                else:
                    selector.unregister(ready.fileobj)


def kill(child: subprocess.Popen[bytes], number: signal.Signals = signal.SIGKILL) -> None:
    """Signal the child's process group; no harm if it has ended."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)


def which(program: str) -> str | None:
    """The path of a program of the host, or None; sbin is looked at too."""
    return shutil.which(program, path=os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin")


@dataclass
class _Ending:
    """Ends a child before its time; ``fd`` can be read from then on, for nobody shall wait for its streams' end."""

    child: subprocess.Popen[bytes]
    fd: int = field(default_factory=partial(os.eventfd, 0))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> "_Ending":
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:  # another thread may be about to write, by a number that is soon another file's
            os.close(self.fd)
            self.fd = -1

    def when_cancelled(self) -> contextlib.AbstractContextManager[None]:
        """Come to this when the work is called off inside the block."""
        return cancel.current().on_cancel(self._come)

    @contextlib.contextmanager
    def after(self, seconds: float | None) -> Iterator[threading.Event]:
        """Come to this after so long inside the block, if at all; the event tells whether it has."""
        expired = threading.Event()
        if seconds is None:
            yield expired
            return

        def expire() -> None:
            expired.set()
            self._come()

        timer = threading.Timer(seconds, expire)
        timer.start()
        try:
            yield expired
        finally:
            timer.cancel()

    def _come(self) -> None:
        kill(self.child)
        with self._lock:
            if self.fd >= 0:
                os.eventfd_write(self.fd, 1)


@contextlib.contextmanager
def _memory_file(content: bytes) -> Iterator[IO[bytes]]:
    """Standard input from memory: a file, so nobody need feed a pipe."""
    with os.fdopen(os.memfd_create("stdin"), "w+b") as file:
        file.write(content)
        file.seek(0)
        yield file
