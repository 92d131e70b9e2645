"""Mount points that the OCI runtime makes in a root file system, and their removal when the container is gone.

An image without /etc/hosts must not get an empty one from a run. What was there before stays as it was; what the
program put there stays too. The program could leave links where directories were, so nothing here goes by a path.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files import inside
from baselard.engine.files.inside import Names, Reached
from baselard.engine.store import overlay

Touched = dict[str, os.stat_result]
"""Directories, by their path in the mounted tree, and how they were before."""


@dataclass(frozen=True)
class _Directory:
    """A directory that mount points are made in: a descriptor of it, and how it looked before the run."""

    descriptor: int
    status: os.stat_result
    entries: frozenset[str]


@contextlib.contextmanager
def cleaned(rootfs: Path, targets: Iterable[str]) -> Iterator[Touched]:
    """Remove, after the block, what was made below ``rootfs`` only for mounts at ``targets``; times are put back.

    Gives the directories that overlayfs may have copied for it, for ``prune``. Raises UserError where a file stands in
    the way of a mount.
    """
    with contextlib.ExitStack() as stack:
        root = stack.enter_context(inside.opened(rootfs))
        missing = {found for target in targets if (found := _missing(root, target))}
        parents = {names: _held(stack, root, names) for names in {names for names, _ in missing}}
        for names, rest in missing:
            _make_way(parents[names].descriptor, rest[:-1])
        try:
            yield {path: info for names in parents for path, info in _way(rootfs, root, names)}
        finally:
            ended = {names: os.fstat(parent.descriptor) for names, parent in parents.items()}
            for names, rest in sorted(missing, reverse=True):
                _remove_stub(parents[names].descriptor, rest)
            for names, parent in parents.items():
                with contextlib.suppress(FileNotFoundError):  # the program has removed it
                    unchanged = parent.entries == set(os.listdir(parent.descriptor))
                    _put_back(parent.descriptor, parent.status if unchanged else ended[names])


def prune(merged: Path, upper: Path, touched: Touched) -> None:
    """Remove from an overlay's upper directory what it holds only because a mount point was made and removed there.

    Those are empty copies of ``touched`` directories. Nobody may look at the mounted tree any more.
    """
    for path in sorted(touched, key=len, reverse=True):
        within = os.path.relpath(path, merged)
        if within != "." and not within.startswith(".."):
            with contextlib.suppress(OSError):  # no directory of that path was copied
                _prune(upper, inside.names_of(within), touched[path])


def unchanged(before: os.stat_result, after: os.stat_result) -> bool:
    """Whether a directory is as it was, but for what is in it."""
    return all(getattr(before, name) == getattr(after, name) for name in _OWN)


_OWN = ("st_mode", "st_uid", "st_gid", "st_mtime_ns")


def _missing(root: int, target: str) -> tuple[Names, Names] | None:
    """The directory that something has to be made in for a mount at ``target``, and what is missing there."""
    with inside.reached(root, target) as place:
        found = place.status() if place.rest else None
        if found and len(place.rest) > 1:
            raise UserError(f"the container cannot start: {_in_the_way(place, target)}")
        return None if found or not place.rest else (place.names, place.rest)


def _make_way(parent: int, names: Names) -> None:
    """Make the directories that lead to a mount point, as runc does; crun would give them another mode (01755)."""
    for depth, name in enumerate(names):
        with inside.opened(parent, names[:depth]) as directory, contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=directory)


def _in_the_way(place: Reached, target: str) -> str:
    path = os.fsdecode(b"/".join((*place.names, place.rest[0])))
    return f"/{path} is not a directory, and {target} is mounted there"


def _held(stack: contextlib.ExitStack, root: int, names: Names) -> _Directory:
    descriptor = stack.enter_context(inside.opened(root, names))
    return _Directory(descriptor, os.fstat(descriptor), frozenset(os.listdir(descriptor)))


def _way(rootfs: Path, root: int, names: Names) -> Iterator[tuple[str, os.stat_result]]:
    """The directories that lead to ``names``, itself too, without the root."""
    for depth in range(1, len(names) + 1):
        with inside.opened(root, names[:depth]) as directory:
            yield os.path.join(rootfs, os.fsdecode(b"/".join(names[:depth]))), os.fstat(directory)


def _remove_stub(parent: int, rest: Names) -> None:
    """Remove an empty file or directory and the directories made for it, as long as they are empty."""
    with contextlib.suppress(OSError):
        with contextlib.suppress(FileNotFoundError), inside.opened(parent, rest[:-1]) as directory:
            found = os.lstat(rest[-1], dir_fd=directory)
            if stat.S_ISDIR(found.st_mode):
                os.rmdir(rest[-1], dir_fd=directory)
            elif stat.S_ISREG(found.st_mode) and not found.st_size:
                os.unlink(rest[-1], dir_fd=directory)
        for depth in range(len(rest) - 1, 0, -1):
            with inside.opened(parent, rest[: depth - 1]) as directory:
                os.rmdir(rest[depth - 1], dir_fd=directory)


def _prune(upper: Path, names: Names, before: os.stat_result) -> None:
    with inside.opened(upper) as top, inside.opened(top, names[:-1]) as parent:
        if _is_bare_copy(parent, names[-1], before):
            status = os.fstat(parent)
            os.rmdir(names[-1], dir_fd=parent)
            _put_back(parent, status)


def _is_bare_copy(parent: int, name: bytes, before: os.stat_result) -> bool:
    with inside.opened(parent, (name,)) as directory:
        return not overlay.is_opaque(directory) and not os.listdir(directory) and unchanged(before, os.fstat(directory))


def _put_back(directory: int, status: os.stat_result) -> None:
    os.utime(directory, ns=(status.st_atime_ns, status.st_mtime_ns))
