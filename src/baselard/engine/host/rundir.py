"""A process's directory below /run: it tells what the process holds of the machine, so that the next can clean up."""

import contextlib
import os
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import HostError
from baselard.engine.store import locks, mounting

_MS_NOSUID, _MS_NODEV = 2, 4
_mounting = threading.Lock()


@dataclass(frozen=True)
class RunDir:
    """An engine process's own directory; ``name`` is unique among those alive and short enough for an interface."""

    owned: locks.OwnedDir

    @property
    def path(self) -> Path:
        return self.owned.path

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
                mounting.mount("tmpfs", path, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0711")
        return path

    def close(self) -> None:
        """Give the directory up; what it told of must be gone from the machine."""
        with contextlib.suppress(OSError):  # not mounted: nobody needed it, or it went with a dead process
            mounting.unmount(self.path / "memory")
        self.owned.close()


def open_run_dir(root: Path | None = None) -> RunDir:
    """A new directory below ``root`` (/run/baselard). Raises HostError when that cannot be written."""
    root = root or default_root()
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o711)
        return RunDir(locks.own(root / uuid.uuid4().hex[:8]))
    except OSError as error:
        raise HostError(
            f"{root} cannot be used ({error.strerror}); set BASELARD_RUN to a directory that can"
        ) from error


def default_root() -> Path:
    return Path(os.environ.get("BASELARD_RUN") or "/run/baselard")


def abandoned(root: Path | None = None) -> Iterator[RunDir]:
    """The directories of processes that died; each is ours until closed."""
    return (RunDir(left) for left in locks.abandoned(root or default_root()))
