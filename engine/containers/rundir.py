"""This process's directory below /run: it tells what the process holds of the machine, so that the next can clean up.

A directory is its process's as long as the lock on the file beside it is held, as with the store's work directories.
"""

import contextlib
import fcntl
import os
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine import snapshot
from engine.errors import HostError

_MS_NOSUID, _MS_NODEV = 2, 4
_mounting = threading.Lock()


@dataclass(frozen=True)
class RunDir:
    """An engine process's own directory; ``name`` is unique among those alive and short enough for an interface."""

    path: Path
    lock: IO[bytes]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def in_memory(self) -> Path:
        """A directory of its own on a tmpfs, for what must not reach a disk: programs' variables, secrets."""
        path = self.path / "memory"
        with _mounting:
            if not path.is_mount():
                path.mkdir(mode=0o711, exist_ok=True)
                snapshot.mount("tmpfs", path, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0711")
        return path

    def close(self) -> None:
        """Give the directory up; what it told of must be gone from the machine."""
        with contextlib.suppress(OSError):  # not mounted: nobody needed it, or it went with a dead process
            snapshot.unmount(self.path / "memory")
        shutil.rmtree(self.path, ignore_errors=True)
        _lock_path(self.path).unlink(missing_ok=True)
        self.lock.close()


def open_run_dir(root: Path | None = None) -> RunDir:
    """A new directory below ``root`` (/run/baselard). Raises HostError when that cannot be written."""
    root = root or default_root()
    path = root / uuid.uuid4().hex[:8]
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o711)
        with exclusive(root / "all"):
            lock = _lock_path(path).open("wb")
            fcntl.flock(lock, fcntl.LOCK_EX)
            path.mkdir(mode=0o711)
    except OSError as error:
        raise HostError(
            f"{root} cannot be used ({error.strerror}); set BASELARD_RUN to a directory that can"
        ) from error
    return RunDir(path, lock)


def default_root() -> Path:
    return Path(os.environ.get("BASELARD_RUN") or "/run/baselard")


def abandoned(root: Path | None = None) -> Iterator[RunDir]:
    """The directories of processes that died; each is ours until closed."""
    root = root or default_root()
    for path in sorted(root.glob("*.lock")):
        if lock := _left(path):
            yield RunDir(path.with_suffix(""), lock)


def _left(path: Path) -> IO[bytes] | None:
    """The lock of a dead process, now ours."""
    with exclusive(path.parent / "all"):  # else one that is just being made would look left
        try:
            lock = path.open("rb+")
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        return lock


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a file that engine processes hold in turn; it is made where there is none."""
    file = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _lock_path(path: Path) -> Path:
    return path.with_suffix(".lock")
