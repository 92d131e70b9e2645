"""Mount points that the OCI runtime makes in a root file system, and their removal when the container is gone.

An image without /etc/hosts must not get an empty one from a run. What was there before stays as it was; what the
program put there stays too.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files import paths

Touched = dict[str, os.stat_result]
"""Directories, by their path in the mounted tree, and how they were before."""


@dataclass(frozen=True)
class _Directory:
    """How a directory looked before the run."""

    status: os.stat_result
    names: frozenset[str]


@contextlib.contextmanager
def cleaned(rootfs: Path, targets: Iterable[str]) -> Iterator[Touched]:
    """Remove, after the block, what was made below ``rootfs`` only for mounts at ``targets``; times are put back.

    Gives the directories that overlayfs may have copied for it, for ``prune``. Raises UserError where a file stands in
    the way of a mount.
    """
    resolved = {paths.resolve(rootfs, target) for target in targets}
    missing = {path: _first_missing(rootfs, path) for path in resolved if not paths.mode(paths.under(rootfs, path))}
    parents = {_directory(rootfs, first) for first in missing.values()}
    before = {parent: _Directory(os.stat(parent), frozenset(os.listdir(parent))) for parent in parents}
    try:
        yield {up: os.stat(up) for parent in parents for up in _upwards(parent, os.fspath(rootfs))}
    finally:
        ended = {parent: os.stat(parent) for parent in parents if os.path.isdir(parent)}
        for path, first in sorted(missing.items(), reverse=True):
            _remove_stub(rootfs, path, first)
        for parent, status in ended.items():
            unchanged = before[parent].names == set(os.listdir(parent))
            _put_back(parent, before[parent].status if unchanged else status)


def prune(merged: Path, upper: Path, touched: Touched) -> None:
    """Remove from an overlay's upper directory what it holds only because a mount point was made and removed there.

    Those are empty copies of ``touched`` directories. Nobody may look at the mounted tree any more.
    """
    for path in sorted(touched, key=len, reverse=True):
        inside = os.path.relpath(path, merged)
        copy = os.fspath(upper / inside)
        if inside != "." and not inside.startswith("..") and _is_bare_copy(copy, touched[path]):
            parent = os.path.dirname(copy)
            status = os.stat(parent)
            os.rmdir(copy)
            _put_back(parent, status)


def unchanged(before: os.stat_result, after: os.stat_result) -> bool:
    """Whether a directory is as it was, but for what is in it."""
    return all(getattr(before, name) == getattr(after, name) for name in _OWN)


_OWN = ("st_mode", "st_uid", "st_gid", "st_mtime_ns")


def _is_bare_copy(path: str, before: os.stat_result) -> bool:
    try:
        opaque = "trusted.overlay.opaque" in os.listxattr(path)
        return not opaque and not os.listdir(path) and unchanged(before, os.stat(path))
    except OSError:
        return False


def _upwards(path: str, root: str) -> Iterator[str]:
    while path != root:
        yield path
        path = os.path.dirname(path)


def _first_missing(rootfs: Path, relative: str) -> str:
    """The uppermost part of the path that is not there."""
    first = relative
    while (parent := os.path.dirname(first)) and not paths.mode(paths.under(rootfs, parent)):
        first = parent
    return first


def _directory(rootfs: Path, missing: str) -> str:
    """The directory that what is missing will be made in."""
    inside = os.path.dirname(missing)
    if not os.path.isdir(found := paths.under(rootfs, inside)):
        raise UserError(f"the container cannot start: /{inside} is not a directory, and /{missing} is mounted there")
    return found


def _remove_stub(rootfs: Path, relative: str, first: str) -> None:
    """Remove an empty file or directory and the directories made for it, as long as they are empty."""
    with contextlib.suppress(OSError):
        path = paths.under(rootfs, relative)
        found = os.lstat(path)
        if stat.S_ISDIR(found.st_mode):
            os.rmdir(path)
        elif stat.S_ISREG(found.st_mode) and not found.st_size:
            os.unlink(path)
        while relative != first:
            relative = os.path.dirname(relative)
            os.rmdir(paths.under(rootfs, relative))


def _put_back(directory: str, status: os.stat_result) -> None:
    os.utime(directory, ns=(status.st_atime_ns, status.st_mtime_ns))
