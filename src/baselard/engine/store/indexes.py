"""Layers that are not unpacked: their tar and an index over it, an EROFS image, mounted where others' files lie.

The directory of such a snapshot holds both, and the mount hides them. It is this process's own, since the engine has a
mount namespace to itself: whatever ends the process takes it along, and each process mounts what it looks at.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from baselard.engine.store import mounting

INDEX, TAR = "index", "tar"
_MS_RDONLY, _MS_NOSUID, _MS_NODEV = 1, 2, 4
_mutex = threading.Lock()
_shown: set[Path] = set()


def show(directory: Path) -> None:
    """See that the layer's files are seen in its directory. Raises OSError where the kernel mounts no such image."""
    with _mutex:
        if directory not in _shown and (directory / INDEX).exists():
            mount(directory, directory)
            _shown.add(directory)


def hide(directory: Path) -> None:
    """Take the mount away that ``show`` made, if it did: the directory is about to go."""
    with _mutex:
        if directory in _shown:
            _shown.remove(directory)
            with contextlib.suppress(OSError):  # another process has unpacked the layer meanwhile
                mounting.unmount(directory)


def hide_below(root: Path) -> None:
    """Take all mounts away that were made for the store at ``root``."""
    for directory in [path for path in _shown if root in path.parents]:
        hide(directory)


def mount(layer: Path, target: Path) -> None:
    """Mount the image in the directory ``layer``; by descriptors, as options know no commas. Raises OSError."""
    with _opened(layer / INDEX) as index, _opened(layer / TAR) as tar:
        flags = _MS_RDONLY | _MS_NOSUID | _MS_NODEV
        mounting.mount(f"/proc/self/fd/{index}", target, "erofs", flags, f"device=/proc/self/fd/{tar}")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
