"""Whiteouts that delete nothing. overlayfs hides one only in a directory that it joins with one below; anywhere else a
listing shows the device that it is, though nothing is there for who asks by name."""

import contextlib
import os
from collections.abc import Iterator

from baselard.engine.files.inside import DIRECTORY, Names
from baselard.engine.images.layers.tree import Tree
from baselard.engine.store import fold


def drop_idle(lower: Tree, upper: Tree, names: Names) -> None:
    """Remove the whiteout ``names`` of ``upper`` when ``lower``, all that lies below it, shows nothing there."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), _directory(upper, names[:-1]) as here:
        is_whiteout = fold.is_whiteout(os.lstat(names[-1], dir_fd=here))
        if is_whiteout and not _hides(lower, upper, names):
            info = os.fstat(here)
            os.unlink(names[-1], dir_fd=here)
            os.utime(here, ns=(info.st_atime_ns, info.st_mtime_ns))


def _hides(lower: Tree, upper: Tree, names: Names) -> bool:
    """Whether something would show without the whiteout: every directory on the way is joined, and it is below."""
    for depth in range(1, len(names)):
        with _directory(upper, names[:depth]) as directory:
            if fold.is_opaque(f"/proc/self/fd/{directory}/."):
                return False
    try:
        with _directory(lower, names[:-1]) as below:
            os.lstat(names[-1], dir_fd=below)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


@contextlib.contextmanager
def _directory(tree: Tree, names: Names) -> Iterator[int]:
    """The directory ``names``, no link followed. Raises FileNotFoundError, NotADirectoryError when it is none."""
    directory = os.dup(tree.root)
    try:
        for name in names:
            below = os.open(name, DIRECTORY, dir_fd=directory)
            os.close(directory)
            directory = below
        yield directory
    finally:
        os.close(directory)
