"""Locks that processes hold in turn, and directories that are a process's as long as it lives.

A directory is its process's while the lock on the file beside it is held; the kernel gives a dead process's locks back
(flock(2)), so whoever can take one knows that the directory was left. Making one and looking for those left happen in
turn, else a directory just being made would look left.
"""

import contextlib
import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from baselard.engine.store import deep

_ALL = "all"  # held by whoever makes a directory or looks for those left
_F_OFD_SETLK = 37  # linux/fcntl.h


@dataclass(frozen=True)
class OwnedDir:
    """A directory of this process alone, until it is closed."""

    path: Path
    lock: IO[bytes]

    def close(self) -> None:
        """Remove the directory with all in it. What cannot be removed now counts as left."""
        deep.remove(self.path, ignore_errors=True)
        if not self.path.exists():
            _lock_path(self.path).unlink(missing_ok=True)
        self.lock.close()


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the file ``path`` alone among threads and processes; it is made where there is none. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def try_byte(fd: int, offset: int) -> bool:
    """Try a lock on one byte; such locks belong to the open file, so threads exclude each other too (fcntl(2))."""
    request = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, offset, 1, 0)
    try:
        fcntl.fcntl(fd, _F_OFD_SETLK, request)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def own(path: Path) -> OwnedDir:
    """Make the directory ``path`` this process's. Raises OSError."""
    with exclusive(path.parent / _ALL):
        lock = _lock_path(path).open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        path.mkdir(mode=0o711)
    return OwnedDir(path, lock)


def abandoned(root: Path) -> Iterator[OwnedDir]:
    """The directories below ``root`` whose processes died; each is this process's until it is closed."""
    for path in sorted(root.glob("*.lock")):
        with exclusive(root / _ALL):
            lock = _take(path, fcntl.LOCK_EX)
        if lock:
            yield OwnedDir(path.with_suffix(""), lock)


def living(root: Path) -> list[float]:
    """When each directory below ``root`` that a living process holds was made, this one's too (seconds, Unix time)."""
    made = []
    with exclusive(root / _ALL):
        for path in root.glob("*.lock"):
            with contextlib.suppress(FileNotFoundError):
                opened = path.stat().st_mtime
                if lock := _take(path, fcntl.LOCK_SH):
                    lock.close()
                else:
                    made.append(opened)
    return made


def _take(path: Path, kind: int) -> "IO[bytes] | None":
    """The locked file, or None when a living process holds it or it is gone."""
    try:
        lock = path.open("rb")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _lock_path(path: Path) -> Path:
    return path.with_suffix(".lock")
